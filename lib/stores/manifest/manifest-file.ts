/** The file manifest.log: lines read from where one stopped, and whole lines appended. */
import { closeSync, openSync, readSync, statSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { KeyStoreError } from '../../errors.ts';
import { syncDirectory } from '../../platform/durable-file.ts';
import { fsError, isFsError, withFsErrors } from '../../platform/fs-error.ts';
import { MAX_LINE } from './manifest-line.ts';

/** What tells whether a file is still the one that was read, and unchanged. */
export interface FileStamp {
  readonly size: bigint;
  readonly inode: bigint;
  readonly changed: bigint;
}

/** A line and where it begins. */
export interface PlacedLine {
  readonly text: string;
  readonly at: number;
}

const CHUNK = 1 << 18;
const NEWLINE = 0x0a;

/**
 * Reads and writes are synchronous calls on a file that is in the page cache: between reading the head and appending to it no
 * other process should get in, and a trip over the thread pool would be ten times as long. Only fsync goes there.
 */
export class ManifestFile {
  readonly path: string;
  #isFolderSynced = false;
  #waiting: Promise<void> | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.path = path;
  }

  /** Undefined where there is no file. */
  stamp(): FileStamp | undefined {
    const stats = this.#call(() => statSync(this.path, { bigint: true, throwIfNoEntry: false }));
    if (!stats) return undefined;
    // A pipe would block for ever.
    if (!stats.isFile())
      throw new KeyStoreError('FILE_WRONG_TYPE', `${this.path} is not a regular file`);
    return { size: stats.size, inode: stats.ino, changed: stats.ctimeNs };
  }

  /**
   * Gives the lines from byte `from` on. What follows the last newline is still being written, and is left for the next time.
   *
   * @param onLine - Called with each line that is not empty; false stops.
   */
  async readLines(from: number, onLine: (line: PlacedLine) => boolean | void): Promise<void> {
    const fd = this.#call(() => openIfThere(this.path));
    if (fd === undefined) return;
    try {
      let kept = 0;
      let at = from;
      const buffer = Buffer.allocUnsafeSlow(CHUNK + MAX_LINE);
      for (;;) {
        const start = at;
        const before = kept;
        const length = this.#call(() => readSync(fd, buffer, before, CHUNK, start + before));
        if (length === 0) return;
        const filled = kept + length;
        const used = eachLine(buffer.subarray(0, filled), at, onLine);
        if (used === undefined) return;
        kept = filled - used;
        if (kept > MAX_LINE)
          throw new KeyStoreError('MANIFEST_DAMAGED', 'a line of the manifest is too long');
        buffer.copyWithin(0, used, filled);
        at += used;
        // A long manifest is read in slices, so that the program can do something else between them.
        if (length === CHUNK) await setImmediate();
      }
    } finally {
      closeSync(fd);
    }
  }

  /**
   * Appends in one write(), which O_APPEND makes one step among all processes of this machine.
   *
   * @returns How many bytes were written: fewer than all where the disk became full in the middle.
   */
  append(line: string): number {
    return this.#call(() => {
      const fd = openSync(this.path, 'a', 0o600);
      try {
        return writeSync(fd, line);
      } finally {
        closeSync(fd);
      }
    });
  }

  /** Makes everything durable that is in the file now. Calls that wait for the disk at the same time share one fsync. */
  sync(): Promise<void> {
    this.#waiting ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#waiting = undefined;
        this.#running = this.#syncNow();
        return this.#running;
      });
    return this.#waiting;
  }

  async #syncNow(): Promise<void> {
    await withFsErrors(this.path, async () => {
      // FlushFileBuffers wants a handle that may write.
      const file = await open(this.path, process.platform === 'win32' ? 'r+' : 'r');
      try {
        await file.datasync();
      } finally {
        await file.close();
      }
      if (this.#isFolderSynced) return;
      await syncDirectory(dirname(this.path));
      this.#isFolderSynced = true;
    });
  }

  #call<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw fsError(error, this.path);
    }
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (isFsError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Answers how many bytes were whole lines, or undefined where the reader wants no more. */
function eachLine(
  bytes: Buffer,
  offset: number,
  onLine: (line: PlacedLine) => boolean | void,
): number | undefined {
  let start = 0;
  for (;;) {
    const end = bytes.indexOf(NEWLINE, start);
    if (end < 0) return start;
    if (end > start) {
      const text = bytes.toString('latin1', start, end);
      if (onLine({ text, at: offset + start }) === false) return undefined;
    }
    start = end + 1;
  }
}
