/**
 * Copying an archive into another one: the leaves of its log in order, with which records and map nodes go along. Until the last leaf is
 * there the target's checkpoint is a mark that no reader takes for one, so half a copy is never believed.
 */
import { concatBytes, encodeUtf8, equalBytes } from '../../bytes/octets.ts';
import { KeyStoreError } from '../../errors.ts';
import { isSameHead, nodesAt } from '../../signed-log/log-bounds.ts';
import {
  TILE_LEVELS,
  TILE_WIDTH,
  type AlongNode,
  type AlongRecord,
  type LogHead,
  type LogStorage,
} from '../../signed-log/log-storage.ts';
import { HASH_LENGTH } from '../../signed-log/merkle-hash.ts';
import { ARCHIVE_LIMITS, type Archive } from '../archive.ts';
import type { CopyOptions } from './copy-options.ts';
import { bringTo, countRecords, isSame, pagesOf, readPair, refuseOthers } from './copy-records.ts';

/** @returns How many records were written. */
export async function copyArchive(
  source: Archive,
  target: Archive,
  options: CopyOptions,
): Promise<number> {
  const head = await source.log.head();
  if (!head) throw notACopy();
  const present = await target.log.head();
  if (present && present.size > head.size) throw notACopy();
  if (present) await requireSameLeaves(source.log, target.log, present.size);
  else await refuseOthers(source.store, target.store);
  if (isSameHead(head, present)) return 0;
  return new ArchiveCopy(source, target, options).run(head, present);
}

class ArchiveCopy {
  readonly #source: Archive;
  readonly #target: Archive;
  readonly #options: CopyOptions;
  #head: LogHead | undefined;
  #written = 0;

  constructor(source: Archive, target: Archive, options: CopyOptions) {
    this.#source = source;
    this.#target = target;
    this.#options = options;
  }

  async run(to: LogHead, present: LogHead | undefined): Promise<number> {
    this.#head = present;
    const records = this.#missingRecords(present !== undefined);
    const nodes = this.#missingNodes();
    const isMarked = present !== undefined && equalBytes(present.checkpoint, MARK);
    // An append needs a leaf, and the last one comes with the checkpoint: a copy that had come that far begins its log anew elsewhere.
    if (present?.size === to.size && isMarked) throw notACopy();
    const total = to.size + (await countRecords(this.#source.store));
    let done = present?.size ?? 0;
    for (;;) {
      if (this.#options.signal?.aborted) throw new KeyStoreError('CANCELLED');
      const first = this.#head?.size ?? 0;
      const [ofRecords, ofNodes] = [await takeRecords(records), await take(nodes, NODES)];
      const isRest = ofRecords.isAll && ofNodes.length < NODES;
      const isLastLeaf = to.size - first === 1;
      const along = { records: ofRecords.taken, mapNodes: ofNodes };
      if (isLastLeaf && !isRest) await this.#putRest(records);
      const count = isRest || isLastLeaf ? Math.min(LEAVES, to.size - first) : 1;
      const leaves = await readExactly(this.#source.log, first, count);
      const size = first + leaves.length;
      const isLast = size === to.size;
      const append = {
        after: this.#head,
        leaves,
        nodes: await gained(this.#source.log, first, size),
        checkpoint: isLast ? to.checkpoint : MARK,
        along,
      };
      await this.#target.log.append(append);
      this.#head = { size, checkpoint: append.checkpoint };
      this.#written += along.records.length;
      done += leaves.length + along.records.length;
      this.#options.onProgress?.({ step: 'copying', done: Math.min(done, total), total });
      if (isLast) return this.#written;
    }
  }

  /** Of records so long that the leaves did not last. */
  async #putRest(records: AsyncGenerator<AlongRecord>): Promise<void> {
    for await (const { id, version, bytes } of records) {
      const from = (await this.#target.store.get(id))?.version ?? 0;
      if (bytes) await bringTo(this.#target.store, { id, from, version, bytes });
      else await this.#target.store.delete(id, version);
      this.#written++;
    }
  }

  async *#missingRecords(isUpdate: boolean): AsyncGenerator<AlongRecord> {
    const { store } = this.#source;
    for await (const ids of pagesOf(store))
      for (const { id, wanted, present } of await readPair(store, this.#target.store, ids))
        if (wanted && !isSame(wanted, present)) yield { id, ...wanted };
    if (!isUpdate) return;
    // The log of the target is a beginning of the source's: what is not there any more was deleted in a later entry.
    for await (const ids of pagesOf(this.#target.store))
      for (const { id, wanted, present } of await readPair(store, this.#target.store, ids))
        if (present && !wanted) yield { id, version: present.version + 1, bytes: undefined };
  }

  async *#missingNodes(): AsyncGenerator<AlongNode> {
    for await (const hashes of inPages(this.#source.listNodes(), ARCHIVE_LIMITS.readNodes)) {
      const there = await this.#target.readNodes(hashes);
      const missing = hashes.filter((_, i) => !there[i]);
      const found = await this.#source.readNodes(missing);
      for (const [i, hash] of missing.entries()) {
        const bytes = found[i];
        // One that was swept meanwhile is needed by nobody.
        if (bytes) yield { hash, bytes };
      }
    }
  }
}

/** Compares the first `size` leaves, byte for byte. */
export async function requireSameLeaves(
  source: LogStorage,
  target: LogStorage,
  size: number,
): Promise<void> {
  for (let at = 0; at < size;) {
    const count = Math.min(PAGE, size - at);
    const [theirs, own] = await Promise.all([
      source.readLeaves(at, count),
      target.readLeaves(at, count),
    ]);
    const together = Math.min(theirs.length, own.length);
    if (together === 0) throw notACopy();
    for (let i = 0; i < together; i++) if (!equalBytes(theirs[i]!, own[i]!)) throw notACopy();
    at += together;
  }
}

export async function* inPages<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let page: T[] = [];
  for await (const item of items) {
    page.push(item);
    if (page.length < size) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

async function take<T>(items: AsyncGenerator<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  while (taken.length < count) {
    const { value, done } = await items.next();
    if (done === true) break;
    taken.push(value);
  }
  return taken;
}

async function takeRecords(
  records: AsyncGenerator<AlongRecord>,
): Promise<{ readonly taken: AlongRecord[]; readonly isAll: boolean }> {
  const taken: AlongRecord[] = [];
  for (let bytes = 0; taken.length < RECORDS && bytes < RECORD_BYTES;) {
    const { value, done } = await records.next();
    if (done === true) return { taken, isAll: true };
    taken.push(value);
    bytes += value.bytes?.length ?? 0;
  }
  return { taken, isAll: false };
}

/** A page of long leaves is a short one. */
async function readExactly(log: LogStorage, first: number, count: number): Promise<Uint8Array[]> {
  const leaves = await log.readLeaves(first, Math.min(count, PAGE));
  if (leaves.length === 0) throw new KeyStoreError('LOG_TRUNCATED');
  return leaves;
}

/** The hashes that each level of tiles gains: those that the source has in their places. */
async function gained(log: LogStorage, from: number, to: number): Promise<Uint8Array[]> {
  const levels: Uint8Array[] = [];
  for (let level = 0; level < TILE_LEVELS; level++) {
    const [first, end] = [nodesAt(from, level), nodesAt(to, level)];
    const parts: Uint8Array[] = [];
    for (let at = first; at < end;) {
      const tile = Math.floor(at / TILE_WIDTH);
      const hashes = await log.readTile(level, tile);
      const until = Math.min(end, (tile + 1) * TILE_WIDTH);
      const start = at - tile * TILE_WIDTH;
      const wanted = (until - at) * HASH_LENGTH;
      const part = hashes.subarray(start * HASH_LENGTH, start * HASH_LENGTH + wanted);
      if (part.length !== wanted) throw new KeyStoreError('LOG_TRUNCATED');
      parts.push(part);
      at = until;
    }
    levels.push(concatBytes(...parts));
  }
  return levels;
}

function notACopy(): KeyStoreError {
  return new KeyStoreError('STORE_CONFLICT', 'the target has another log than the source', {
    hint: 'Copy into a store that is empty, or that was copied from this one.',
  });
}

/** No checkpoint is like it: those are DER. */
const MARK = encodeUtf8('keycask: a copy is under way');
const PAGE = 256;
/** Of one append with one leaf. A leaf is by at most 256 records, and by some 3,000 nodes, so leaves last as long as those do. */
const RECORDS = 512;
const RECORD_BYTES = ARCHIVE_LIMITS.alongBytes / 4;
const NODES = 4096;
const LEAVES = 256;
