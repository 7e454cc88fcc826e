/** The lmdb store: its file, what is no file of its kind, and a disk that is full. */
import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Store } from '../../../lib/contracts/store.ts';
import { openLmdbStore } from '../../../lib/stores/lmdb.ts';
import { mountTmpfs, testAsRoot } from '../../support/permissions.ts';
import { temporaryFolder, type TemporaryFolder } from '../../support/temporary-folder.ts';

const ONE = new Uint8Array(1024).fill(1);
const newId = () => randomBytes(16).toString('hex');

let folder: TemporaryFolder;
let path: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  path = join(folder.path, 'made', 'records.mdb');
});
afterEach(() => folder.remove());

async function fill(store: Store, records: number): Promise<string[]> {
  const ids = Array.from({ length: records }, newId);
  await store.createAll!(ids.map((id) => ({ id, bytes: ONE })));
  return ids;
}

describe.skipIf(process.platform === 'win32')('a file of the lmdb store', () => {
  it('is for its owner only, as is its folder', async () => {
    await using store = await openLmdbStore(path);
    await store.put(newId(), 1, ONE);
    for (const file of [path, `${path}-lock`]) expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder.path, 'made')).mode & 0o777).toBe(0o700);
  });

  it('is refused when it is a link, or a folder', async () => {
    mkdirSync(join(folder.path, 'made'));
    symlinkSync('/etc/hostname', path);
    await expect(openLmdbStore(path)).rejects.toMatchObject({ code: 'FILE_WRONG_TYPE' });
    await expect(openLmdbStore(folder.path)).rejects.toMatchObject({ code: 'FILE_WRONG_TYPE' });
  });
});

describe('what is no whole file of LMDB', () => {
  it('is refused before LMDB sees it: any bytes, and other databases', async () => {
    mkdirSync(join(folder.path, 'made'));
    for (const bytes of [
      Buffer.alloc(8192, 65),
      Buffer.alloc(1),
      Buffer.from('SQLite format 3\0'),
    ]) {
      writeFileSync(path, bytes);
      await expect(openLmdbStore(path)).rejects.toMatchObject({ code: 'STORE_DAMAGED' });
    }
  });

  it('is taken when it is longer, and when pages at its end were never written', async () => {
    const store = await openLmdbStore(path);
    const ids = await fill(store, 500);
    await store.close();
    appendFileSync(path, Buffer.alloc(4096));
    const longer = await openLmdbStore(path);
    expect(await longer.get(ids[0]!)).toEqual({ version: 1, bytes: ONE });
    // Two versions in one transaction: the first one's pages are taken at the end, and given up.
    const large = new Uint8Array(1 << 19).fill(2);
    const id = newId();
    await Promise.all([longer.put(id, 1, large), longer.put(id, 2, ONE)]);
    await longer.close();
    await using again = await openLmdbStore(path);
    expect(await again.get(id)).toEqual({ version: 2, bytes: ONE });
    await again.put(id, 3, large);
    expect(await again.get(id)).toEqual({ version: 3, bytes: large });
    for (const each of ids) expect((await again.get(each))?.version).toBe(1);
  });

  it('is refused when it was cut: at once, or where something is missing, and never by the end of the process', async () => {
    const store = await openLmdbStore(path);
    const large = new Uint8Array(1 << 19).fill(2);
    const largeId = newId();
    await store.put(largeId, 1, large);
    const ids = [...(await fill(store, 500)), largeId];
    await store.close();
    const { size } = statSync(path);
    for (const part of [0.95, 0.9, 0.5, 0.2, 8192 / size, 8000 / size, 4096 / size, 100 / size]) {
      const cut = join(folder.path, `${part}.mdb`);
      copyFileSync(path, cut);
      truncateSync(cut, Math.round(size * part));
      await expect(useAll(cut, ids), cut).rejects.toMatchObject({ code: 'STORE_DAMAGED' });
    }
  });

  async function useAll(file: string, ids: readonly string[]): Promise<void> {
    await using store = await openLmdbStore(file);
    for (const id of ids) await store.get(id);
    for (let n = 0; n < 100; n++) await store.put(newId(), 1, ONE);
  }

  it('is a new store when it is empty, as one that a killed process began', async () => {
    mkdirSync(join(folder.path, 'made'));
    writeFileSync(path, '');
    await using store = await openLmdbStore(path);
    const id = newId();
    await store.put(id, 1, ONE);
    expect(await store.get(id)).toEqual({ version: 1, bytes: ONE });
  });
});

it('grows from nothing to many times its first size', async () => {
  await using store = await openLmdbStore(path);
  const ids = await fill(store, 20_000);
  expect(statSync(path).size).toBeGreaterThan(20_000_000);
  expect(await store.get(ids.at(-1)!)).toEqual({ version: 1, bytes: ONE });
});

testAsRoot(
  'says that the disk is full, changes nothing, and goes on when there is space again',
  async () => {
    const disk = join(folder.path, 'disk');
    mkdirSync(disk);
    const mounted = mountTmpfs(disk, 'size=3m,mode=0700');
    if (!mounted) throw new TypeError('root may not mount here');
    try {
      const ballast = join(disk, 'ballast');
      writeFileSync(ballast, Buffer.alloc(1 << 20));
      await using store = await openLmdbStore(join(disk, 'records.mdb'));
      const kept: string[] = [];
      let id = newId();
      const put = () => store.put(id, 1, ONE).catch((thrown: unknown) => thrown);
      let error = await put();
      for (; error === undefined; error = await put()) {
        kept.push(id);
        id = newId();
      }
      expect(error).toMatchObject({ code: 'STORAGE_FULL' });
      expect(await store.get(id)).toBeUndefined();
      truncateSync(ballast, 0);
      await store.put(id, 1, ONE);
      await store.close();
      await using again = await openLmdbStore(join(disk, 'records.mdb'));
      const listed: string[] = [];
      for await (const found of again.list()) listed.push(found.id);
      expect(listed).toEqual([...kept, id].toSorted());
    } finally {
      mounted.unmount();
    }
  },
);

it('lets no reader that only reads keep the event loop from everything else', async () => {
  await using store = await openLmdbStore(path);
  const id = newId();
  await store.put(id, 1, ONE);
  const timer = new AbortController();
  setTimeout(() => timer.abort(), 20);
  while (!timer.signal.aborted) await store.get(id);
  expect(timer.signal.aborted).toBe(true);
});

it('names the package that is missing', async () => {
  vi.doMock('lmdb', () => {
    throw new TypeError('not installed');
  });
  vi.resetModules();
  const { openLmdbStore: open } = await import('../../../lib/stores/lmdb.ts');
  await expect(open(path)).rejects.toMatchObject({
    code: 'MODULE_MISSING',
    hint: expect.stringContaining('npm install lmdb') as string,
  });
  vi.doUnmock('lmdb');
});
