/**
 * The settled part of a file log: three kinds of files in which everything has its place, so that a leaf and a tile are one read each.
 *
 *   leaves      the leaves, one after another
 *   places      16 bytes a leaf: where it ends in `leaves` (u64, big-endian), first 8 bytes of the SHA-256 of its journal entry
 *   level-0 …   32 bytes a hash; level n + 1 has one for each 256 of level n
 *
 * Whoever settles an entry writes the same bytes to the same places, so several processes may do so at once, and one that was killed is
 * done again.
 */
import { constants } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { concatBytes, equalBytes } from '../../bytes/octets.ts';
import { KeyStoreError } from '../../errors.ts';
import { syncDirectory } from '../../platform/durable-file.ts';
import { isFsError, withFsErrors } from '../../platform/fs-error.ts';
import { nodesAt, pageLength } from '../log-bounds.ts';
import { LOG_LIMITS, TILE_LEVELS } from '../log-storage.ts';
import { HASH_LENGTH } from '../merkle-hash.ts';
import type { LoadedEntry } from './journal.ts';

const PLACE_LENGTH = 16;
const TAG_AT = 8;

export class FlatFiles {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** How many leaves have a place here. After a crash the last of them may be without their bytes: the journal still has those. */
  async size(): Promise<number> {
    const path = this.#path('places');
    return withFsErrors(path, async () => {
      try {
        return Math.floor((await stat(path)).size / PLACE_LENGTH);
      } catch (error) {
        if (isFsError(error, 'ENOENT')) return 0;
        throw error;
      }
    });
  }

  /**
   * Puts the leaves and hashes of entries to their places, durably when the promise resolves.
   *
   * @param entries - One after another; the first follows on what is settled already.
   * @throws KeyStoreError LOG_TRUNCATED where something before them is missing; STORAGE_FULL, PERMISSION_DENIED, STORAGE_READ_ONLY, IO_FAILED.
   */
  async settle(entries: readonly LoadedEntry[]): Promise<void> {
    const [first] = entries;
    if (!first) return;
    if ((await this.size()) < first.size) throw truncated(await this.size());
    await this.#write(
      'leaves',
      first.offset,
      entries.flatMap(({ leaves }) => leaves),
    );
    for (let level = 0; level < TILE_LEVELS; level++) {
      const hashes = entries.map(({ nodes }) => nodes[level]!);
      if (hashes.every(({ length }) => length === 0)) continue;
      await this.#write(`level-${level}`, nodesAt(first.size, level) * HASH_LENGTH, hashes);
    }
    await this.#write('places', first.size * PLACE_LENGTH, entries.map(placesOf));
    await syncDirectory(this.#folder);
  }

  /**
   * Leaves from `first` on.
   *
   * @param count - So many are settled.
   */
  async readLeaves(first: number, count: number): Promise<Uint8Array[]> {
    const before = first === 0 ? 0 : 1;
    const from = (first - before) * PLACE_LENGTH;
    const places = await this.#read('places', from, (before + count) * PLACE_LENGTH);
    if (places.length < (before + count) * PLACE_LENGTH) throw truncated(await this.size());
    const ends = Array.from({ length: before + count }, (_, i) => endOf(places, i));
    if (before === 0) ends.unshift(0);
    const lengths = ends.slice(1).map((end, i) => end - ends[i]!);
    if (lengths.some((length) => !(length >= 0 && length <= LOG_LIMITS.leafBytes)))
      throw new KeyStoreError('LOG_DAMAGED', `${this.#folder}: a leaf has an impossible length`);
    const page = pageLength(lengths);
    const start = ends[0]!;
    const bytes = await this.#read('leaves', start, ends[page]! - start);
    if (bytes.length < ends[page]! - start) throw truncated(first);
    return lengths.slice(0, page).map((length, i) => {
      const at = ends[i]! - start;
      return bytes.slice(at, at + length);
    });
  }

  /** Hashes of a level, joined; fewer where it has not so many. */
  async readNodes(level: number, first: number, count: number): Promise<Uint8Array> {
    const bytes = await this.#read(`level-${level}`, first * HASH_LENGTH, count * HASH_LENGTH);
    return bytes.subarray(0, bytes.length - (bytes.length % HASH_LENGTH));
  }

  /** Is the leaf at that place from this entry? */
  async isFrom(index: number, digest: Uint8Array): Promise<boolean> {
    const place = await this.#read('places', index * PLACE_LENGTH, PLACE_LENGTH);
    return equalBytes(place.subarray(TAG_AT), tagOf(digest));
  }

  async #read(name: string, at: number, length: number): Promise<Uint8Array> {
    const path = this.#path(name);
    const bytes = new Uint8Array(length);
    if (length === 0) return bytes;
    return withFsErrors(path, async () => {
      const file = await openIfThere(path);
      if (!file) return new Uint8Array(0);
      try {
        let done = 0;
        while (done < length) {
          const { bytesRead } = await file.read(bytes, done, length - done, at + done);
          if (bytesRead === 0) break;
          done += bytesRead;
        }
        return bytes.subarray(0, done);
      } finally {
        await file.close();
      }
    });
  }

  async #write(name: string, at: number, parts: readonly Uint8Array[]): Promise<void> {
    const path = this.#path(name);
    const bytes = concatBytes(...parts);
    await withFsErrors(path, async () => {
      const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
      try {
        for (let done = 0; done < bytes.length;) {
          const left = bytes.length - done;
          done += (await file.write(bytes, done, left, at + done)).bytesWritten;
        }
        await file.datasync();
      } finally {
        await file.close();
      }
    });
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }
}

function placesOf({ offset, leaves, digest }: LoadedEntry): Uint8Array {
  const bytes = new Uint8Array(leaves.length * PLACE_LENGTH);
  const view = new DataView(bytes.buffer);
  let end = offset;
  for (const [i, leaf] of leaves.entries()) {
    end += leaf.length;
    view.setBigUint64(i * PLACE_LENGTH, BigInt(end));
    bytes.set(tagOf(digest), i * PLACE_LENGTH + TAG_AT);
  }
  return bytes;
}

function endOf(places: Uint8Array, index: number): number {
  const view = new DataView(places.buffer, places.byteOffset, places.byteLength);
  return Number(view.getBigUint64(index * PLACE_LENGTH));
}

function tagOf(digest: Uint8Array): Uint8Array {
  return digest.subarray(0, PLACE_LENGTH - TAG_AT);
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (isFsError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function truncated(size: number): KeyStoreError {
  return new KeyStoreError('LOG_TRUNCATED', `the files of the log end after ${size} leaves`);
}
