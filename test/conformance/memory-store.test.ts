/** The memory store is a store, and the memory archive is an archive. */
import { describe, it } from 'vitest';
import { MemoryStore, openMemoryArchive } from '../../lib/stores/memory.ts';
import { testArchive, testLogStorage, testStore } from '../../lib/testing/index.ts';

testStore('memory', async () => ({ store: new MemoryStore() }), { describe, it });
testStore('a memory archive', async () => ({ store: openMemoryArchive().store }), { describe, it });
testLogStorage('a memory archive', async () => ({ storage: openMemoryArchive().log }), {
  describe,
  it,
});
testArchive('memory', async () => ({ archive: openMemoryArchive() }), { describe, it });
