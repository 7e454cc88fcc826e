/** Carrying out a plan over files: results, failures and progress as they come. */
import process from 'node:process';
import type { Chunks, FileResult, LongWork, SkipReason } from '../encrypt-file.ts';
import { KeyStoreError } from '../errors.ts';
import type { CommandContext } from './context.ts';
import { about, usage } from './errors.ts';
import { STANDARD, type FilePlan } from './file-plan.ts';
import { Progress } from './progress.ts';
import { readChunks, writeChunks } from './stream-work.ts';

/** Encrypting or decrypting, in its three forms. */
export interface FileWork<Done extends object> {
  /** For the remark at the end: `encrypted`. */
  readonly verb: string;
  /** Permissions of an output that comes from a stream. */
  readonly mode: number;
  readonly overwrite: boolean;
  stream(source: Chunks, work: LongWork): AsyncIterable<Uint8Array>;
  file(source: string, target: string, work: LongWork): Promise<Done>;
  tree(
    sources: readonly string[],
    targetFolder: { targetFolder?: string },
    work: LongWork,
  ): AsyncIterable<FileResult<Done>>;
}

export async function carryOut<Done extends object>(
  context: CommandContext,
  plan: FilePlan,
  work: FileWork<Done>,
): Promise<void> {
  const { output, signal } = context;
  const isTypedOut = plan.kind === 'stream' && plan.out === STANDARD && process.stdout.isTTY;
  using progress = new Progress(context, 'files', !isTypedOut);
  const long: LongWork = {
    signal,
    onProgress: ({ path, bytesDone, bytesTotal }) =>
      progress.update({ name: path, bytes: bytesDone, bytesTotal }),
  };
  switch (plan.kind) {
    case 'stream': {
      const { source, out: target } = plan;
      const { mode, overwrite } = work;
      const chunks = work.stream(readChunks(source), long);
      const bytes = await writeChunks(chunks, { target, overwrite, mode });
      if (output.json) output.result({ source, target, bytes }, '');
      return;
    }
    case 'file': {
      const { source, target } = plan;
      const done = await about(source, () => work.file(source, target, long), [target]);
      if (output.json) output.result({ source, target, ...done }, '');
      return;
    }
    case 'tree': {
      const { sources, ...targetFolder } = plan;
      const tally = await followTree(
        { context, progress, named: sources },
        work.tree(sources, targetFolder, long),
      );
      if (!tally.isOneNamedFile) output.note(describeTally(work.verb, tally));
    }
  }
}

interface Following {
  readonly context: CommandContext;
  readonly progress: Progress;
  /** Paths that the user named: leaving one of these out is a failure. */
  readonly named: readonly string[];
}

interface FileTally {
  readonly done: number;
  readonly failed: number;
  readonly skipped: number;
  /** Nobody needs to be told how many that was. */
  readonly isOneNamedFile: boolean;
}

async function followTree<Done extends object>(
  { context, progress, named }: Following,
  results: AsyncIterable<FileResult<Done>>,
): Promise<FileTally> {
  let [done, failed, skipped] = [0, 0, 0];
  let isOneNamedFile = named.length === 1;
  for await (const result of results) {
    const { source } = result;
    isOneNamedFile &&= source === named[0];
    const failure = failureOf(result, named);
    // Not a failure of its own: the run tells of the interruption.
    if (failure?.code === 'CANCELLED' && context.signal.aborted) continue;
    if (failure) {
      failed++;
      const target = 'target' in result ? result.target : undefined;
      context.fail(failure, { source, ...(target !== undefined && { target }) });
    } else if (result.status === 'done') {
      done++;
      progress.update({ name: source, done });
      const { target, file } = result;
      if (context.output.json) context.output.result({ source, target, ...file }, '');
    } else if (result.status === 'skipped') {
      skipped++;
      if (TOLD.includes(result.reason))
        context.failures.warn(`${source}: left out, ${WHY[result.reason]}`);
    }
  }
  return { done, failed, skipped, isOneNamedFile };
}

function failureOf(
  result: FileResult<object>,
  named: readonly string[],
): KeyStoreError | undefined {
  const { source, status } = result;
  if (status === 'failed') return result.error;
  if (status === 'done' || !named.includes(source)) return undefined;
  const { reason } = result;
  const message = `${source}: ${WHY[reason]}`;
  return reason === 'not-encrypted'
    ? usage(message, 'say with -o where the output belongs')
    : new KeyStoreError('FILE_WRONG_TYPE', message);
}

function describeTally(verb: string, { done, failed, skipped }: FileTally): string {
  const parts = [`${verb} ${done} ${done === 1 ? 'file' : 'files'}`];
  if (failed > 0) parts.push(`${failed} failed`);
  if (skipped > 0) parts.push(`${skipped} left out`);
  return parts.join(', ');
}

const WHY: Record<SkipReason, string> = {
  'symbolic-link': 'it is a symbolic link',
  'special-file': 'it is neither a file nor a folder',
  'already-encrypted': 'it is encrypted already',
  'not-encrypted': 'its name does not end in .cask',
};
/** Files of the other kind in a folder are no surprise; what would be missing from a backup is. */
const TOLD: readonly SkipReason[] = ['symbolic-link', 'special-file'];
