/** Memory and files are storages of a log. */
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { MemoryLogStorage, openFileLogStorage } from '../../lib/signed-log/index.ts';
import { testLogStorage } from '../../lib/testing/index.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

testLogStorage('memory', async () => ({ storage: new MemoryLogStorage() }), { describe, it });

testLogStorage(
  'file',
  async () => {
    const folder = await temporaryFolder();
    const path = join(folder.path, 'log');
    return {
      storage: await openFileLogStorage(path),
      openAgain: () => openFileLogStorage(path),
      dispose: () => folder.remove(),
    };
  },
  { describe, it },
);
