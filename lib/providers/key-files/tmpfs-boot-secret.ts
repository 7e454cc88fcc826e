/** The secret of a boot on a memory file system. */
import { lstat, mkdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { userInfo } from 'node:os';
import { KeyStoreError } from '../../errors.ts';
import type { SecretBytes } from '../../keys/secret-bytes.ts';
import { isFsError } from '../../platform/fs-error.ts';
import type { BootSecret } from './boot-secret.ts';
import { readOrMakeSecretFile, readSecretFile } from './secret-file.ts';

export interface TmpfsBootSecretOptions {
  /** Folders on a memory file system, the first usable one is used. Default: `$XDG_RUNTIME_DIR/keycask`, `/dev/shm/keycask-UID`. */
  readonly folders?: readonly string[];
  /** Type of the file system at a path (statfs f_type). Replaced in tests only. */
  readonly fileSystemType?: (path: string) => Promise<number>;
}

/**
 * A random secret on a memory file system, in a folder that is ours alone. It is checked that the file system is tmpfs or ramfs: nothing that
 * a disk keeps, and nothing that can be computed from public facts such as the boot id.
 */
export function tmpfsBootSecret(options: TmpfsBootSecretOptions = {}): BootSecret {
  const folders = options.folders ?? defaultFolders();
  const typeOf = options.fileSystemType ?? (async (path) => (await statfs(path)).type);
  return {
    async present() {
      const secrets: SecretBytes[] = [];
      for (const folder of folders) {
        if (!(await isOursInMemory(folder, typeOf))) continue;
        const secret = await readSecretFile(join(folder, FILE));
        if (secret) secrets.push(secret);
      }
      return secrets;
    },
    async create() {
      const [first, ...others] = await this.present();
      for (const other of others) other.dispose();
      if (first) return first;
      for (const folder of folders) {
        await makeIfMissing(folder);
        if (await isOursInMemory(folder, typeOf)) return readOrMakeSecretFile(join(folder, FILE));
      }
      throw new KeyStoreError(
        'NOT_SUPPORTED',
        'there is no memory file system of our own here, where a per-boot secret could lie',
      );
    },
  };
}

function defaultFolders(): string[] {
  if (process.platform === 'win32') return [];
  const runtime = process.env['XDG_RUNTIME_DIR'];
  return [
    ...(runtime?.startsWith('/') ? [join(runtime, 'keycask')] : []),
    `/dev/shm/keycask-${userInfo().uid}`,
  ];
}

async function makeIfMissing(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    // Whatever stands there, or cannot be made, the check that follows decides.
    if (!isFsError(error, 'EEXIST', 'ENOENT', 'EACCES', 'EROFS', 'EPERM', 'ENOSPC', 'ENOTDIR'))
      throw error;
  }
}

/** A folder (no link) of ours that nobody else enters, on tmpfs or ramfs. */
async function isOursInMemory(
  folder: string,
  typeOf: (path: string) => Promise<number>,
): Promise<boolean> {
  try {
    const facts = await lstat(folder);
    const isOurs =
      facts.isDirectory() && facts.uid === userInfo().uid && (facts.mode & 0o077) === 0;
    return isOurs && MEMORY_FILE_SYSTEMS.has(await typeOf(folder));
  } catch (error) {
    if (isFsError(error, 'ENOENT', 'EACCES', 'ENOTDIR', 'ENOSYS')) return false;
    throw error;
  }
}

const FILE = 'boot-secret';
/** TMPFS_MAGIC, RAMFS_MAGIC: linux/magic.h, and fs/ramfs. */
const MEMORY_FILE_SYSTEMS: ReadonlySet<number> = new Set([0x01021994, 0x858458f6]);
