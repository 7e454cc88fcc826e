/**
 * The journal of a file log: the newest appends, a file each, whose names are their numbers.
 *
 *   <folder>/<sequence, 15 digits>.der      the highest counts, and those before it as far as each is the one that the next follows
 *
 * A file is written aside, fsynced and then link()ed to its name: of several processes that append after one entry, the file system lets
 * one link succeed. That is the compare-and-set, and there are no lock files. The highest is never removed.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { equalBytes } from '../../bytes/octets.ts';
import { BlobFormatError, KeyStoreError } from '../../errors.ts';
import { unlinkIfThere, writeDurably } from '../../platform/durable-file.ts';
import { isFsError, withFsErrors } from '../../platform/fs-error.ts';
import { readSmallFile } from '../../platform/read-small-file.ts';
import {
  decodeJournalEntry,
  digestOf,
  encodeJournalEntry,
  MAX_ENTRY_BYTES,
  type JournalEntry,
} from './journal-entry.ts';
import { numbersOfFiles } from '../numbered-files.ts';

/** An entry with its file's facts. */
export interface LoadedEntry extends JournalEntry {
  /** SHA-256 of the file. */
  readonly digest: Uint8Array;
  /** Bytes of the file. */
  readonly length: number;
}

/** What tells whether a file is still the one that was read. */
interface Stamp {
  readonly inode: bigint;
  readonly size: bigint;
  readonly modified: bigint;
}

const NAME = /^([0-9]{15})\.der$/;
/** Each try that fails is another process that got further. */
const MAX_TRIES = 1000;

export class Journal {
  readonly #folder: string;
  #run: readonly LoadedEntry[] = [];
  /** Of the newest entry's file. */
  #stamp: Stamp | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The entries as they were last read: one after another, up to the newest. What is before them is settled. */
  get run(): readonly LoadedEntry[] {
    return this.#run;
  }

  /**
   * Reads what was added since.
   *
   * @throws KeyStoreError LOG_DAMAGED where the newest file is no entry; STORE_CONFLICT, PERMISSION_DENIED, IO_FAILED.
   */
  async refresh(): Promise<readonly LoadedEntry[]> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const sequences = await this.#settledSequences();
      const highest = sequences.at(-1) ?? 0;
      const known = this.#run.at(-1)?.sequence ?? 0;
      const stamp = await this.#stampOf(highest);
      if (highest === known && isSame(stamp, this.#stamp)) return this.#run;
      const run = await this.#load(highest);
      if (!run) continue;
      // What others have settled and removed is not kept.
      const lowest = lowestInARow(sequences);
      this.#run = run.filter(({ sequence }) => sequence >= lowest);
      this.#stamp = stamp;
      return this.#run;
    }
    throw new KeyStoreError('STORE_CONFLICT', 'the log grows faster than it can be read');
  }

  /**
   * Links an entry to its name. Whether it has become part of the log, the next refresh tells: its place may have been settled and
   * removed since its writer looked.
   *
   * @returns Its file's digest.
   * @throws KeyStoreError STORE_CONFLICT where the name is taken; FILE_NOT_FOUND without the folder; STORAGE_FULL, PERMISSION_DENIED, STORAGE_READ_ONLY, IO_FAILED.
   */
  async link(entry: JournalEntry): Promise<Uint8Array> {
    const der = encodeJournalEntry(entry);
    try {
      await writeDurably(this.#path(entry.sequence), der, { place: 'create' });
    } catch (error) {
      if (KeyStoreError.is(error) && error.code === 'FILE_EXISTS')
        throw new KeyStoreError('STORE_CONFLICT');
      throw error;
    }
    return digestOf(der);
  }

  /** Removes one that won nothing. */
  async unlink(sequence: number): Promise<void> {
    const path = this.#path(sequence);
    await withFsErrors(path, () => unlinkIfThere(path));
  }

  /** Removes the first entries of the run, which are settled, and what late writers left before them; oldest first. */
  async removeFirst(count: number): Promise<void> {
    const end = this.#run[count]!.sequence;
    for (const sequence of await this.#sequences()) if (sequence < end) await this.unlink(sequence);
    this.#run = this.#run.slice(count);
  }

  /** Reads from the highest entry down to those that are known, or as far as they are there. Undefined where the highest has gone. */
  async #load(highest: number): Promise<LoadedEntry[] | undefined> {
    if (highest === 0) return [];
    const newest = await this.#read(highest);
    if (!newest) return undefined;
    const added = [newest];
    for (;;) {
      const next = added.at(-1)!;
      const known = this.#run.findLast(({ sequence }) => sequence < next.sequence);
      if (known && isFollowedBy(known, next))
        return [...this.#run.slice(0, this.#run.indexOf(known) + 1), ...added.toReversed()];
      // Another file of that number was linked by a writer that came too late: it is not what the next one follows.
      const before = next.sequence > 1 ? await this.#read(next.sequence - 1) : undefined;
      if (!before || !isFollowedBy(before, next)) return added.toReversed();
      added.push(before);
    }
  }

  async #read(sequence: number): Promise<LoadedEntry | undefined> {
    const path = this.#path(sequence);
    const der = await readSmallFile(path, MAX_ENTRY_BYTES);
    if (!der) return undefined;
    try {
      const entry = decodeJournalEntry(der);
      if (entry.sequence === sequence)
        return { ...entry, digest: digestOf(der), length: der.length };
    } catch (error) {
      if (!(error instanceof BlobFormatError)) throw error;
    }
    throw new KeyStoreError('LOG_DAMAGED', `${path} is not an entry of a journal`);
  }

  /**
   * The numbers that are there, ascending, from two listings in a row that agree on the highest.
   *
   * A single listing that overlaps many appends may have passed the place of the newer names before they were made, and come to those of
   * the older ones after they were removed: it would show a state from before it began.
   */
  async #settledSequences(): Promise<number[]> {
    let sequences = await this.#sequences();
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const again = await this.#sequences();
      if (again.at(-1) === sequences.at(-1)) return again;
      sequences = again;
    }
    throw new KeyStoreError('STORE_CONFLICT', 'the log grows faster than it can be read');
  }

  #sequences(): Promise<number[]> {
    return numbersOfFiles(this.#folder, NAME);
  }

  async #stampOf(sequence: number): Promise<Stamp | undefined> {
    if (sequence === 0) return undefined;
    const path = this.#path(sequence);
    return withFsErrors(path, async () => {
      try {
        const { ino, size, mtimeNs } = await stat(path, { bigint: true });
        return { inode: ino, size, modified: mtimeNs };
      } catch (error) {
        if (isFsError(error, 'ENOENT')) return undefined;
        throw error;
      }
    });
  }

  #path(sequence: number): string {
    return join(this.#folder, `${String(sequence).padStart(15, '0')}.der`);
  }
}

/** Where those begin that stand before the last without a gap. */
function lowestInARow(sequences: readonly number[]): number {
  let lowest = sequences.at(-1) ?? 0;
  for (const sequence of sequences.toReversed()) {
    if (sequence < lowest - 1) break;
    lowest = sequence;
  }
  return lowest;
}

function isFollowedBy(before: LoadedEntry, next: LoadedEntry): boolean {
  return (
    before.sequence + 1 === next.sequence &&
    before.size + before.leaves.length === next.size &&
    equalBytes(before.digest, next.prev)
  );
}

function isSame(a: Stamp | undefined, b: Stamp | undefined): boolean {
  if (!a || !b) return a === b;
  return a.inode === b.inode && a.size === b.size && a.modified === b.modified;
}
