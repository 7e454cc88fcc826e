/** Standard input and output as data: never binary to a terminal, and a reader that went away is no crash. */
import process from 'node:process';
import { fsError, isFsError } from '../platform/fs-error.ts';
import { usage, type Failures } from './errors.ts';

/** Set while standard output carries data: then a reader that goes away is a failure of its own. */
let carriesData = false;

/**
 * `keycask list | head`: when the reader has seen enough, there is nothing left to say. An answer that could not be written, on a full disk, is a
 * failure like others.
 */
export function handleClosedPipe(failures: Failures): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error) => {
      // Who writes data is told of it, and tells.
      if (carriesData) return;
      if (isFsError(error, 'EPIPE')) process.exit(process.exitCode ?? 0);
      if (stream === process.stdout) failures.report(fsError(error, 'standard output'));
      process.exit(failures.exitCode || 1);
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

/** Writes bytes to standard output and waits until they are taken. */
export function writeStandardOutput(bytes: Uint8Array): Promise<void> {
  carriesData = true;
  return new Promise((resolve, reject) => {
    process.stdout.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}
