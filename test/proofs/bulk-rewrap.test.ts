/** Re-wrapping shared by processes that are killed at random moments: each record is re-wrapped once. */
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SessionKeyStore } from '../../lib/session-key-store.ts';
import type { BulkSummary } from '../../lib/session-key-store/types.ts';
import { bundleChild, Child, type ChildBundle } from '../support/child-process.ts';
import { HAS_PGBOUNCER, HAS_POSTGRES, PgBouncer, PostgresServer } from '../support/postgres.ts';
import { temporaryHome } from '../support/temporary-home.ts';

const RECORDS = process.env['SLOW'] === '1' ? 2000 : 300;
const PROCESSES = 4;
/** Short beside the work, so that several die in it on a fast machine too. */
const LONGEST_LIFE_MS = 200;

describe.runIf(HAS_POSTGRES && HAS_PGBOUNCER)('four processes that re-wrap one home', () => {
  let server: PostgresServer;
  let bouncer: PgBouncer;
  let child: ChildBundle;
  beforeAll(async () => {
    server = await PostgresServer.start();
    bouncer = await PgBouncer.start(server);
    child = await bundleChild('proofs/children/bulk-rewrap.ts');
  });
  afterAll(async () => {
    child.remove();
    await bouncer.stop();
    await server.stop();
  });

  it('write each record once, however many of them are killed', async () => {
    const where = await temporaryHome();
    await using store = await SessionKeyStore.create(where);
    for (let n = 0; n < RECORDS; n++) (await store.createKey(`key ${n}`)).dispose();
    const start = (how: 'begin' | 'join'): Child =>
      Child.start(child.path, [where.home, where.stateFolder, bouncer.url, how]);
    const workers = Array.from({ length: PROCESSES }, () => start('begin'));
    await Promise.all(workers.map((worker) => worker.next<'ready'>()));
    let kills = 0;
    const outcome: { summary?: BulkSummary } = {};
    void workers
      .at(-1)!
      .next<BulkSummary>()
      .then((summary) => (outcome.summary = summary));
    while (!outcome.summary) {
      await setTimeout(Math.random() * LONGEST_LIFE_MS);
      if (outcome.summary) break;
      const victim = workers.shift()!;
      victim.kill();
      if ((await victim.ended).signal === 'SIGKILL') kills++;
      const next = start('join');
      await next.next<'ready'>();
      // One of them always stays to the end.
      workers.splice(-1, 0, next);
    }
    await Promise.all(workers.map((worker) => worker.ended));
    expect(kills).toBeGreaterThan(1);
    expect(outcome.summary).toMatchObject({
      state: 'done',
      total: RECORDS,
      done: RECORDS,
      failed: 0,
    });
    expect(outcome.summary.machines.length).toBeGreaterThanOrEqual(PROCESSES);
    const versions = new Map<number, number>();
    for await (const { version, state } of store.listKeys()) {
      expect(state).toBe('ok');
      versions.set(version, (versions.get(version) ?? 0) + 1);
    }
    expect(versions).toEqual(new Map([[2, RECORDS]]));
  });
});
