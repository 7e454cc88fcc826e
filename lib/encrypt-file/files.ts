/** The files that are read and written: opened with care, written aside, and under their name only when they are whole. */
import { constants, fstatSync, type Stats } from 'node:fs';
import { link, lstat, open, rename, unlink, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KeyStoreError } from '../errors.ts';
import { temporaryName, unlinkIfThere } from '../platform/durable-file.ts';
import { fsError, isFsError, withFsErrors } from '../platform/fs-error.ts';
import { retryWhileInUse } from '../platform/retry-while-in-use.ts';
import type { FileRun } from './file-run.ts';
import type { OutputOptions } from './options.ts';

/** A regular file, open for reading. */
export interface InputFile {
  readonly path: string;
  readonly file: FileHandle;
  readonly stats: Stats;
}

/**
 * Opens a regular file, hands it to `work`, and closes it.
 *
 * @throws KeyStoreError FILE_NOT_FOUND, PERMISSION_DENIED, FILE_WRONG_TYPE for folders, pipes and devices (streams are for those).
 */
export async function withInputFile<T>(
  path: string,
  work: (input: InputFile) => Promise<T>,
): Promise<T> {
  const file = await withFsErrors(path, () => open(path, READ_WITHOUT_WAITING));
  try {
    // The kernel has these at hand since the open: asking on this thread costs a tenth of handing it to another.
    const stats = fstatSync(file.fd);
    if (!stats.isFile()) throw wrongType(path);
    return await work({ path, file, stats });
  } catch (error) {
    // Failures of the output carry their own path already.
    throw fsError(error, path);
  } finally {
    await file.close();
  }
}

/** Reads a file that should have `size` bytes in one call; undefined where it has another size by now. */
export async function readAtOnce(
  { file, path }: InputFile,
  size: number,
): Promise<Uint8Array | undefined> {
  // One byte more than there should be, so that the end is seen without a second read.
  const bytes = Buffer.allocUnsafeSlow(size + 1);
  const { bytesRead } = await withFsErrors(path, () => file.read(bytes, 0, size + 1, 0));
  return bytesRead === size ? new Uint8Array(bytes.buffer, 0, size) : undefined;
}

export interface OutputFileOptions extends OutputOptions {
  readonly target: string;
  readonly mode: number;
  /** What the output is made from; given where it must not be replaced by it. */
  readonly source?: InputFile;
  /** The work is short: that there is something already may be found out after it, which saves a call for each of many files. */
  readonly short?: boolean;
  readonly run: FileRun;
}

/**
 * Lets `work` write a new file aside, then puts it, whole and synced, under its name.
 *
 * Whatever goes wrong before that, nothing stands under the name that did not stand there before, and what was written aside is removed.
 *
 * @throws KeyStoreError FILE_EXISTS, FILE_WRONG_TYPE, STORAGE_FULL, PERMISSION_DENIED, …; PARAMETER_INVALID where it is its own source.
 */
export async function withOutputFile<T>(
  options: OutputFileOptions,
  work: (output: OutputFile) => Promise<T>,
): Promise<T> {
  const { target, run } = options;
  if (options.overwrite || !options.short) await checkTarget(options);
  return withFsErrors(target, async () => {
    const temporary = temporaryName(target);
    const file = await open(temporary, 'wx', options.mode);
    const output = new OutputFile(file, target);
    let result: T;
    try {
      result = await closing(file, async () => {
        const made = await work(output);
        await file.sync();
        return made;
      });
      await publish(temporary, options);
    } catch (error) {
      await unlinkIfThere(temporary);
      throw error;
    }
    run.changed(dirname(target));
    return result;
  });
}

/** A file that is being written from its beginning to its end. */
export class OutputFile {
  readonly handle: FileHandle;
  readonly #target: string;

  constructor(file: FileHandle, target: string) {
    this.handle = file;
    this.#target = target;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await withFsErrors(this.#target, async () => {
      let at = 0;
      while (at < bytes.length) {
        const { bytesWritten } = await this.handle.write(bytes, at, bytes.length - at);
        at += bytesWritten;
      }
    });
  }

  /** Writes each part while the next is being made. */
  async writeAll(parts: AsyncIterable<Uint8Array>): Promise<void> {
    let pending = Promise.resolve();
    try {
      for await (const part of parts) {
        await pending;
        pending = this.write(part);
        // Seen at the next await; until then it must not count as unhandled.
        pending.catch(() => undefined);
      }
    } catch (error) {
      // The file is closed next: not under a write.
      await pending.catch(() => undefined);
      throw error;
    }
    await pending;
  }
}

/** Permissions of a ciphertext: those of its source without execution, which nothing could do with it. */
export function ciphertextMode({ stats }: InputFile): number {
  return stats.mode & 0o666 || OWNER_ONLY;
}

/** Permissions of a plaintext: the owner's alone. A ciphertext may lie open to all; what it holds need not. */
export function plaintextMode({ stats }: InputFile): number {
  return stats.mode & OWNER_ONLY || OWNER_ONLY;
}

const OWNER_ONLY = 0o600;
/** Opening a named pipe would otherwise wait for somebody to write into it. Windows has no such flag. */
export const READ_WITHOUT_WAITING = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
/** What file systems without hard links (FAT, exFAT, some network shares) say. */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL', 'UNKNOWN'];

/** Finds out before the work what could not be put right after it. */
async function checkTarget({ target, source, overwrite }: OutputFileOptions): Promise<void> {
  const there = await statIfThere(target);
  if (!there) return;
  if (there.isDirectory()) throw wrongType(target);
  if (!overwrite) throw alreadyThere(target);
  const sourceStats = await source?.file.stat({ bigint: true });
  if (there.ino === sourceStats?.ino && there.dev === sourceStats.dev)
    throw new KeyStoreError('PARAMETER_INVALID', `${target}: the output would replace its source`);
  // A device or a pipe would be replaced by a file, which nobody means; a symbolic link is replaced, what it points to stays.
  if (!there.isFile() && !there.isSymbolicLink()) throw wrongType(target);
}

async function statIfThere(path: string) {
  try {
    return await lstat(path, { bigint: true });
  } catch (error) {
    if (isFsError(error, 'ENOENT')) return undefined;
    throw fsError(error, path);
  }
}

/** Without `overwrite` by a link, which unlike a rename fails where there is something. */
async function publish(temporary: string, options: OutputFileOptions): Promise<void> {
  const { target, overwrite } = options;
  if (overwrite) return retryWhileInUse(() => rename(temporary, target));
  try {
    await link(temporary, target);
  } catch (error) {
    // Says which kind of thing is there.
    await checkTarget(options);
    if (!isFsError(error, ...NO_LINKS)) throw error;
    return rename(temporary, target);
  }
  await unlink(temporary);
}

async function closing<T>(file: FileHandle, work: () => Promise<T>): Promise<T> {
  let result: T;
  try {
    result = await work();
  } catch (error) {
    await file.close().catch(() => undefined);
    throw error;
  }
  // Not ignored here: on network file systems it is close that reports a failed write.
  await file.close();
  return result;
}

export function wrongType(path: string): KeyStoreError {
  return new KeyStoreError('FILE_WRONG_TYPE', `${path}: not a regular file`);
}

function alreadyThere(path: string): KeyStoreError {
  return new KeyStoreError('FILE_EXISTS', `${path}: is there already`);
}
