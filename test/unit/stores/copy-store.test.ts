/** Copies of stores and archives: whole, gone on with, brought up to date, and never over something else. */
import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Store } from '../../../lib/contracts/store.ts';
import type { AlongNode, AlongRecord, LogAppend } from '../../../lib/signed-log/log-storage.ts';
import type { Archive } from '../../../lib/stores/archive.ts';
import { copyStore, type CopyProgress } from '../../../lib/stores/copy-store.ts';
import { openDirectoryStore } from '../../../lib/stores/directory.ts';
import { openLmdbArchive, openLmdbStore } from '../../../lib/stores/lmdb.ts';
import { MemoryStore, openMemoryArchive } from '../../../lib/stores/memory.ts';
import { AUTHOR, openLog } from '../../support/signed-log.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const newId = (): string => randomBytes(16).toString('hex');
const newBytes = (): Uint8Array => new Uint8Array(randomBytes(40));

async function folder(): Promise<string> {
  const made = await temporaryFolder();
  onTestFinished(() => made.remove());
  return made.path;
}

/** Records at versions 1 to 3, some of them deleted. */
async function fill(store: Store, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const id = newId();
    for (let version = 1; version <= 1 + (n % 3); version++)
      await store.put(id, version, newBytes());
    if (n % 5 === 4) await store.delete(id, 2 + (n % 3));
  }
}

/** Entries, each of which took records and nodes along. */
async function grow(archive: Archive, entries: number, recordsEach = 2): Promise<AlongRecord[]> {
  const log = await openLog(archive.log);
  const all: AlongRecord[] = [];
  for (let n = 0; n < entries; n++) {
    const records = Array.from({ length: recordsEach }, () => ({
      id: newId(),
      version: 1 + (n % 4),
      bytes: newBytes(),
    }));
    all.push(...records);
    await log.append([newBytes()], AUTHOR, {
      size: log.size,
      along: { records, mapNodes: [newNode(), newNode()] },
    });
  }
  return all;
}

function newNode(): AlongNode {
  const bytes = newBytes();
  return { hash: new Uint8Array(createHash('sha256').update(bytes).digest()), bytes };
}

async function contentOf(store: Store): Promise<Map<string, unknown>> {
  const content = new Map<string, unknown>();
  for await (const { id } of store.list()) content.set(id, await store.get(id));
  return content;
}

async function nodesOf(archive: Archive): Promise<Map<string, unknown>> {
  const nodes = new Map<string, unknown>();
  for await (const hash of archive.listNodes())
    nodes.set(Buffer.from(hash).toString('hex'), (await archive.readNodes([hash]))[0]);
  return nodes;
}

async function expectSame(source: Archive, target: Archive): Promise<void> {
  expect(await target.log.head()).toEqual(await source.log.head());
  expect(await contentOf(target.store)).toEqual(await contentOf(source.store));
  expect(await nodesOf(target)).toEqual(await nodesOf(source));
  // Every hash of it is checked, too.
  const log = await openLog(target.log);
  await log.verifyAll();
}

/** Ends with an error at the append that is named. */
function failingAt(archive: Archive, failing: number): Archive {
  let appends = 0;
  const log = Object.create(archive.log) as Archive['log'];
  log.head = () => archive.log.head();
  log.readLeaves = (first, count) => archive.log.readLeaves(first, count);
  log.append = async (append: LogAppend) => {
    if (++appends === failing) throw new TypeError('killed');
    await archive.log.append(append);
  };
  return {
    name: archive.name,
    store: archive.store,
    log,
    readNodes: (hashes) => archive.readNodes(hashes),
    listNodes: () => archive.listNodes(),
    removeNodes: (hashes, head) => archive.removeNodes(hashes, head),
    close: () => archive.close(),
    [Symbol.asyncDispose]: () => archive.close(),
  };
}

describe('a copy of records', () => {
  it('has each at its version, whatever kinds the stores are of', async () => {
    const path = await folder();
    const source = new MemoryStore();
    await fill(source, 40);
    await using directory = await openDirectoryStore(join(path, 'records'));
    await using lmdb = await openLmdbStore(join(path, 'records.mdb'));
    const last = new MemoryStore();
    const counts = { records: 32, written: 32, entries: 0 };
    expect(await copyStore(source, directory)).toEqual(counts);
    expect(await copyStore(directory, lmdb)).toEqual(counts);
    expect(await copyStore(lmdb, last)).toEqual(counts);
    expect(await contentOf(last)).toEqual(await contentOf(source));
  });

  it('writes nothing again, and brings up to date what has changed', async () => {
    const [source, target] = [new MemoryStore(), new MemoryStore()];
    await fill(source, 10);
    await copyStore(source, target);
    expect(await copyStore(source, target)).toMatchObject({ written: 0 });
    const [[id, { version }]] = [...(await contentOf(source))] as [[string, { version: number }]];
    await source.put(id, version + 1, newBytes());
    await source.put(newId(), 1, newBytes());
    expect(await copyStore(source, target)).toMatchObject({ written: 2 });
    expect(await contentOf(target)).toEqual(await contentOf(source));
  });

  it('is refused where the target has what the source has not, and changes nothing there', async () => {
    const [source, target] = [new MemoryStore(), new MemoryStore()];
    await fill(source, 3);
    await target.put(newId(), 1, newBytes());
    const before = await contentOf(target);
    await expect(copyStore(source, target)).rejects.toMatchObject({ code: 'STORE_CONFLICT' });
    await expect(copyStore(new MemoryStore(), target)).rejects.toMatchObject({
      code: 'STORE_CONFLICT',
    });
    expect(await contentOf(target)).toEqual(before);
  });

  it('is refused where the target has a later version, or another record of the same version', async () => {
    const id = newId();
    for (const versions of [2, 1]) {
      const [source, target] = [new MemoryStore(), new MemoryStore()];
      await source.put(id, 1, newBytes());
      for (let version = 1; version <= versions; version++)
        await target.put(id, version, newBytes());
      await expect(copyStore(source, target)).rejects.toMatchObject({ code: 'STORE_CONFLICT' });
    }
  });

  it('tells how far it is, and ends when it is told to', async () => {
    const [source, target] = [new MemoryStore(), new MemoryStore()];
    await fill(source, 5);
    const told: CopyProgress[] = [];
    await copyStore(source, target, { onProgress: (progress) => told.push(progress) });
    expect(told.at(-1)).toEqual({ step: 'comparing', done: 4, total: 4 });
    const signal = AbortSignal.abort();
    await expect(copyStore(source, new MemoryStore(), { signal })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
  });
});

describe('a copy of an archive', () => {
  it('has the log, every record and every node of the map', async () => {
    const path = await folder();
    await using source = openMemoryArchive();
    await using lmdb = await openLmdbArchive(join(path, 'copy.mdb'));
    await using target = openMemoryArchive();
    await grow(source, 600);
    expect(await copyStore(source, lmdb)).toEqual({ records: 1200, written: 1200, entries: 600 });
    await expectSame(source, lmdb);
    await copyStore(lmdb, target);
    await expectSame(source, target);
  });

  it('is no log that anybody opens until all of it is there, and is gone on with where it ended', async () => {
    await using source = openMemoryArchive();
    await using target = openMemoryArchive();
    await grow(source, 700, 3);
    for (const failing of [2, 3]) {
      await expect(copyStore(source, failingAt(target, failing))).rejects.toThrow('killed');
      const opened = openLog(target.log);
      await expect(opened).rejects.toMatchObject({ code: 'BLOB_MALFORMED' });
    }
    const { written } = await copyStore(source, target);
    expect(written).toBeLessThan(2100);
    await expectSame(source, target);
  });

  it('is brought up to date: what was added, changed and deleted since', async () => {
    await using source = openMemoryArchive();
    await using target = openMemoryArchive();
    const [first, second] = await grow(source, 5);
    await copyStore(source, target);
    const log = await openLog(source.log);
    const records = [
      { id: first!.id, version: 2, bytes: undefined },
      { id: second!.id, version: 2, bytes: newBytes() },
    ];
    await log.append([newBytes()], AUTHOR, {
      size: log.size,
      along: { records, mapNodes: [newNode()] },
    });
    expect(await copyStore(source, target)).toEqual({ records: 9, written: 2, entries: 6 });
    await expectSame(source, target);
  });

  it('is refused where the target has another log, or is ahead of the source', async () => {
    await using source = openMemoryArchive();
    await using other = openMemoryArchive();
    await using ahead = openMemoryArchive();
    await grow(source, 3);
    await copyStore(source, ahead);
    await grow(ahead, 1);
    const log = await openLog(other.log);
    await log.append([Uint8Array.of(9)], AUTHOR);
    for (const target of [other, ahead])
      await expect(copyStore(source, target)).rejects.toMatchObject({ code: 'STORE_CONFLICT' });
  });

  it('is refused where the target keeps no log, or the source has none for it', async () => {
    await using source = openMemoryArchive();
    await grow(source, 2);
    await expect(copyStore(source, new MemoryStore())).rejects.toMatchObject({
      code: 'NOT_SUPPORTED',
    });
    await expect(copyStore(new MemoryStore(), source)).rejects.toMatchObject({
      code: 'NOT_SUPPORTED',
    });
  });

  it('copes with entries that are fewer than their records would need', async () => {
    await using source = openMemoryArchive();
    await using target = openMemoryArchive();
    await grow(source, 2, 1000);
    expect(await copyStore(source, target)).toMatchObject({ records: 2000, entries: 2 });
    await expectSame(source, target);
  });
});
