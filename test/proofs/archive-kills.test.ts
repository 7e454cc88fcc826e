/**
 * Archives, many processes, and what is left when one of them, or the database, is killed at any moment: no append that was acknowledged is
 * lost, none is there by half, the log verifies, and records and map nodes are what its leaves say.
 */
import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SignedLog } from '../../lib/signed-log/index.ts';
import { bundleChild, Child, type ChildBundle } from '../support/child-process.ts';
import { authorOf, authorText, trustIn } from '../support/log-author.ts';
import type { Archive } from '../../lib/stores/archive.ts';
import { openArchiveAt, writerOf, type StorePlace } from '../support/open-store.ts';
import { HAS_PGBOUNCER, HAS_POSTGRES, PgBouncer, PostgresServer } from '../support/postgres.ts';
import { testIdentity } from '../support/signing-identity.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';
import type { ArchiveTold, Stated } from './children/append-archive.ts';

const KILLS = process.env['SLOW'] === '1' ? 300 : 50;
const PROCESSES = 8;
const APPENDS = 12;
const WRITERS = 3;
const LONGEST_LIFE_MS = 250;
/** Kills, after which all records and map nodes are read. */
const LOOK_EVERY = 15;
const FOREVER = 1_000_000;
const SHARED = Array.from({ length: 3 }, () => randomBytes(16).toString('hex'));

let child: ChildBundle;
let author: string;
beforeAll(async () => {
  author = authorText(await testIdentity());
  child = await bundleChild('proofs/children/append-archive.ts');
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

  it('loses nothing of what eight processes append at once', async () => {
    expect(await appendAtOnce(place())).toBe(PROCESSES * APPENDS);
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

  it('loses nothing of what eight processes append at once', async () => {
    expect(await appendAtOnce(place())).toBe(PROCESSES * APPENDS);
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

    it('loses nothing of what eight processes append at once', async () => {
      expect(await appendAtOnce(place(bouncer.url))).toBe(PROCESSES * APPENDS);
    });

    it(
      'is whole after kills of the server behind it, and its writers go on',
      { timeout: 300_000 },
      async () => {
        expect(await killServer(place(bouncer.url), server, 3)).toBeGreaterThan(3);
      },
    );
  });
});

/** @returns How many leaves there are. */
async function appendAtOnce(place: StorePlace): Promise<number> {
  const auditor = new Auditor(place);
  const writers = Array.from({ length: PROCESSES }, (_, n) => start(place, n, APPENDS));
  for (const told of await Promise.all(writers.map((writer) => writer.rest<Line>())))
    auditor.add(told);
  for (const writer of writers) expect(await writer.ended).toMatchObject({ code: 0, stderr: '' });
  await auditor.check();
  // They did meet.
  expect(auditor.lost).toBeGreaterThan(PROCESSES);
  return auditor.size;
}

/**
 * Several append, and one after the other is killed; whenever all have been, the log is followed, and now and then all else is looked at.
 *
 * @returns How many were killed in the middle of an append.
 */
async function killWriters(place: StorePlace): Promise<number> {
  const auditor = new Auditor(place);
  for (let killed = 0; killed < KILLS; killed += WRITERS) {
    const writers = Array.from({ length: WRITERS }, (_, n) => start(place, killed + n, FOREVER));
    await Promise.all(
      writers.map(async (writer) => {
        // On a busy machine the first append takes a while.
        const told: Line[] = [];
        do told.push(await writer.next<Line>());
        while (!told.some((line) => line !== 'ready' && line.what === 'done'));
        await setTimeout(Math.random() * LONGEST_LIFE_MS);
        writer.kill();
        auditor.add([...told, ...(await writer.rest<Line>())]);
        expect(await writer.ended).toMatchObject({ signal: 'SIGKILL', stderr: '' });
      }),
    );
    await auditor.follow();
    if (killed % LOOK_EVERY < WRITERS) await auditor.check();
  }
  await auditor.check();
  expect(auditor.size).toBeGreaterThan(KILLS);
  return auditor.open;
}

/**
 * Several append, and the server is killed under them; none of them notices more than that it takes a while.
 *
 * @returns How many leaves there are.
 */
async function killServer(
  place: StorePlace,
  server: PostgresServer,
  kills: number,
): Promise<number> {
  const auditor = new Auditor(place);
  const writers = Array.from({ length: WRITERS }, (_, n) => start(place, n, FOREVER));
  await Promise.all(writers.map((writer) => writer.next<'ready'>()));
  for (let n = 0; n < kills; n++) {
    await setTimeout(Math.random() * LONGEST_LIFE_MS);
    await server.kill();
    await server.restart();
  }
  await setTimeout(LONGEST_LIFE_MS);
  for (const writer of writers) {
    writer.kill();
    const told = await writer.rest<Line>();
    expect(await writer.ended).toMatchObject({ signal: 'SIGKILL', stderr: '' });
    expect(told.filter((line) => line !== 'ready' && line.what === 'unknown')).toEqual([]);
    auditor.add(told);
  }
  await auditor.check();
  return auditor.size;
}

type Line = ArchiveTold | 'ready';

function start(place: StorePlace, name: number, appends: number): Child {
  const args = [JSON.stringify(place), `writer${name}`, String(appends), ...SHARED];
  return Child.start(child.path, args, { SIGNING_KEY: author });
}

/** Follows the log of an archive and what its writers were told, and compares both with what is there. */
class Auditor {
  readonly #place: StorePlace;
  readonly #acknowledged = new Map<number, string>();
  /** By id, as the leaves say. */
  readonly #records = new Map<string, Stated['records'][number]>();
  readonly #nodes = new Set<string>();
  /** Leaves that were looked at. */
  size = 0;
  /** Writers that were killed in the middle of an append. */
  open = 0;
  /** Appends that somebody else was before. */
  lost = 0;

  constructor(place: StorePlace) {
    this.#place = place;
  }

  add(told: readonly Line[]): void {
    const last = told.at(-1);
    if (last !== undefined && last !== 'ready' && last.what === 'appending') this.open++;
    for (const line of told) {
      if (line === 'ready' || line.what === 'appending') continue;
      if (line.what === 'lost') this.lost++;
      if (line.what !== 'done') continue;
      expect(this.#acknowledged.has(line.index), 'a place is given once').toBe(false);
      this.#acknowledged.set(line.index, line.leaf);
    }
  }

  /** Each leaf verifies, and those that were acknowledged are where they were said to be. */
  async follow(): Promise<void> {
    await using archive = await openArchiveAt(this.#place);
    await this.#read(await this.#open(archive));
  }

  /** Records and map nodes are what the leaves say, each of them and no other. */
  async check(): Promise<void> {
    await using archive = await openArchiveAt(this.#place);
    const log = await this.#open(archive);
    expect(await log.verifyAll()).toBe(log.size);
    for (;;) {
      await this.#read(log);
      const found = await contentsOf(archive);
      await log.refresh();
      // A server ends what a killed client has sent: then once more.
      if (log.size > this.size) continue;
      const present = [...this.#records.values()].filter(({ isDeleted }) => !isDeleted);
      expect(found.records).toEqual(new Map(present.map(({ id, version }) => [id, version])));
      expect(found.nodes).toEqual(this.#nodes);
      return;
    }
  }

  #open(archive: Archive): Promise<SignedLog> {
    return SignedLog.open({ ...trustIn(authorOf(author)), storage: archive.log });
  }

  async #read(log: SignedLog): Promise<void> {
    for await (const { index, bytes } of log.leaves(this.size)) this.#follow(index, bytes);
    this.size = log.size;
    for (const index of this.#acknowledged.keys()) expect(index).toBeLessThan(this.size);
  }

  #follow(index: number, bytes: Uint8Array): void {
    const leaf = new TextDecoder().decode(bytes);
    expect(leaf).toBe(this.#acknowledged.get(index) ?? leaf);
    const { records, nodes } = JSON.parse(leaf) as Stated;
    for (const record of records) this.#records.set(record.id, record);
    for (const hash of nodes) this.#nodes.add(hash);
  }
}

/** Versions by id, and hashes of map nodes: each is whole. */
async function contentsOf(archive: Archive) {
  const records = new Map<string, number>();
  for await (const { id } of archive.store.list()) {
    const record = await archive.store.get(id);
    if (!record) continue;
    expect(writerOf(id, record.version, record.bytes), 'a whole record').toBeDefined();
    records.set(id, record.version);
  }
  const hashes: Uint8Array[] = [];
  for await (const hash of archive.listNodes()) hashes.push(hash);
  for (let at = 0; at < hashes.length; at += 256) {
    const page = hashes.slice(at, at + 256);
    for (const [i, bytes] of (await archive.readNodes(page)).entries())
      expect(createHash('sha256').update(bytes!).digest()).toEqual(Buffer.from(page[i]!));
  }
  const nodes = new Set(hashes.map(hexOf));
  expect(nodes.size).toBe(hashes.length);
  return { records, nodes };
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
