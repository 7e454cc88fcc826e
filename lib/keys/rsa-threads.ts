/**
 * RSA on all cores: private operations in worker threads.
 *
 * node:crypto's private operations hold the thread that calls them, and WebCrypto has none without padding. The threads do that one operation and
 * nothing else, so what they run is a page of JavaScript, given as text: it needs no file beside whatever keycask was bundled into.
 */
import type { KeyObject } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { plainBytes } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import { SecretBytes } from './secret-bytes.ts';

/** What is taken off after RSA: nothing, or OAEP with that hash and an empty label. */
export type RsaPadding = 'none' | 'oaep-sha1' | 'oaep-sha256';

/** One block and who waits for it. */
interface Task {
  readonly key: KeyObject;
  /** As long as the modulus, big-endian. */
  readonly block: Uint8Array;
  readonly padding: RsaPadding;
  readonly settle: (found: SecretBytes | undefined) => void;
  readonly fail: (error: KeyStoreError) => void;
}

/** A thread, the batches that it was sent and has not answered, oldest first, and the keys that it knows. */
interface Thread {
  readonly worker: Worker;
  readonly keys: Map<KeyObject, number>;
  readonly batches: (readonly Task[])[];
}

/** What a thread is sent. */
interface Batch {
  /** Keys that it did not know. */
  readonly keys: readonly (readonly [number: number, key: KeyObject])[];
  readonly numbers: readonly number[];
  readonly paddings: readonly RsaPadding[];
  readonly lengths: readonly number[];
  /** All blocks, one after the other. */
  readonly blocks: Uint8Array;
}

/** What it answers. Its buffer is handed over, not copied. */
interface BatchAnswer {
  /** Where a block was, what was found in it. */
  readonly found: Uint8Array;
  /** Bytes of it; -1 where RSA or the padding failed. */
  readonly lengths: readonly number[];
}

/** Threads that do RSA with private keys that this process holds. A key is shared with them, not copied. */
export class RsaThreads implements AsyncDisposable {
  readonly #threads: Thread[] = [];
  readonly #queue: Task[] = [];
  readonly #jobs: number;
  #lastKeyNumber = 0;
  #isScheduled = false;
  #isClosed = false;

  /** @param jobs - Threads; default one for each core. They are started when there is work. */
  constructor(jobs: number = availableParallelism()) {
    this.#jobs = Math.max(1, jobs);
  }

  /**
   * RSADP (RFC 8017 section 5.1.2), and what the padding asks for.
   *
   * @param block - As long as the modulus, big-endian. Not changed by anybody until the promise settles.
   * @returns undefined where RSA or the padding failed; of `none`, as long as the modulus. The caller disposes of it.
   * @throws KeyStoreError HANDLE_INVALID where the threads were closed, or ended.
   */
  decrypt(
    key: KeyObject,
    block: Uint8Array,
    padding: RsaPadding = 'none',
  ): Promise<SecretBytes | undefined> {
    if (this.#isClosed) return Promise.reject(closed());
    return new Promise((settle, fail) => {
      this.#queue.push({ key, block, padding, settle, fail });
      if (this.#isScheduled) return;
      this.#isScheduled = true;
      // Blocks of one turn of the event loop, from however many sockets, travel together.
      setImmediate(() => {
        this.#isScheduled = false;
        this.#distribute();
      });
    });
  }

  /** Lets go of a key: the threads keep none that its owner has closed. */
  forget(key: KeyObject): void {
    for (const { keys, worker } of this.#threads) {
      const number = keys.get(key);
      if (number === undefined) continue;
      keys.delete(key);
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      worker.postMessage(number);
    }
  }

  /** Ends the threads; what waits fails with HANDLE_INVALID. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const task of this.#queue.splice(0)) task.fail(closed());
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #distribute(): void {
    while (this.#queue.length > 0 && !this.#isClosed) {
      const thread = this.#freest();
      if (!thread) return;
      this.#send(thread);
    }
  }

  /**
   * The thread with the fewest batches; a new one rather than one that is at work. undefined where all have enough: a thread that is at work
   * is given more when there is enough of it, since a message to a thread and back costs as much as a tenth of an RSA operation.
   */
  #freest(): Thread | undefined {
    let freest: Thread | undefined;
    for (const thread of this.#threads)
      if (!freest || thread.batches.length < freest.batches.length) freest = thread;
    if (freest?.batches.length === 0) return freest;
    if (this.#threads.length < this.#jobs) return this.#start();
    const isWorthIt = this.#queue.length >= WAITING_BATCH * this.#jobs;
    return isWorthIt && freest!.batches.length < BATCHES_AT_ONCE ? freest : undefined;
  }

  #start(): Thread {
    const worker = new Worker(THREAD, { eval: true, stdin: false });
    const thread: Thread = { worker, keys: new Map(), batches: [] };
    worker.on('message', (answer: BatchAnswer) => this.#answer(thread, answer));
    worker.on('error', () => this.#lose(thread));
    worker.on('exit', () => this.#lose(thread));
    // A program that forgets to close is not kept alive by threads that have nothing to do.
    worker.unref();
    this.#threads.push(thread);
    return thread;
  }

  #send(thread: Thread): void {
    // So many that every thread which has nothing to do gets its share.
    let free = this.#jobs - this.#threads.length;
    for (const { batches } of this.#threads) if (batches.length === 0) free++;
    const share = Math.ceil(this.#queue.length / Math.max(1, free));
    const tasks = this.#queue.splice(0, Math.min(share, BLOCKS_AT_ONCE));
    const keys: [number, KeyObject][] = [];
    const numbers = tasks.map(({ key }) => {
      const known = thread.keys.get(key);
      if (known !== undefined) return known;
      const number = ++this.#lastKeyNumber;
      thread.keys.set(key, number);
      keys.push([number, key]);
      return number;
    });
    const lengths = tasks.map(({ block }) => block.length);
    const blocks = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
    let at = 0;
    for (const { block } of tasks) {
      blocks.set(block, at);
      at += block.length;
    }
    const paddings = tasks.map(({ padding }) => padding);
    if (thread.batches.length === 0) thread.worker.ref();
    thread.batches.push(tasks);
    const batch: Batch = { keys, numbers, paddings, lengths, blocks };
    thread.worker.postMessage(batch, [blocks.buffer]);
  }

  #answer(thread: Thread, { found, lengths }: BatchAnswer): void {
    const tasks = thread.batches.shift() ?? [];
    if (thread.batches.length === 0) thread.worker.unref();
    let at = 0;
    for (const [i, { block, settle }] of tasks.entries()) {
      const length = lengths[i]!;
      settle(
        length < 0 ? undefined : SecretBytes.take(plainBytes(found.subarray(at, at + length))),
      );
      at += block.length;
    }
    this.#distribute();
  }

  /** A thread ended. What it worked on fails; what still waits goes to others, or fails too where threads cannot be had. */
  #lose(thread: Thread): void {
    const at = this.#threads.indexOf(thread);
    if (at !== -1) this.#threads.splice(at, 1);
    const isLast = at !== -1 && this.#threads.length === 0;
    for (const tasks of thread.batches.splice(0)) for (const { fail } of tasks) fail(closed());
    if (isLast) for (const { fail } of this.#queue.splice(0)) fail(closed());
    else this.#distribute();
  }
}

function closed(): KeyStoreError {
  return new KeyStoreError('HANDLE_INVALID', 'the threads that do RSA were closed');
}

/** Enough that sending costs little beside RSA, few enough that all threads end at about the same time. */
const BLOCKS_AT_ONCE = 32;
/** One at work and one that waits: a thread need not wait until this one has time for it. */
const BATCHES_AT_ONCE = 2;
/** Blocks that are worth a batch that waits. */
const WAITING_BATCH = 8;
/** What a thread runs. A number alone is a key to be forgotten. */
const THREAD = `
const { parentPort } = require('node:worker_threads');
const { privateDecrypt, constants } = require('node:crypto');
const { RSA_NO_PADDING, RSA_PKCS1_OAEP_PADDING } = constants;
const keys = new Map();
parentPort.on('message', (message) => {
  if (typeof message === 'number') return keys.delete(message);
  for (const [number, key] of message.keys)
    keys.set(number, {
      none: { key, padding: RSA_NO_PADDING },
      'oaep-sha1': { key, padding: RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' },
      'oaep-sha256': { key, padding: RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' },
    });
  const { numbers, paddings, lengths, blocks } = message;
  const found = new Uint8Array(new ArrayBuffer(blocks.length));
  const answer = { found, lengths: [] };
  let at = 0;
  for (let i = 0; i < numbers.length; i++) {
    const end = at + lengths[i];
    try {
      const block = privateDecrypt(keys.get(numbers[i])[paddings[i]], blocks.subarray(at, end));
      found.set(block, at);
      answer.lengths.push(block.length);
      block.fill(0);
    } catch {
      answer.lengths.push(-1);
    }
    at = end;
  }
  parentPort.postMessage(answer, [found.buffer]);
});
`;
