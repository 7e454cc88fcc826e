/** Work shared through a database, on a real server, and through a pooler that gives each transaction another connection. */
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenWork, WorkItem, WorkList } from '../../lib/contracts/work-list.ts';
import { postgresWork, type PostgresWorkOptions } from '../../lib/stores/postgres-work.ts';
import { LosingProxy } from '../support/losing-proxy.ts';
import { HAS_PGBOUNCER, HAS_POSTGRES, PgBouncer, PostgresServer } from '../support/postgres.ts';
import {
  byId,
  claimAll,
  doneOf,
  makeItems,
  requestOf,
  testWorkList,
} from '../support/work-lists.ts';

let server: PostgresServer;
const CLAIM = /FOR UPDATE SKIP LOCKED/;
const FINISH = /WITH finished AS/;
/** Renewed three times in it, and not so short that a busy machine misses all of them. */
const SHORT_LEASE_MS = 4000;

describe.runIf(HAS_POSTGRES)('with a server', () => {
  beforeAll(async () => {
    server = await PostgresServer.start();
  });
  afterAll(() => server.stop());

  testWorkList('postgres', () => postgresWork({ url: server.url }));
  testSharing('postgres', (more) => postgresWork({ url: server.url, ...more }));
  testLostAnswers();

  describe.runIf(HAS_PGBOUNCER)('and PgBouncer in transaction mode', () => {
    let bouncer: PgBouncer;
    beforeAll(async () => {
      bouncer = await PgBouncer.start(server);
    });
    afterAll(() => bouncer.stop());

    testWorkList('postgres behind PgBouncer', () => postgresWork({ url: bouncer.url }));
    testSharing('postgres behind PgBouncer', (more) => postgresWork({ url: bouncer.url, ...more }));
  });
});

function testSharing(
  name: string,
  opener: (more?: Partial<PostgresWorkOptions>) => OpenWork,
): void {
  describe(`a job of several processes, ${name}`, () => {
    it('is one job for equal requests, and progress and failures are seen from each', async () => {
      const request = requestOf(makeItems(10));
      await using one = await opener()(request);
      await using other = await opener()(request);
      expect(other.job).toBe(one.job);
      const [mine, theirs] = [(await one.claim(4))!, await claimAll(other)];
      expect(theirs).toHaveLength(6);
      await one.finish(doneOf(mine));
      await other.finish(theirs.map(({ id }) => ({ id, outcome: 'NO_RECIPIENT' })));
      const progress = await other.progress();
      expect(await one.progress()).toEqual(progress);
      expect(progress).toMatchObject({ total: 10, done: 4, failed: 6 });
      expect(progress.machines.map(({ done, failed }) => [done, failed])).toEqual([
        [4, 0],
        [0, 6],
      ]);
      let failures = 0;
      for await (const { code } of one.failures()) if (code === 'NO_RECIPIENT') failures++;
      expect(failures).toBe(6);
    });

    it('is another job for another kind, aim or store', async () => {
      const request = requestOf(makeItems(2));
      const jobs = new Set<string>();
      const others = [
        {},
        { kind: 'verify' },
        { aim: 'else' },
        { storeId: 'ab'.repeat(16) },
      ] as const;
      for (const other of others) {
        await using list = await opener()({ ...request, ...other });
        jobs.add(list.job);
        expect(await list.claim(9)).toHaveLength(2);
      }
      expect(jobs.size).toBe(4);
    });

    it('gives each item to one of eight that claim at once', async () => {
      const items = makeItems(2000);
      const request = requestOf(items);
      const lists = await Promise.all(Array.from({ length: 8 }, () => opener()(request)));
      const claimed = await Promise.all(lists.map((list) => workThrough(list, 13)));
      expect(byId(claimed.flat())).toEqual(byId(items));
      expect(await lists[0]!.progress()).toMatchObject({ state: 'done', total: 2000, done: 2000 });
      await Promise.all(lists.map((list) => list.close()));
    });

    it('gives what one had claimed to others when it leaves', async () => {
      const request = requestOf(makeItems(6));
      await using stays = await opener()(request);
      const leaves = await opener()(request);
      const left = (await leaves.claim(4))!;
      expect(await claimAll(stays)).toHaveLength(2);
      await leaves.close();
      expect(byId(await claimAll(stays))).toEqual(byId(left));
      expect((await stays.progress()).machines.map(({ isAtWork }) => isAtWork)).toEqual([
        true,
        false,
      ]);
    });

    it('gives what one had claimed to others when its lease has ended, and what that one then says counts no more', async () => {
      const request = requestOf(makeItems(5));
      await using slow = await opener()(request);
      await using other = await opener()(request);
      const claimed = (await slow.claim(5))!;
      // As if its timer had not come round for that long.
      await server.run(
        `UPDATE keycask.work_machines SET until = now() WHERE done = 0 AND job = $1`,
        [slow.job],
      );
      const again = await other.claim(4);
      expect(again).toHaveLength(4);
      const finished = await slow.finish(doneOf(claimed));
      expect(finished).toHaveLength(1);
      expect(again!.map(({ id }) => id)).not.toContain(finished[0]);
      expect(await other.finish(doneOf(again!))).toHaveLength(4);
      expect(await other.claim(1)).toBeUndefined();
      expect(await other.progress()).toMatchObject({ done: 5, state: 'done' });
    });

    it('keeps its claims for as long as it is heard of', async () => {
      const request = requestOf(makeItems(3));
      await using slow = await opener({ leaseMs: SHORT_LEASE_MS })(request);
      await using other = await opener()(request);
      await slow.claim(3);
      for (const end = Date.now() + 1.5 * SHORT_LEASE_MS; Date.now() < end;)
        expect(await other.claim(3)).toEqual([]);
    });

    it('goes on when all had left it, where they had come to', async () => {
      const items = makeItems(10);
      const request = requestOf(items);
      const first = await opener()(request);
      const done = (await first.claim(4))!;
      await first.finish(doneOf(done));
      await first.claim(3);
      await first.close();
      await using second = await opener()(request);
      expect(second.job).toBe(first.job);
      const rest = await claimAll(second);
      expect(byId([...done, ...rest])).toEqual(byId(items));
    });

    it('is begun anew after it has ended, but not by whoever only joins', async () => {
      const request = requestOf(makeItems(2));
      const joining = { ...request, isJoining: true };
      await expect(opener()(joining)).rejects.toMatchObject({ code: 'WORK_NOT_FOUND' });
      const first = await opener()(request);
      await first.finish(doneOf((await first.claim(2))!));
      expect(await first.claim(1)).toBeUndefined();
      await first.close();
      await using late = await opener()(joining);
      expect(late.job).toBe(first.job);
      expect(await late.claim(1)).toBeUndefined();
      expect(await late.progress()).toMatchObject({ state: 'done', done: 2 });
      await using second = await opener()(request);
      expect(second.job).not.toBe(first.job);
      expect(await second.claim(9)).toHaveLength(2);
    });

    it('is cancelled for everybody', async () => {
      const request = requestOf(makeItems(4));
      await using one = await opener()(request);
      await using other = await opener()(request);
      await one.cancel();
      expect(await other.claim(1)).toBeUndefined();
    });

    it('lists its items to the end where whoever began that did not come to it', async () => {
      const items = makeItems(2500);
      const failing = function* (): Generator<WorkItem> {
        yield* items.slice(0, 2100);
        throw new TypeError('the listing ends here');
      };
      const request = requestOf(items);
      await expect(opener()({ ...request, items: failing })).rejects.toThrow('ends here');
      await using list = await opener()(request);
      expect(byId(await claimAll(list, 1000))).toEqual(byId(items));
      expect((await list.progress()).total).toBe(2500);
    });

    it('lets others begin with what is listed so far, and ends only when everything is', async () => {
      const items = makeItems(1500);
      const [begins, goesOn] = [new AbortController(), new AbortController()];
      const slowly = async function* (): AsyncGenerator<WorkItem> {
        begins.abort();
        yield* items.slice(0, 1200);
        await once(goesOn.signal, 'abort');
        yield* items.slice(1200);
      };
      const request = requestOf(items, { items: slowly });
      const listing = opener()(request);
      await once(begins.signal, 'abort');
      await using other = await opener()(request);
      const first: WorkItem[] = [];
      while (first.length < 1000) first.push(...(await other.claim(1000))!);
      await other.finish(doneOf(first));
      expect(await other.claim(1)).toEqual([]);
      expect(await other.progress()).toMatchObject({ state: 'listing', total: undefined });
      goesOn.abort();
      await using lister = await listing;
      expect(byId([...first, ...(await claimAll(lister, 1000))])).toEqual(byId(items));
    });
  });
}

/** Claims and finishes until the job has ended. */
async function workThrough(list: WorkList, limit: number): Promise<WorkItem[]> {
  const own: WorkItem[] = [];
  for (;;) {
    const items = await list.claim(limit);
    if (!items) return own;
    expect(await list.finish(doneOf(items))).toHaveLength(items.length);
    own.push(...items);
  }
}

function testLostAnswers(): void {
  describe('a job whose answers are lost', () => {
    let proxy: LosingProxy;
    let opener: OpenWork;
    beforeAll(async () => {
      proxy = await LosingProxy.start(server.port);
      opener = postgresWork({
        url: server.url.replace(`:${server.port}/`, `:${proxy.port}/`),
        retryMs: 60_000,
      });
    });
    afterAll(() => proxy.stop());

    it('knows what it has claimed all the same', async () => {
      const items = makeItems(10);
      await using list = await opener(requestOf(items));
      const before = proxy.lost;
      proxy.lose('answer', CLAIM);
      const first = (await list.claim(3))!;
      expect(proxy.lost).toBe(before + 1);
      // Those of the try that was never answered, too.
      expect(first).toHaveLength(6);
      expect(byId([...first, ...(await claimAll(list))])).toEqual(byId(items));
    });

    it('knows what it has finished all the same', async () => {
      await using list = await opener(requestOf(makeItems(4)));
      const claimed = (await list.claim(3))!;
      const before = proxy.lost;
      proxy.lose('answer', FINISH);
      expect(await list.finish(doneOf(claimed))).toHaveLength(3);
      expect(proxy.lost).toBe(before + 1);
      expect((await list.progress()).done).toBe(3);
    });
  });
}
