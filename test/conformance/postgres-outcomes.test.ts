/** What the postgres store makes of statements and answers that are lost: nothing is done twice, and nobody is told what is not so. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Store } from '../../lib/contracts/store.ts';
import { openPostgresStore } from '../../lib/stores/postgres.ts';
import { LosingProxy } from '../support/losing-proxy.ts';
import { HAS_POSTGRES, PostgresServer } from '../support/postgres.ts';

const ONE = Uint8Array.of(1);
const MINE = Uint8Array.of(42);
const INSERT = /INSERT INTO "keycask"\.records/;
const UPDATE = /UPDATE "keycask"\.records/;

describe.runIf(HAS_POSTGRES)('a postgres store', () => {
  let server: PostgresServer;
  let proxy: LosingProxy;
  let direct: Store;
  /** Through the proxy, and as patient as a busy machine wants. */
  let store: Store;
  /** One that soon gives up a server that is away. */
  let impatient: Store;
  let id: string;

  beforeAll(async () => {
    server = await PostgresServer.start();
  });
  afterAll(() => server.stop());

  beforeEach(async () => {
    const storeId = randomBytes(16).toString('hex');
    id = randomBytes(16).toString('hex');
    proxy = await LosingProxy.start(server.port);
    const url = server.url.replace(`:${server.port}/`, `:${proxy.port}/`);
    direct = await openPostgresStore({ url: server.url, storeId });
    store = await openPostgresStore({ url, storeId, retryMs: 60_000 });
    impatient = await openPostgresStore({ url, storeId, retryMs: 400 });
    return async () => {
      await store.close();
      await impatient.close();
      await direct.close();
      await proxy.stop();
    };
  });

  /** Others go on from the record until it is at `version`. */
  const goOnTo = async (version: number) => {
    const from = (await direct.get(id))?.version ?? 0;
    for (let next = from + 1; next <= version; next++) await direct.put(id, next, ONE);
  };

  it('knows its own first version again when the answer was lost', async () => {
    proxy.lose('answer', INSERT);
    await store.put(id, 1, MINE);
    expect(proxy.lost).toBe(1);
    expect(await direct.get(id)).toEqual({ version: 1, bytes: MINE });
  });

  it('knows its own later version again, and its own deletion', async () => {
    await goOnTo(3);
    proxy.lose('answer', UPDATE);
    await store.put(id, 4, MINE);
    proxy.lose('answer', UPDATE);
    await store.delete(id, 5);
    expect(proxy.lost).toBe(2);
    expect(await direct.get(id)).toBeUndefined();
    await direct.put(id, 6, ONE);
  });

  it('knows which of many first versions are its own', async () => {
    const ids = Array.from({ length: 20 }, () => randomBytes(16).toString('hex'));
    await direct.put(ids[0]!, 1, ONE);
    proxy.lose('answer', INSERT);
    const won = await store.createAll!(ids.map((each) => ({ id: each, bytes: MINE })));
    expect(won).toEqual(ids.map((_, n) => n > 0));
    expect(proxy.lost).toBe(1);
  });

  it('knows its own version again when others have gone on from it', async () => {
    proxy.lose('answer', INSERT, () => goOnTo(6));
    await store.put(id, 1, MINE);
    proxy.lose('answer', UPDATE, () => goOnTo(14));
    await store.put(id, 7, MINE);
    expect(proxy.lost).toBe(2);
    expect((await direct.get(id))?.version).toBe(14);
  });

  it('says that it does not know when so many have gone on that it is forgotten', async () => {
    proxy.lose('answer', INSERT, () => goOnTo(9));
    await expect(store.put(id, 1, MINE)).rejects.toMatchObject({ code: 'STORE_OUTCOME_UNKNOWN' });
  });

  it('sends again what never arrived', async () => {
    proxy.lose('request', INSERT);
    await store.put(id, 1, MINE);
    proxy.lose('request', UPDATE);
    await store.put(id, 2, MINE);
    expect(proxy.lost).toBe(2);
    expect(await direct.get(id)).toEqual({ version: 2, bytes: MINE });
  });

  it('loses against somebody who wrote while its statement was lost', async () => {
    proxy.lose('request', INSERT, () => goOnTo(1));
    await expect(store.put(id, 1, MINE)).rejects.toMatchObject({ code: 'STORE_CONFLICT' });
    proxy.lose('request', UPDATE, () => goOnTo(4));
    await expect(store.put(id, 2, MINE)).rejects.toMatchObject({ code: 'STORE_CONFLICT' });
    expect(await direct.get(id)).toEqual({ version: 4, bytes: ONE });
  });

  it('says that it does not know when the answer was lost and the server is away', async () => {
    proxy.lose('answer', INSERT, async () => proxy.goAway());
    await expect(impatient.put(id, 1, MINE)).rejects.toMatchObject({
      code: 'STORE_OUTCOME_UNKNOWN',
    });
    expect(await direct.get(id)).toEqual({ version: 1, bytes: MINE });
  });

  it('says that nothing was changed when the server was away all the time', async () => {
    proxy.goAway();
    // Then it is known that the connection is gone which was open: what is sent on one may have arrived.
    await expect(impatient.get(id)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await expect(impatient.put(id, 1, MINE)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(await direct.get(id)).toBeUndefined();
  });

  it('reads again when an answer was lost, in the middle of a listing too', async () => {
    await goOnTo(1);
    proxy.lose('answer', /SELECT version, /);
    expect(await store.get(id)).toEqual({ version: 1, bytes: ONE });
    proxy.lose('answer', /ORDER BY id/);
    const listed: unknown[] = [];
    for await (const found of store.list()) listed.push(found);
    expect(listed).toEqual([{ id, version: 1 }]);
    expect(proxy.lost).toBe(2);
  });

  it('does not notice that the server ended its idle connections', async () => {
    await goOnTo(1);
    await store.get(id);
    await server.run(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND application_name = $1',
      ['keycask'],
    );
    expect(await store.get(id)).toEqual({ version: 1, bytes: ONE });
  });

  it('does not wait for a server that is away when it is closed', async () => {
    const slow = await openPostgresStore({
      url: server.url.replace(`:${server.port}/`, `:${proxy.port}/`),
      storeId: randomBytes(16).toString('hex'),
      retryMs: 60_000,
    });
    proxy.goAway();
    const reading = slow.get(id).catch((error: unknown) => error);
    await slow.close();
    expect(await reading).toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});
