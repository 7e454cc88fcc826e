/** Standard input and output as data: never binary to a terminal, and a reader that went away is no crash. */
import process from 'node:process';
import { KeyStoreError } from '../errors.ts';
import { isFsError } from '../platform/fs-error.ts';
import { usage } from './errors.ts';

/** `keycask list | head`: when the reader has seen enough, there is nothing left to say. */
export function handleClosedPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error) => {
      if (!isFsError(error, 'EPIPE')) throw error;
      process.exit(process.exitCode ?? 0);
    });
  }
}

/** @throws KeyStoreError USAGE where standard output is a terminal. */
export function refuseTerminal(what: string): void {
  if (process.stdout.isTTY)
    throw usage(
      `${what} would go to the terminal`,
      'redirect standard output, or give a file with -o',
    );
}

/** All of standard input, up to a limit. */
export async function readStandardInput(limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of process.stdin as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > limit)
      throw new KeyStoreError('BLOB_TOO_LARGE', `standard input has more than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Writes bytes to standard output and waits until they are taken. */
export function writeStandardOutput(bytes: Uint8Array | string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}
