/** The stores in databases, many processes, and what is left when one of them, or the database, is killed at any moment. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleChild, Child, type ChildBundle } from '../support/child-process.ts';
import { openStoreAt, writerOf, type StorePlace } from '../support/open-store.ts';
import { HAS_PGBOUNCER, HAS_POSTGRES, PgBouncer, PostgresServer } from '../support/postgres.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';
import type { Told, Version } from './children/write-store.ts';

const PROCESSES = 8;
const CHANGES = 60;
/** The others lost against somebody. */
const ENOUGH_CHANGES = (PROCESSES * CHANGES) / 2;
/** 50 over the three kinds of them; under SLOW=1, 300. */
const KILLS = process.env['SLOW'] === '1' ? 100 : 17;
const WRITERS = 3;
const LONGEST_LIFE_MS = 250;
const FOREVER = 1_000_000;
const SHARED = Array.from({ length: 3 }, () => randomBytes(16).toString('hex'));

let child: ChildBundle;
beforeAll(async () => {
  child = await bundleChild('proofs/children/write-store.ts');
  return child.remove;
});

describe('lmdb', () => {
  let folder: TemporaryFolder;
  beforeAll(async () => {
    folder = await temporaryFolder();
  });
  afterAll(() => folder.remove());
  const place = (): StorePlace => ({
    kind: 'lmdb',
    path: join(folder.path, `${randomBytes(4).toString('hex')}.mdb`),
  });

  it('loses nothing of what eight processes write at once', async () => {
    expect(await writeAtOnce(place())).toBeGreaterThan(ENOUGH_CHANGES);
  });

  it('is whole after each of many kills of a writer', { timeout: KILLS * 20_000 }, async () => {
    // If the kills missed the work, nothing would be shown.
    expect(await killWriters(place())).toBeGreaterThan(KILLS / 3);
  });
});

describe.runIf(HAS_POSTGRES)('postgres', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.start();
  });
  afterAll(() => server.stop());
  const place = (url = server.url): StorePlace => ({
    kind: 'postgres',
    url,
    storeId: randomBytes(16).toString('hex'),
  });

  it('loses nothing of what eight processes write at once', async () => {
    expect(await writeAtOnce(place())).toBeGreaterThan(ENOUGH_CHANGES);
  });

  it('is whole after each of many kills of a writer', { timeout: KILLS * 20_000 }, async () => {
    // If the kills missed the work, nothing would be shown.
    expect(await killWriters(place())).toBeGreaterThan(KILLS / 3);
  });

  it(
    'is whole after each of many kills of the server, and its writers go on',
    { timeout: KILLS * 30_000 },
    async () => {
      expect(await killServer(place(), server, KILLS)).toBeGreaterThan(KILLS);
    },
  );

  describe.runIf(HAS_PGBOUNCER)('behind PgBouncer in transaction mode', () => {
    let bouncer: PgBouncer;
    beforeAll(async () => {
      bouncer = await PgBouncer.start(server);
    });
    afterAll(() => bouncer.stop());

    it('loses nothing of what eight processes write at once', async () => {
      expect(await writeAtOnce(place(bouncer.url))).toBeGreaterThan(ENOUGH_CHANGES);
    });

    it('is whole after a kill of the server behind it, and its writers go on', async () => {
      expect(await killServer(place(bouncer.url), server, 3)).toBeGreaterThan(3);
    });
  });
});

/** @returns How many changes were acknowledged. */
async function writeAtOnce(place: StorePlace): Promise<number> {
  const writers = Array.from({ length: PROCESSES }, (_, n) => start(place, n, CHANGES));
  const told = await Promise.all(writers.map((writer) => writer.rest<Told | 'ready'>()));
  for (const writer of writers) expect(await writer.ended).toMatchObject({ code: 0, stderr: '' });
  const checked = await check(place, told);
  expect(checked.open).toBe(0);
  return checked.changes;
}

/**
 * Several write, and one after the other is killed and replaced.
 *
 * @returns How many were killed in the middle of a change.
 */
async function killWriters(place: StorePlace): Promise<number> {
  const told: (Told | 'ready')[][] = [];
  const writers = Array.from({ length: WRITERS }, (_, n) => start(place, n, FOREVER));
  for (let kills = 0; kills < KILLS; kills++) {
    const writer = writers.shift()!;
    await writer.next<'ready'>();
    await setTimeout(Math.random() * LONGEST_LIFE_MS);
    writer.kill();
    told.push(await writer.rest<Told | 'ready'>());
    expect((await writer.ended).signal).toBe('SIGKILL');
    writers.push(start(place, WRITERS + kills, FOREVER));
  }
  for (const writer of writers) {
    writer.kill();
    told.push(await writer.rest<Told | 'ready'>());
  }
  return (await check(place, told)).open;
}

/**
 * Several write, and the server is killed under them; none of them notices more than that it takes a while.
 *
 * @returns How many changes were acknowledged.
 */
async function killServer(
  place: StorePlace,
  server: PostgresServer,
  kills: number,
): Promise<number> {
  const writers = Array.from({ length: WRITERS }, (_, n) => start(place, n, FOREVER));
  await Promise.all(writers.map((writer) => writer.next<'ready'>()));
  for (let n = 0; n < kills; n++) {
    await setTimeout(Math.random() * 2 * LONGEST_LIFE_MS);
    await server.kill();
    await server.restart();
  }
  await setTimeout(LONGEST_LIFE_MS);
  const told: (Told | 'ready')[][] = [];
  for (const writer of writers) {
    writer.kill();
    told.push(await writer.rest<Told | 'ready'>());
    expect(await writer.ended).toMatchObject({ signal: 'SIGKILL', stderr: '' });
  }
  return (await check(place, told)).changes;
}

function start(place: StorePlace, name: number, changes: number): Child {
  const args = [JSON.stringify(place), `writer${name}`, String(changes), ...SHARED];
  return Child.start(child.path, args);
}

/**
 * Every version that a writer was told is written is there, whole, or followed by another; none was won twice; nothing is there that nobody wrote.
 *
 * @returns How many changes were acknowledged, and how many writers were in the middle of one.
 */
async function check(
  place: StorePlace,
  told: readonly (readonly (Told | 'ready')[])[],
): Promise<{ readonly changes: number; readonly open: number }> {
  const acknowledged = new Map<string, Version>();
  /** By id: versions that may be there. */
  const possible = new Map<string, Version[]>();
  const won = new Set<string>();
  let open = 0;
  for (const lines of told) {
    let doing: Told | undefined;
    for (const line of lines) {
      if (line === 'ready') continue;
      if (line.what === 'doing') {
        doing = line;
        continue;
      }
      doing = undefined;
      if (line.what === 'done') for (const version of line.versions) acknowledge(version);
      if (line.what === 'unknown') line.versions.forEach(maybe);
    }
    if (!doing) continue;
    open++;
    doing.versions.forEach(maybe);
  }
  await using store = await openStoreAt(place);
  const listed = new Map<string, number>();
  for await (const { id, version } of store.list()) listed.set(id, version);
  for (const id of new Set([...acknowledged.keys(), ...possible.keys(), ...listed.keys()]))
    expect(problemOf(id, await store.get(id), listed.get(id)), id).toBe('none');
  return { changes: won.size, open };

  function acknowledge(version: Version): void {
    const key = `${version.id} ${version.version}`;
    expect(won.has(key), `${key} was won twice`).toBe(false);
    won.add(key);
    if (version.version > (acknowledged.get(version.id)?.version ?? 0))
      acknowledged.set(version.id, version);
  }

  function maybe(version: Version): void {
    possible.set(version.id, [...(possible.get(version.id) ?? []), version]);
  }

  function problemOf(
    id: string,
    record: { readonly version: number; readonly bytes: Uint8Array } | undefined,
    inList: number | undefined,
  ): string {
    if (record?.version !== inList) return 'list and get differ';
    const last = acknowledged.get(id);
    const later = (possible.get(id) ?? []).filter(({ version }) => version > (last?.version ?? 0));
    if (!record) {
      const isDeleted = !last || last.deleted === true || later.some(({ deleted }) => deleted);
      return isDeleted ? 'none' : `version ${last.version} is lost`;
    }
    if (writerOf(id, record.version, record.bytes) === undefined) return 'half a record';
    if (record.version === last?.version) return last.deleted === true ? 'it came back' : 'none';
    // Unanswered changes may follow each other: of one shared id, several writers' last ones.
    return later.some(({ version }) => version === record.version)
      ? 'none'
      : `version ${record.version} is there, ${last?.version ?? 0} was the last`;
  }
}
