/** Conformance of a store that takes many records at once. */
import assert from 'node:assert/strict';
import type { Store } from '../contracts/store.ts';

type ManyAtOnce = readonly [
  title: string,
  body: (store: Store, fixture: { openAgain?(): Promise<Store> }) => Promise<void>,
];

const ONE = Uint8Array.of(1, 0, 255);
const TWO = Uint8Array.of(2);

/** Of a store that has `createAll`; one that has not is asked nothing. */
export const MANY_AT_ONCE: readonly ManyAtOnce[] = [
  [
    'writes many first versions at once, and none where there is a version or a deletion',
    async (store) => {
      if (!store.createAll) return;
      const ids = Array.from({ length: 40 }, (_, n) => n.toString(16).padStart(2, '0').repeat(16));
      await store.put(ids[0]!, 1, TWO);
      await store.put(ids[1]!, 1, TWO);
      await store.put(ids[1]!, 2, TWO);
      await store.put(ids[2]!, 1, TWO);
      await store.delete(ids[2]!, 2);
      const created = await store.createAll(ids.map((id) => ({ id, bytes: ONE })));
      assert.deepEqual(
        created,
        ids.map((_, n) => n > 2),
      );
      await isRecord(store, ids[0]!, 1, TWO);
      await isRecord(store, ids[1]!, 2, TWO);
      assert.equal(await store.get(ids[2]!), undefined);
      for (const id of ids.slice(3)) await isRecord(store, id, 1, ONE);
    },
  ],
  [
    'lets one of several writers of many win each id',
    async (store, fixture) => {
      const other = (await fixture.openAgain?.()) ?? store;
      if (!store.createAll || !other.createAll) return;
      const ids = Array.from({ length: 40 }, (_, n) => `00${n.toString().padStart(30, '0')}`);
      const [ours, theirs] = await Promise.all([
        store.createAll(ids.map((id) => ({ id, bytes: ONE }))),
        other.createAll(ids.map((id) => ({ id, bytes: TWO }))),
      ]);
      for (const [n, id] of ids.entries()) {
        assert.notEqual(ours[n], theirs[n]);
        await isRecord(store, id, 1, ours[n] ? ONE : TWO);
      }
      if (other !== store) await other.close();
    },
  ],
];

// oxlint-disable-next-line max-params -- what is where
async function isRecord(
  store: Store,
  id: string,
  version: number,
  bytes: Uint8Array,
): Promise<void> {
  assert.deepEqual(await store.get(id), { version, bytes });
}
