/** What a log costs, counted in reads and writes of its storage: they grow with the logarithm of its size, or with what has changed. */
import { describe, expect, it } from 'vitest';
import { MemoryLogStorage } from '../../../lib/signed-log/index.ts';
import {
  AUTHOR,
  CountingStorage,
  logOf,
  openLog,
  someLeaves,
  type TestLog,
} from '../../support/signed-log.ts';

/** 2, 2 and 3 levels of tiles. */
const SIZES = [999, 9_001, 70_001];
const LEVELS = [2, 2, 3];

interface Counting extends TestLog {
  readonly counting: CountingStorage;
}

const grown: Counting[] = [];
for (const size of SIZES) {
  const counting = new CountingStorage(new MemoryLogStorage());
  grown.push({ ...(await logOf(someLeaves(size), counting)), counting });
}

describe.each(SIZES.map((size, i) => [size, LEVELS[i]!, grown[i]!] as const))(
  'a log of %d leaves',
  (size, levels, { counting }) => {
    it('is opened with one tile for each level', async () => {
      counting.reset();
      const log = await openLog(counting);
      expect(counting.counted).toMatchObject({ heads: 1, leaves: 0, leafPages: 0 });
      expect(counting.counted.tiles).toBeLessThanOrEqual(levels);
      expect(log.size).toBe(size);
    });

    it('is appended to by somebody who has just opened it with as many', async () => {
      counting.reset();
      const log = await openLog(counting);
      await log.append(someLeaves(1), AUTHOR);
      expect(counting.counted.tiles).toBeLessThanOrEqual(levels);
      expect(counting.counted.written).toBeLessThanOrEqual(2 + levels);
    });

    it('is appended to again without reading anything, and without writing what is there', async () => {
      const log = await openLog(counting);
      await log.append(someLeaves(1), AUTHOR);
      counting.reset();
      for (let i = 0; i < 600; i++) await log.append(someLeaves(1), AUTHOR);
      expect(counting.counted).toMatchObject({ heads: 0, tiles: 0, leafPages: 0, appends: 600 });
      // A leaf and its hash each, and one hash more for each full tile.
      expect(counting.counted.written).toBeLessThanOrEqual(2 * 600 + 4);
    });

    it('is followed from a checkpoint on by what has changed since', async () => {
      const follower = await openLog(counting);
      const before = follower.size;
      const writer = await openLog(counting);
      const changes = 700;
      await writer.append(someLeaves(changes), AUTHOR);
      counting.reset();
      await follower.refresh();
      let seen = 0;
      for await (const _leaf of follower.leaves(before)) seen++;
      expect(seen).toBe(changes);
      const tilesOfChanges = Math.ceil(changes / 256) + 1;
      expect(counting.counted.leaves).toBe(changes);
      expect(counting.counted.leafPages).toBeLessThanOrEqual(tilesOfChanges);
      // Edges of the new tree, the subtrees of the old one, and the tiles that were added.
      expect(counting.counted.tiles).toBeLessThanOrEqual(2 * levels + tilesOfChanges);
    });

    it('costs nothing but the head where nothing has changed', async () => {
      const log = await openLog(counting);
      counting.reset();
      await log.refresh();
      expect(counting.counted).toMatchObject({ heads: 1, tiles: 0, leafPages: 0 });
    });

    it('proves with a few tiles and a hash for each level of the tree', async () => {
      for (const index of [0, 1, Math.floor(size / 3), size - 1]) {
        const log = await openLog(counting);
        const mostNodes = 1 + Math.log2(log.size);
        counting.reset();
        const inclusion = await log.proveInclusion(index);
        expect(inclusion.hashes.length).toBeLessThanOrEqual(mostNodes);
        const consistency = await log.proveConsistency(index + 1);
        expect(consistency.hashes.length).toBeLessThanOrEqual(mostNodes + 1);
        // Neighbours at each level, each with the tile above it.
        expect(counting.counted.tiles).toBeLessThanOrEqual(3 * levels);
        expect(counting.counted.leaves).toBe(0);
      }
    });
  },
);
