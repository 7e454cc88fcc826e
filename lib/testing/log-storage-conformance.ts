/** The definition of a storage of a signed log: tests that every one passes, for ours and for those of third parties. */
import assert from 'node:assert/strict';
import type { KeyStoreErrorCode } from '../errors.ts';
import {
  LOG_LIMITS,
  TILE_LEVELS,
  TILE_WIDTH,
  type LogAppend,
  type LogHead,
  type LogStorage,
} from '../signed-log/index.ts';
import {
  append,
  appendOf,
  fails,
  grow,
  HASH,
  hasCode,
  hashOf,
  isHead,
  isIntact,
  isSame,
  leafOf,
} from './log-storage-samples.ts';
import type { TestRunner } from './store-conformance.ts';

/** One empty log, and what the suite may do around it. */
export interface LogStorageFixture {
  readonly storage: LogStorage;
  /** Another handle on the same log, where it outlives one. */
  openAgain?(): Promise<LogStorage>;
  /** Called after each test; the suite has closed `storage` by then. */
  dispose?(): Promise<void>;
}

/**
 * Runs the conformance suite of {@link LogStorage}.
 *
 * @param name - What the suite is called in the report.
 * @param make - Makes a fixture with an empty log; called once for each test.
 * @param runner - `describe` and `it` of the test runner.
 * @example
 * ```ts
 * import { describe, it } from 'vitest';
 * import { testLogStorage } from 'keycask/testing';
 * testLogStorage('my storage', async () => ({ storage: await openMyLog() }), { describe, it });
 * ```
 */
export function testLogStorage(
  name: string,
  make: () => Promise<LogStorageFixture>,
  runner: TestRunner,
): void {
  runner.describe(`${name} as a storage of a log`, () => {
    for (const [title, body] of [...APPENDING, ...READING, ...RACES, ...ARGUMENTS, ...LIFETIME]) {
      runner.it(title, async () => {
        const fixture = await make();
        try {
          await body(fixture.storage, fixture);
        } finally {
          await fixture.storage.close();
          await fixture.dispose?.();
        }
      });
    }
  });
}

type Conformance = readonly [
  title: string,
  body: (storage: LogStorage, fixture: LogStorageFixture) => Promise<void>,
];

const RACERS = 12;

const APPENDING: readonly Conformance[] = [
  [
    'has a name',
    async (storage) => {
      assert.ok(storage.name.length > 0);
    },
  ],
  [
    'has no head, no leaf and no hash while it is empty',
    async (storage) => {
      assert.equal(await storage.head(), undefined);
      assert.deepEqual(await storage.readLeaves(0, 10), []);
      assert.equal((await storage.readTile(0, 0)).length, 0);
    },
  ],
  [
    'tells size and checkpoint of what was appended last',
    async (storage) => {
      let head = await grow(storage, undefined, 1);
      await isHead(storage, head);
      head = await grow(storage, head, 3);
      await isHead(storage, head);
      assert.equal(head.size, 4);
      await isIntact(storage, head);
    },
  ],
  [
    'refuses what follows another head, and keeps what it has',
    async (storage) => {
      const first = await grow(storage, undefined, 2);
      const second = await grow(storage, first, 2);
      const { checkpoint } = second;
      const strangers: (LogHead | undefined)[] = [
        undefined,
        first,
        { size: 5, checkpoint },
        { size: 3, checkpoint },
        { size: 4, checkpoint: first.checkpoint },
      ];
      for (const after of strangers) {
        await fails('STORE_CONFLICT', storage.append(appendOf(after, 1, 'other')));
        await isHead(storage, second);
      }
      await isIntact(storage, second);
    },
  ],
  [
    'takes an empty leaf, the longest leaf, and as many leaves as an append may have',
    async (storage) => {
      const longest = new Uint8Array(LOG_LIMITS.leafBytes).fill(0xa5);
      const leaves = [new Uint8Array(0), longest, new Uint8Array(0)];
      const first = await append(storage, { ...appendOf(undefined, 3), leaves });
      const many = await grow(storage, first, LOG_LIMITS.appendLeaves);
      await isHead(storage, many);
      assert.ok(isSame(await storage.readLeaves(0, 3), leaves));
      assert.ok(isSame(await storage.readLeaves(3, 1), [leafOf(3)]));
      assert.ok(isSame(await storage.readLeaves(many.size - 1, 9), [leafOf(many.size - 1)]));
    },
  ],
  [
    'takes as many bytes as an append may have',
    async (storage) => {
      const count = LOG_LIMITS.appendBytes / LOG_LIMITS.leafBytes;
      const leaf = new Uint8Array(LOG_LIMITS.leafBytes).fill(0x5a);
      const leaves = Array.from({ length: count }, () => leaf);
      const checkpoint = new Uint8Array(LOG_LIMITS.checkpointBytes).fill(7);
      const whole = { ...appendOf(undefined, count), leaves, checkpoint };
      await isHead(storage, await append(storage, whole));
      assert.ok(isSame(await storage.readLeaves(count - 1, 1), [leaf]));
    },
  ],
  [
    'owns what was appended and gives away what it returns',
    async (storage) => {
      // Buffers: their slice() is no copy.
      const leaf = Buffer.from(leafOf(0));
      const checkpoint = Buffer.from([1, 2, 3]);
      const nodes = appendOf(undefined, 1).nodes.map((hashes) => Buffer.from(hashes));
      await storage.append({ after: undefined, leaves: [leaf], nodes, checkpoint });
      for (const bytes of [leaf, checkpoint, ...nodes]) bytes.fill(9);
      const head = await storage.head();
      head?.checkpoint.fill(8);
      for (const bytes of await storage.readLeaves(0, 1)) bytes.fill(8);
      (await storage.readTile(0, 0)).fill(8);
      await isHead(storage, { size: 1, checkpoint: Uint8Array.of(1, 2, 3) });
      assert.ok(isSame(await storage.readLeaves(0, 1), [leafOf(0)]));
      assert.ok(isSame([await storage.readTile(0, 0)], [hashOf(0, 0)]));
    },
  ],
];

const READING: readonly Conformance[] = [
  [
    'keeps every leaf and every hash at its place over hundreds of appends',
    async (storage) => {
      let head: LogHead | undefined;
      for (let i = 0; i < 150; i++) head = await grow(storage, head, 1 + (i % 5));
      await isIntact(storage, head!);
    },
  ],
  [
    'keeps the hashes of the second and the third level',
    async (storage) => {
      let head: LogHead | undefined;
      const appends = (TILE_WIDTH * TILE_WIDTH) / LOG_LIMITS.appendLeaves;
      for (let i = 0; i < appends; i++) head = await grow(storage, head, LOG_LIMITS.appendLeaves);
      head = await grow(storage, head, 5);
      await isIntact(storage, head);
    },
  ],
  [
    'gives pages of at most 256 leaves, which end with a leaf that makes them long',
    async (storage) => {
      const leaf = new Uint8Array(LOG_LIMITS.leafBytes).fill(1);
      const leaves = Array.from({ length: 12 }, () => leaf);
      await append(storage, { ...appendOf(undefined, 12), leaves });
      const page = await storage.readLeaves(1, 11);
      assert.equal(page.length, LOG_LIMITS.pageBytes / LOG_LIMITS.leafBytes);
      assert.equal((await storage.readLeaves(1 + page.length, 256)).length, 11 - page.length);
      assert.deepEqual(await storage.readLeaves(12, 1), []);
      assert.deepEqual(await storage.readLeaves(2 ** 48 - 1, 256), []);
    },
  ],
  [
    'gives no hash of a tile that is not there',
    async (storage) => {
      await grow(storage, undefined, 300);
      assert.equal((await storage.readTile(0, 1)).length, 44 * HASH);
      assert.equal((await storage.readTile(0, 2)).length, 0);
      assert.equal((await storage.readTile(1, 0)).length, HASH);
      assert.equal((await storage.readTile(1, 1)).length, 0);
      assert.equal((await storage.readTile(TILE_LEVELS - 1, 0)).length, 0);
      assert.equal((await storage.readTile(0, 2 ** 40)).length, 0);
    },
  ],
];

const RACES: readonly Conformance[] = [
  [
    'lets exactly one of many concurrent appends after one head win',
    async (storage, fixture) => {
      const other = (await fixture.openAgain?.()) ?? storage;
      let head: LogHead | undefined;
      for (let round = 0; round < 10; round++) {
        const appends = Array.from({ length: RACERS }, (_, n) => appendOf(head, 1, `racer ${n}`));
        const results = await Promise.allSettled(
          appends.map((one, n) => (n % 2 ? storage : other).append(one)),
        );
        const winners = results.flatMap(({ status }, n) => (status === 'fulfilled' ? [n] : []));
        for (const result of results)
          if (result.status === 'rejected') hasCode('STORE_CONFLICT', result.reason);
        assert.equal(winners.length, 1);
        const winner = appends[winners[0]!]!;
        head = { size: round + 1, checkpoint: winner.checkpoint };
        await isHead(storage, head);
        await isHead(other, head);
        assert.ok(isSame(await storage.readLeaves(round, 1), winner.leaves));
      }
      if (other !== storage) await other.close();
    },
  ],
  [
    'loses nothing of what two handles append in turn, and never shows an older head after a newer one',
    async (storage, fixture) => {
      const other = (await fixture.openAgain?.()) ?? storage;
      const write = async (handle: LogStorage, count: number) => {
        for (let done = 0; done < count;) {
          const head = await handle.head();
          try {
            await grow(handle, head, 1);
            done++;
          } catch (error) {
            hasCode('STORE_CONFLICT', error);
          }
        }
      };
      const watch = async () => {
        for (let last = 0; last < 120;) {
          const size = (await other.head())?.size ?? 0;
          assert.ok(size >= last);
          last = size;
          await new Promise((resolve) => setImmediate(resolve));
        }
      };
      await Promise.all([watch(), write(storage, 60), write(other, 60)]);
      const head = await storage.head();
      assert.equal(head?.size, 120);
      await isIntact(storage, head);
      await other.head();
      await isIntact(other, head);
      if (other !== storage) await other.close();
    },
  ],
];

const ARGUMENTS: readonly Conformance[] = [
  [
    'refuses an append that is out of bounds, and keeps what it has',
    async (storage) => {
      const head = await grow(storage, undefined, 1);
      const right = appendOf(head, 1);
      const long = new Uint8Array(LOG_LIMITS.leafBytes + 1);
      const full = new Uint8Array(LOG_LIMITS.leafBytes);
      const count = LOG_LIMITS.appendBytes / LOG_LIMITS.leafBytes + 1;
      const tooMany = appendOf(head, LOG_LIMITS.appendLeaves + 1);
      const wrong: (readonly [KeyStoreErrorCode, LogAppend])[] = [
        [
          'PARAMETER_INVALID',
          { ...right, leaves: [], nodes: right.nodes.map(() => full.subarray(0, 0)) },
        ],
        ['BLOB_TOO_LARGE', { ...right, leaves: [long] }],
        ['BLOB_TOO_LARGE', tooMany],
        [
          'BLOB_TOO_LARGE',
          { ...appendOf(head, count), leaves: Array.from({ length: count }, () => full) },
        ],
        ['PARAMETER_INVALID', { ...right, checkpoint: new Uint8Array(0) }],
        [
          'BLOB_TOO_LARGE',
          { ...right, checkpoint: new Uint8Array(LOG_LIMITS.checkpointBytes + 1) },
        ],
        ['PARAMETER_INVALID', { ...right, nodes: right.nodes.slice(1) }],
        ['PARAMETER_INVALID', { ...right, nodes: right.nodes.map((hashes) => hashes.subarray(1)) }],
        ['PARAMETER_INVALID', { ...right, nodes: appendOf(head, 2).nodes }],
        ['PARAMETER_INVALID', { ...right, after: { ...head, size: 0 } }],
        ['PARAMETER_INVALID', { ...right, after: { ...head, size: 1.5 } }],
      ];
      for (const [code, append] of wrong) await fails(code, storage.append(append));
      await isHead(storage, head);
      await isIntact(storage, head);
    },
  ],
  [
    'refuses to read what cannot be a page or a tile',
    async (storage) => {
      for (const [first, count] of [
        [-1, 1],
        [0.5, 1],
        [2 ** 48, 1],
        [0, 0],
        [0, 257],
        [0, Number.NaN],
      ] as const)
        await fails('PARAMETER_INVALID', storage.readLeaves(first, count));
      for (const [level, index] of [
        [-1, 0],
        [TILE_LEVELS, 0],
        [0, -1],
        [0, 0.5],
        [0, Number.NaN],
      ] as const)
        await fails('PARAMETER_INVALID', storage.readTile(level, index));
    },
  ],
];

const LIFETIME: readonly Conformance[] = [
  [
    'shows its log to another handle, where it outlives one',
    async (storage, fixture) => {
      const head = await grow(storage, undefined, 700);
      const again = await fixture.openAgain?.();
      if (!again) return;
      await isHead(again, head);
      await isIntact(again, head);
      const grown = await grow(again, head, 100);
      await again.close();
      await isHead(storage, grown);
      await isIntact(storage, grown);
    },
  ],
  [
    'refuses every call after close, which may be called twice',
    async (storage) => {
      const head = await grow(storage, undefined, 1);
      await storage.close();
      await storage.close();
      await storage[Symbol.asyncDispose]();
      await fails('HANDLE_INVALID', storage.head());
      await fails('HANDLE_INVALID', storage.append(appendOf(head, 1)));
      await fails('HANDLE_INVALID', storage.readLeaves(0, 1));
      await fails('HANDLE_INVALID', storage.readTile(0, 0));
    },
  ],
];
