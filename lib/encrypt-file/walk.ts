/** Finding the files under the paths that a user named, and where each one's output belongs. */
import type { Dirent, Stats } from 'node:fs';
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { TEMPORARY_PREFIX } from '../platform/durable-file.ts';
import { fsError, withFsErrors } from '../platform/fs-error.ts';
import { makeFolder } from '../platform/make-folder.ts';

/** Why a path was left out. */
export type SkipReason =
  | 'symbolic-link'
  | 'special-file'
  /** Ends in `.cask`, or is what a killed run left behind. */
  | 'already-encrypted'
  /** Does not end in `.cask`. */
  | 'not-encrypted';

/** What the walk came upon. */
export type Found =
  | { readonly type: 'file'; readonly source: string; readonly target: string }
  | { readonly type: 'skipped'; readonly source: string; readonly reason: SkipReason }
  | { readonly type: 'failed'; readonly source: string; readonly error: unknown };

export interface WalkOptions {
  /** Where outputs go: one folder is mirrored as it, several paths each keep their last part below it. Undefined: beside their sources. */
  readonly targetFolder: string | undefined;
  /** Name of the output, or why there is none. `named` where the user gave this very path. */
  outputName(name: string, named: boolean): { readonly name: string } | SkipReason;
}

/**
 * Goes through files and folders, deepest names last, in the order of their names.
 *
 * Paths that the user named may be symbolic links; those that are found below are reported, never followed. Folders of the output are made when
 * they are entered, as open as their source. The output's own folder is not entered.
 *
 * @yields {Found} Each file, and each path that is left out.
 */
export async function* walk(
  sources: readonly string[],
  options: WalkOptions,
): AsyncGenerator<Found, void, undefined> {
  const { targetFolder } = options;
  if (targetFolder !== undefined) await withFsErrors(targetFolder, () => makeFolder(targetFolder));
  const avoid = targetFolder === undefined ? undefined : await realpath(targetFolder);
  for (const source of sources) {
    const stats = await orFailure(source, () => stat(source));
    if ('failure' in stats) {
      yield stats.failure;
      continue;
    }
    const kind = stats.value;
    const folder = targetFolder ?? dirname(source);
    const name = basename(resolve(source));
    const whole = kind.isDirectory() && (targetFolder === undefined || sources.length === 1);
    const mirror = whole ? (targetFolder ?? source) : join(folder, name);
    yield* visit({ source, name, folder, mirror, named: true, kind }, { ...options, avoid });
  }
}

interface Visit {
  readonly source: string;
  readonly name: string;
  /** Where its output belongs, if it is a file. */
  readonly folder: string;
  /** What it becomes, if it is a folder. */
  readonly mirror: string;
  readonly named: boolean;
  readonly kind: Stats | Dirent;
}

interface VisitOptions extends WalkOptions {
  /** Real path of the output's folder. */
  readonly avoid: string | undefined;
}

async function* visit(at: Visit, options: VisitOptions): AsyncGenerator<Found, void, undefined> {
  const { source, name, folder, named, kind } = at;
  if (kind.isDirectory()) {
    yield* visitFolder(at, options);
  } else if (kind.isFile()) {
    const output = name.startsWith(TEMPORARY_PREFIX)
      ? 'already-encrypted'
      : options.outputName(name, named);
    if (typeof output === 'string') yield { type: 'skipped', source, reason: output };
    else yield { type: 'file', source, target: join(folder, output.name) };
  } else {
    const reason = kind.isSymbolicLink() ? 'symbolic-link' : 'special-file';
    yield { type: 'skipped', source, reason };
  }
}

async function* visitFolder(
  { source, mirror, named }: Visit,
  options: VisitOptions,
): AsyncGenerator<Found, void, undefined> {
  const entries = await orFailure(source, async () => {
    if (!named && (await isOutput(source, options.avoid))) return [];
    const found = await readdir(source, { withFileTypes: true });
    if (mirror !== source && found.length > 0) await makeLike(mirror, source);
    return found.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  });
  if ('failure' in entries) {
    yield entries.failure;
    return;
  }
  for (const kind of entries.value) {
    const { name } = kind;
    const [path, within] = [join(source, name), join(mirror, name)];
    const inside = { source: path, name, folder: mirror, mirror: within, named: false, kind };
    yield* visit(inside, options);
  }
}

async function isOutput(folder: string, avoid: string | undefined): Promise<boolean> {
  return avoid !== undefined && (await realpath(folder)) === avoid;
}

/** A folder that others can enter no more than they can enter `source`. */
async function makeLike(target: string, source: string): Promise<void> {
  const { mode } = await lstat(source);
  await makeFolder(target, (mode & 0o777) | OWNER);
}

const OWNER = 0o700;

type Outcome<T> = { readonly value: T } | { readonly failure: Found };

/** One folder that cannot be read does not stop the rest. */
async function orFailure<T>(source: string, work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    return { failure: { type: 'failed', source, error: fsError(error, source) } };
  }
}
