/** The name of a file that was written aside, given where nothing has it yet. */
import { link, lstat, rename } from 'node:fs/promises';
import { isFsError } from './fs-error.ts';

/**
 * Gives a finished file its name. The temporary name may be left, for the caller to remove.
 *
 * A link fails where there is something, which a rename does not; file systems without links (FAT, some shares) are looked at and renamed on.
 *
 * @returns False where something has the name already, which is left as it is.
 */
export async function giveName(temporary: string, path: string): Promise<boolean> {
  try {
    await link(temporary, path);
    return true;
  } catch (error) {
    if (isFsError(error, 'EEXIST')) return false;
    if (!isFsError(error, ...NO_LINKS)) throw error;
  }
  if (await isThere(path)) return false;
  await rename(temporary, path);
  return true;
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (isFsError(error, 'ENOENT')) return false;
    throw error;
  }
}

/** What file systems without links say; of some, what they do not know. */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL', 'UNKNOWN'] as const;
