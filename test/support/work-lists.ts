/** What every work list has to do, whoever takes part in it alone. */
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { OpenWork, WorkItem, WorkList, WorkRequest } from '../../lib/contracts/work-list.ts';

export const newId = (): string => randomBytes(16).toString('hex');

export function makeItems(count: number): WorkItem[] {
  return Array.from({ length: count }, (_, n) => ({ id: newId(), version: n + 1 }));
}

/** A job over these items, in a store of its own. */
export function requestOf(
  items: readonly WorkItem[],
  more: Partial<WorkRequest> = {},
): WorkRequest {
  return { kind: 'rewrap', storeId: newId(), aim: 'test', items: () => items, ...more };
}

/** Claims until nothing is left that nobody has. */
export async function claimAll(list: WorkList, limit = 7): Promise<WorkItem[]> {
  const all: WorkItem[] = [];
  for (;;) {
    const claimed = await list.claim(limit);
    if (!claimed || claimed.length === 0) return all;
    all.push(...claimed);
  }
}

export function doneOf(items: readonly WorkItem[]): { id: string; outcome: 'done' }[] {
  return items.map(({ id }) => ({ id, outcome: 'done' }));
}

export const byId = (items: readonly WorkItem[]): WorkItem[] =>
  items.toSorted((a, b) => (a.id < b.id ? -1 : 1));

export function testWorkList(name: string, opener: () => OpenWork): void {
  describe(`the work list ${name}`, () => {
    const open = (request: WorkRequest): Promise<WorkList> => opener()(request);

    it('gives out each item once, with the version that it was listed with', async () => {
      const items = makeItems(50);
      await using list = await open(requestOf(items));
      expect(byId(await claimAll(list))).toEqual(byId(items));
      expect(await list.claim(1)).toEqual([]);
    });

    it('gives out no more than it is asked for', async () => {
      await using list = await open(requestOf(makeItems(9)));
      expect(await list.claim(4)).toHaveLength(4);
      expect(await list.claim(1)).toHaveLength(1);
      expect(await list.claim(1024)).toHaveLength(4);
    });

    it('has ended when every item is finished, and not before', async () => {
      await using list = await open(requestOf(makeItems(3)));
      const items = (await list.claim(3))!;
      await list.finish(doneOf(items.slice(0, 2)));
      expect(await list.claim(1)).toEqual([]);
      expect((await list.progress()).state).toBe('open');
      await list.finish(doneOf(items.slice(2)));
      expect(await list.claim(1)).toBeUndefined();
      expect((await list.progress()).state).toBe('done');
    });

    it('has ended at once where there is nothing to do', async () => {
      await using list = await open(requestOf([]));
      expect(await list.claim(1)).toBeUndefined();
      expect(await list.progress()).toMatchObject({ state: 'done', total: 0, done: 0 });
    });

    it('counts what became of the items, and keeps the codes of those that failed', async () => {
      await using list = await open(requestOf(makeItems(6)));
      const [first, second, third, fourth] = byId((await list.claim(6))!);
      await list.finish([
        { id: first!.id, outcome: 'done' },
        { id: second!.id, outcome: 'unchanged' },
        { id: fourth!.id, outcome: 'NO_RECIPIENT' },
      ]);
      await list.finish([{ id: third!.id, outcome: 'BLOB_SIGNATURE_INVALID' }]);
      const counts = { done: 1, unchanged: 1, failed: 2 };
      const progress = await list.progress();
      expect(progress).toMatchObject({ kind: 'rewrap', state: 'open', total: 6, ...counts });
      expect(progress.machines).toEqual([
        expect.objectContaining({ ...counts, isAtWork: true, seen: expect.any(Date) }),
      ]);
      const { name } = progress.machines[0]!;
      const failures = [];
      for await (const failure of list.failures()) failures.push(failure);
      expect(failures).toEqual([
        { ...third, code: 'BLOB_SIGNATURE_INVALID', machine: name },
        { ...fourth, code: 'NO_RECIPIENT', machine: name },
      ]);
    });

    it('finishes an item once, and none that was not claimed', async () => {
      const items = makeItems(4);
      await using list = await open(requestOf(items));
      const claimed = (await list.claim(2))!;
      const ids = claimed.map(({ id }) => id);
      expect((await list.finish(doneOf(items))).toSorted()).toEqual(ids.toSorted());
      expect(await list.finish(doneOf(items))).toEqual([]);
      expect((await list.progress()).done).toBe(2);
    });

    it('gives out again what was given back', async () => {
      await using list = await open(requestOf(makeItems(5)));
      const claimed = (await list.claim(5))!;
      await list.release(claimed.slice(0, 2).map(({ id }) => id));
      expect(byId(await claimAll(list))).toEqual(byId(claimed.slice(0, 2)));
    });

    it('gives out nothing any more when it was cancelled; what was claimed may still be finished', async () => {
      await using list = await open(requestOf(makeItems(5)));
      const claimed = (await list.claim(2))!;
      await list.cancel();
      expect(await list.claim(1)).toBeUndefined();
      expect(await list.finish(doneOf(claimed))).toHaveLength(2);
      expect(await list.progress()).toMatchObject({ state: 'cancelled', done: 2, total: 5 });
    });

    it('refuses claims, aims and stores that are out of bounds', async () => {
      await using list = await open(requestOf(makeItems(1)));
      for (const limit of [0, -1, 1.5, 1025, Number.NaN])
        await expect(list.claim(limit)).rejects.toMatchObject({ code: 'PARAMETER_INVALID' });
      for (const wrong of [{ storeId: 'x' }, { aim: 'a'.repeat(257) }, { aim: '\0' }])
        await expect(open(requestOf([], wrong))).rejects.toMatchObject({
          code: 'PARAMETER_INVALID',
        });
    });

    it('ends its listing when it is told to', async () => {
      const signal = AbortSignal.abort();
      await expect(open(requestOf(makeItems(1), { signal }))).rejects.toMatchObject({
        code: 'CANCELLED',
      });
    });

    it('answers nothing after it was closed, and can be closed twice', async () => {
      const list = await open(requestOf(makeItems(1)));
      await list.close();
      await list.close();
      const closed = { code: 'HANDLE_INVALID' };
      await expect(list.claim(1)).rejects.toMatchObject(closed);
      await expect(list.finish([])).rejects.toMatchObject(closed);
      await expect(list.release([])).rejects.toMatchObject(closed);
      await expect(list.progress()).rejects.toMatchObject(closed);
      await expect(list.cancel()).rejects.toMatchObject(closed);
      await expect(list.failures()[Symbol.asyncIterator]().next()).rejects.toMatchObject(closed);
    });
  });
}
