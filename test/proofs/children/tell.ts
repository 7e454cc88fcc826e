/** What a child process tells its test: one JSON value a line, in the pipe before the call returns, so that it outlives a SIGKILL. */
import { writeSync } from 'node:fs';
import process from 'node:process';

export function tell(value: unknown): void {
  const line = Buffer.from(`${JSON.stringify(value)}\n`);
  for (let at = 0; at < line.length;) {
    try {
      at += writeSync(process.stdout.fd, line, at);
    } catch (error) {
      // The reader is slower than we are.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}
