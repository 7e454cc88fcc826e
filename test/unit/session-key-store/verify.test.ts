/** Verifying all records of a home: on all cores as in one thread, in the order in which they were made. */
import { describe, expect, it } from 'vitest';
import { homeOf, type SessionKeyStore } from '../../../lib/session-key-store.ts';
import type { VerifyResult } from '../../../lib/session-key-store/types.ts';
import { collected } from '../../support/logged-records.ts';
import { newStore } from '../../support/temporary-home.ts';

/** More than one page, and more than are verified before threads are started. */
const MANY = 600;
const BAD = [3, 255, 256, 300, 511, 599];

/** Keys in an LMDB file; the signatures of some do not fit, and manifest and log list them all the same: only their signer can have done so. */
async function archiveWithBadSignatures(): Promise<SessionKeyStore> {
  const { store } = await newStore({ store: { kind: 'lmdb' } });
  const home = homeOf(store);
  for (let n = 0; n < MANY; n += 200)
    await Promise.all(
      Array.from({ length: 200 }, async (_, i) =>
        (await store.createKey(`key ${n + i}`)).dispose(),
      ),
    );
  const listed = await collected(home.shelf.list());
  for (const at of BAD) {
    const { id, version, label } = listed[at]!;
    const bytes = (await home.shelf.get(id)).bytes.slice();
    // The end of a record is the end of its signature.
    bytes[bytes.length - 1]! ^= 1;
    await home.shelf.put({ id, version: version + 1, label, bytes }, await home.author());
  }
  return store;
}

describe('verifying all records', () => {
  it('finds the same in threads as without, in the order in which the keys were made', async () => {
    const store = await archiveWithBadSignatures();
    const ids = (await collected(homeOf(store).shelf.list())).map(({ id }) => id);
    const inThreads = await collected(store.verify(undefined, { jobs: 3 }));
    const inOne = await collected(store.verify(undefined, { jobs: 1 }));
    expect(inThreads).toEqual(inOne);
    expect(inThreads.map(({ id }) => id)).toEqual(ids);
    const bad = inThreads.flatMap(({ state }, i) => (state === 'ok' ? [] : [[i, state]]));
    expect(bad).toEqual(BAD.map((i) => [i, 'BLOB_SIGNATURE_INVALID']));
    // One by one, as before there were threads.
    const alone: VerifyResult[] = [];
    for (const i of [0, ...BAD]) alone.push(...(await collected(store.verify(ids[i]))));
    expect(alone).toEqual([0, ...BAD].map((i) => inThreads[i]));
  });

  it('ends with CANCELLED where it is aborted, and may be left in the middle', async () => {
    const { store } = await newStore();
    for (const label of ['a', 'b']) (await store.createKey(label)).dispose();
    const signal = AbortSignal.abort();
    await expect(collected(store.verify(undefined, { signal }))).rejects.toMatchObject({
      code: 'CANCELLED',
    });
    for await (const { label } of store.verify()) {
      expect(label).toBe('a');
      break;
    }
    expect((await collected(store.verify())).map(({ state }) => state)).toEqual(['ok', 'ok']);
  });
});
