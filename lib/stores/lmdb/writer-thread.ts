/**
 * The one thread of a store that writes: many compare-and-sets in one transaction, which is one wait for the disk.
 *
 * A thread, because LMDB's write lock is shared by all processes, and waiting for it, and for the disk, would stop the event loop. A
 * transaction that is begun and ended by one call there, because the package's own asynchronous writes damage the heap when the disk is full
 * (docs/decisions/lmdb-store.md). What runs in it is given as text: it needs no file beside whatever keycask was bundled into.
 */
import { Worker } from 'node:worker_threads';
import { KeyStoreError } from '../../errors.ts';
import { lmdbError, type LmdbFailure } from './lmdb-error.ts';

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

interface Task {
  readonly swaps: readonly Swap[];
  readonly settle: (won: readonly boolean[]) => void;
  readonly fail: (error: KeyStoreError) => void;
}

type Answer = { readonly won: readonly boolean[] } | { readonly failure: LmdbFailure };

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
  write(swaps: readonly Swap[]): Promise<readonly boolean[]> {
    return new Promise((settle, fail) => {
      this.#queue.push({ swaps, settle, fail });
      if (this.#isScheduled || this.#batch.length > 0) return;
      this.#isScheduled = true;
      // Writes that one piece of code begins together share a transaction.
      queueMicrotask(() => {
        this.#isScheduled = false;
        this.#send();
      });
    });
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

  #send(): void {
    const swaps: Swap[] = [];
    let bytes = 0;
    while (this.#queue.length > 0 && swaps.length < MAX_SWAPS && bytes < MAX_BYTES) {
      const task = this.#queue.shift()!;
      this.#batch.push(task);
      swaps.push(...task.swaps);
      for (const { value } of task.swaps) bytes += value.length;
    }
    if (this.#batch.length === 0) {
      for (const resolve of this.#whenIdle.splice(0)) resolve();
      return;
    }
    try {
      const worker = (this.#worker ??= this.#start());
      worker.ref();
      worker.postMessage(
        swaps,
        swaps.map(({ value }) => value.buffer),
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
      workerData: this.#options,
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
    if ('failure' in answer) {
      for (const { fail } of tasks) fail(this.#error(answer.failure));
    } else {
      let at = 0;
      for (const { swaps, settle } of tasks) settle(answer.won.slice(at, (at += swaps.length)));
    }
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

/** So many that the wait for the disk is shared, so few that other processes get the lock too. */
const MAX_SWAPS = 2048;
const MAX_BYTES = 1 << 24;
/** What the thread runs. Nothing instead of a batch ends it. */
const THREAD = `
const { workerData, parentPort } = require('node:worker_threads');
let db;
const swap = ({ key, value }) => {
  const id = Buffer.from(key.buffer, key.byteOffset, key.length);
  const bytes = Buffer.from(value.buffer);
  const present = db.getBinary(id);
  if ((present ? present.readUInt32BE(0) : 0) !== bytes.readUInt32BE(0) - 1) return false;
  db.putSync(id, bytes);
  return true;
};
parentPort.on('message', async (swaps) => {
  if (!swaps) {
    await db?.close();
    return parentPort.close();
  }
  try {
    db ??= require(workerData.lmdb).open(workerData.path, workerData.open);
    let won;
    db.transactionSync(() => { won = swaps.map(swap); });
    parentPort.postMessage({ won });
  } catch ({ code, message }) {
    parentPort.postMessage({ failure: { code, message: String(message) } });
  }
});
`;
