/**
 * The one thread of a file that writes: many compare-and-sets in one transaction, which is one wait for the disk.
 *
 * A thread, because LMDB's write lock is shared by all processes, and waiting for it, and for the disk, would stop the event loop. A
 * transaction that is begun and ended by one call there, because the package's own asynchronous writes damage the heap when the disk is full
 * (docs/decisions/lmdb-store.md). What runs in it is given as text: it needs no file beside whatever keycask was bundled into.
 */
import { Worker } from 'node:worker_threads';
import { KeyStoreError } from '../../errors.ts';
import { lmdbError, type LmdbFailure } from './lmdb-error.ts';
import { TABLE_NAMES } from './tables.ts';

/** One compare-and-set. */
export interface Swap {
  /** 16 bytes. */
  readonly key: Uint8Array;
  /** With its version in front, which must follow the present one. Given away. */
  readonly value: Uint8Array<ArrayBuffer>;
}

export interface WriterOptions {
  /** Where the package lmdb is. */
  readonly lmdb: string;
  readonly path: string;
  /** As the file was opened in this thread. */
  readonly open: object;
}

/** What the thread is given: swaps, each of which is made or not, or changes that are all made where the head of the log is what is expected. */
type Job =
  | { readonly swaps: readonly Swap[] }
  | {
      /** The head as it lies in the file; none of an empty log. */
      readonly head: Uint8Array | undefined;
      /** change-list.ts; given away. */
      readonly changes: Uint8Array<ArrayBuffer>;
    };

/** For each swap, or for all changes, whether it was made. */
type Made = readonly boolean[];

interface Task {
  readonly job: Job;
  readonly settle: (made: Made) => void;
  readonly fail: (error: KeyStoreError) => void;
}

type Answer = { readonly made: readonly Made[] } | { readonly failure: LmdbFailure };

export class WriterThread {
  readonly #options: WriterOptions;
  readonly #queue: Task[] = [];
  /** What the thread works on. */
  #batch: Task[] = [];
  #worker: Worker | undefined;
  #ended: Promise<void> | undefined;
  #isScheduled = false;
  #whenIdle: (() => void)[] = [];

  /** The thread is started by the first write. */
  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /**
   * Writes what follows the version that is there, all in one transaction, durably when the promise resolves.
   *
   * @returns For each, whether it was written.
   * @throws KeyStoreError STORAGE_FULL, PERMISSION_DENIED, STORAGE_READ_ONLY, STORE_DAMAGED, IO_FAILED: nothing was written.
   *   STORE_OUTCOME_UNKNOWN where the thread ended meanwhile, for want of memory for example.
   */
  swap(swaps: readonly Swap[]): Promise<readonly boolean[]> {
    return this.#write({ swaps });
  }

  /**
   * Makes changes where the head of the log is `head`, all in one transaction, durably when the promise resolves.
   *
   * @param head - As it lies in the file; undefined of an empty log.
   * @param changes - Of a ChangeList; given away.
   * @returns Whether they were made: all, or none.
   * @throws KeyStoreError as {@link WriterThread.swap}
   */
  async change(head: Uint8Array | undefined, changes: Uint8Array<ArrayBuffer>): Promise<boolean> {
    const [isMade] = await this.#write({ head, changes });
    return isMade === true;
  }

  /** Ends the thread when everything is written. */
  async close(): Promise<void> {
    if (this.#isScheduled || this.#batch.length > 0)
      await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
    if (!this.#worker) return;
    this.#worker.ref();
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.#worker.postMessage(undefined);
    await this.#ended;
  }

  #write(job: Job): Promise<Made> {
    return new Promise((settle, fail) => {
      this.#queue.push({ job, settle, fail });
      if (this.#isScheduled || this.#batch.length > 0) return;
      this.#isScheduled = true;
      // Writes that one piece of code begins together share a transaction.
      queueMicrotask(() => {
        this.#isScheduled = false;
        this.#send();
      });
    });
  }

  #send(): void {
    const given: ArrayBuffer[] = [];
    let bytes = 0;
    while (this.#queue.length > 0 && given.length < MAX_BUFFERS && bytes < MAX_BYTES) {
      const task = this.#queue.shift()!;
      this.#batch.push(task);
      for (const buffer of buffersOf(task.job)) {
        given.push(buffer);
        bytes += buffer.byteLength;
      }
    }
    if (this.#batch.length === 0) {
      for (const resolve of this.#whenIdle.splice(0)) resolve();
      return;
    }
    try {
      const worker = (this.#worker ??= this.#start());
      worker.ref();
      worker.postMessage(
        this.#batch.map(({ job }) => job),
        given,
      );
    } catch (error) {
      // Nothing was sent.
      for (const { fail } of this.#batch.splice(0)) fail(this.#error(error));
      this.#send();
    }
  }

  #start(): Worker {
    const worker = new Worker(THREAD, {
      eval: true,
      stdin: false,
      execArgv: [],
      workerData: { ...this.#options, tables: TABLE_NAMES },
    });
    worker.on('message', (answer: Answer) => this.#answer(answer));
    // What it was, its end tells too.
    worker.on('error', () => undefined);
    this.#ended = new Promise((resolve) => {
      worker.on('exit', () => {
        this.#lose();
        resolve();
      });
    });
    return worker;
  }

  #answer(answer: Answer): void {
    const tasks = this.#batch.splice(0);
    // A program that forgets to close is not kept alive by a thread that has nothing to do.
    this.#worker?.unref();
    if ('failure' in answer) for (const { fail } of tasks) fail(this.#error(answer.failure));
    else for (const [i, { settle }] of tasks.entries()) settle(answer.made[i]!);
    this.#send();
  }

  /** The thread ended. Where it was at work, that may be done; the next write starts another. */
  #lose(): void {
    this.#worker = undefined;
    const tasks = this.#batch.splice(0);
    if (tasks.length === 0) return;
    for (const { fail } of tasks)
      fail(new KeyStoreError('STORE_OUTCOME_UNKNOWN', 'the thread that writes ended meanwhile'));
    this.#send();
  }

  #error(error: unknown): KeyStoreError {
    return lmdbError(error, this.#options.path, 'write');
  }
}

function buffersOf(job: Job): ArrayBuffer[] {
  return 'swaps' in job ? job.swaps.map(({ value }) => value.buffer) : [job.changes.buffer];
}

/** So many that the wait for the disk is shared, so few that other processes get the lock too. */
const MAX_BUFFERS = 2048;
const MAX_BYTES = 1 << 24;
/** What the thread runs. Nothing instead of a batch ends it. */
const THREAD = `
const { workerData, parentPort } = require('node:worker_threads');
const { lmdb, path, open, tables } = workerData;
const bufferOf = ({ buffer, byteOffset, length }) => Buffer.from(buffer, byteOffset, length);
let db, opened;
const swap = ({ key, value }) => {
  const id = bufferOf(key);
  const bytes = bufferOf(value);
  const present = db.getBinary(id);
  if ((present ? present.readUInt32BE(0) : 0) !== bytes.readUInt32BE(0) - 1) return false;
  db.putSync(id, bytes);
  return true;
};
const change = (head, bytes) => {
  const present = opened[1].getBinary(Buffer.of(0));
  if (head ? !present || !present.equals(head) : present) return false;
  for (let at = 0; at < bytes.length;) {
    const table = opened[bytes[at]];
    const keyEnd = at + 7 + bytes.readUInt16BE(at + 1);
    const length = bytes.readUInt32BE(at + 3);
    const key = bytes.subarray(at + 7, keyEnd);
    at = keyEnd;
    if (length === 0xffffffff) {
      table.removeSync(key);
    } else {
      at += length;
      table.putSync(key, bytes.subarray(keyEnd, at));
    }
  }
  return true;
};
const run = (job) => job.swaps ? job.swaps.map(swap) : [change(job.head && bufferOf(job.head), bufferOf(job.changes))];
parentPort.on('message', async (jobs) => {
  if (!jobs) {
    await db?.close();
    return parentPort.close();
  }
  try {
    db ??= require(lmdb).open(path, open);
    if (!opened && jobs.some(({ changes }) => changes))
      db.transactionSync(() => { opened = [db, ...tables.map((name) => db.openDB(name, open))]; });
    let made;
    db.transactionSync(() => { made = jobs.map(run); });
    parentPort.postMessage({ made });
  } catch ({ code, message }) {
    parentPort.postMessage({ failure: { code, message: String(message) } });
  }
});
`;
