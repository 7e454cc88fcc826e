/** Finding the files under the paths that a user named. Nothing is written to, links are not followed. */
import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { KeyStoreError } from '../errors.ts';
import { withFsErrors } from '../platform/fs-error.ts';

/** What was a regular file when its folder was read. */
export interface FoundFile {
  readonly path: string;
}

/** A regular file. */
export interface SourceFile extends FoundFile {
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
  /** Permission bits. */
  readonly mode: number;
}

/** What is under the paths and is not looked into. */
export interface SkippedPath {
  readonly path: string;
  readonly reason: 'symbolic-link' | 'special-file' | 'unreadable' | 'too-deep';
}

export interface SourceFilesOptions {
  /** Folders that are not entered: the home, and where outputs go. */
  readonly avoid?: readonly string[];
  readonly signal?: AbortSignal;
}

/**
 * The paths without those that lie in another one of them, by whatever name: nothing is looked at twice.
 *
 * @throws KeyStoreError FILE_NOT_FOUND, PERMISSION_DENIED.
 */
export async function sourceRoots(paths: readonly string[]): Promise<string[]> {
  const real: string[] = [];
  for (const path of paths) real.push(await withFsErrors(path, () => realpath(path)));
  return paths.filter((_, i) => {
    const own = real[i]!;
    return !real.some((other, j) => isBelow(own, other) || (other === own && j < i));
  });
}

/**
 * Goes through files and folders in the order of their names.
 *
 * Paths that the user named may be symbolic links; those that are found below are reported, and so is what cannot be read.
 *
 * @throws KeyStoreError FILE_NOT_FOUND, PERMISSION_DENIED, FILE_WRONG_TYPE for a path that was named; CANCELLED.
 */
export async function* sourceFiles(
  paths: readonly string[],
  { avoid = [], signal }: SourceFilesOptions = {},
): AsyncGenerator<FoundFile | SkippedPath, void, undefined> {
  const avoided = new Set(avoid.map((path) => resolve(path)));
  for (const path of paths) {
    const stats = await withFsErrors(path, () => stat(path));
    if (stats.isDirectory()) yield* inFolder(path, { avoided, signal, depth: 0 });
    else if (stats.isFile()) yield { path };
    else throw new KeyStoreError('FILE_WRONG_TYPE', `${path} is neither a file nor a folder`);
  }
}

export function isSkipped(found: FoundFile | SkippedPath): found is SkippedPath {
  return 'reason' in found;
}

/** Whether a path lies in a folder, at any depth. */
export function isBelow(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

interface Walk {
  readonly avoided: ReadonlySet<string>;
  readonly signal: AbortSignal | undefined;
  readonly depth: number;
}

async function* inFolder(
  folder: string,
  walk: Walk,
): AsyncGenerator<FoundFile | SkippedPath, void, undefined> {
  if (walk.avoided.has(resolve(folder))) return;
  if (walk.depth === MAX_DEPTH) {
    yield { path: folder, reason: 'too-deep' };
    return;
  }
  let entries: Dirent[];
  try {
    entries = await readdir(folder, { withFileTypes: true });
  } catch {
    yield { path: folder, reason: 'unreadable' };
    return;
  }
  for (const entry of entries.toSorted(byName)) {
    if (walk.signal?.aborted) throw new KeyStoreError('CANCELLED');
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* inFolder(path, { ...walk, depth: walk.depth + 1 });
    else if (entry.isSymbolicLink()) yield { path, reason: 'symbolic-link' };
    else if (!entry.isFile()) yield { path, reason: 'special-file' };
    else yield { path };
  }
}

function byName(a: Dirent, b: Dirent): number {
  if (a.name === b.name) return 0;
  return a.name < b.name ? -1 : 1;
}

/** Deeper than any profile of Windows, whose paths have 260 characters. */
const MAX_DEPTH = 64;
