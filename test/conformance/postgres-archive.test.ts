/** What the postgres archive makes of answers that are lost, of a store that it was before, and of others in its tables. */
import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Archive } from '../../lib/stores/archive.ts';
import { openPostgresArchive, openPostgresStore } from '../../lib/stores/postgres.ts';
import { Database } from '../../lib/stores/postgres/database.ts';
import { loadPg } from '../../lib/stores/postgres/load-pg.ts';
import { migrate, MIGRATIONS } from '../../lib/stores/postgres/migrations.ts';
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
} from '../../lib/testing/archive-samples.ts';
import { append, appendOf, hasCode, isHead } from '../../lib/testing/log-storage-samples.ts';
import { LosingProxy } from '../support/losing-proxy.ts';
import { HAS_POSTGRES, PostgresServer } from '../support/postgres.ts';

const APPEND = /log_heads.*INSERT INTO "keycask"\.log_leaves/s;
const NOTHING = { records: [], mapNodes: [] };
const until = async (isSo: () => boolean) => {
  while (!isSo()) await setTimeout(5);
};
const newId = () => randomBytes(16).toString('hex');

describe.runIf(HAS_POSTGRES)('a postgres archive', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.start();
  });
  afterAll(() => server.stop());

  it('is what a store of an older release was, each in the same tables with a log of its own', async () => {
    const schema = `s${randomBytes(6).toString('hex')}`;
    const older = new Database(await loadPg(), {
      pool: { connectionString: server.url },
      connections: 1,
      retryMs: 0,
    });
    await migrate(older, schema, MIGRATIONS.slice(0, 1));
    await older.close();
    const [one, other] = [newId(), newId()];
    for (const store of [one, other])
      await server.run(
        `INSERT INTO ${schema}.records (store, id, version, bytes, attempts) VALUES ($1, $2, 1, $3, ARRAY[$1::uuid])`,
        [store, idOf(1), recordOf(1).bytes],
      );
    const open = (storeId: string) => openPostgresArchive({ url: server.url, schema, storeId });
    await using first = await open(one);
    await using second = await open(other);
    await hasRecords(first, [recordOf(1)]);
    expect(await first.log.head()).toBeUndefined();
    const along = { records: [recordOf(1, 2), recordOf(2)], mapNodes: [nodeOf('one')] };
    const head = await growWith(first, undefined, along);
    await growWith(second, undefined, { ...NOTHING, mapNodes: [nodeOf('one'), nodeOf('two')] });
    await hasRecords(second, [recordOf(1)]);
    await isHead(first.log, head);
    await first.removeNodes([nodeOf('one').hash], head);
    expect(await listedNodes(second)).toEqual(hashesOf([nodeOf('one'), nodeOf('two')]));
    await using store = await openPostgresStore({ url: server.url, schema, storeId: one });
    await store.put(idOf(2), 2, recordOf(2, 2).bytes!);
  });

  it('reads records together in the order in which they were asked for', async () => {
    await using archive = await openPostgresArchive({ url: server.url, storeId: newId() });
    const removed = { ...recordOf(3, 2), bytes: undefined };
    await growWith(archive, undefined, {
      ...NOTHING,
      records: [recordOf(1), recordOf(2, 5), removed],
    });
    const read = await archive.readRecords!([idOf(3), idOf(2), idOf(9), idOf(1)]);
    expect(read).toEqual([
      undefined,
      { version: 5, bytes: recordOf(2, 5).bytes },
      undefined,
      { version: 1, bytes: recordOf(1).bytes },
    ]);
    expect(await archive.readRecords!([])).toEqual([]);
    await expect(archive.readRecords!(['no id'])).rejects.toMatchObject({
      code: 'PARAMETER_INVALID',
    });
    const many = Array.from({ length: 1025 }, (_, n) => idOf(n));
    await expect(archive.readRecords!(many)).rejects.toMatchObject({ code: 'PARAMETER_INVALID' });
  });

  it('appends durably where the server does not wait for the disk', async () => {
    await using archive = await openPostgresArchive({ url: server.url, storeId: newId() });
    expect(await server.run('SHOW synchronous_commit')).toEqual([{ synchronous_commit: 'off' }]);
    let head = await growWith(archive, undefined, NOTHING);
    head = await growWith(archive, head, { ...NOTHING, records: [recordOf(1)] });
    await server.kill();
    await server.restart();
    await isHead(archive.log, head);
    await hasRecords(archive, [recordOf(1)]);
  });

  describe('when an answer is lost', () => {
    let proxy: LosingProxy;
    let direct: Archive;
    /** Through the proxy. */
    let archive: Archive;
    const mine = { records: [recordOf(1)], mapNodes: nodesOf(3, 'mine') };
    const theirs = { records: [recordOf(1, 5, 'theirs')], mapNodes: nodesOf(3, 'theirs') };

    beforeEach(async () => {
      const storeId = newId();
      proxy = await LosingProxy.start(server.port);
      const url = server.url.replace(`:${server.port}/`, `:${proxy.port}/`);
      direct = await openPostgresArchive({ url: server.url, storeId });
      archive = await openPostgresArchive({ url, storeId });
      return async () => {
        await archive.close();
        await direct.close();
        await proxy.stop();
      };
    });

    it('knows its own first append again, and a later one', async () => {
      proxy.lose('answer', APPEND);
      const first = await growWith(archive, undefined, mine);
      proxy.lose('answer', APPEND);
      const second = await growWith(archive, first, { ...NOTHING, records: [recordOf(1, 2)] });
      expect(proxy.lost).toBe(2);
      await isHead(direct.log, second);
      expect((await direct.log.readLeaves(0, 9)).length).toBe(2);
      await hasRecords(direct, [recordOf(1, 2)]);
    });

    it('knows its own append again when others have gone on from it, however far', async () => {
      const lost = appendOf(undefined, 2, 'mine');
      const whole = { size: 2, checkpoint: lost.checkpoint };
      let head = whole;
      proxy.lose('answer', APPEND, async () => {
        for (let n = 0; n < 20; n++) head = await growWith(direct, head, theirs);
      });
      await archive.log.append({ ...lost, along: mine });
      expect(proxy.lost).toBe(1);
      await isHead(direct.log, head);
      // What came after it is as it was: nothing was written twice.
      await hasRecords(direct, theirs.records);
      await hasNodes(direct, [...mine.mapNodes, ...theirs.mapNodes]);
    });

    it('loses against the same leaves that somebody else appended while its own were lost', async () => {
      const lost = { ...appendOf(undefined, 2, 'same'), along: mine };
      proxy.lose('request', APPEND, () => direct.log.append({ ...lost, along: theirs }));
      const result = await archive.log.append(lost).catch((error: unknown) => error);
      expect(hasCode('STORE_CONFLICT', result)).toBe(true);
      await hasRecords(direct, theirs.records);
      await hasNodes(direct, mine.mapNodes, false);
    });

    it('sends again what never arrived', async () => {
      const first = await append(direct.log, appendOf(undefined, 300));
      proxy.lose('request', APPEND);
      const second = await growWith(archive, first, mine);
      expect(proxy.lost).toBe(1);
      await isHead(direct.log, second);
      await hasNodes(direct, mine.mapNodes);
    });

    it('says that it does not know only where the server stays away', async () => {
      proxy.lose('answer', APPEND, async () => proxy.goAway());
      const appending = growWith(archive, undefined, mine).catch((error: unknown) => error);
      await until(() => proxy.lost === 1);
      // It tries once more, and the last time.
      await archive.close();
      expect(hasCode('STORE_OUTCOME_UNKNOWN', await appending)).toBe(true);
      await hasRecords(direct, mine.records);
    });

    it('keeps what it knows of changes of a store across an append that skips versions', async () => {
      const { store } = archive;
      proxy.lose('answer', /INSERT INTO "keycask"\.records/, async () => {
        const head = await growWith(direct, undefined, { ...NOTHING, records: [recordOf(1, 4)] });
        await growWith(direct, head, { ...NOTHING, records: [recordOf(1, 6)] });
      });
      await store.put(idOf(1), 1, recordOf(1).bytes!);
      expect(proxy.lost).toBe(1);
      await hasRecords(direct, [recordOf(1, 6)]);
    });

    it('removes map nodes again, and lists them to the end', async () => {
      const head = await growWith(direct, undefined, { ...NOTHING, mapNodes: nodesOf(2100, 'x') });
      proxy.lose('answer', /ORDER BY hash/);
      expect((await listedNodes(archive)).length).toBe(2100);
      proxy.lose('answer', /DELETE FROM/);
      await archive.removeNodes([nodesOf(1, 'x')[0]!.hash], head);
      expect(proxy.lost).toBe(2);
      expect((await listedNodes(direct)).length).toBe(2099);
      expect(await listedIds(direct)).toEqual([]);
    });
  });
});
