import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALG_ID } from '../../../lib/blobs/alg-id.ts';
import { encodeSimpleBlob } from '../../../lib/blobs/simple-blob.ts';
import { inspectFile } from '../../../lib/migration/inspect-file.ts';
import { temporaryFolder, type TemporaryFolder } from '../../support/temporary-folder.ts';

let folder: TemporaryFolder;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

describe('inspectFile', () => {
  test('says what a file is', async () => {
    const path = join(folder.path, 'session.key');
    const encryptedKey = new Uint8Array(256).fill(9);
    await writeFile(path, encodeSimpleBlob({ algId: ALG_ID.CALG_AES_256, encryptedKey }));
    expect(await inspectFile(path)).toMatchObject({ format: 'simpleblob', length: 268 });
  });

  test('knows the name of the file', async () => {
    const path = join(folder.path, 'Preferred');
    await writeFile(path, new Uint8Array(24));
    expect((await inspectFile(path)).format).toBe('preferred');
  });

  test('reads the beginning of a large file, and tells its whole length', async () => {
    const path = join(folder.path, 'large');
    await writeFile(path, Uint8Array.of(1, 2, 3));
    await truncate(path, 8_000_000_000);
    expect(await inspectFile(path)).toMatchObject({ format: 'unknown', length: 8_000_000_000 });
  });

  test('says that there is nothing in an empty file', async () => {
    const path = join(folder.path, 'empty');
    await writeFile(path, '');
    expect((await inspectFile(path)).summary).toBe('The file is empty.');
  });

  test('refuses a folder, and a file that is not there', async () => {
    const path = join(folder.path, 'folder');
    await mkdir(path);
    await expect(inspectFile(path)).rejects.toMatchObject({ code: 'FILE_WRONG_TYPE' });
    await expect(inspectFile(join(path, 'none'))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  });
});
