/**
 * RSA on all cores: private operations of many blocks, in worker threads.
 *
 * node:crypto has no private operation without padding that leaves the thread, and WebCrypto none at all. The threads do that one operation
 * and nothing else, so what they run is a page of JavaScript, given as text: it needs no file beside whatever keycask was bundled into.
 */
import type { KeyObject } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { plainBytes } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import { unpadRsaPkcs1 } from '../keys/rsa-pkcs1.ts';
import { SecretBytes } from '../keys/secret-bytes.ts';
import type { CapiKey } from './capi-key.ts';
import { rsaModulusLength } from './legacy-key.ts';
import { capiKeyOf, readRsaBlock, type UnwrapSimpleBlobOptions } from './simple-blob.ts';

/** One block and who waits for it. */
interface Task {
  readonly key: KeyObject;
  /** As long as the modulus, big-endian. */
  readonly block: Uint8Array;
  readonly settle: (padded: SecretBytes) => void;
  readonly fail: (error: KeyStoreError) => void;
}

/** A thread, what it works on, and the keys that it was sent. */
interface Thread {
  readonly worker: Worker;
  readonly keys: Map<KeyObject, number>;
  tasks: readonly Task[];
}

/**
 * Worker threads that do RSA.
 *
 * @example
 * ```ts
 * await using workers = new RsaWorkers();
 * const keys = await Promise.all(blobs.map((blob) => workers.unwrapSimpleBlob(blob, privateKey)));
 * ```
 */
export class RsaWorkers implements AsyncDisposable {
  readonly #threads: Thread[] = [];
  readonly #idle: Thread[] = [];
  readonly #queue: Task[] = [];
  readonly #jobs: number;
  #isClosed = false;

  /** @param jobs - Threads; default one for each core. They are started when there is work. */
  constructor(jobs: number = availableParallelism()) {
    this.#jobs = Math.max(1, jobs);
  }

  /**
   * As `unwrapSimpleBlob` with PKCS#1 v1.5, on another thread. The same one failure for all that does not fit.
   *
   * @param privateKey - RSA; from `importLegacyPrivateKey`.
   * @throws KeyStoreError KEY_UNWRAP_FAILED (NTE_DECRYPTION_FAILURE), and what `unwrapSimpleBlob` throws of a blob.
   */
  async unwrapSimpleBlob(
    blob: Uint8Array,
    privateKey: KeyObject,
    options: Omit<UnwrapSimpleBlobOptions, 'padding' | 'label'> = {},
  ): Promise<CapiKey> {
    const modulusLength = rsaModulusLength(privateKey);
    const { algId, encryptedKey, lengths } = readRsaBlock(blob, modulusLength, options);
    if (encryptedKey.length !== modulusLength) throw new KeyStoreError('KEY_UNWRAP_FAILED');
    using padded = await this.decrypt(privateKey, encryptedKey);
    using key = unpadRsaPkcs1(padded.bytes, lengths);
    return capiKeyOf(algId, key.bytes, options);
  }

  /**
   * RSADP (RFC 8017 section 5.1.2).
   *
   * @param block - As long as the modulus, big-endian. Not changed by anybody until the promise settles.
   * @returns As long as the modulus; zeros where RSA itself fails. The caller disposes of it.
   */
  decrypt(key: KeyObject, block: Uint8Array): Promise<SecretBytes> {
    if (this.#isClosed) return Promise.reject(closed());
    return new Promise((settle, fail) => {
      this.#queue.push({ key, block, settle, fail });
      // Blocks that are asked for in one go travel together.
      if (this.#queue.length === 1) queueMicrotask(() => this.#distribute());
    });
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
      const thread = this.#idle.pop() ?? this.#start();
      if (!thread) return;
      this.#send(thread, this.#take());
    }
  }

  /** The next blocks of one key, so many that every thread gets its share. */
  #take(): readonly Task[] {
    const share = Math.ceil(this.#queue.length / this.#jobs);
    const { key } = this.#queue[0]!;
    const most = Math.min(share, BLOCKS_AT_ONCE);
    let count = 1;
    while (count < most && this.#queue[count]?.key === key) count++;
    return this.#queue.splice(0, count);
  }

  #start(): Thread | undefined {
    if (this.#threads.length >= this.#jobs) return undefined;
    const worker = new Worker(THREAD, { eval: true, stdin: false });
    const thread: Thread = { worker, keys: new Map(), tasks: [] };
    worker.on('message', (padded: Uint8Array) => this.#answer(thread, padded));
    worker.on('error', () => this.#lose(thread));
    worker.on('exit', () => this.#lose(thread));
    // A program that forgets to close is not kept alive by threads that have nothing to do.
    worker.unref();
    this.#threads.push(thread);
    return thread;
  }

  #send(thread: Thread, tasks: readonly Task[]): void {
    const { key, block } = tasks[0]!;
    const known = thread.keys.get(key);
    const number = known ?? thread.keys.size;
    if (known === undefined) thread.keys.set(key, number);
    const blocks = new Uint8Array(tasks.length * block.length);
    for (const [i, task] of tasks.entries()) blocks.set(task.block, i * block.length);
    thread.tasks = tasks;
    thread.worker.ref();
    const message = { number, blocks, length: block.length };
    thread.worker.postMessage(known === undefined ? { ...message, key } : message, [blocks.buffer]);
  }

  #answer(thread: Thread, padded: Uint8Array): void {
    const { tasks } = thread;
    thread.tasks = [];
    thread.worker.unref();
    this.#idle.push(thread);
    const length = padded.length / tasks.length;
    for (const [i, { settle }] of tasks.entries())
      settle(SecretBytes.take(plainBytes(padded.subarray(i * length, (i + 1) * length))));
    this.#distribute();
  }

  /** A thread ended. What it worked on fails; what still waits goes to others, or fails too where threads cannot be had. */
  #lose(thread: Thread): void {
    const isLast = this.#threads.length === 1 && this.#threads[0] === thread;
    for (const list of [this.#threads, this.#idle]) {
      const at = list.indexOf(thread);
      if (at !== -1) list.splice(at, 1);
    }
    for (const { fail } of thread.tasks) fail(closed());
    thread.tasks = [];
    if (isLast) for (const { fail } of this.#queue.splice(0)) fail(closed());
    else this.#distribute();
  }
}

function closed(): KeyStoreError {
  return new KeyStoreError('HANDLE_INVALID', 'the threads that do RSA were closed');
}

/** Enough that sending costs little beside RSA, few enough that all threads end at about the same time. */
const BLOCKS_AT_ONCE = 32;
/** What a thread runs. The answer's buffer is handed over, not copied. */
const THREAD = `
const { parentPort } = require('node:worker_threads');
const { privateDecrypt, constants } = require('node:crypto');
const keys = [];
parentPort.on('message', ({ number, key, blocks, length }) => {
  if (key) keys[number] = { key, padding: constants.RSA_NO_PADDING };
  const padded = new Uint8Array(new ArrayBuffer(blocks.length));
  for (let at = 0; at < blocks.length; at += length) {
    try {
      const block = privateDecrypt(keys[number], blocks.subarray(at, at + length));
      padded.set(block, at);
      block.fill(0);
    } catch {}
  }
  parentPort.postMessage(padded, [padded.buffer]);
});
`;
