/** Re-wrapping all records: each once, alone or with others, and told apart from what was done before. */
import { describe, expect, it } from 'vitest';
import type { WorkRequest } from '../../../lib/contracts/work-list.ts';
import { SessionKeyStore } from '../../../lib/session-key-store.ts';
import { rewrapEach } from '../../../lib/session-key-store/bulk-rewrap.ts';
import { openHome } from '../../../lib/session-key-store/open-home.ts';
import type { StoreProgress } from '../../../lib/session-key-store/types.ts';
import { openMemoryWork } from '../../../lib/stores/memory-work.ts';
import { newStore, type TemporaryHome } from '../../support/temporary-home.ts';

const LABELS = ['a', 'b', 'c', 'd', 'e'];

/** A home with five keys. */
async function homeWithKeys(): Promise<{ store: SessionKeyStore; where: TemporaryHome }> {
  const made = await newStore();
  for (const label of LABELS) (await made.store.createKey(label)).dispose();
  return made;
}

async function versions(store: SessionKeyStore): Promise<number[]> {
  const found: number[] = [];
  for await (const { version, state } of store.listKeys()) {
    expect(state).toBe('ok');
    found.push(version);
  }
  return found;
}

describe('re-wrapping all records', () => {
  it('writes the next version of each, and says so', async () => {
    const { store } = await homeWithKeys();
    const told: StoreProgress[] = [];
    const summary = await store.rewrapAll({ onProgress: (progress) => told.push(progress) });
    const counts = { done: 5, unchanged: 0, failed: 0 };
    expect(summary).toMatchObject({ kind: 'rewrap', state: 'done', total: 5, ...counts });
    expect(summary.own).toEqual(counts);
    expect(told.map(({ done, total, state }) => [done, total, state])).toEqual(
      [1, 2, 3, 4, 5].map((done) => [done, 5, 'rewrapped']),
    );
    expect(await versions(store)).toEqual([2, 2, 2, 2, 2]);
    for (const label of LABELS) (await store.openKey(label)).dispose();
  });

  it('adds a recipient to each', async () => {
    const { store } = await homeWithKeys();
    const { store: other } = await newStore();
    await store.rewrapAll({ add: [await other.certificate('exchange')] });
    for await (const { recipients } of store.listKeys()) expect(recipients).toHaveLength(2);
  });

  it('does not write again what a process wrote that was killed before it could say so', async () => {
    const { store, where } = await homeWithKeys();
    // The list as it was when that process began.
    const listed: { id: string; version: number }[] = [];
    for await (const { id, version } of store.listKeys()) listed.push({ id, version });
    for (const label of ['a', 'c']) await store.rewrap(label);
    const home = await openHome({ ...where });
    const openWork = (request: WorkRequest) => openMemoryWork({ ...request, items: () => listed });
    const summary = await rewrapEach(Object.assign(home, { openWork }));
    expect(summary).toMatchObject({ done: 5, failed: 0 });
    await home.close();
    expect(await versions(store)).toEqual([2, 2, 2, 2, 2]);
  });

  it('writes again what changed meanwhile and is not as it should be', async () => {
    const { store, where } = await homeWithKeys();
    const { store: other } = await newStore();
    const add = [await other.certificate('exchange')];
    const listed: { id: string; version: number }[] = [];
    for await (const { id, version } of store.listKeys()) listed.push({ id, version });
    await store.rewrap('a');
    await store.rewrap('b', { add });
    const home = await openHome({ ...where });
    const openWork = (request: WorkRequest) => openMemoryWork({ ...request, items: () => listed });
    await rewrapEach(Object.assign(home, { openWork }), { add });
    await home.close();
    expect(await versions(store)).toEqual([3, 2, 2, 2, 2]);
    for await (const { recipients } of store.listKeys()) expect(recipients).toHaveLength(2);
  });

  it('goes on without a record that cannot be re-wrapped, and tells which and why', async () => {
    const { store } = await homeWithKeys();
    const told: StoreProgress[] = [];
    const summary = await store.rewrapAll({
      drop: ['abcd'],
      onProgress: (progress) => told.push(progress),
    });
    expect(summary).toMatchObject({ done: 0, failed: 5, own: { failed: 5 } });
    expect(summary.failures.map(({ code }) => code)).toEqual(
      Array.from({ length: 5 }, () => 'PARAMETER_INVALID'),
    );
    expect(new Set(told.map(({ state }) => state))).toEqual(new Set(['PARAMETER_INVALID']));
    expect(await versions(store)).toEqual([1, 1, 1, 1, 1]);
  });

  it('is refused where the home was opened to list and verify only', async () => {
    const { where } = await homeWithKeys();
    await using store = await SessionKeyStore.open({ ...where, readOnly: true });
    await expect(store.rewrapAll()).rejects.toMatchObject({ code: 'PASSWORD_REQUIRED' });
  });

  it('ends when it is told to', async () => {
    const { store } = await homeWithKeys();
    await expect(store.rewrapAll({ signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
    expect(await versions(store)).toEqual([1, 1, 1, 1, 1]);
  });
});
