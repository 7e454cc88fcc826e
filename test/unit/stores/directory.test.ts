/** What the directory store does with strange folders, slow writers and full disks. */
import {
  chmod,
  chown,
  lstat,
  mkdir,
  readdir,
  readFile,
  symlink,
  truncate,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Store } from '../../../lib/contracts/store.ts';
import type * as durableFile from '../../../lib/platform/durable-file.ts';
import { TEMPORARY_PREFIX } from '../../../lib/platform/durable-file.ts';
import { openDirectoryStore } from '../../../lib/stores/directory.ts';
import {
  canLink,
  canLoseRights,
  hasModes,
  mountTmpfs,
  withoutRoot,
} from '../../support/permissions.ts';
import { temporaryFolder, type TemporaryFolder } from '../../support/temporary-folder.ts';

/** Runs once, when the next file is about to be written: after the store has looked, before it links. */
let beforeWrite: (() => Promise<void>) | undefined;
vi.mock('../../../lib/platform/durable-file.ts', async (original) => {
  const real = await original<typeof durableFile>();
  return {
    ...real,
    writeDurably: async (...args: Parameters<typeof real.writeDurably>) => {
      const hook = beforeWrite;
      beforeWrite = undefined;
      await hook?.();
      return real.writeDurably(...args);
    },
  };
});

const ID = 'ab'.repeat(16);
const BYTES = Uint8Array.of(1, 2, 3);

let folder: TemporaryFolder;
let root: string;
let store: Store;

beforeEach(async () => {
  folder = await temporaryFolder();
  root = join(folder.path, 'records');
  store = await openDirectoryStore(root);
});

afterEach(async () => {
  await store.close();
  await folder.remove();
});

async function shard(): Promise<string[]> {
  return (await readdir(join(root, 'ab'))).toSorted();
}

async function ids(): Promise<string[]> {
  const found: string[] = [];
  for await (const { id } of store.list()) found.push(id);
  return found;
}

describe('files of a directory store', () => {
  it('are named by id and version, and the only ones that stay', async () => {
    await store.put(ID, 1, BYTES);
    await store.put(ID, 2, BYTES);
    expect(await shard()).toEqual([`${ID}.2.cms`]);
    expect(await readdir(root)).toEqual(['ab']);
  });

  it.skipIf(!hasModes)('are private, and so are their folders', async () => {
    await store.put(ID, 1, BYTES);
    expect((await lstat(join(root, 'ab', `${ID}.1.cms`))).mode & 0o777).toBe(0o600);
    expect((await lstat(root)).mode & 0o777).toBe(0o700);
    expect((await lstat(join(root, 'ab'))).mode & 0o777).toBe(0o700);
  });

  it('leave a zero-length tombstone of the next version when they are deleted', async () => {
    await store.put(ID, 1, BYTES);
    await store.delete(ID, 2);
    expect(await shard()).toEqual([`${ID}.2.cms`]);
    expect((await lstat(join(root, 'ab', `${ID}.2.cms`))).size).toBe(0);
    await store.put(ID, 3, BYTES);
    expect(await shard()).toEqual([`${ID}.3.cms`]);
  });

  it('are not made by opening the store', async () => {
    await expect(readdir(root)).rejects.toThrow('ENOENT');
    expect(await store.get(ID)).toBeUndefined();
    expect(await ids()).toEqual([]);
  });

  it('are skipped where their names are not those of records', async () => {
    await store.put(ID, 1, BYTES);
    for (const name of [
      `${ID}.02.cms`,
      `${ID}.9.cms~`,
      `${ID}.9.CMS`,
      `${ID}.0.cms`,
      `${ID.toUpperCase()}.9.cms`,
      `${'cd'.repeat(16)}.9.cms`,
      `${TEMPORARY_PREFIX}${ID}.9.cms-00`,
      'README',
    ]) {
      await writeFile(join(root, 'ab', name), 'x');
    }
    expect((await store.get(ID))?.version).toBe(1);
    expect(await ids()).toEqual([ID]);
  });

  it('of killed writers are swept on open once they are an hour old', async () => {
    await store.put(ID, 1, BYTES);
    const old = join(root, `${TEMPORARY_PREFIX}old`);
    const young = join(root, `${TEMPORARY_PREFIX}young`);
    await writeFile(old, 'x');
    await writeFile(young, 'x');
    const twoHoursAgo = new Date(Date.now() - 2 * 3600 * 1000);
    await utimes(old, twoHoursAgo, twoHoursAgo);
    await openDirectoryStore(root);
    expect((await readdir(root)).toSorted()).toEqual([`${TEMPORARY_PREFIX}young`, 'ab']);
  });
});

describe('a slow writer of a directory store', () => {
  it('does not win a version whose file was removed meanwhile', async () => {
    await store.put(ID, 1, BYTES);
    beforeWrite = async () => {
      await store.put(ID, 2, Uint8Array.of(2));
      await store.put(ID, 3, Uint8Array.of(3));
    };
    await expect(store.put(ID, 2, Uint8Array.of(99))).rejects.toMatchObject({
      code: 'STORE_CONFLICT',
    });
    expect(await store.get(ID)).toEqual({ version: 3, bytes: Uint8Array.of(3) });
    expect(await shard()).toEqual([`${ID}.3.cms`]);
  });

  it('does not bring back an id that was made and deleted meanwhile', async () => {
    beforeWrite = async () => {
      await store.put(ID, 1, BYTES);
      await store.delete(ID, 2);
    };
    await expect(store.put(ID, 1, Uint8Array.of(99))).rejects.toMatchObject({
      code: 'STORE_CONFLICT',
    });
    expect(await store.get(ID)).toBeUndefined();
    expect(await shard()).toEqual([`${ID}.2.cms`]);
  });

  it('that was killed before it removed older versions is tidied up by the next one', async () => {
    await store.put(ID, 1, BYTES);
    await writeFile(join(root, 'ab', `${ID}.2.cms`), 'two');
    await writeFile(join(root, 'ab', `${ID}.3.cms`), 'three');
    expect((await store.get(ID))?.version).toBe(3);
    await store.put(ID, 4, BYTES);
    expect(await shard()).toEqual([`${ID}.4.cms`]);
  });

  it('is told when the disk has no room, and nothing has changed', async ({ skip }) => {
    const disk = mountTmpfs(join(folder.path, 'small'), 'size=64k');
    if (!disk) return skip('this user may not mount a tmpfs');
    try {
      const small = await openDirectoryStore(join(disk.path, 'records'));
      await small.put(ID, 1, new Uint8Array(20_000).fill(1));
      await expect(small.put(ID, 2, new Uint8Array(60_000))).rejects.toMatchObject({
        code: 'STORAGE_FULL',
      });
      expect((await small.get(ID))?.version).toBe(1);
      expect(await readdir(join(disk.path, 'records'))).toEqual(['ab']);
      await small.put(ID, 2, new Uint8Array(20_000));
      await small.delete(ID, 3);
    } finally {
      disk.unmount();
    }
  });
});

describe('what is not a record in a directory store', () => {
  it('a file where the store should be is FILE_WRONG_TYPE', async () => {
    await writeFile(join(folder.path, 'file'), '');
    await expect(openDirectoryStore(join(folder.path, 'file'))).rejects.toMatchObject({
      code: 'FILE_WRONG_TYPE',
    });
  });

  it('a file where a folder of records should be is FILE_WRONG_TYPE', async () => {
    await mkdir(root);
    await writeFile(join(root, 'ab'), '');
    await expect(store.get(ID)).rejects.toMatchObject({ code: 'FILE_WRONG_TYPE' });
    await expect(store.put(ID, 1, BYTES)).rejects.toMatchObject({ code: 'FILE_WRONG_TYPE' });
    await expect(ids()).rejects.toMatchObject({ code: 'FILE_WRONG_TYPE' });
    expect(await readdir(root)).toEqual(['ab']);
  });

  it.skipIf(!canLink)('a link to a record outside is not followed', async () => {
    await store.put(ID, 1, BYTES);
    const secret = join(folder.path, 'secret');
    await writeFile(secret, 'secret');
    await symlink(secret, join(root, 'ab', `${ID}.2.cms`));
    await expect(store.get(ID)).rejects.toMatchObject({ code: 'FILE_WRONG_TYPE' });
    await store.put(ID, 3, BYTES);
    expect(await readFile(secret, 'utf8')).toBe('secret');
  });

  it.skipIf(!canLink)('a link to a folder outside is not followed', async () => {
    const outside = join(folder.path, 'outside');
    await mkdir(outside);
    await mkdir(root);
    await writeFile(join(outside, `${ID}.1.cms`), 'x');
    await symlink(outside, join(root, 'ab'));
    await expect(store.get(ID)).rejects.toMatchObject({ code: 'FILE_WRONG_TYPE' });
    await expect(store.put(ID, 2, BYTES)).rejects.toMatchObject({ code: 'FILE_WRONG_TYPE' });
    expect(await readdir(outside)).toEqual([`${ID}.1.cms`]);
  });

  it('a folder with the name of a record is FILE_WRONG_TYPE', async () => {
    await mkdir(join(root, 'ab', `${ID}.1.cms`), { recursive: true });
    await expect(store.get(ID)).rejects.toMatchObject({ code: 'FILE_WRONG_TYPE' });
    expect(await ids()).toEqual([]);
  });

  it.skipIf(process.platform === 'win32')(
    'a pipe with the name of a record blocks nobody',
    async () => {
      await mkdir(join(root, 'ab'), { recursive: true });
      execFileSync('mkfifo', [join(root, 'ab', `${ID}.1.cms`)]);
      await expect(store.get(ID)).rejects.toMatchObject({ code: 'FILE_WRONG_TYPE' });
    },
  );

  it('a file of 4 GiB is BLOB_TOO_LARGE before it is read', async () => {
    await store.put(ID, 1, BYTES);
    await truncate(join(root, 'ab', `${ID}.1.cms`), 4 * 2 ** 30);
    await expect(store.get(ID)).rejects.toMatchObject({ code: 'BLOB_TOO_LARGE' });
  });
});

describe.skipIf(!canLoseRights)('a directory store without rights', () => {
  beforeEach(async () => {
    await store.put(ID, 1, BYTES);
    await chmod(folder.path, 0o755);
  });

  it('that may not be read is PERMISSION_DENIED', async () => {
    await chmod(root, 0o000);
    await withoutRoot(async () => {
      await expect(openDirectoryStore(root)).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
      await expect(store.get(ID)).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
      await expect(ids()).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    });
    await chmod(root, 0o700);
    expect((await store.get(ID))?.version).toBe(1);
  });

  it('that may not be written reads, and a put changes nothing', async () => {
    await chmod(root, 0o555);
    await chmod(join(root, 'ab'), 0o555);
    await chmod(join(root, 'ab', `${ID}.1.cms`), 0o444);
    await withoutRoot(async () => {
      const other = await openDirectoryStore(root);
      expect((await other.get(ID))?.version).toBe(1);
      await expect(other.put(ID, 2, BYTES)).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
      await expect(other.delete(ID, 2)).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
      await expect(other.put('cd'.repeat(16), 1, BYTES)).rejects.toMatchObject({
        code: 'PERMISSION_DENIED',
      });
    });
    await chmod(root, 0o700);
    expect(await readdir(root)).toEqual(['ab']);
  });

  it('whose one record may not be read says so of that record', async () => {
    await chmod(root, 0o755);
    await chmod(join(root, 'ab'), 0o755);
    await chown(root, process.getuid!(), process.getgid!());
    await chmod(join(root, 'ab', `${ID}.1.cms`), 0o000);
    await withoutRoot(async () => {
      await expect(store.get(ID)).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    });
    await unlink(join(root, 'ab', `${ID}.1.cms`));
  });

  it('on a read-only file system says STORAGE_READ_ONLY', async ({ skip }) => {
    const disk = mountTmpfs(join(folder.path, 'ro'), 'size=64k');
    if (!disk) return skip('this user may not mount a tmpfs');
    try {
      const path = join(disk.path, 'records');
      await (await openDirectoryStore(path)).put(ID, 1, BYTES);
      execFileSync('mount', ['-o', 'remount,ro', disk.path], { stdio: 'ignore' });
      const readOnly = await openDirectoryStore(path);
      expect((await readOnly.get(ID))?.version).toBe(1);
      await expect(readOnly.put(ID, 2, BYTES)).rejects.toMatchObject({ code: 'STORAGE_READ_ONLY' });
    } finally {
      disk.unmount();
    }
  });
});
