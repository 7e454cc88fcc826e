/** Waiting for files that somebody else has open: Windows refuses there what other systems do. */
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { isFsError } from './fs-error.ts';

/**
 * Does file system work; on Windows again and again, for half a second, while it is refused.
 *
 * There nothing can be renamed over a file that is open anywhere, be it by a reader that takes a millisecond or by a virus scanner, and a
 * file that was removed while open cannot be opened, nor its name be used, until the last handle is closed. Windows says of this what it
 * says of missing rights, so such a failure comes half a second late.
 */
export async function retryWhileInUse<T>(work: () => Promise<T>): Promise<T> {
  for (let pauseMs = 1; ; pauseMs *= 2) {
    try {
      return await work();
    } catch (error) {
      if (
        process.platform !== 'win32' ||
        pauseMs > LONGEST_PAUSE_MS ||
        !isFsError(error, ...IN_USE)
      )
        throw error;
    }
    await setTimeout(pauseMs);
  }
}

/** 1 + 2 + 4 + … + 256 ms. */
const LONGEST_PAUSE_MS = 256;
/** libuv: ERROR_ACCESS_DENIED is EPERM or EACCES, by call; ERROR_SHARING_VIOLATION is EBUSY. */
const IN_USE = ['EPERM', 'EACCES', 'EBUSY'] as const;
