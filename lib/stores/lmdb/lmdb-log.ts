/** The log of an LMDB file, as the storage of a signed log that takes records and map nodes along. */
import { concatBytes, equalBytes } from '../../bytes/octets.ts';
import { KeyStoreError } from '../../errors.ts';
import {
  checkLeafPage,
  checkLogAppend,
  checkTile,
  isSameHead,
  nodesAt,
  pageLength,
} from '../../signed-log/log-bounds.ts';
import {
  LOG_LIMITS,
  TILE_WIDTH,
  type LogAppend,
  type LogHead,
  type LogStorage,
} from '../../signed-log/log-storage.ts';
import { HASH_LENGTH } from '../../signed-log/merkle-hash.ts';
import { checkAlong } from '../archive-bounds.ts';
import { ChangeList } from './change-list.ts';
import type { LmdbFile } from './lmdb-file.ts';
import { encodeStoredValue } from './stored-value.ts';
import { decodeHead, encodeHead, hashKey, HEAD_KEY, leafKey } from './tables.ts';

const NOTHING = new Uint8Array(0);

export class LmdbLog implements LogStorage {
  readonly name = 'lmdb';
  readonly #file: LmdbFile;

  constructor(file: LmdbFile) {
    this.#file = file;
  }

  async head(): Promise<LogHead | undefined> {
    this.#file.assertOpen();
    const breath = this.#file.breathe();
    if (breath) await breath;
    const bytes = this.#file.read(() => this.#file.tables.log.getBinary(HEAD_KEY));
    const head = bytes && decodeHead(bytes);
    if (bytes && !head) throw new KeyStoreError('LOG_DAMAGED', 'the log has no size');
    return head;
  }

  async append(append: LogAppend): Promise<void> {
    this.#file.assertOpen();
    const size = checkLogAppend(append);
    checkAlong(append.along);
    const changes = changesOf(append, size).encode();
    try {
      if (await this.#file.writer.change(append.after && headBytes(append.after), changes)) return;
    } catch (error) {
      if (!KeyStoreError.is(error) || error.code !== 'STORE_OUTCOME_UNKNOWN') throw error;
      if (await this.#isWritten(append, size)) return;
    }
    throw new KeyStoreError('STORE_CONFLICT');
  }

  async readLeaves(first: number, count: number): Promise<Uint8Array[]> {
    this.#file.assertOpen();
    checkLeafPage(first, count);
    const breath = this.#file.breathe();
    if (breath) await breath;
    return this.#file.read(() => {
      const leaves: Uint8Array[] = [];
      let bytes = 0;
      for (let at = first; at < first + count && bytes < LOG_LIMITS.pageBytes; at++) {
        const leaf = this.#file.tables.leaves.getBinary(leafKey(at));
        if (!leaf) break;
        leaves.push(new Uint8Array(leaf));
        bytes += leaf.length;
      }
      return leaves.slice(0, pageLength(leaves.map(({ length }) => length)));
    });
  }

  async readTile(level: number, index: number): Promise<Uint8Array> {
    this.#file.assertOpen();
    checkTile(level, index);
    const breath = this.#file.breathe();
    if (breath) await breath;
    return this.#file.read(() => {
      const hashes: Uint8Array[] = [];
      const first = index * TILE_WIDTH;
      for (let at = first; at < first + TILE_WIDTH; at++) {
        const hash = this.#file.tables.log.getBinary(hashKey(level, at));
        if (!hash) break;
        hashes.push(hash);
      }
      return concatBytes(...hashes);
    });
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Whether an append was made whose thread ended before it said so.
   *
   * @throws KeyStoreError STORE_OUTCOME_UNKNOWN where others have gone on from what may be ours.
   */
  async #isWritten({ after, leaves, checkpoint }: LogAppend, size: number): Promise<boolean> {
    const head = await this.head();
    if (isSameHead(head, { size, checkpoint })) return true;
    if (isSameHead(head, after))
      throw new KeyStoreError('IO_FAILED', 'the thread that writes ended before it had appended');
    const [leaf] = await this.readLeaves(after?.size ?? 0, 1);
    if (leaf && equalBytes(leaf, leaves[0]!)) throw new KeyStoreError('STORE_OUTCOME_UNKNOWN');
    return false;
  }
}

export function headBytes({ size, checkpoint }: LogHead): Uint8Array {
  return encodeHead(size, checkpoint);
}

function changesOf({ after, leaves, nodes, checkpoint, along }: LogAppend, size: number) {
  const changes = new ChangeList();
  const first = after?.size ?? 0;
  for (const [i, leaf] of leaves.entries()) changes.put('leaves', leafKey(first + i), leaf);
  for (const [level, hashes] of nodes.entries()) {
    const place = nodesAt(first, level);
    for (let i = 0; i * HASH_LENGTH < hashes.length; i++) {
      const hash = hashes.subarray(i * HASH_LENGTH, (i + 1) * HASH_LENGTH);
      changes.put('log', hashKey(level, place + i), hash);
    }
  }
  changes.put('log', HEAD_KEY, encodeHead(size, checkpoint));
  for (const { id, version, bytes } of along?.records ?? [])
    changes.putRecord(Buffer.from(id, 'hex'), encodeStoredValue(version, bytes ?? NOTHING));
  for (const { hash, bytes } of along?.mapNodes ?? []) changes.put('nodes', hash, bytes);
  return changes;
}
