/** MemoryLogStorage: a log in this process, for tests and for programs that keep nothing. */
import { concatBytes, copyBytes } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import {
  checkLeafPage,
  checkLogAppend,
  checkTile,
  isSameHead,
  pageLength,
  refuseCompanions,
} from './log-bounds.ts';
import {
  TILE_LEVELS,
  TILE_WIDTH,
  type LogAppend,
  type LogCompanions,
  type LogHead,
  type LogStorage,
} from './log-storage.ts';
import { HASH_LENGTH } from './merkle-hash.ts';

/** An empty log. It is gone with the process. */
export class MemoryLogStorage implements LogStorage {
  readonly name = 'memory';
  readonly #takeAlong: ((along: LogCompanions) => void) | undefined;
  readonly #leaves: Uint8Array[] = [];
  /** For each level its hashes. */
  readonly #levels: Uint8Array[][] = Array.from({ length: TILE_LEVELS }, () => []);
  #checkpoint: Uint8Array | undefined;
  #isClosed = false;

  /**
   * @param takeAlong - Of what keeps records beside the log: writes what goes along with an append, before it returns. Without it an append that
   *   takes something along is NOT_SUPPORTED.
   */
  constructor(takeAlong?: (along: LogCompanions) => void) {
    this.#takeAlong = takeAlong;
  }

  async head(): Promise<LogHead | undefined> {
    this.#assertOpen();
    const checkpoint = this.#checkpoint;
    return checkpoint && { size: this.#leaves.length, checkpoint: copyBytes(checkpoint) };
  }

  async append(append: LogAppend): Promise<void> {
    this.#assertOpen();
    checkLogAppend(append);
    if (!this.#takeAlong) refuseCompanions(append);
    const { after, leaves, nodes, checkpoint, along } = append;
    const present = this.#checkpoint && { size: this.#leaves.length, checkpoint: this.#checkpoint };
    if (!isSameHead(present, after)) throw new KeyStoreError('STORE_CONFLICT');
    for (const leaf of leaves) this.#leaves.push(copyBytes(leaf));
    for (const [level, hashes] of nodes.entries())
      for (let at = 0; at < hashes.length; at += HASH_LENGTH)
        this.#levels[level]!.push(copyBytes(hashes.subarray(at, at + HASH_LENGTH)));
    this.#checkpoint = copyBytes(checkpoint);
    if (along) this.#takeAlong?.(along);
  }

  async readLeaves(first: number, count: number): Promise<Uint8Array[]> {
    this.#assertOpen();
    checkLeafPage(first, count);
    const leaves = this.#leaves.slice(first, first + count);
    return leaves.slice(0, pageLength(leaves.map(({ length }) => length))).map(copyBytes);
  }

  async readTile(level: number, index: number): Promise<Uint8Array> {
    this.#assertOpen();
    checkTile(level, index);
    const first = index * TILE_WIDTH;
    return concatBytes(...this.#levels[level]!.slice(first, first + TILE_WIDTH));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new KeyStoreError('HANDLE_INVALID', 'the log was closed');
  }
}
