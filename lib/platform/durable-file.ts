/** Files that are there whole or not at all: written aside, fsynced, then renamed or linked into place. */
import { randomBytes } from 'node:crypto';
import { link, open, rename, unlink, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isFsError, withFsErrors } from './fs-error.ts';
import { retryWhileInUse } from './retry-while-in-use.ts';

export interface DurableWriteOptions {
  /** Permissions of the new file. Default 0600. */
  readonly mode?: number;
  /** `replace` renames over what is there; `create` links, and fails with FILE_EXISTS where there is something. */
  readonly place: 'replace' | 'create';
  /** Folder on the same file system that the unfinished file lies in. Default: that of `path`. */
  readonly aside?: string;
}

/** Names of files that are being written begin so; a reader skips them, and a killed writer leaves at most one behind. */
export const TEMPORARY_PREFIX = '.keycask-tmp-';

/**
 * Writes `bytes` to `path` so that after a crash it is the old file or the new one, durably when the promise resolves.
 *
 * @throws KeyStoreError FILE_EXISTS (`create` only), STORAGE_FULL, PERMISSION_DENIED, STORAGE_READ_ONLY, FILE_WRONG_TYPE, IO_FAILED; nothing was changed.
 */
export async function writeDurably(
  path: string,
  bytes: Uint8Array,
  options: DurableWriteOptions,
): Promise<void> {
  const temporary = temporaryName(
    options.aside === undefined ? path : join(options.aside, basename(path)),
  );
  await withFsErrors(path, async () => {
    try {
      const file = await open(temporary, 'wx', options.mode ?? 0o600);
      await writeAndSync(file, bytes);
      if (options.place === 'replace') await retryWhileInUse(() => rename(temporary, path));
      else await link(temporary, path);
    } finally {
      await unlinkIfThere(temporary);
    }
    await syncDirectory(dirname(path));
  });
}

/** A fresh name beside `path`, on the same file system. */
export function temporaryName(path: string): string {
  return join(
    dirname(path),
    `${TEMPORARY_PREFIX}${basename(path).slice(0, 64)}-${randomBytes(8).toString('hex')}`,
  );
}

/** Makes renames and links in a folder durable. Windows cannot fsync a folder (EPERM, EISDIR), and does not need it. */
export async function syncDirectory(path: string): Promise<void> {
  try {
    const folder = await open(path, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (error) {
    if (!isUnsyncable(error)) throw error;
  }
}

/** What systems say where a folder cannot be fsynced. */
export function isUnsyncable(error: unknown): boolean {
  return isFsError(error, 'EPERM', 'EISDIR', 'EACCES', 'EINVAL');
}

/** @returns false where there was nothing. */
export async function unlinkIfThere(path: string): Promise<boolean> {
  try {
    await retryWhileInUse(() => unlink(path));
    return true;
  } catch (error) {
    if (isFsError(error, 'ENOENT')) return false;
    throw error;
  }
}

async function writeAndSync(file: FileHandle, bytes: Uint8Array): Promise<void> {
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}
