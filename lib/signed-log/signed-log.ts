/**
 * SignedLog: an append-only list that cannot be rewritten unnoticed.
 *
 * Leaves are opaque bytes under a Merkle tree (RFC 9162), and each append comes with a signed checkpoint of the whole. What is read is
 * checked against the newest checkpoint, and that against the newest one that was seen before. docs/decisions/signed-log.md says why.
 */
import { setTimeout } from 'node:timers/promises';
import { equalBytes } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import { AppendQueue, type LogAppended, type LogBatch } from './append-queue.ts';
import type { CompactRange } from './compact-range.ts';
import { signCheckpoint, type Checkpoint, type LogAuthor } from './checkpoint.ts';
import { LogFollower, type FollowLogOptions } from './follower.ts';
import { TILE_WIDTH, type LogCompanions } from './log-storage.ts';
import { checkRange, leavesOf, type LogLeaf } from './log-leaves.ts';
import { hashLeaf } from './merkle-hash.ts';
import {
  consistencyRanges,
  inclusionRanges,
  type ConsistencyProof,
  type InclusionProof,
} from './proofs.ts';
import type { LeafRange } from './tree-size.ts';
import { appendTo, type VerifiedTree } from './verified-tree.ts';

/** How leaves are appended. */
export interface AppendLogOptions {
  /** Only where the log has exactly so many leaves: else STORE_CONFLICT, and nothing is appended. For leaves that follow from those before. */
  readonly size?: number;
  /** What is written in the same transaction; only together with `size`, and not to be changed before the promise resolves. */
  readonly along?: LogCompanions;
}

/** An audit takes a while. */
export interface VerifyLogOptions {
  /** Called every 256 leaves, and at the end. */
  readonly onProgress?: (leavesDone: number, leavesTotal: number) => void;
  /** Ends it with CANCELLED. */
  readonly signal?: AbortSignal;
}

/** Appends that lost so many races in a row wait for something that is not a race. */
const MAX_RACES = 10_000;
const LONGEST_BACKOFF_MS = 64;

/**
 * A log that is open. What it knows is as of the last refresh or append; after one that failed it is as before.
 *
 * @example
 * Append, and show somebody else that it is in.
 * ```ts
 * const log = await SignedLog.open({ storage: await openFileLogStorage('/var/lib/log'), logId, findSigner: findAmong([me]) });
 * const { index, checkpoint } = await log.append([leaf], { identity: me, clock: () => new Date() });
 * verifyInclusion(await log.proveInclusion(index), hashLeaf(leaf), checkpoint); // true
 * ```
 */
export class SignedLog implements AsyncDisposable {
  readonly #options: FollowLogOptions;
  readonly #follower: LogFollower;
  readonly #appends = new AppendQueue((batch) => this.#exclusively(() => this.#append(batch)));
  /** Of the newest append of our own: where nobody else appends, nothing has to be read for the next. */
  #range: CompactRange | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  /**
   * Opens a log and checks its newest checkpoint, its newest hashes, and that it goes on from what was seen before.
   *
   * @throws KeyStoreError as {@link SignedLog.refresh} does.
   */
  static async open(options: FollowLogOptions): Promise<SignedLog> {
    const log = new SignedLog(options);
    await log.refresh();
    return log;
  }

  /** {@link SignedLog.open} makes one that is up to date. This one knows nothing before its first `refresh`, or `accept` where that refuses. */
  constructor(options: FollowLogOptions) {
    this.#options = options;
    this.#follower = new LogFollower(options);
  }

  /** Leaves, as of the last refresh or append. */
  get size(): number {
    return this.#follower.newest?.size ?? 0;
  }

  /** The newest checkpoint, as of the last refresh or append; undefined of an empty log. */
  get checkpoint(): Checkpoint | undefined {
    return this.#follower.newest;
  }

  /**
   * Looks for what others have appended.
   *
   * @throws KeyStoreError LOG_REWOUND, LOG_FORKED: the log is not the one that was seen before.
   * @throws KeyStoreError LOG_TRUNCATED, LOG_DAMAGED: the storage does not have what the newest checkpoint covers.
   * @throws KeyStoreError LOG_MISPLACED, BLOB_SIGNER_NOT_TRUSTED, BLOB_SIGNATURE_INVALID, BLOB_MALFORMED: of the newest checkpoint; and what the storage throws.
   */
  async refresh(): Promise<void> {
    await this.#exclusively(() => this.#follower.refresh());
  }

  /**
   * Takes the log as it is, after a backup of it was restored on purpose.
   *
   * @returns The newest checkpoint that is given up by that; undefined where there was nothing to give up.
   * @throws KeyStoreError as {@link SignedLog.refresh} does, but for LOG_REWOUND and LOG_FORKED.
   */
  async accept(): Promise<Checkpoint | undefined> {
    return this.#exclusively(() => this.#follower.accept());
  }

  /**
   * Appends leaves, all of them or none, durably when the promise resolves. Calls that are made while the storage is busy share one
   * checkpoint. Where another process appended first, they follow after its leaves.
   *
   * @param leaves - 1 to 1024, within the bounds of `LOG_LIMITS`.
   * @param author - Must be one whose checkpoints are trusted here.
   * @throws KeyStoreError STORE_CONFLICT where `size` is not the log's, or the log changes faster than it can be read.
   * @throws KeyStoreError NOT_SUPPORTED where the storage keeps no records and something is to go along.
   * @throws KeyStoreError PARAMETER_INVALID, BLOB_TOO_LARGE, BLOB_SIGNER_NOT_TRUSTED; what `author.identity.sign` and {@link SignedLog.refresh} throw: nothing was appended.
   * @throws KeyStoreError STORAGE_FULL, IO_FAILED and others of the storage: whether they were appended, the next refresh shows.
   */
  async append(
    leaves: readonly Uint8Array[],
    author: LogAuthor,
    options: AppendLogOptions = {},
  ): Promise<LogAppended> {
    return this.#appends.add({ leaves, author, ...options });
  }

  /**
   * The leaves from `first` on, oldest first, up to the newest checkpoint at the time of the call. Each was checked against it.
   *
   * @throws KeyStoreError LOG_TRUNCATED, LOG_DAMAGED, PARAMETER_INVALID, and what the storage throws.
   */
  leaves(first = 0, end: number = this.size): AsyncGenerator<LogLeaf> {
    return leavesOf(this.#options.storage, this.#follower.tree, { first, end });
  }

  /**
   * Makes the proof that leaf `index` is in the log of `size` leaves, for `verifyInclusion`.
   *
   * @throws KeyStoreError PARAMETER_INVALID where there is no such leaf; LOG_TRUNCATED, LOG_DAMAGED, and what the storage throws.
   */
  async proveInclusion(index: number, size: number = this.size): Promise<InclusionProof> {
    const { tree } = this.#follower;
    checkRange({ first: 0, end: size }, tree);
    checkRange({ first: index, end: index + 1 }, tree);
    if (index >= size) throw new KeyStoreError('PARAMETER_INVALID', `want a leaf below ${size}`);
    return { index, size, hashes: await rootsOf(inclusionRanges(index, size), tree) };
  }

  /**
   * Makes the proof that the log of `newerSize` leaves begins with that of `olderSize`, for `verifyConsistency`.
   *
   * @throws KeyStoreError PARAMETER_INVALID where there are no such sizes; LOG_TRUNCATED, LOG_DAMAGED, and what the storage throws.
   */
  async proveConsistency(
    olderSize: number,
    newerSize: number = this.size,
  ): Promise<ConsistencyProof> {
    const { tree } = this.#follower;
    checkRange({ first: 0, end: newerSize }, tree);
    checkRange({ first: olderSize, end: newerSize }, tree);
    const hashes = await rootsOf(consistencyRanges(olderSize, newerSize), tree);
    return { olderSize, newerSize, hashes };
  }

  /**
   * Reads every leaf and checks it: an audit, not a need.
   *
   * @returns How many there are.
   * @throws KeyStoreError LOG_TRUNCATED, LOG_DAMAGED, CANCELLED, and what {@link SignedLog.refresh} throws.
   */
  async verifyAll({ onProgress, signal }: VerifyLogOptions = {}): Promise<number> {
    await this.refresh();
    const { size } = this;
    let done = 0;
    for await (const { index } of this.leaves(0, size)) {
      done = index + 1;
      if (done % TILE_WIDTH !== 0) continue;
      if (signal?.aborted) throw new KeyStoreError('CANCELLED');
      onProgress?.(done, size);
      await setTimeout(0);
    }
    onProgress?.(done, size);
    return done;
  }

  /** Idempotent; closes the storage, after the appends that are under way. */
  async close(): Promise<void> {
    await this.#exclusively(() => this.#options.storage.close());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @returns The index of the first leaf, and the checkpoint that covers all. */
  async #append({ leaves, author, size, along }: LogBatch): Promise<LogAppended> {
    const { storage, logId, findSigner } = this.#options;
    const hashes = leaves.map((leaf) => hashLeaf(leaf));
    for (let races = 0; races < MAX_RACES; races++) {
      if (races > 0) await this.#follower.refresh();
      const { head, tree } = this.#follower;
      const index = tree.head.size;
      // What this process knows may be behind, so it is read again before a size is refused.
      if (size !== undefined && size !== index) {
        if (races === 0) continue;
        throw new KeyStoreError('STORE_CONFLICT', `the log has ${index} leaves, not ${size}`);
      }
      const range = await this.#rangeOf(tree);
      const nodes = appendTo(range, hashes);
      const content = { logId, size: range.size, root: range.root };
      const checkpoint = await signCheckpoint(content, author, findSigner);
      try {
        await storage.append({
          after: head,
          leaves,
          nodes,
          checkpoint: checkpoint.bytes,
          ...(along && { along }),
        });
      } catch (error) {
        if (!KeyStoreError.is(error) || error.code !== 'STORE_CONFLICT') throw error;
        await setTimeout(Math.random() * Math.min(2 ** races, LONGEST_BACKOFF_MS));
        continue;
      }
      this.#range = range;
      await this.#follower.advance(checkpoint);
      return { index, checkpoint };
    }
    throw new KeyStoreError('STORE_CONFLICT', 'the log changes faster than it can be read');
  }

  async #rangeOf(tree: VerifiedTree): Promise<CompactRange> {
    const { size, root } = tree.head;
    const known = this.#range;
    if (known?.size === size && equalBytes(known.root, root)) return known.copy();
    return tree.rangeAt(size);
  }

  /** One at a time: what appends and what reads the head in this process takes turns. */
  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work, work);
    this.#queue = turn.catch(() => undefined);
    return turn;
  }
}

async function rootsOf(ranges: readonly LeafRange[], tree: VerifiedTree): Promise<Uint8Array[]> {
  const roots: Uint8Array[] = [];
  for (const range of ranges) roots.push(await tree.rootOf(range));
  return roots;
}
