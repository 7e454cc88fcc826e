/** The backups that docs/STORES.md describes of the stores in databases can be restored, and hold what was there. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import process from 'node:process';
import { open } from 'lmdb';
import { describe, expect, it } from 'vitest';
import type { Store } from '../../lib/contracts/store.ts';
import { openLmdbStore } from '../../lib/stores/lmdb.ts';
import { openPostgresStore } from '../../lib/stores/postgres.ts';
import { HAS_POSTGRES, PASSWORD, PostgresServer } from '../support/postgres.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const ids = Array.from({ length: 60 }, () => randomBytes(16).toString('hex'));
const bytesOf = (id: string) => new Uint8Array(Buffer.from(id.repeat(20)));

/** Records, newer versions and deletions. */
async function fill(store: Store): Promise<void> {
  await store.createAll!(ids.map((id) => ({ id, bytes: bytesOf(id) })));
  for (const id of ids.slice(0, 20)) await store.put(id, 2, bytesOf(id));
  for (const id of ids.slice(0, 10)) await store.delete(id, 3);
}

async function contentOf(store: Store): Promise<unknown[]> {
  const content: unknown[] = [];
  for await (const { id } of store.list()) content.push([id, await store.get(id)]);
  return content;
}

it('of lmdb: what `backup` writes, while others write', async () => {
  const folder = await temporaryFolder();
  await using store = await openLmdbStore(join(folder.path, 'records.mdb'));
  await fill(store);
  const content = await contentOf(store);
  const database = open({ path: join(folder.path, 'records.mdb'), overlappingSync: false });
  const copying = database.backup(join(folder.path, 'copy.mdb'), true);
  await store.put(randomBytes(16).toString('hex'), 1, bytesOf(ids[0]!));
  await copying;
  await database.close();
  await using copy = await openLmdbStore(join(folder.path, 'copy.mdb'));
  const copied = await contentOf(copy);
  expect(copied.length === content.length || copied.length === content.length + 1).toBe(true);
  for (const record of content) expect(copied).toContainEqual(record);
  // A deletion is in it too.
  await expect(copy.put(ids[0]!, 1, bytesOf(ids[0]!))).rejects.toMatchObject({
    code: 'STORE_CONFLICT',
  });
  await folder.remove();
});

describe.runIf(HAS_POSTGRES)('of postgres', () => {
  it('what pg_dump writes, for pg_restore', async () => {
    const folder = await temporaryFolder();
    const server = await PostgresServer.start();
    const storeId = randomBytes(16).toString('hex');
    const store = await openPostgresStore({ url: server.url, storeId });
    await fill(store);
    const content = await contentOf(store);
    await store.close();
    const { username } = new URL(server.url);
    const env = {
      ...process.env,
      PGHOST: '127.0.0.1',
      PGPORT: String(server.port),
      PGUSER: username,
      PGPASSWORD: PASSWORD,
    };
    const file = join(folder.path, 'keycask.dump');
    execFileSync('pg_dump', ['--format=custom', '--schema=keycask', `--file=${file}`, 'postgres'], {
      env,
    });
    await server.run('CREATE DATABASE restored');
    execFileSync('pg_restore', ['--dbname=restored', '--single-transaction', file], { env });
    await using restored = await openPostgresStore({
      url: server.urlOf({ database: 'restored' }),
      storeId,
    });
    expect(await contentOf(restored)).toEqual(content);
    await expect(restored.put(ids[0]!, 1, bytesOf(ids[0]!))).rejects.toMatchObject({
      code: 'STORE_CONFLICT',
    });
    await restored.close();
    await server.stop();
    await folder.remove();
  });
});
