/**
 * Verifying many signatures on all cores: in worker threads, a batch at a time.
 *
 * What a thread does is given as text, as in rsa-threads.ts: it needs no file beside whatever keycask was bundled into. It says whether a signature
 * fits, and nothing else; what was signed, and by whom, was read and decided before, in the thread that asks.
 */
import { constants } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { schemeHash, type SignatureScheme } from '../cms/algorithms.ts';
import { verifySignature, type CheckSignature } from './signature.ts';

/** One signature and who waits for it. */
interface Task {
  readonly spki: Uint8Array;
  readonly scheme: SignatureScheme;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  readonly settle: (fits: boolean) => void;
}

/** A thread and the batches that it has not answered, oldest first. */
interface Thread {
  readonly worker: Worker;
  readonly batches: (readonly Task[])[];
}

/** What a thread is sent: of each signature its scheme, the number of its key, and how long key, message and signature are in `bytes`. */
interface Batch {
  readonly keys: readonly Uint8Array[];
  readonly tasks: readonly (readonly [
    scheme: SignatureScheme,
    key: number,
    messageLength: number,
    signatureLength: number,
  ])[];
  readonly bytes: Uint8Array;
}

/** Threads that verify. Whoever has few signatures to verify starts none. */
export class SignatureThreads implements AsyncDisposable {
  readonly #threads: Thread[] = [];
  readonly #jobs: number;
  #queue: Task[] = [];
  #asked = 0;
  #isScheduled = false;
  #isClosed = false;

  /** @param jobs - Threads; default one for each core. With 1 all is done in this thread. */
  constructor(jobs: number = availableParallelism()) {
    this.#jobs = jobs;
  }

  /** As `verifySignature`. Nobody changes the bytes until the promise resolves. Where a thread cannot be had, this one does its work. */
  // oxlint-disable-next-line max-params -- the four things that a verification is made of
  readonly verify: CheckSignature = (spki, scheme, message, signature) => {
    if (this.#isClosed || this.#jobs <= 1 || ++this.#asked <= FEW)
      return Promise.resolve(verifySignature(spki, scheme, message, signature));
    return new Promise((settle) => {
      this.#queue.push({ spki, scheme, message, signature, settle });
      if (this.#isScheduled) return;
      this.#isScheduled = true;
      // What was asked in one turn of the event loop travels together.
      setImmediate(() => {
        this.#isScheduled = false;
        this.#distribute();
      });
    });
  };

  /** Threads that are there now. */
  get size(): number {
    return this.#threads.length;
  }

  /** Ends the threads; what waits is verified in this one. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#distribute();
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #distribute(): void {
    const tasks = this.#queue;
    this.#queue = [];
    const share = Math.min(AT_ONCE, Math.ceil(tasks.length / this.#jobs));
    for (let at = 0; at < tasks.length; at += share)
      this.#give(tasks.slice(at, at + share), this.#freest());
  }

  #give(tasks: readonly Task[], thread: Thread | undefined): void {
    if (!thread) {
      for (const { spki, scheme, message, signature, settle } of tasks)
        settle(verifySignature(spki, scheme, message, signature));
      return;
    }
    if (thread.batches.length === 0) thread.worker.ref();
    thread.batches.push(tasks);
    const batch = pack(tasks);
    thread.worker.postMessage(batch, [batch.bytes.buffer as ArrayBuffer]);
  }

  /** The thread with the fewest batches; a new one rather than one that is at work. */
  #freest(): Thread | undefined {
    if (this.#isClosed) return undefined;
    let freest: Thread | undefined;
    for (const thread of this.#threads)
      if (!freest || thread.batches.length < freest.batches.length) freest = thread;
    if (freest?.batches.length === 0 || this.#threads.length >= this.#jobs) return freest;
    return this.#start() ?? freest;
  }

  #start(): Thread | undefined {
    try {
      const worker = new Worker(THREAD, { eval: true, stdin: false, execArgv: [] });
      const thread: Thread = { worker, batches: [] };
      worker.on('message', (fits: readonly boolean[]) => answer(thread, fits));
      worker.on('error', () => this.#lose(thread));
      worker.on('exit', () => this.#lose(thread));
      // A program that forgets to close is not kept alive by threads that have nothing to do.
      worker.unref();
      this.#threads.push(thread);
      return thread;
    } catch {
      // A process that may start no threads, or has no memory for one.
      return undefined;
    }
  }

  /** A thread ended. What it had is verified here: that it ended says nothing of a signature. */
  #lose(thread: Thread): void {
    const at = this.#threads.indexOf(thread);
    if (at !== -1) this.#threads.splice(at, 1);
    for (const tasks of thread.batches.splice(0)) this.#give(tasks, undefined);
  }
}

function answer({ worker, batches }: Thread, fits: readonly boolean[]): void {
  const tasks = batches.shift() ?? [];
  if (batches.length === 0) worker.unref();
  for (const [i, { settle }] of tasks.entries()) settle(fits[i]!);
}

function pack(tasks: readonly Task[]): Batch {
  // Of many records few signers: the same bytes, though not always the same array.
  const keys = new Map<string, { readonly number: number; readonly spki: Uint8Array }>();
  const numberOf = (spki: Uint8Array): number => {
    const name = Buffer.from(spki.buffer, spki.byteOffset, spki.length).toString('latin1');
    const known = keys.get(name) ?? { number: keys.size, spki };
    keys.set(name, known);
    return known.number;
  };
  const parts = tasks.flatMap(({ message, signature }) => [message, signature]);
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return {
    tasks: tasks.map(
      ({ spki, scheme, message, signature }) =>
        [scheme, numberOf(spki), message.length, signature.length] as const,
    ),
    keys: [...keys.values()].map(({ spki }) => spki),
    bytes,
  };
}

/** A thread costs some 30 ms to start: as much as so many signatures of P-256. */
const FEW = 256;
/** Enough that sending costs little beside verifying, few enough that all threads end at about the same time. */
const AT_ONCE = 32;
const SCHEMES: Record<SignatureScheme, object> = {
  'rsa-pkcs1-sha256': { type: 'rsa', padding: constants.RSA_PKCS1_PADDING },
  'rsa-pss-sha256': { type: 'rsa', padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 },
  'ecdsa-sha256': { type: 'ec' },
  'ecdsa-sha384': { type: 'ec' },
};
const HASHES = Object.fromEntries(
  (Object.keys(SCHEMES) as SignatureScheme[]).map((scheme) => [scheme, schemeHash(scheme)]),
);
/** What a thread runs: what verifySignature does. A key that cannot be read fits nothing; the asking thread would not have sent it. */
const THREAD = `
const { parentPort } = require('node:worker_threads');
const { createPublicKey, verify } = require('node:crypto');
const schemes = ${JSON.stringify(SCHEMES)};
const hashes = ${JSON.stringify(HASHES)};
const parsed = new Map();
const keyOf = (spki) => {
  const name = Buffer.from(spki).toString('latin1');
  if (!parsed.has(name)) {
    if (parsed.size >= 256) parsed.delete(parsed.keys().next().value);
    parsed.set(name, createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }));
  }
  return parsed.get(name);
};
const fits = (key, scheme, message, signature) => {
  const { type, ...padding } = schemes[scheme];
  if ((key.asymmetricKeyType === 'rsa') !== (type === 'rsa')) return false;
  return verify(hashes[scheme], message, type === 'rsa' ? { key, ...padding } : key, signature);
};
parentPort.on('message', ({ keys, tasks, bytes }) => {
  let at = 0;
  const take = (length) => bytes.subarray(at, (at += length));
  parentPort.postMessage(
    tasks.map(([scheme, key, messageLength, signatureLength]) => {
      const message = take(messageLength);
      const signature = take(signatureLength);
      try {
        return fits(keyOf(keys[key]), scheme, message, signature);
      } catch {
        return false;
      }
    }),
  );
});
`;
