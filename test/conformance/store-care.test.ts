/** Looking after stores on a real PostgreSQL: copies there and back, byte for byte, and what is told of work under way on other machines. */
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SessionKeyStore } from '../../lib/session-key-store.ts';
import type { Archive } from '../../lib/stores/archive.ts';
import { copyStore } from '../../lib/stores/copy-store.ts';
import { openDirectoryStore } from '../../lib/stores/directory.ts';
import { openLmdbArchive } from '../../lib/stores/lmdb.ts';
import { postgresWork } from '../../lib/stores/postgres-work.ts';
import { openPostgresArchive } from '../../lib/stores/postgres.ts';
import { contentOf } from '../support/archive-content.ts';
import { collected } from '../support/logged-records.ts';
import { HAS_POSTGRES, PostgresServer } from '../support/postgres.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';

const STORE_ID = '00112233445566778899aabbccddeeff';

describe.runIf(HAS_POSTGRES)('with a PostgreSQL', () => {
  let server: PostgresServer;
  let folder: TemporaryFolder;
  let schema: string;
  let schemas = 0;
  beforeAll(async () => {
    [server, folder] = await Promise.all([PostgresServer.start(), temporaryFolder()]);
  });
  afterAll(async () => {
    await server.stop();
    await folder.remove();
  });
  beforeEach(() => {
    schema = `care_${++schemas}`;
  });
  const at = (name: string): string => join(folder.path, `${schema}-${name}`);
  const where = (name: string) => ({ home: at(name), stateFolder: at(`${name}.state`) });
  const inPostgres = (storeId = STORE_ID): Promise<Archive> =>
    openPostgresArchive({ url: server.url, schema, storeId });

  it('copies the archive of a home from LMDB to PostgreSQL and back, byte for byte, and the home goes on with it', async () => {
    const path = at('records.mdb');
    const store = await SessionKeyStore.create({ ...where('home'), store: { kind: 'lmdb', path } });
    for (const label of ['a', 'b', 'c', 'd', 'e']) (await store.createKey(label)).dispose();
    await store.rewrap('b');
    await store.removeKey('c');
    const { storeId } = store;
    await store.close();

    const original = await openLmdbArchive(path);
    await using database = await inPostgres(storeId);
    const there = await copyStore(original, database);
    expect(there).toMatchObject({ records: 4, entries: 8 });
    expect(await contentOf(database)).toEqual(await contentOf(original));
    await using back = await openLmdbArchive(at('back.mdb'));
    await copyStore(database, back);
    expect(await contentOf(back)).toEqual(await contentOf(original));
    // Nothing is written where nothing has changed.
    expect(await copyStore(back, database)).toMatchObject({ written: 0, records: 4 });
    await original.close();

    // The copy in the place of the original: what was seen before fits it.
    await back.close();
    for (const name of [path, `${path}-lock`]) await rm(name);
    await rename(at('back.mdb'), path);
    await using again = await SessionKeyStore.open(where('home'));
    await again.verifyEntries();
    const states = (await collected(again.verify())).map(({ label, state }) => `${label} ${state}`);
    expect(states).toEqual(['a ok', 'b ok', 'd ok', 'e ok']);
    (await again.createKey('f')).dispose();
  });

  it('copies a folder of records to PostgreSQL and back', async () => {
    await using store = await SessionKeyStore.create(where('home'));
    for (const label of ['a', 'b', 'c']) (await store.createKey(label)).dispose();
    await store.removeKey('b');
    await using records = await openDirectoryStore(join(at('home'), 'records'));
    await using database = await inPostgres();
    expect(await copyStore(records, database)).toEqual({ records: 2, written: 2, entries: 0 });
    await using back = await openDirectoryStore(at('back'));
    expect(await copyStore(database, back)).toEqual({ records: 2, written: 2, entries: 0 });
    for await (const { id } of records.list())
      expect(await back.get(id)).toEqual(await records.get(id));
  });

  it('tells of the newest checkpoint, and of work that is under way elsewhere', async () => {
    const { url } = server;
    await using store = await SessionKeyStore.create({
      ...where('home'),
      store: { kind: 'postgres', url, schema },
    });
    for (const label of ['a', 'b', 'c']) (await store.createKey(label)).dispose();
    const before = await store.storeStatus(url);
    expect(before).toMatchObject({ kind: 'postgres', records: 3, entries: 4, seen: 4, work: [] });
    expect(before.checkpoint).toMatchObject({ size: 4, root: before.head, signer: 'default' });

    const items = (await collected(store.listKeys())).map(({ id, version }) => ({ id, version }));
    const { storeId } = store;
    const request = { kind: 'rewrap', storeId, aim: 'shown', items: () => items } as const;
    const work = await postgresWork({ url, schema })(request);
    const [first] = (await work.claim(1))!;
    await work.finish([{ id: first!.id, outcome: 'done' }]);
    const during = await store.storeStatus(url);
    const counts = { total: 3, done: 1, unchanged: 0, failed: 0 };
    expect(during.work).toMatchObject([
      { job: work.job, kind: 'rewrap', state: 'open', ...counts, machines: [{ isAtWork: true }] },
    ]);
    await work.cancel();
    await work.close();
    expect((await store.storeStatus(url)).work).toEqual([]);
  });
});
