/** A folder of the ncrypt double's for the keys of one test file: to list them does not get slower by other files' keys. */
import process from 'node:process';
import { afterAll, beforeAll } from 'vitest';
import { temporaryFolder, type TemporaryFolder } from './temporary-folder.ts';

/** Has no effect on Windows, which has one place for keys. */
export function useOwnKeys(): void {
  let folder: TemporaryFolder;
  beforeAll(async () => {
    folder = await temporaryFolder();
    process.env[VARIABLE] = folder.path;
  });
  afterAll(async () => {
    Reflect.deleteProperty(process.env, VARIABLE);
    await folder.remove();
  });
}

const VARIABLE = 'KEYCASK_DOUBLE_FOLDER';
