/** The folders that a migration writes to, looked at before there is much work: what cannot be written is said once, and nothing is stored. */
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { KeyStoreError } from '../errors.ts';
import { isFsError, withFsErrors } from '../platform/fs-error.ts';
import { makeFolder } from '../platform/make-folder.ts';

/**
 * Makes a folder that outputs go to, or finds that it is there and can be written to.
 *
 * @param mode - Permissions of folders that are made, under the umask.
 * @throws KeyStoreError FILE_WRONG_TYPE for a file, PERMISSION_DENIED, STORAGE_READ_ONLY, STORAGE_FULL.
 */
export async function prepareFolder(folder: string, mode?: number): Promise<void> {
  await refuseFile(folder);
  await withFsErrors(folder, () => makeFolder(folder, mode));
  await withFsErrors(folder, () => access(folder, constants.W_OK));
}

/**
 * As far as a dry run goes, which makes no folder for data.
 *
 * @throws KeyStoreError FILE_WRONG_TYPE where there is something else than a folder.
 */
export async function refuseFile(folder: string): Promise<void> {
  try {
    if ((await stat(folder)).isDirectory()) return;
  } catch (error) {
    if (isFsError(error, 'ENOENT')) return;
    await withFsErrors(folder, () => Promise.reject(error as Error));
  }
  throw new KeyStoreError('FILE_WRONG_TYPE', `${folder} is not a folder`, {
    hint: 'Name a folder; it need not be there.',
  });
}
