/** Gathers appends while the storage is busy, so that many share one checkpoint and one wait for the disk. */
import { copyBytes } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import type { Checkpoint, LogAuthor } from './checkpoint.ts';
import { LOG_LIMITS, type LogCompanions } from './log-storage.ts';

/** What is appended at once. */
export interface LogBatch {
  readonly leaves: readonly Uint8Array[];
  readonly author: LogAuthor;
  /** The log must have so many leaves. */
  readonly size?: number;
  /** Only together with a size. */
  readonly along?: LogCompanions;
}

/** Where leaves have come to be. */
export interface LogAppended {
  /** Of the first of them. */
  readonly index: number;
  /** The first checkpoint that covers them. */
  readonly checkpoint: Checkpoint;
}

interface Waiting extends LogBatch {
  readonly bytes: number;
  readonly resolve: (appended: LogAppended) => void;
  readonly reject: (error: unknown) => void;
}

export class AppendQueue {
  readonly #write: (batch: LogBatch) => Promise<LogAppended>;
  #waiting: Waiting[] = [];
  #isRunning = false;

  constructor(write: (batch: LogBatch) => Promise<LogAppended>) {
    this.#write = write;
  }

  /** @throws KeyStoreError PARAMETER_INVALID, BLOB_TOO_LARGE for leaves that no append takes, and what writing throws. */
  async add(batch: LogBatch): Promise<LogAppended> {
    const bytes = checkLeaves(batch.leaves);
    if (batch.along && batch.size === undefined)
      throw new KeyStoreError('PARAMETER_INVALID', 'what goes along needs the size of the log');
    const leaves = batch.leaves.map((leaf) => copyBytes(leaf));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...batch, leaves, bytes, resolve, reject });
      if (!this.#isRunning) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    // What is added in this turn of the event loop goes together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const together = this.#take();
      const { author, size, along } = together[0]!;
      const leaves = together.flatMap((one) => one.leaves);
      try {
        const { index, checkpoint } = await this.#write({
          leaves,
          author,
          ...(size !== undefined && { size }),
          ...(along && { along }),
        });
        let at = index;
        for (const one of together) {
          one.resolve({ index: at, checkpoint });
          at += one.leaves.length;
        }
      } catch (error) {
        for (const one of together) one.reject(error);
      }
    }
    this.#isRunning = false;
  }

  /** The oldest, and those after it that may share its checkpoint. Whoever names a size knows nothing of the leaves of others. */
  #take(): Waiting[] {
    const [first, ...rest] = this.#waiting as [Waiting, ...Waiting[]];
    let count = first.leaves.length;
    let { bytes } = first;
    const isFull = rest.findIndex((one) => {
      count += one.leaves.length;
      bytes += one.bytes;
      const { identity } = one.author;
      return (
        first.size !== undefined ||
        one.size !== undefined ||
        identity !== first.author.identity ||
        count > LOG_LIMITS.appendLeaves ||
        bytes > LOG_LIMITS.appendBytes
      );
    });
    const together = isFull === -1 ? this.#waiting.length : isFull + 1;
    return this.#waiting.splice(0, together);
  }
}

/** Before they are put together with those of others, whom they must not spoil. */
function checkLeaves(leaves: readonly Uint8Array[]): number {
  if (leaves.length === 0) throw new KeyStoreError('PARAMETER_INVALID', 'there is no leaf');
  const bytes = leaves.reduce((sum, { length }) => sum + length, 0);
  if (
    leaves.length > LOG_LIMITS.appendLeaves ||
    bytes > LOG_LIMITS.appendBytes ||
    leaves.some(({ length }) => length > LOG_LIMITS.leafBytes)
  )
    throw new KeyStoreError('BLOB_TOO_LARGE', 'these leaves are too many or too long');
  return bytes;
}
