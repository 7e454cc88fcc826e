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
const FILLED_AT_ONCE = 50;

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
    await fill(store);
    const { kills, summary } = await rewrapWithKills([where.home, where.stateFolder]);
    expect(kills).toBeGreaterThan(1);
    expect(summary.machines.length).toBeGreaterThanOrEqual(PROCESSES);
    expect(await versionsOf(store)).toEqual(new Map([[2, RECORDS]]));
  });

  it('append each record once where the log is in the database too', async () => {
    const where = { ...(await temporaryHome()), storeUrl: bouncer.url };
    const place = { kind: 'postgres', url: bouncer.url } as const;
    await using store = await SessionKeyStore.create({ ...where, store: place });
    await fill(store);
    const { kills } = await rewrapWithKills([where.home, where.stateFolder], 'archive');
    expect(kills).toBeGreaterThan(1);
    expect(await versionsOf(store)).toEqual(new Map([[2, RECORDS]]));
    // From the first leaf on: every signature, every change, every state.
    expect(await store.verifyEntries()).toBeGreaterThan(0);
    for await (const { state } of store.verify()) expect(state).toBe('ok');
  });

  /** Kills one of four at random moments, and starts another, until the work is done. */
  async function rewrapWithKills(
    [home, stateFolder]: readonly [string, string],
    ...place: readonly string[]
  ): Promise<{ readonly kills: number; readonly summary: BulkSummary }> {
    const start = (how: 'begin' | 'join'): Child =>
      Child.start(child.path, [home, stateFolder, bouncer.url, how, ...place]);
    const workers = Array.from({ length: PROCESSES }, () => start('begin'));
    await Promise.all(workers.map((worker) => worker.next<'ready'>()));
    let kills = 0;
    const outcome: { summary?: BulkSummary } = {};
    const last = workers
      .at(-1)!
      .next<BulkSummary>()
      .then((summary) => (outcome.summary = summary));
    // It fails with what the child said where that ends too early.
    last.catch(() => undefined);
    while (!outcome.summary) {
      await Promise.race([setTimeout(Math.random() * LONGEST_LIFE_MS), last]);
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
    const { summary } = outcome;
    expect(summary).toMatchObject({ state: 'done', total: RECORDS, done: RECORDS, failed: 0 });
    return { kills, summary };
  }
});

async function fill(store: SessionKeyStore): Promise<void> {
  for (let n = 0; n < RECORDS; n += FILLED_AT_ONCE)
    await Promise.all(
      Array.from({ length: Math.min(FILLED_AT_ONCE, RECORDS - n) }, async (_, i) =>
        (await store.createKey(`key ${n + i}`)).dispose(),
      ),
    );
}

/** How many records are at which version. */
async function versionsOf(store: SessionKeyStore): Promise<ReadonlyMap<number, number>> {
  const versions = new Map<number, number>();
  for await (const { version, state } of store.listKeys()) {
    expect(state).toBe('ok');
    versions.set(version, (versions.get(version) ?? 0) + 1);
  }
  return versions;
}
