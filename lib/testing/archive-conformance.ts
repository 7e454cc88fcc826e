/** The definition of an archive: tests that every one passes, beside those of its store and of its log. */
import assert from 'node:assert/strict';
import type { LogCompanions, LogHead } from '../signed-log/index.ts';
import { ARCHIVE_LIMITS, type Archive } from '../stores/archive.ts';
import { NODES } from './archive-nodes.ts';
import {
  growWith,
  hashesOf,
  hasNodes,
  hasRecords,
  idOf,
  listedIds,
  listedNodes,
  nodeOf,
  nodesOf,
  recordOf,
  tombstoneOf,
} from './archive-samples.ts';
import { append, appendOf, fails, hasCode, isHead } from './log-storage-samples.ts';
import type { TestRunner } from './store-conformance.ts';

/** One empty archive, and what the suite may do around it. */
export interface ArchiveFixture {
  readonly archive: Archive;
  /** Another handle on the same archive, where it outlives one. */
  openAgain?(): Promise<Archive>;
  /** Called after each test; the suite has closed `archive` by then. */
  dispose?(): Promise<void>;
}

/**
 * Runs the conformance suite of {@link Archive}: what it does beside being a store and the storage of a log. Those two have suites of their
 * own, which an archive passes with its `store` and its `log`.
 *
 * @param name - What the suite is called in the report.
 * @param make - Makes a fixture with an empty archive; called once for each test.
 * @param runner - `describe` and `it` of the test runner.
 * @example
 * ```ts
 * import { describe, it } from 'vitest';
 * import { testArchive } from 'keycask/testing';
 * testArchive('my archive', async () => ({ archive: await openMyArchive() }), { describe, it });
 * ```
 */
export function testArchive(
  name: string,
  make: () => Promise<ArchiveFixture>,
  runner: TestRunner,
): void {
  runner.describe(`${name} as an archive`, () => {
    for (const [title, body] of [...TOGETHER, ...RECORDS, ...RACES, ...NODES, ...LIFETIME]) {
      runner.it(title, async () => {
        const fixture = await make();
        try {
          await body(fixture.archive, fixture);
        } finally {
          await fixture.archive.close();
          await fixture.dispose?.();
        }
      });
    }
  });
}

type Conformance = readonly [
  title: string,
  body: (archive: Archive, fixture: ArchiveFixture) => Promise<void>,
];

const RACERS = 8;
const NOTHING: LogCompanions = { records: [], mapNodes: [] };

const TOGETHER: readonly Conformance[] = [
  [
    'has a name, no record, no leaf and no map node while it is empty',
    async (archive) => {
      assert.ok(archive.name.length > 0);
      assert.deepEqual(await listedIds(archive), []);
      assert.equal(await archive.log.head(), undefined);
      assert.deepEqual(await listedNodes(archive), []);
    },
  ],
  [
    'writes records and map nodes together with the leaves that they come along with',
    async (archive) => {
      const first = { records: [recordOf(1), recordOf(2)], mapNodes: nodesOf(5, 'first') };
      const head = await growWith(archive, undefined, first);
      const second = { records: [recordOf(1, 2)], mapNodes: nodesOf(3, 'second') };
      const grown = await growWith(archive, head, second);
      await isHead(archive.log, grown);
      await hasRecords(archive, [recordOf(1, 2), recordOf(2)]);
      await hasNodes(archive, [...first.mapNodes, ...second.mapNodes]);
      assert.equal((await archive.log.readLeaves(0, 9)).length, 2);
    },
  ],
  [
    'takes nothing along, or only records, or only map nodes',
    async (archive) => {
      let head = await growWith(archive, undefined, NOTHING);
      head = await growWith(archive, head, { ...NOTHING, records: [recordOf(1)] });
      head = await growWith(archive, head, { ...NOTHING, mapNodes: [nodeOf('one')] });
      head = await append(archive.log, appendOf(head, 1));
      await isHead(archive.log, head);
      await hasRecords(archive, [recordOf(1)]);
      assert.deepEqual(await listedNodes(archive), hashesOf([nodeOf('one')]));
    },
  ],
  [
    'takes along as much as an append may',
    async (archive) => {
      const { alongBytes, alongNodes, alongRecords, nodeBytes } = ARCHIVE_LIMITS;
      const longest = { ...nodeOf('longest'), bytes: new Uint8Array(nodeBytes).fill(6) };
      const nodes = [...nodesOf(alongNodes - 1, 'many'), longest];
      const left = alongBytes - nodes.reduce((sum, { bytes }) => sum + bytes.length, 0);
      const bytes = new Uint8Array(Math.floor(left / alongRecords)).fill(5);
      const records = Array.from({ length: alongRecords }, (_, n) => ({ ...recordOf(n), bytes }));
      await growWith(archive, undefined, { records, mapNodes: nodes });
      await hasRecords(archive, records.slice(-20));
      assert.equal((await listedIds(archive)).length, records.length);
      await hasNodes(archive, nodes);
      assert.deepEqual(await listedNodes(archive), hashesOf(nodes));
    },
  ],
  [
    'refuses what is out of bounds, and writes nothing of it',
    async (archive) => {
      const right = { records: [recordOf(1)], mapNodes: [nodeOf('one')] };
      const long = new Uint8Array((1 << 20) + (1 << 12) + 1);
      const tooManyRecords = Array.from({ length: ARCHIVE_LIMITS.alongRecords + 1 }, (_, n) =>
        recordOf(n),
      );
      const tooManyBytes = Array.from({ length: 17 }, (_, n) => ({
        ...recordOf(n),
        bytes: long.subarray(0, 1 << 20),
      }));
      const wrong = {
        PARAMETER_INVALID: [
          { ...right, records: [recordOf(1), recordOf(2), recordOf(1, 2)] },
          { ...right, records: [{ ...recordOf(1), id: 'ABCDEF0123456789abcdef0123456789' }] },
          { ...right, records: [recordOf(1, 0)] },
          { ...right, records: [recordOf(1, 2 ** 32)] },
          { ...right, records: [{ ...recordOf(1), bytes: new Uint8Array(0) }] },
          { ...right, mapNodes: [{ ...nodeOf('one'), hash: new Uint8Array(31) }] },
        ],
        BLOB_TOO_LARGE: [
          { ...right, records: tooManyRecords },
          { ...right, records: [{ ...recordOf(1), bytes: long }] },
          { ...right, records: tooManyBytes },
          { ...right, mapNodes: nodesOf(ARCHIVE_LIMITS.alongNodes + 1, 'too many') },
          {
            ...right,
            mapNodes: [{ ...nodeOf('one'), bytes: long.subarray(0, ARCHIVE_LIMITS.nodeBytes + 1) }],
          },
        ],
      } as const;
      const head = await growWith(archive, undefined, NOTHING);
      for (const code of ['PARAMETER_INVALID', 'BLOB_TOO_LARGE'] as const)
        for (const along of wrong[code]) await fails(code, growWith(archive, head, along));
      await isHead(archive.log, head);
      assert.deepEqual(await listedIds(archive), []);
      assert.deepEqual(await listedNodes(archive), []);
    },
  ],
  [
    'owns what went along, and gives away what it returns',
    async (archive) => {
      // Buffers: their slice() is no copy.
      const bytes = Buffer.from(recordOf(1).bytes!);
      const node = nodeOf('one');
      const nodeBytes = Buffer.from(node.bytes);
      const hash = Buffer.from(node.hash);
      await growWith(archive, undefined, {
        records: [{ ...recordOf(1), bytes }],
        mapNodes: [{ hash, bytes: nodeBytes }],
      });
      for (const given of [bytes, nodeBytes, hash]) given.fill(9);
      (await archive.store.get(idOf(1)))!.bytes.fill(8);
      (await archive.readNodes([node.hash]))[0]!.fill(8);
      await hasRecords(archive, [recordOf(1)]);
      await hasNodes(archive, [node]);
    },
  ],
];

const RECORDS: readonly Conformance[] = [
  [
    'makes records what is stated, whatever was there',
    async (archive) => {
      const { store } = archive;
      await store.put(idOf(1), 1, recordOf(1).bytes!);
      await store.put(idOf(2), 1, recordOf(2).bytes!);
      await store.put(idOf(2), 2, recordOf(2, 2).bytes!);
      await store.put(idOf(3), 1, recordOf(3).bytes!);
      await store.delete(idOf(3), 2);
      const records = [recordOf(1, 7), recordOf(2, 1, 'other'), recordOf(3, 3), recordOf(4, 9)];
      await growWith(archive, undefined, { ...NOTHING, records });
      await hasRecords(archive, records);
      assert.deepEqual(await listedIds(archive), records.map(({ id }) => id).toSorted());
    },
  ],
  [
    'leaves tombstones, of what is not there too, and versions go on after them',
    async (archive) => {
      const { store } = archive;
      await store.put(idOf(1), 1, recordOf(1).bytes!);
      const records = [tombstoneOf(1, 2), tombstoneOf(2, 5)];
      const head = await growWith(archive, undefined, { ...NOTHING, records });
      await hasRecords(archive, records);
      assert.deepEqual(await listedIds(archive), []);
      await fails('STORE_CONFLICT', store.put(idOf(1), 2, recordOf(1, 2).bytes!));
      await store.put(idOf(1), 3, recordOf(1, 3).bytes!);
      await fails('STORE_CONFLICT', store.put(idOf(2), 1, recordOf(2).bytes!));
      await growWith(archive, head, { ...NOTHING, records: [recordOf(2, 6)] });
      await hasRecords(archive, [recordOf(1, 3), recordOf(2, 6)]);
    },
  ],
  [
    'lists records and nothing else, at both ends of all ids too',
    async (archive) => {
      const ids = ['0'.repeat(32), `${'0'.repeat(31)}1`, idOf(1), 'f'.repeat(32)];
      const records = ids.map((id) => ({ ...recordOf(1), id }));
      let head: LogHead | undefined;
      for (const one of records)
        head = await growWith(archive, head, { records: [one], mapNodes: nodesOf(40, one.id) });
      assert.deepEqual(await listedIds(archive), ids);
      const found = [];
      for await (const { id } of archive.store.list({ after: ids[2]! })) found.push(id);
      assert.deepEqual(found, [ids[3]]);
    },
  ],
];

const RACES: readonly Conformance[] = [
  [
    'writes nothing of an append that follows another head',
    async (archive) => {
      const kept = { records: [recordOf(1)], mapNodes: [nodeOf('kept')] };
      const first = await growWith(archive, undefined, kept);
      const second = await growWith(archive, first, NOTHING);
      const lost = {
        records: [recordOf(1, 2), recordOf(2), tombstoneOf(3, 1)],
        mapNodes: [nodeOf('lost')],
      };
      for (const after of [undefined, first, { ...second, checkpoint: first.checkpoint }])
        await fails('STORE_CONFLICT', growWith(archive, after, lost));
      await isHead(archive.log, second);
      await hasRecords(archive, kept.records);
      assert.deepEqual(await listedIds(archive), [idOf(1)]);
      assert.deepEqual(await listedNodes(archive), hashesOf(kept.mapNodes));
      await archive.store.put(idOf(3), 1, recordOf(3).bytes!);
    },
  ],
  [
    'writes what one of many concurrent appends took along, and nothing of the others',
    async (archive, fixture) => {
      const other = (await fixture.openAgain?.()) ?? archive;
      let head: LogHead | undefined;
      for (let round = 0; round < 10; round++) {
        const alongs = Array.from({ length: RACERS }, (_, n) => ({
          records: [0, 1, 2].map((i) => recordOf(i, round + 1, `racer ${n}`)),
          mapNodes: nodesOf(3, `racer ${n} in round ${round}`),
        }));
        const results = await Promise.allSettled(
          alongs.map((along, n) => growWith(n % 2 ? archive : other, head, along)),
        );
        for (const result of results)
          if (result.status === 'rejected') hasCode('STORE_CONFLICT', result.reason);
        const winners = results.flatMap(({ status }, n) => (status === 'fulfilled' ? [n] : []));
        assert.equal(winners.length, 1);
        const winner = results[winners[0]!]!;
        assert.ok(winner.status === 'fulfilled');
        head = winner.value;
        await isHead(other.log, head);
        await hasRecords(archive, alongs[winners[0]!]!.records);
        for (const [n, { mapNodes }] of alongs.entries())
          await hasNodes(other, mapNodes, n === winners[0]);
      }
      if (other !== archive) await other.close();
    },
  ],
];

const LIFETIME: readonly Conformance[] = [
  [
    'shows everything to another handle, where it outlives one',
    async (archive, fixture) => {
      const along = { records: [recordOf(1), tombstoneOf(2, 2)], mapNodes: nodesOf(700, 'some') };
      const head = await growWith(archive, undefined, along);
      const again = await fixture.openAgain?.();
      if (!again) return;
      await isHead(again.log, head);
      await hasRecords(again, along.records);
      await hasNodes(again, along.mapNodes);
      const grown = await growWith(again, head, { ...NOTHING, records: [recordOf(2, 3)] });
      await again.removeNodes([along.mapNodes[0]!.hash], grown);
      await again.close();
      await isHead(archive.log, grown);
      await hasRecords(archive, [recordOf(2, 3)]);
      await hasNodes(archive, along.mapNodes.slice(0, 1), false);
    },
  ],
  [
    'refuses every call after close, which may be called twice',
    async (archive) => {
      const head = await growWith(archive, undefined, NOTHING);
      await archive.close();
      await archive.close();
      await archive[Symbol.asyncDispose]();
      await isClosed(archive, head);
    },
  ],
  [
    'is closed when its store is, or its log',
    async (archive, fixture) => {
      const head = await growWith(archive, undefined, NOTHING);
      await archive.store.close();
      await isClosed(archive, head);
      const again = await fixture.openAgain?.();
      if (!again) return;
      await again.log.close();
      await isClosed(again, head);
    },
  ],
];

async function isClosed(archive: Archive, head: LogHead): Promise<void> {
  await fails('HANDLE_INVALID', archive.readNodes([]));
  await fails('HANDLE_INVALID', listedNodes(archive));
  await fails('HANDLE_INVALID', archive.removeNodes([], head));
  await fails('HANDLE_INVALID', archive.store.get(idOf(1)));
  await fails('HANDLE_INVALID', archive.log.head());
  await fails('HANDLE_INVALID', growWith(archive, head, NOTHING));
}
