/** The lmdb store is a store, and the lmdb archive an archive. */
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { openLmdbArchive, openLmdbStore } from '../../lib/stores/lmdb.ts';
import { testArchive, testLogStorage, testStore } from '../../lib/testing/index.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const runner = { describe, it };

testStore(
  'lmdb',
  async () => {
    const { path, dispose } = await place();
    return { store: await openLmdbStore(path), openAgain: () => openLmdbStore(path), dispose };
  },
  runner,
);

testStore(
  'an lmdb archive',
  async () => {
    const { open, dispose } = await place();
    return { store: (await open()).store, openAgain: async () => (await open()).store, dispose };
  },
  runner,
);

testLogStorage(
  'an lmdb archive',
  async () => {
    const { open, dispose } = await place();
    return { storage: (await open()).log, openAgain: async () => (await open()).log, dispose };
  },
  runner,
);

testArchive(
  'lmdb',
  async () => {
    const { open, dispose } = await place();
    return { archive: await open(), openAgain: open, dispose };
  },
  runner,
);

async function place() {
  const folder = await temporaryFolder();
  const path = join(folder.path, 'store', 'records.mdb');
  return { path, open: () => openLmdbArchive(path), dispose: () => folder.remove() };
}
