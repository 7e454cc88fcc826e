/** Copies of archives that are killed at any moment: what is left is never believed, and the next run goes on with it, until both are the same. */
import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CopySummary } from '../../lib/stores/copy-store.ts';
import { contentOf } from '../support/archive-content.ts';
import { bundleChild, Child, type ChildBundle } from '../support/child-process.ts';
import { openArchiveAt, type StorePlace } from '../support/open-store.ts';
import { HAS_POSTGRES, PostgresServer } from '../support/postgres.ts';
import { AUTHOR, openLog } from '../support/signed-log.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';

const KILLS = process.env['SLOW'] === '1' ? 100 : 5;
/** If the kills missed the work, nothing would be shown: it goes on until enough did not, but not for ever. */
const IN_THE_MIDDLE = Math.ceil(KILLS / 5);
const MOST_KILLS = 20 * KILLS;
/** So many, and with records so long, that a copy is made of several appends. */
const ENTRIES = 120;
const RECORD_LENGTH = 50_000;
const LONGEST_LIFE_MS = 60;

let child: ChildBundle;
let folder: TemporaryFolder;
beforeAll(async () => {
  [child, folder] = await Promise.all([
    bundleChild('proofs/children/copying.ts'),
    temporaryFolder(),
  ]);
});
afterAll(async () => {
  child.remove();
  await folder.remove();
});
const lmdb = (name: string): StorePlace => ({ kind: 'lmdb', path: join(folder.path, name) });

it('a copy from LMDB to LMDB is whole after many kills', { timeout: KILLS * 30_000 }, async () => {
  const newPlace = (): StorePlace => lmdb(`${randomBytes(4).toString('hex')}.mdb`);
  expect(await copyAmongKills(lmdb('from.mdb'), newPlace)).toBeGreaterThanOrEqual(IN_THE_MIDDLE);
});

describe.runIf(HAS_POSTGRES)('with a PostgreSQL', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.start();
  });
  afterAll(() => server.stop());
  const database = (): StorePlace => ({
    kind: 'postgres',
    url: server.url,
    storeId: randomBytes(16).toString('hex'),
  });

  it('a copy from LMDB to it is whole after many kills', { timeout: KILLS * 30_000 }, async () => {
    const from = lmdb('to-database.mdb');
    expect(await copyAmongKills(from, database)).toBeGreaterThanOrEqual(IN_THE_MIDDLE);
  });
});

/**
 * Copies into new places, killed again and again, until there were enough kills; then each is finished and compared.
 *
 * @returns How many were killed after they had written something, and before they had ended.
 */
async function copyAmongKills(from: StorePlace, newPlace: () => StorePlace): Promise<number> {
  await fill(from);
  await using source = await openArchiveAt(from);
  const content = await contentOf(source);
  let kills = 0;
  let inTheMiddle = 0;
  const isEnough = (): boolean =>
    (kills >= KILLS && inTheMiddle >= IN_THE_MIDDLE) || kills >= MOST_KILLS;
  while (!isEnough()) {
    const to = newPlace();
    for (;;) {
      const { told, isKilled } = await copyAndKill(from, to);
      if (!isKilled) break;
      kills++;
      if (told > 0) inTheMiddle++;
      if (isEnough()) break;
      await isNotBelieved(to, content);
    }
    const copy = start(from, to);
    const summary = (await copy.rest<unknown>()).at(-1) as CopySummary;
    expect(await copy.ended).toMatchObject({ code: 0, stderr: '' });
    expect(summary.entries).toBe(ENTRIES);
    await using target = await openArchiveAt(to);
    expect(await contentOf(target)).toEqual(content);
  }
  return inTheMiddle;
}

/** Entries, each with records and map nodes that came along. */
async function fill(place: StorePlace): Promise<void> {
  await using archive = await openArchiveAt(place);
  const log = await openLog(archive.log);
  for (let n = 0; n < ENTRIES; n++) {
    const bytes = new Uint8Array(randomBytes(RECORD_LENGTH));
    const node = bytes.slice(0, 500);
    const hash = new Uint8Array(createHash('sha256').update(node).digest());
    const records = [{ id: randomBytes(16).toString('hex'), version: 1 + (n % 3), bytes }];
    await log.append([bytes.slice(0, 100)], AUTHOR, {
      size: log.size,
      along: { records, mapNodes: [{ hash, bytes: node }] },
    });
  }
}

function start(from: StorePlace, to: StorePlace): Child {
  return Child.start(child.path, [JSON.stringify(from), JSON.stringify(to)]);
}

/** @returns How many steps it told of; and whether it was killed before its end. */
async function copyAndKill(
  from: StorePlace,
  to: StorePlace,
): Promise<{ readonly told: number; readonly isKilled: boolean }> {
  const copy = start(from, to);
  const told: unknown[] = [await copy.next()];
  // Half of them within the first append, or before; half later, with much written.
  if (Math.random() < 0.5) told.push(await copy.next());
  await setTimeout(Math.random() * LONGEST_LIFE_MS);
  copy.kill();
  told.push(...(await copy.rest<unknown>()));
  const { signal } = await copy.ended;
  return { told: told.length - 1, isKilled: signal === 'SIGKILL' };
}

/** What is there is the whole, or nobody takes it for a log. */
async function isNotBelieved(place: StorePlace, content: unknown): Promise<void> {
  await using archive = await openArchiveAt(place);
  if (!(await archive.log.head())) return;
  const opened = await openLog(archive.log).then(
    () => 'believed',
    () => 'refused',
  );
  if (opened === 'believed') expect(await contentOf(archive)).toEqual(content);
}
