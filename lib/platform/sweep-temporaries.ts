/** Removes what killed writers left behind. */
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TEMPORARY_PREFIX, unlinkIfThere } from './durable-file.ts';
import { isFsError, withFsErrors } from './fs-error.ts';

/** No write takes so long; a younger file may be one that is being written. */
const STALE_MS = 60 * 60 * 1000;

/**
 * Removes stale temporary files of `folder`. That some cannot be removed is nobody's failure; that the folder cannot be read is.
 *
 * @throws KeyStoreError FILE_WRONG_TYPE where it is a file, PERMISSION_DENIED, IO_FAILED; an absent folder has nothing to sweep.
 */
export async function sweepTemporaries(folder: string): Promise<void> {
  for (const name of await namesIn(folder)) {
    if (!name.startsWith(TEMPORARY_PREFIX)) continue;
    const path = join(folder, name);
    try {
      const age = Date.now() - (await lstat(path)).mtimeMs;
      if (age > STALE_MS) await unlinkIfThere(path);
    } catch {
      // Somebody else swept it, or this user may not: it is only in the way.
    }
  }
}

async function namesIn(folder: string): Promise<string[]> {
  return withFsErrors(folder, async () => {
    try {
      return await readdir(folder);
    } catch (error) {
      if (isFsError(error, 'ENOENT')) return [];
      throw error;
    }
  });
}
