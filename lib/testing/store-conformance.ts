/** The definition of a store: tests that every store passes, for ours and for those of third parties. */
import assert from 'node:assert/strict';
import type { Store, StoredRecordId } from '../contracts/store.ts';
import { KeyStoreError, type KeyStoreErrorCode } from '../errors.ts';
import { MANY_AT_ONCE } from './store-many.ts';

/** One empty store, and what the suite may do around it. */
export interface StoreFixture {
  readonly store: Store;
  /** Another handle on the same records, where they outlive one. */
  openAgain?(): Promise<Store>;
  /** Called after each test; the suite has closed `store` by then. */
  dispose?(): Promise<void>;
}

/** The two functions of a test runner that the suite needs: those of vitest, mocha and node:test all fit. */
export interface TestRunner {
  describe(name: string, body: () => void): void;
  it(name: string, body: () => Promise<void>): void;
}

/**
 * Runs the conformance suite of {@link Store}.
 *
 * @param name - What the suite is called in the report.
 * @param make - Makes a fixture with an empty store; called once for each test.
 * @param runner - `describe` and `it` of the test runner.
 * @example
 * ```ts
 * import { describe, it } from 'vitest';
 * import { testStore } from 'keycask/testing';
 * testStore('my store', async () => ({ store: await openMyStore() }), { describe, it });
 * ```
 */
export function testStore(
  name: string,
  make: () => Promise<StoreFixture>,
  runner: TestRunner,
): void {
  runner.describe(`${name} as a store`, () => {
    for (const [title, body] of [
      ...VERSIONS,
      ...MANY_AT_ONCE,
      ...DELETION,
      ...LISTING,
      ...RACES,
      ...ARGUMENTS,
      ...LIFETIME,
    ]) {
      runner.it(title, async () => {
        const fixture = await make();
        try {
          await body(fixture.store, fixture);
        } finally {
          await fixture.store.close();
          await fixture.dispose?.();
        }
      });
    }
  });
}

type Conformance = readonly [
  title: string,
  body: (store: Store, fixture: StoreFixture) => Promise<void>,
];

const ID = 'abcdef0123456789abcdef0123456789';
const OTHER = 'abcdef0123456789abcdef012345678a';
const ONE = Uint8Array.of(1, 0, 255);
const TWO = Uint8Array.of(2);
const RACERS = 16;

const VERSIONS: readonly Conformance[] = [
  [
    'has a name',
    async (store) => {
      assert.ok(store.name.length > 0);
    },
  ],
  [
    'answers undefined for an id that was never written',
    async (store) => {
      assert.equal(await store.get(ID), undefined);
    },
  ],
  [
    'returns the bytes and the version that were put',
    async (store) => {
      await store.put(ID, 1, ONE);
      await isRecord(store, ID, 1, ONE);
      assert.equal(await store.get(OTHER), undefined);
    },
  ],
  [
    'replaces a version by the next one',
    async (store) => {
      await store.put(ID, 1, ONE);
      await store.put(ID, 2, TWO);
      await isRecord(store, ID, 2, TWO);
    },
  ],
  [
    'refuses the same version, an older one and one too far ahead, and keeps what it has',
    async (store) => {
      await fails('STORE_CONFLICT', store.put(ID, 2, TWO));
      await store.put(ID, 1, ONE);
      await store.put(ID, 2, ONE);
      for (const version of [1, 2, 4]) {
        await fails('STORE_CONFLICT', store.put(ID, version, TWO));
        await fails('STORE_CONFLICT', store.delete(ID, version));
      }
      await isRecord(store, ID, 2, ONE);
    },
  ],
  [
    'keeps ids apart that differ in one digit',
    async (store) => {
      await store.put(ID, 1, ONE);
      await store.put(OTHER, 1, TWO);
      await isRecord(store, ID, 1, ONE);
      await isRecord(store, OTHER, 1, TWO);
    },
  ],
  [
    'owns what was put and gives away what it returns',
    async (store) => {
      // A Buffer: its slice() is no copy.
      const bytes = Buffer.from(ONE);
      await store.put(ID, 1, bytes);
      bytes.fill(9);
      (await store.get(ID))?.bytes.fill(8);
      await isRecord(store, ID, 1, ONE);
    },
  ],
  [
    'holds a record of 1 MiB',
    async (store) => {
      const bytes = new Uint8Array(1 << 20).fill(0xa5);
      await store.put(ID, 1, bytes);
      await isRecord(store, ID, 1, bytes);
    },
  ],
];

const DELETION: readonly Conformance[] = [
  [
    'forgets a deleted record',
    async (store) => {
      await store.put(ID, 1, ONE);
      await store.delete(ID, 2);
      assert.equal(await store.get(ID), undefined);
      assert.deepEqual(await listed(store), []);
    },
  ],
  [
    'cannot create a deleted id again with version 1',
    async (store) => {
      await store.put(ID, 1, ONE);
      await store.delete(ID, 2);
      await fails('STORE_CONFLICT', store.put(ID, 1, TWO));
      await fails('STORE_CONFLICT', store.put(ID, 2, TWO));
      assert.equal(await store.get(ID), undefined);
    },
  ],
  [
    'counts a deletion as a version, so that the id goes on from it',
    async (store) => {
      await store.put(ID, 1, ONE);
      await store.delete(ID, 2);
      await store.put(ID, 3, TWO);
      await isRecord(store, ID, 3, TWO);
    },
  ],
  [
    'can delete an id that was never there, and that burns its version 1',
    async (store) => {
      await store.delete(ID, 1);
      await fails('STORE_CONFLICT', store.put(ID, 1, ONE));
      assert.equal(await store.get(ID), undefined);
    },
  ],
];

const LISTING: readonly Conformance[] = [
  [
    'lists nothing when it is empty',
    async (store) => {
      assert.deepEqual(await listed(store), []);
    },
  ],
  [
    'lists what is present, each once, ascending, with its newest version',
    async (store) => {
      for (const id of SCATTERED) await store.put(id, 1, ONE);
      await store.put(SCATTERED[3]!, 2, TWO);
      await store.delete(SCATTERED[5]!, 2);
      const want = SCATTERED.filter((id) => id !== SCATTERED[5])
        .toSorted()
        .map((id) => ({ id, version: id === SCATTERED[3] ? 2 : 1 }));
      assert.deepEqual(await listed(store), want);
    },
  ],
  [
    'lists in pages, without gap and without overlap',
    async (store) => {
      for (const id of SCATTERED) await store.put(id, 1, ONE);
      const ids: string[] = [];
      for (;;) {
        const after = ids.at(-1);
        const page = await listed(store, { limit: 7, ...(after !== undefined && { after }) });
        assert.ok(page.length <= 7);
        if (page.length === 0) break;
        ids.push(...page.map(({ id }) => id));
      }
      assert.deepEqual(ids, SCATTERED.toSorted());
      assert.deepEqual(await listed(store, { limit: 0 }), []);
    },
  ],
  [
    'goes on listing while records come and go',
    async (store) => {
      for (const id of SCATTERED) await store.put(id, 1, ONE);
      const seen: string[] = [];
      for await (const { id } of store.list()) {
        seen.push(id);
        if (seen.length === 3) {
          await store.put(SCATTERED[0]!, 2, TWO);
          await store.delete(SCATTERED[1]!, 2);
        }
      }
      assert.equal(new Set(seen).size, seen.length);
      const untouched = SCATTERED.slice(2);
      assert.deepEqual(
        untouched.filter((id) => !seen.includes(id)),
        [],
      );
    },
  ],
];

const RACES: readonly Conformance[] = [
  [
    'lets exactly one of many concurrent writers of one version win',
    async (store, fixture) => {
      const stores = [store, (await fixture.openAgain?.()) ?? store];
      for (const id of SCATTERED.slice(0, 8)) {
        const puts = Array.from({ length: RACERS }, (_, n) =>
          stores[n % 2]!.put(id, 1, Uint8Array.of(n)),
        );
        const winners = await wins(puts);
        assert.equal(winners.length, 1);
        await isRecord(store, id, 1, Uint8Array.of(winners[0]!));
      }
      if (stores[1] !== store) await stores[1]!.close();
    },
  ],
  [
    'lets exactly one of concurrent writers and deleters win',
    async (store) => {
      await store.put(ID, 1, ONE);
      const changes = Array.from({ length: RACERS }, (_, n) =>
        n % 2 ? store.put(ID, 2, Uint8Array.of(n)) : store.delete(ID, 2),
      );
      const winners = await wins(changes);
      assert.equal(winners.length, 1);
      if (winners[0]! % 2) await isRecord(store, ID, 2, Uint8Array.of(winners[0]!));
      else assert.equal(await store.get(ID), undefined);
    },
  ],
  [
    'never shows an older version after a newer one, nor none',
    async (store) => {
      await store.put(ID, 1, Uint8Array.of(1));
      const write = async () => {
        for (let version = 2; version <= 40; version++)
          await store.put(ID, version, Uint8Array.of(version));
      };
      const read = async () => {
        for (let last = 1; last < 40;) {
          const record = await store.get(ID);
          assert.ok(record && record.version >= last);
          assert.deepEqual([...record.bytes], [record.version]);
          last = record.version;
        }
      };
      await Promise.all([write(), read(), read()]);
    },
  ],
];

const ARGUMENTS: readonly Conformance[] = [
  [
    'refuses an id that is not 32 lower-case hex digits',
    async (store) => {
      for (const id of ['', 'abc', ID.toUpperCase(), `${ID}0`, `../${ID.slice(3)}`, `${ID}\n`]) {
        await fails('PARAMETER_INVALID', store.get(id));
        await fails('PARAMETER_INVALID', store.put(id, 1, ONE));
        await fails('PARAMETER_INVALID', store.delete(id, 1));
      }
    },
  ],
  [
    'refuses a version that is not a whole number from 1 to 2^32 - 1',
    async (store) => {
      for (const version of [0, -1, 1.5, Number.NaN, 2 ** 32]) {
        await fails('PARAMETER_INVALID', store.put(ID, version, ONE));
        await fails('PARAMETER_INVALID', store.delete(ID, version));
      }
    },
  ],
  [
    'refuses an empty record and one that is too large',
    async (store) => {
      await fails('PARAMETER_INVALID', store.put(ID, 1, new Uint8Array(0)));
      await fails('BLOB_TOO_LARGE', store.put(ID, 1, new Uint8Array(2 << 20)));
      assert.equal(await store.get(ID), undefined);
    },
  ],
];

const LIFETIME: readonly Conformance[] = [
  [
    'shows its records to another handle, where they outlive one',
    async (store, fixture) => {
      await store.put(ID, 1, ONE);
      await store.put(OTHER, 1, ONE);
      await store.delete(OTHER, 2);
      const again = await fixture.openAgain?.();
      if (!again) return;
      await isRecord(again, ID, 1, ONE);
      await fails('STORE_CONFLICT', again.put(OTHER, 1, ONE));
      await again.put(ID, 2, TWO);
      await again.close();
      await isRecord(store, ID, 2, TWO);
    },
  ],
  [
    'refuses every call after close, which may be called twice',
    async (store) => {
      await store.put(ID, 1, ONE);
      await store.close();
      await store.close();
      await store[Symbol.asyncDispose]();
      await fails('HANDLE_INVALID', store.get(ID));
      await fails('HANDLE_INVALID', store.put(ID, 2, ONE));
      await fails('HANDLE_INVALID', store.delete(ID, 2));
      await fails('HANDLE_INVALID', listed(store));
    },
  ],
];

/** Ids all over the place, in no order. */
const SCATTERED = Array.from({ length: 30 }, (_, n) =>
  ((n * 2_654_435_761) % 2 ** 32).toString(16).padStart(8, '0').repeat(4),
);

async function isRecord(
  store: Store,
  id: string,
  ...[version, bytes]: readonly [number, Uint8Array]
): Promise<void> {
  const record = await store.get(id);
  assert.ok(record, 'the record is there');
  assert.equal(record.version, version);
  assert.ok(Buffer.from(record.bytes).equals(bytes), 'the bytes are those that were put');
}

async function listed(
  store: Store,
  options?: Parameters<Store['list']>[0],
): Promise<StoredRecordId[]> {
  const records: StoredRecordId[] = [];
  for await (const { id, version } of store.list(options)) records.push({ id, version });
  return records;
}

/** Which of `changes` won; all others lost with STORE_CONFLICT. */
async function wins(changes: readonly Promise<void>[]): Promise<number[]> {
  const results = await Promise.allSettled(changes);
  for (const result of results)
    if (result.status === 'rejected') hasCode('STORE_CONFLICT', result.reason);
  return results.flatMap(({ status }, n) => (status === 'fulfilled' ? [n] : []));
}

async function fails(code: KeyStoreErrorCode, work: Promise<unknown>): Promise<void> {
  await assert.rejects(work, (error) => hasCode(code, error));
}

function hasCode(code: KeyStoreErrorCode, error: unknown): true {
  if (!KeyStoreError.is(error)) throw error;
  assert.equal(error.code, code);
  return true;
}
