/** Rows that somebody wrote who has the database: no answer is longer than what may lie there, and what is no code is none. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LOG_LIMITS } from '../../lib/signed-log/log-storage.ts';
import { ARCHIVE_LIMITS } from '../../lib/stores/archive.ts';
import { postgresWork } from '../../lib/stores/postgres-work.ts';
import { openPostgresArchive } from '../../lib/stores/postgres.ts';
import { MAX_STORED_BYTES } from '../../lib/stores/stored-bytes.ts';
import { HAS_POSTGRES, PostgresServer } from '../support/postgres.ts';

/** Of a row, in bytes; what may lie there is less. */
const HUGE = 1 << 22;

describe.runIf(HAS_POSTGRES)('rows that are too long', () => {
  let server: PostgresServer;
  const storeId = randomBytes(16).toString('hex');
  const open = () => openPostgresArchive({ url: server.url, storeId });
  beforeAll(async () => {
    server = await PostgresServer.start();
    await (await open()).close();
  });
  afterAll(() => server.stop());

  const huge = `convert_to(repeat('x', ${HUGE}), 'UTF8')`;
  const insert = (table: string, values: string, more: readonly unknown[] = []) =>
    server.run(`INSERT INTO keycask.${table} VALUES ($1, ${values})`, [storeId, ...more]);

  it('are cut where they lie', async () => {
    const id = randomBytes(16).toString('hex');
    const hash = randomBytes(32);
    await insert('records', `$2, 1, ${huge}, ARRAY[$2::uuid]`, [id]);
    await insert('log_heads', `1, ${huge}`);
    await insert('log_leaves', `0, ${huge}, ${huge}, $2`, [id]);
    await insert('map_nodes', `$2, ${huge}`, [hash]);
    await using archive = await open();
    expect((await archive.store.get(id))?.bytes.length).toBe(MAX_STORED_BYTES + 1);
    expect((await archive.log.head())?.checkpoint.length).toBe(LOG_LIMITS.checkpointBytes + 1);
    expect((await archive.log.readLeaves(0, 1))[0]?.length).toBe(LOG_LIMITS.leafBytes + 1);
    expect(await archive.log.readTile(0, 0)).toHaveLength(33);
    expect((await archive.readNodes([hash]))[0]?.length).toBe(ARCHIVE_LIMITS.nodeBytes + 1);
  });

  it('and outcomes that are none are STORE_DAMAGED', async () => {
    const id = randomBytes(16).toString('hex');
    const openWork = postgresWork({ url: server.url });
    await using work = await openWork({
      kind: 'rewrap',
      storeId,
      aim: 'x',
      items: () => [{ id, version: 1 }],
    });
    await server.run(`UPDATE keycask.work_items SET outcome = $1`, ['\u001b[2J toString']);
    const codes: string[] = [];
    for await (const { code } of work.failures()) codes.push(code);
    expect(codes).toEqual(['STORE_DAMAGED']);
  });
});
