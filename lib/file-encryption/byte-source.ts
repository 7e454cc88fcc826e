/** ByteSource: bytes pulled in pieces of a size that the reader chooses, from an open file or from chunks of any size. */
import type { FileHandle } from 'node:fs/promises';
import { KeyStoreError } from '../errors.ts';
import { withFsErrors } from '../platform/fs-error.ts';

export interface ByteSource {
  /**
   * Fills `target` from the front.
   *
   * @returns Bytes written: fewer than `target` has only at the end.
   * @throws KeyStoreError CANCELLED
   */
  readInto(target: Uint8Array): Promise<number>;
}

/** An open file, from a position on. */
export class FileSource implements ByteSource {
  readonly #file: FileHandle;
  readonly #path: string;
  #position: number;

  /** @param path - For errors. */
  constructor(file: FileHandle, path: string, position = 0) {
    this.#file = file;
    this.#path = path;
    this.#position = position;
  }

  async readInto(target: Uint8Array): Promise<number> {
    const filled = await readAt(this.#file, this.#path, target, this.#position);
    this.#position += filled;
    return filled;
  }
}

/** Fills `target` with what stands at `position`; gives how much there was. */
export function readAt(
  file: FileHandle,
  path: string,
  target: Uint8Array,
  position: number,
): Promise<number> {
  return withFsErrors(path, async () => {
    let filled = 0;
    while (filled < target.length) {
      const left = target.length - filled;
      const { bytesRead } = await file.read(target, filled, left, position + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return filled;
  });
}

/** Chunks as a stream gives them. */
export class ChunkSource implements ByteSource {
  readonly #chunks: Chunks;
  readonly #iterator: AsyncIterator<Uint8Array> | Iterator<Uint8Array>;
  readonly #signal: AbortSignal | undefined;
  #rest: Uint8Array = NOTHING;
  #begun = false;
  #ended = false;

  constructor(chunks: Chunks, signal?: AbortSignal) {
    this.#chunks = chunks;
    this.#iterator =
      Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]();
    this.#signal = signal;
  }

  async readInto(target: Uint8Array): Promise<number> {
    let filled = 0;
    while (filled < target.length) {
      if (this.#rest.length === 0 && !(await this.#pull())) break;
      const taken = this.#rest.subarray(0, target.length - filled);
      target.set(taken, filled);
      filled += taken.length;
      this.#rest = this.#rest.subarray(taken.length);
    }
    return filled;
  }

  /** Lets go of a source that was not read to its end, so that a file or a socket behind it is closed. */
  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    // The iterator of a Node stream is a generator, which does nothing on return before its first next.
    if (!this.#begun && 'destroy' in this.#chunks && typeof this.#chunks.destroy === 'function')
      this.#chunks.destroy();
    // Not waited for: a generator that hangs in its own read would hang its reader too.
    Promise.resolve(this.#iterator.return?.()).catch(() => undefined);
  }

  async #pull(): Promise<boolean> {
    if (this.#ended) return false;
    this.#begun = true;
    const next = await orAbort(this.#iterator.next(), this.#signal);
    if (next.done) {
      this.#ended = true;
      return false;
    }
    if (!(next.value instanceof Uint8Array))
      throw new KeyStoreError('PARAMETER_INVALID', 'a stream to read has chunks of Uint8Array');
    this.#rest = next.value;
    return true;
  }
}

/** Node's and the web's streams are AsyncIterables; an array of chunks will do too. */
export type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** @throws KeyStoreError CANCELLED */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new KeyStoreError('CANCELLED');
}

const NOTHING = new Uint8Array(0);

/** What `work` gives, or CANCELLED as soon as the signal says so. */
function orAbort<T>(work: T | Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal?.aborted) return Promise.reject(new KeyStoreError('CANCELLED'));
  if (!signal) return Promise.resolve(work);
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(new KeyStoreError('CANCELLED'));
    signal.addEventListener('abort', onAbort, { once: true });
    Promise.resolve(work)
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', onAbort));
  });
}
