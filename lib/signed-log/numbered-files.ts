/** Files of a folder whose names begin with a number: journal entries, checkpoints that were seen. */
import { readdir } from 'node:fs/promises';
import { isFsError, withFsErrors } from '../platform/fs-error.ts';

/**
 * The numbers, ascending; none where there is no folder. Other files are not looked at.
 *
 * @param name - What names are; its first group are the digits, as many in each.
 * @throws KeyStoreError PERMISSION_DENIED, FILE_WRONG_TYPE, IO_FAILED.
 */
export async function numbersOfFiles(folder: string, name: RegExp): Promise<number[]> {
  return withFsErrors(folder, async () => {
    try {
      const names = await readdir(folder);
      return names
        .flatMap((one) => name.exec(one)?.[1] ?? [])
        .toSorted()
        .map(Number);
    } catch (error) {
      if (isFsError(error, 'ENOENT')) return [];
      throw error;
    }
  });
}
