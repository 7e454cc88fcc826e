/** The memory store is a store. */
import { describe, it } from 'vitest';
import { MemoryStore } from '../../lib/stores/memory.ts';
import { testStore } from '../../lib/testing/index.ts';

testStore('memory', async () => ({ store: new MemoryStore() }), { describe, it });
