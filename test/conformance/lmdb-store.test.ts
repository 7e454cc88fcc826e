/** The lmdb store is a store. */
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { openLmdbStore } from '../../lib/stores/lmdb.ts';
import { testStore } from '../../lib/testing/index.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

testStore(
  'lmdb',
  async () => {
    const folder = await temporaryFolder();
    const path = join(folder.path, 'store', 'records.mdb');
    return {
      store: await openLmdbStore(path),
      openAgain: () => openLmdbStore(path),
      dispose: () => folder.remove(),
    };
  },
  { describe, it },
);
