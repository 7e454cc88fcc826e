/** What the named paths and -o mean: a stream, one file, or many. */
import { stat } from 'node:fs/promises';
import { isFsError, withFsErrors } from '../platform/fs-error.ts';
import { usage } from './errors.ts';

/** The name that stands for standard input and output. */
export const STANDARD = '-';

export type FilePlan =
  | { readonly kind: 'stream'; readonly source: string; readonly out: string }
  | { readonly kind: 'file'; readonly source: string; readonly target: string }
  | { readonly kind: 'tree'; readonly sources: readonly string[]; readonly targetFolder?: string };

export interface PlanOptions {
  readonly paths: readonly string[];
  readonly out?: string | undefined;
  readonly json: boolean;
}

/**
 * Tells a stream, one file with a name for its output, and everything else apart.
 *
 * @throws KeyStoreError USAGE where a stream is one of several paths, or would share standard output with the answer; FILE_NOT_FOUND.
 */
export async function planFiles({ paths, out, json }: PlanOptions): Promise<FilePlan> {
  const plan = await choosePlan(paths, out);
  if (json && plan.kind === 'stream' && plan.out === STANDARD)
    throw usage('the answer and the data would both go to standard output', 'give a file with -o');
  return plan;
}

async function choosePlan(paths: readonly string[], out: string | undefined): Promise<FilePlan> {
  const [source = STANDARD] = paths;
  if (paths.length > 1 && (paths.includes(STANDARD) || out === STANDARD))
    throw usage('- stands for one stream', 'give one PATH, or a folder with -o');
  if (source === STANDARD) return { kind: 'stream', source, out: out ?? STANDARD };
  if (out === undefined) return { kind: 'tree', sources: paths };
  const isFolder =
    paths.length === 1 && (await withFsErrors(source, () => stat(source))).isDirectory();
  if (out === STANDARD) {
    if (isFolder) throw usage('a folder cannot go to standard output', 'give a folder with -o');
    return { kind: 'stream', source, out };
  }
  if (paths.length > 1 || isFolder || /[\\/]$/u.test(out) || (await isExistingFolder(out)))
    return { kind: 'tree', sources: paths, targetFolder: out };
  return { kind: 'file', source, target: out };
}

async function isExistingFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (isFsError(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}
