/** Running over files that were named: results, failures and progress as they come. */
import { stat } from 'node:fs/promises';
import type { FileResult, LongWork, SkipReason } from '../encrypt-file.ts';
import { KeyStoreError } from '../errors.ts';
import { isFsError, withFsErrors } from '../platform/fs-error.ts';
import type { CommandContext } from './context.ts';
import { usage } from './errors.ts';
import { Progress } from './progress.ts';
import { STANDARD } from './stream-work.ts';

/** How the named paths and -o are meant. */
export type FilePlan =
  | { readonly kind: 'stream'; readonly source: string; readonly out: string | undefined }
  | { readonly kind: 'file'; readonly source: string; readonly target: string }
  | { readonly kind: 'tree'; readonly sources: readonly string[]; readonly targetFolder?: string };

/**
 * Tells a stream, one file with a name for its output, and everything else apart.
 *
 * @throws KeyStoreError USAGE where standard input is one of several paths, or `-o -` is for several; FILE_NOT_FOUND.
 */
export async function planFiles(
  paths: readonly string[],
  out: string | undefined,
): Promise<FilePlan> {
  const [source = STANDARD] = paths;
  if (paths.length > 1 && (paths.includes(STANDARD) || out === STANDARD))
    throw usage('- stands for one stream', 'give one PATH, or a folder with -o');
  if (source === STANDARD) return { kind: 'stream', source, out };
  if (out === undefined) return { kind: 'tree', sources: paths };
  const isFolder = paths.length === 1 && (await stats(source)).isDirectory();
  if (out === STANDARD) {
    if (isFolder) throw usage('a folder cannot go to standard output', 'give a folder with -o');
    return { kind: 'stream', source, out };
  }
  if (paths.length > 1 || isFolder || /[\\/]$/u.test(out) || (await isExistingFolder(out)))
    return { kind: 'tree', sources: paths, targetFolder: out };
  return { kind: 'file', source, target: out };
}

/** What became of many files. */
export interface FileTally {
  readonly done: number;
  readonly failed: number;
  readonly skipped: number;
}

/**
 * Goes through the results of a run over files; reports failures, and prints results with --json.
 *
 * @param named - Paths that the user named: leaving one of these out is a failure.
 */
export async function followFiles<Done extends object>(
  context: CommandContext,
  named: readonly string[],
  run: (work: Required<LongWork>) => AsyncIterable<FileResult<Done>>,
): Promise<FileTally> {
  let [done, failed, skipped] = [0, 0, 0];
  using progress = new Progress(context, 'files');
  const work = {
    signal: context.signal,
    onProgress: ({ path, bytesDone, bytesTotal }) =>
      progress.update({ name: path, bytes: bytesDone, bytesTotal }),
  } satisfies LongWork;
  for await (const result of run(work)) {
    const { source } = result;
    switch (result.status) {
      case 'done':
        done++;
        progress.update({ name: source, done });
        if (context.output.json)
          context.output.result({ source, target: result.target, ...result.file }, '');
        break;
      case 'skipped':
        if (named.includes(source)) {
          failed++;
          context.fail(leftOut(source, result.reason), { source });
          break;
        }
        skipped++;
        if (TOLD.includes(result.reason))
          context.failures.warn(`${source}: left out, ${WHY[result.reason]}`);
        break;
      case 'failed':
        failed++;
        context.fail(result.error, { source });
        break;
    }
  }
  return { done, failed, skipped };
}

/** One line for people when many files are done. */
export function describeTally(verb: string, { done, failed, skipped }: FileTally): string {
  const parts = [`${verb} ${done} ${done === 1 ? 'file' : 'files'}`];
  if (failed > 0) parts.push(`${failed} failed`);
  if (skipped > 0) parts.push(`${skipped} left out`);
  return parts.join(', ');
}

const WHY: Record<SkipReason, string> = {
  'symbolic-link': 'a symbolic link',
  'special-file': 'neither a file nor a folder',
  'already-encrypted': 'it is encrypted already',
  'not-encrypted': 'its name does not end in .cask',
};
/** Files of the other kind in a folder are no surprise; what would be missing from a backup is. */
const TOLD: readonly SkipReason[] = ['symbolic-link', 'special-file'];

function leftOut(path: string, reason: SkipReason): KeyStoreError {
  return reason === 'not-encrypted'
    ? usage(`${path}: ${WHY[reason]}`, 'say with -o where the output belongs')
    : new KeyStoreError('FILE_WRONG_TYPE', `${path}: ${WHY[reason]}`);
}

function stats(path: string) {
  return withFsErrors(path, () => stat(path));
}

async function isExistingFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (isFsError(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}
