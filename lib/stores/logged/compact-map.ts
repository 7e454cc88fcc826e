/**
 * Removes the nodes of the map that no recent state needs.
 *
 * The archive removes nodes only while the head is the one that was looked at; whoever appends after it writes every node again that his
 * change is on the way to, and all others are needed by the state before, so they were kept.
 */
import { toHex } from '../../bytes/octets.ts';
import { KeyStoreError } from '../../errors.ts';
import { MerkleMap } from '../../merkle-map/merkle-map.ts';
import type { LogHead } from '../../signed-log/log-storage.ts';
import type { SignedLog } from '../../signed-log/signed-log.ts';
import type { Archive } from '../archive.ts';
import { readLeaf, type LogTracker } from './log-tracker.ts';
import type { CompactedMap } from './logged-options.ts';

/** What is compacted. */
export interface CompactParts {
  readonly archive: Archive;
  readonly log: SignedLog;
  readonly tracker: LogTracker;
  readonly storeId: Uint8Array;
}

/** States that stay: another home that has seen one of them can check each change since. */
const KEPT_STATES = 256;
/** Nodes that are removed at once. */
const AT_ONCE = 256;
/** Appends in a row that a portion loses to: then the archive is busy, and this can be done later. */
const MAX_RACES = 100;

/** @throws KeyStoreError STORE_CONFLICT where others append all the time; what reading the map and removing nodes throws. */
export async function compactMap(parts: CompactParts): Promise<CompactedMap> {
  const sweep = new Sweep(parts);
  await sweep.mark();
  let some: Uint8Array[] = [];
  for await (const hash of parts.archive.listNodes()) {
    if (sweep.isNeeded(hash)) continue;
    some.push(hash);
    if (some.length < AT_ONCE) continue;
    await sweep.remove(some);
    some = [];
  }
  await sweep.remove(some);
  return sweep.result;
}

class Sweep {
  readonly #parts: CompactParts;
  readonly #map: MerkleMap;
  /** The first 8 bytes of each needed hash: of two nodes that share them both stay. */
  readonly #needed = new Set<string>();
  #head: LogHead | undefined;
  #removed = 0;

  constructor(parts: CompactParts) {
    this.#parts = parts;
    this.#map = new MerkleMap(parts.archive);
  }

  get result(): CompactedMap {
    return { kept: this.#needed.size, removed: this.#removed };
  }

  isNeeded(hash: Uint8Array): boolean {
    return this.#needed.has(nameOf(hash));
  }

  /** Marks what the newest states need. What was marked before needs not be walked again. */
  async mark(): Promise<void> {
    const { log, tracker, storeId } = this.#parts;
    await log.refresh();
    const { checkpoint } = log;
    const { head, mapRoot } = tracker.state;
    this.#head = checkpoint && { size: checkpoint.size, checkpoint: checkpoint.bytes };
    await this.#markState(mapRoot);
    const first = Math.max(0, head.index - KEPT_STATES);
    for await (const { index, bytes } of log.leaves(first, head.index))
      await this.#markOlder(readLeaf(bytes, index + 1, storeId).state);
  }

  async remove(hashes: readonly Uint8Array[]): Promise<void> {
    for (let races = 0; races < MAX_RACES; races++) {
      const unneeded = hashes.filter((hash) => !this.isNeeded(hash));
      if (unneeded.length === 0) return;
      try {
        await this.#parts.archive.removeNodes(unneeded, this.#head);
        this.#removed += unneeded.length;
        return;
      } catch (error) {
        if (!KeyStoreError.is(error) || error.code !== 'STORE_CONFLICT') throw error;
        await this.mark();
      }
    }
    throw new KeyStoreError(
      'STORE_CONFLICT',
      'the log changes faster than its map can be compacted',
    );
  }

  async #markState(mapRoot: Uint8Array): Promise<void> {
    for await (const hash of this.#map.reachable(mapRoot, (one) => this.isNeeded(one)))
      this.#needed.add(nameOf(hash));
  }

  /** Of leaves that came together only the last one's state was written, and older states may have been swept: as far as they are there. */
  async #markOlder(mapRoot: Uint8Array): Promise<void> {
    try {
      await this.#markState(mapRoot);
    } catch (error) {
      if (!KeyStoreError.is(error) || error.code !== 'LOG_TRUNCATED') throw error;
    }
  }
}

function nameOf(hash: Uint8Array): string {
  return toHex(hash.subarray(0, 8));
}
