/**
 * FileLogStorage: a log in a folder of this machine, for several processes at once.
 *
 *   <folder>/journal/        the newest appends, a file each (journal.ts)
 *   <folder>/leaves, …       everything before them (flat-files.ts)
 *
 * An append is one file that is linked to the next number: it is there whole or not at all, and whoever comes second has lost. Now and then
 * the older files of the journal are settled: put to their places, fsynced, and removed. docs/decisions/signed-log.md says why.
 */
import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { concatBytes, copyBytes, equalBytes } from '../../bytes/octets.ts';
import { KeyStoreError } from '../../errors.ts';
import { syncDirectory } from '../../platform/durable-file.ts';
import { isFsError, withFsErrors } from '../../platform/fs-error.ts';
import { makeFolder } from '../../platform/make-folder.ts';
import { sweepTemporaries } from '../../platform/sweep-temporaries.ts';
import {
  checkLeafPage,
  checkLogAppend,
  checkTile,
  isSameHead,
  nodesAt,
  pageLength,
  refuseCompanions,
} from '../log-bounds.ts';
import { TILE_WIDTH, type LogAppend, type LogHead, type LogStorage } from '../log-storage.ts';
import { HASH_LENGTH } from '../merkle-hash.ts';
import { FlatFiles } from './flat-files.ts';
import type { JournalEntry } from './journal-entry.ts';
import { Journal, type LoadedEntry } from './journal.ts';

/** So many files of the journal, or so many bytes, and the older ones are settled. */
const SETTLE_AT = { entries: 64, bytes: 8 << 20 };
/** Files that stay: whoever is so many appends behind finds out that it lost without looking further. */
const KEPT = 8;
const NO_DIGEST = new Uint8Array(HASH_LENGTH);

/**
 * Opens a log in a folder. The first append makes the folder.
 *
 * @param folder - Absolute path, on a local file system with hard links.
 * @throws KeyStoreError FILE_WRONG_TYPE where it is a file, PERMISSION_DENIED, LOG_DAMAGED, LOG_TRUNCATED, IO_FAILED.
 */
export async function openFileLogStorage(folder: string): Promise<LogStorage> {
  await checkFolder(folder);
  await sweepTemporaries(join(folder, 'journal'));
  const storage = new FileLogStorage(folder);
  await storage.head();
  return storage;
}

/** Windows says of a folder below a file that it is not there. */
async function checkFolder(path: string): Promise<void> {
  await withFsErrors(path, async () => {
    try {
      if ((await stat(path)).isDirectory()) return;
    } catch (error) {
      if (isFsError(error, 'ENOENT')) return;
      throw error;
    }
    throw new KeyStoreError('FILE_WRONG_TYPE', `${path} is not a folder`);
  });
}

class FileLogStorage implements LogStorage {
  readonly name = 'file';
  readonly #folder: string;
  readonly #journal: Journal;
  readonly #flat: FlatFiles;
  #isClosed = false;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(folder: string) {
    this.#folder = folder;
    this.#journal = new Journal(join(folder, 'journal'));
    this.#flat = new FlatFiles(folder);
  }

  async head(): Promise<LogHead | undefined> {
    this.#assertOpen();
    const run = await this.#exclusively(() => this.#journal.refresh());
    const newest = run.at(-1);
    if (newest) return headOf(newest);
    if ((await this.#flat.size()) > 0)
      throw new KeyStoreError('LOG_TRUNCATED', `${this.#folder}: the newest entries are gone`);
    return undefined;
  }

  async append(append: LogAppend): Promise<void> {
    this.#assertOpen();
    checkLogAppend(append);
    refuseCompanions(append);
    await this.#exclusively(() => this.#append(append));
  }

  async readLeaves(first: number, count: number): Promise<Uint8Array[]> {
    this.#assertOpen();
    checkLeafPage(first, count);
    const { run } = this.#journal;
    const settled = run[0]?.size ?? 0;
    if (first < settled) return this.#flat.readLeaves(first, Math.min(count, settled - first));
    const leaves: Uint8Array[] = [];
    for (const entry of run) {
      const from = first + leaves.length - entry.size;
      if (from >= entry.leaves.length) continue;
      leaves.push(...entry.leaves.slice(from, from + count - leaves.length));
      if (leaves.length === count) break;
    }
    return leaves.slice(0, pageLength(leaves.map(({ length }) => length))).map(copyBytes);
  }

  async readTile(level: number, index: number): Promise<Uint8Array> {
    this.#assertOpen();
    checkTile(level, index);
    const { run } = this.#journal;
    const first = index * TILE_WIDTH;
    const settled = Math.max(0, nodesAt(run[0]?.size ?? 0, level) - first);
    const count = Math.min(settled, TILE_WIDTH);
    const parts = count > 0 ? [await this.#flat.readNodes(level, first, count)] : [];
    // A gap would move what follows it to a wrong place.
    if (parts[0] && parts[0].length < count * HASH_LENGTH) return parts[0];
    for (const { size, nodes } of run) {
      const at = nodesAt(size, level) - first;
      const from = Math.max(0, -at) * HASH_LENGTH;
      const end = Math.max(0, TILE_WIDTH - at) * HASH_LENGTH;
      parts.push(nodes[level]!.subarray(from, end));
    }
    return concatBytes(...parts);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#queue;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #append({ after, leaves, nodes, checkpoint }: LogAppend): Promise<void> {
    const run = await this.#journal.refresh();
    const newest = run.at(-1);
    if (!isSameHead(newest && headOf(newest), after)) throw new KeyStoreError('STORE_CONFLICT');
    // Where settling has failed so far, its reason is told before the journal becomes too long to be read.
    if (needsSettling(run, 4)) await this.#settle();
    const entry: JournalEntry = {
      sequence: (newest?.sequence ?? 0) + 1,
      prev: newest?.digest ?? NO_DIGEST,
      nonce: new Uint8Array(randomBytes(16)),
      size: after?.size ?? 0,
      offset: newest ? newest.offset + lengthOf(newest) : 0,
      leaves,
      nodes,
      checkpoint,
    };
    const digest = await this.#link(entry);
    if (!(await this.#isInLog(entry, digest))) {
      await this.#journal.unlink(entry.sequence);
      throw new KeyStoreError('STORE_CONFLICT');
    }
    if (needsSettling(this.#journal.run, 1)) await this.#settleQuietly();
  }

  async #link(entry: JournalEntry): Promise<Uint8Array> {
    try {
      return await this.#journal.link(entry);
    } catch (error) {
      if (!KeyStoreError.is(error) || error.code !== 'FILE_NOT_FOUND') throw error;
    }
    const folder = join(this.#folder, 'journal');
    await withFsErrors(folder, async () => {
      await makeFolder(folder, 0o700);
      await syncDirectory(this.#folder);
      await syncDirectory(dirname(this.#folder));
    });
    return this.#journal.link(entry);
  }

  /**
   * Has an entry that was linked become part of the log? Between looking and linking others may have appended after the same one, gone
   * on, and removed that number: then the name was free again, and the link won nothing.
   */
  async #isInLog(entry: JournalEntry, digest: Uint8Array): Promise<boolean> {
    const run = await this.#journal.refresh();
    const present = run.find(({ sequence }) => sequence === entry.sequence);
    if (present) return equalBytes(present.digest, digest);
    return this.#flat.isFrom(entry.size, digest);
  }

  async #settle(): Promise<void> {
    const settled = this.#journal.run.slice(0, -KEPT);
    await this.#flat.settle(settled);
    await this.#journal.removeFirst(settled.length);
  }

  /** The append has happened: that there was no room for more is told by the one that needs it. */
  async #settleQuietly(): Promise<void> {
    try {
      await this.#settle();
    } catch (error) {
      if (!KeyStoreError.is(error)) throw error;
    }
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work, work);
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new KeyStoreError('HANDLE_INVALID', 'the log was closed');
  }
}

function headOf({ size, leaves, checkpoint }: LoadedEntry): LogHead {
  return { size: size + leaves.length, checkpoint: copyBytes(checkpoint) };
}

function lengthOf({ leaves }: JournalEntry): number {
  return leaves.reduce((sum, { length }) => sum + length, 0);
}

function needsSettling(run: readonly LoadedEntry[], times: number): boolean {
  const bytes = run.reduce((sum, { length }) => sum + length, 0);
  const isLong = run.length > SETTLE_AT.entries * times || bytes > SETTLE_AT.bytes * times;
  return isLong && run.length > KEPT;
}
