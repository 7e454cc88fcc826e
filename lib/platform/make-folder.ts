/** Making a folder and those above it, with the true reason where that fails. */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isFsError } from './fs-error.ts';

/** @param mode - Permissions of folders that are made, under the umask. */
export async function makeFolder(path: string, mode = 0o777): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode });
  } catch (error) {
    // On a read-only disk Node's recursion asks whether the folder is there, and tells that answer instead of EROFS.
    if (!isFsError(error, 'ENOENT') || dirname(path) === path) throw error;
    await makeFolder(dirname(path), mode);
    await mkdir(path, { mode });
  }
}
