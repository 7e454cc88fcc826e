/** Standard input and output as data: never binary to a terminal, and a reader that went away is no crash. */
import process from 'node:process';
import { isFsError } from '../platform/fs-error.ts';
import { usage } from './errors.ts';

/** Set while standard output carries data: then a reader that goes away is a failure of its own. */
let carriesData = false;

/** `keycask list | head`: when the reader has seen enough, there is nothing left to say. */
export function handleClosedPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error) => {
      if (!isFsError(error, 'EPIPE')) throw error;
      if (carriesData) return;
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

/** Writes bytes to standard output and waits until they are taken. */
export function writeStandardOutput(bytes: Uint8Array): Promise<void> {
  carriesData = true;
  return new Promise((resolve, reject) => {
    process.stdout.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}
