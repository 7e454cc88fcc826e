/**
 * Many small files at once, with one wait for their folder.
 *
 * Opening, writing and linking small files are calls into the page cache: a trip over the thread pool for each would take several times as
 * long as the call. Only what waits for the disk goes there.
 */
import {
  closeSync,
  fsync,
  linkSync,
  lstatSync,
  openSync,
  readdirSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { KeyStoreError } from '../errors.ts';
import { isUnsyncable, syncDirectory, unlinkIfThere } from './durable-file.ts';
import { isFsError, withFsErrors } from './fs-error.ts';

/** A file that is to be made. */
export interface NewFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * Makes files, 0600, durably when the promise resolves. A killed writer leaves some of them, and some half written.
 *
 * @throws KeyStoreError FILE_EXISTS, FILE_NOT_FOUND without the folder, STORAGE_FULL, PERMISSION_DENIED, STORAGE_READ_ONLY, IO_FAILED; what
 *   was made is removed again.
 */
export async function createFiles(folder: string, files: readonly NewFile[]): Promise<void> {
  await withFsErrors(folder, async () => {
    const made: string[] = [];
    try {
      for (let at = 0; at < files.length; at += AT_ONCE)
        await createSome(folder, files.slice(at, at + AT_ONCE), made);
    } catch (error) {
      await removeFiles(made);
      throw error;
    }
    await syncDirectory(folder);
  });
}

/**
 * Gives a file a second name.
 *
 * @returns `created`; `exists` where the name is taken; `refused` where the file system cannot link these two places.
 */
export function linkFile(from: string, to: string): 'created' | 'exists' | 'refused' {
  try {
    linkSync(from, to);
    return 'created';
  } catch (error) {
    if (isFsError(error, 'EEXIST')) return 'exists';
    if (isFsError(error, 'EXDEV', 'EMLINK', 'EPERM', 'ENOENT')) return 'refused';
    throw error;
  }
}

/** Removes files; somebody else may have removed some of them. */
export async function removeFiles(paths: readonly string[]): Promise<void> {
  for (const [i, path] of paths.entries()) {
    if (process.platform === 'win32') await unlinkIfThere(path);
    else unlinkNow(path);
    if (i % AT_ONCE === AT_ONCE - 1) await setImmediate();
  }
}

/** Makes what was done in folders durable, where the system can: as `syncDirectory`. */
export async function syncFolders(paths: readonly string[]): Promise<void> {
  for (let at = 0; at < paths.length; at += AT_ONCE) {
    const open: number[] = [];
    try {
      for (const path of paths.slice(at, at + AT_ONCE)) openFolder(path, open);
      await syncAll(open, isUnsyncable);
    } finally {
      for (const fd of open) closeSync(fd);
    }
  }
}

function openFolder(path: string, open: number[]): void {
  try {
    open.push(openSync(path, 'r'));
  } catch (error) {
    if (!isUnsyncable(error)) throw error;
  }
}

/** All of them have ended before a descriptor is closed. */
async function syncAll(
  open: readonly number[],
  mayFail: (error: unknown) => boolean = () => false,
): Promise<void> {
  const synced = await Promise.allSettled(open.map((fd) => syncFile(fd)));
  for (const one of synced) if (one.status === 'rejected' && !mayFail(one.reason)) throw one.reason;
}

/** The names in a folder; none where it is absent. A link to elsewhere is not followed. */
export function namesIn(folder: string): string[] {
  try {
    if (!lstatSync(folder).isDirectory())
      throw new KeyStoreError('FILE_WRONG_TYPE', `${folder} is not a folder`);
    return readdirSync(folder);
  } catch (error) {
    if (isFsError(error, 'ENOENT')) return [];
    throw error;
  }
}

async function createSome(
  folder: string,
  files: readonly NewFile[],
  made: string[],
): Promise<void> {
  const open: number[] = [];
  try {
    for (const { name, bytes } of files) {
      const path = join(folder, name);
      const fd = openSync(path, 'wx', 0o600);
      open.push(fd);
      made.push(path);
      for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
    }
    await syncAll(open);
  } finally {
    for (const fd of open) closeSync(fd);
  }
}

function unlinkNow(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!isFsError(error, 'ENOENT')) throw error;
  }
}

const syncFile = promisify(fsync);
/** Few enough that the program does something else between them, and that descriptors suffice. */
const AT_ONCE = 32;
