/** Standard input and output, and other streams, as sources and outputs of encryption. */
import { createReadStream } from 'node:fs';
import process from 'node:process';
import { KeyStoreError } from '../errors.ts';
import { isFsError } from '../platform/fs-error.ts';
import { STANDARD } from './file-plan.ts';
import { writeStandardOutput } from './streams.ts';
import { TextOnly } from './text-only.ts';

const CHUNK = 1024 * 1024;

/** Chunks of a file, or of standard input for `-`. */
export function readChunks(path: string): AsyncIterable<Uint8Array> {
  return path === STANDARD ? process.stdin : createReadStream(path, { highWaterMark: CHUNK });
}

/** Where chunks go. */
export interface ChunkTarget {
  /** `-` for standard output. */
  readonly target: string;
  readonly overwrite: boolean;
  readonly mode: number;
}

/** Writes chunks to a file, whole or not at all, or to standard output as they come. */
export function writeChunks(
  chunks: AsyncIterable<Uint8Array>,
  { target, overwrite, mode }: ChunkTarget,
): Promise<number> {
  return target === STANDARD
    ? writeToStandardOutput(chunks)
    : writeToFile(chunks, target, { overwrite, mode });
}

/** At a terminal only while they are text. */
async function writeToStandardOutput(chunks: AsyncIterable<Uint8Array>): Promise<number> {
  const guard = process.stdout.isTTY ? new TextOnly() : undefined;
  let bytes = 0;
  for await (const chunk of chunks) {
    guard?.check(chunk);
    try {
      await writeStandardOutput(chunk);
    } catch (error) {
      if (!isFsError(error, 'EPIPE')) throw error;
      throw new KeyStoreError('IO_FAILED', 'standard output was closed before the end');
    }
    bytes += chunk.length;
  }
  guard?.end();
  return bytes;
}

/** Beside the target first, and under its name when the last chunk is there. */
async function writeToFile(
  chunks: AsyncIterable<Uint8Array>,
  target: string,
  options: Omit<ChunkTarget, 'target'>,
): Promise<number> {
  const [{ inFileRun }, { withOutputFile }] = await Promise.all([
    import('../encrypt-file/file-run.ts'),
    import('../encrypt-file/files.ts'),
  ]);
  return inFileRun((run) =>
    withOutputFile({ target, run, ...options }, async (output) => {
      let bytes = 0;
      for await (const chunk of chunks) {
        await output.write(chunk);
        bytes += chunk.length;
      }
      return bytes;
    }),
  );
}
