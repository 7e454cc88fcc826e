/** The lmdb archive: a store that becomes one, a write whose thread ended, and a disk that is full. */
import { mkdirSync, writeFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KeyStoreError } from '../../../lib/errors.ts';
import type { LogAppend } from '../../../lib/signed-log/index.ts';
import { LmdbFile } from '../../../lib/stores/lmdb/lmdb-file.ts';
import { LmdbLog } from '../../../lib/stores/lmdb/lmdb-log.ts';
import { openLmdbArchive, openLmdbStore } from '../../../lib/stores/lmdb.ts';
import {
  growWith,
  hasNodes,
  hasRecords,
  idOf,
  listedIds,
  nodesOf,
  recordOf,
} from '../../../lib/testing/archive-samples.ts';
import { append, appendOf, isHead } from '../../../lib/testing/log-storage-samples.ts';
import { mountTmpfs, testAsRoot } from '../../support/permissions.ts';
import { temporaryFolder, type TemporaryFolder } from '../../support/temporary-folder.ts';

let folder: TemporaryFolder;
let path: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  path = join(folder.path, 'records.mdb');
});
afterEach(() => folder.remove());

it('is what a store was, with an empty log, and the store stays one', async () => {
  const store = await openLmdbStore(path);
  const records = Array.from({ length: 1200 }, (_, n) => recordOf(n));
  await store.createAll!(records.map(({ id, bytes }) => ({ id, bytes: bytes! })));
  await store.put(idOf(1), 2, recordOf(1, 2).bytes!);
  const archive = await openLmdbArchive(path);
  expect(await archive.log.head()).toBeUndefined();
  const along = { records: [recordOf(1, 3), recordOf(2000)], mapNodes: nodesOf(600, 'some') };
  await growWith(archive, undefined, along);
  await archive.close();
  const listed: string[] = [];
  for await (const { id } of store.list()) listed.push(id);
  expect(listed).toEqual([...records, recordOf(2000)].map(({ id }) => id).toSorted());
  expect(await store.get(idOf(1))).toMatchObject({ version: 3 });
  await store.put(idOf(2000), 2, recordOf(2000, 2).bytes!);
  await store.close();
});

describe('an append whose thread ended before it said what it did', () => {
  const ended = new KeyStoreError('STORE_OUTCOME_UNKNOWN');
  let file: LmdbFile;
  /** With a double of the thread, which does this and then ends. */
  let appendAfter: (meanwhile: (append: LogAppend) => Promise<unknown>) => Promise<void>;
  const mine = appendOf(undefined, 2, 'mine');

  beforeEach(async () => {
    file = await LmdbFile.open(path);
    file.openTables();
    appendAfter = async (meanwhile) => {
      const change = async () => {
        await meanwhile(mine);
        throw ended;
      };
      const ending = {
        assertOpen: () => undefined,
        breathe: () => undefined,
        read: <T>(read: () => T) => file.read(read),
        tables: file.tables,
        writer: { change },
      } as unknown as LmdbFile;
      await new LmdbLog(ending).append(mine);
    };
    return () => file.close();
  });

  it('is found in the log', async () => {
    const log = new LmdbLog(file);
    await appendAfter((append) => log.append(append));
    expect(await log.head()).toEqual({ size: 2, checkpoint: mine.checkpoint });
  });

  it('is known not to be there where nothing is, or what others appended', async () => {
    const log = new LmdbLog(file);
    await expect(appendAfter(async () => undefined)).rejects.toMatchObject({ code: 'IO_FAILED' });
    const theirs = appendOf(undefined, 1, 'theirs');
    const lost = appendAfter(() => log.append(theirs));
    await expect(lost).rejects.toMatchObject({ code: 'STORE_CONFLICT' });
  });

  it('is unknown where others have gone on from what may be it', async () => {
    const log = new LmdbLog(file);
    const goneOn = appendAfter(async (one) => append(log, appendOf(await append(log, one), 1)));
    await expect(goneOn).rejects.toMatchObject({ code: 'STORE_OUTCOME_UNKNOWN' });
  });
});

testAsRoot('appends all or nothing when the disk is full, and goes on after that', async () => {
  const disk = join(folder.path, 'disk');
  mkdirSync(disk);
  const mounted = mountTmpfs(disk, 'size=4m,mode=0700');
  if (!mounted) throw new TypeError('root may not mount here');
  try {
    const ballast = join(disk, 'ballast');
    writeFileSync(ballast, Buffer.alloc(1 << 20));
    await using archive = await openLmdbArchive(join(disk, 'records.mdb'));
    let head = await growWith(archive, undefined, { records: [], mapNodes: [] });
    const alongOf = (n: number) => ({ records: [recordOf(n)], mapNodes: nodesOf(200, `${n}`) });
    let n = 0;
    let error: unknown;
    for (; error === undefined; n++) {
      try {
        head = await growWith(archive, head, alongOf(n));
      } catch (thrown) {
        error = thrown;
      }
    }
    expect(error).toMatchObject({ code: 'STORAGE_FULL' });
    await isHead(archive.log, head);
    expect((await listedIds(archive)).length).toBe(n - 1);
    await hasNodes(archive, alongOf(n - 1).mapNodes, false);
    truncateSync(ballast, 0);
    await growWith(archive, head, alongOf(n - 1));
    await hasRecords(archive, alongOf(n - 1).records);
    await hasNodes(archive, alongOf(n - 1).mapNodes);
  } finally {
    mounted.unmount();
  }
});
