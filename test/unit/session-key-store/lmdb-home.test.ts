/** Homes whose records lie in one file of LMDB. */
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { open } from 'lmdb';
import { afterAll, beforeAll } from 'vitest';
import type { StoreChoice } from '../../../lib/session-key-store/types.ts';
import { testArchiveHomes } from '../../support/archive-home-suite.ts';
import { temporaryFolder, type TemporaryFolder } from '../../support/temporary-folder.ts';

let folder: TemporaryFolder;
let files = 0;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

testArchiveHomes('lmdb', {
  choose: () => Promise.resolve({ kind: 'lmdb', path: join(folder.path, `${++files}.mdb`) }),

  async backUp(choice) {
    const copy = `${pathOf(choice)}.backup`;
    await copyFile(pathOf(choice), copy);
    return () => copyFile(copy, pathOf(choice));
  },

  removeRow: (choice, id) =>
    change(choice, (rows) => {
      rows.removeSync(Buffer.from(id, 'hex'));
    }),

  copyRow: (choice, from, to) =>
    change(choice, (rows) => {
      const row = rows.getBinary(Buffer.from(from, 'hex'));
      rows.putSync(Buffer.from(to, 'hex'), row!);
    }),
});

type Rows = ReturnType<typeof openRows>;

async function change(choice: StoreChoice, work: (rows: Rows) => void): Promise<void> {
  const rows = openRows(pathOf(choice));
  work(rows);
  await rows.close();
}

function openRows(path: string) {
  return open<Buffer, Buffer>(path, {
    noSubdir: true,
    encoding: 'binary',
    keyEncoding: 'binary',
    overlappingSync: false,
  });
}

function pathOf(choice: StoreChoice): string {
  if (choice.kind !== 'lmdb' || !choice.path) throw new Error('want a file of LMDB');
  return choice.path;
}
