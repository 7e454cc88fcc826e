/** Opening a file to read that should be a regular one, whatever somebody put in its place meanwhile. */
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { KeyStoreError } from '../errors.ts';
import { withFsErrors } from './fs-error.ts';

/**
 * Opens a regular file to read. A pipe does not block the open.
 *
 * @returns The caller closes it.
 * @throws KeyStoreError FILE_NOT_FOUND, PERMISSION_DENIED, FILE_WRONG_TYPE for anything but a regular file, IO_FAILED.
 */
export function openRegular(path: string): Promise<FileHandle> {
  return withFsErrors(path, async () => {
    const file = await open(path, FLAGS);
    try {
      if ((await file.stat()).isFile()) return file;
    } catch (error) {
      await file.close();
      throw error;
    }
    await file.close();
    throw new KeyStoreError('FILE_WRONG_TYPE', `${path} is not a regular file`);
  });
}

/** Windows has no such flag, and no such pipes among files. */
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
