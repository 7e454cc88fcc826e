/** SecretBytes: key material in a buffer of its own that is wiped when it is disposed of. */
import { randomFillSync } from 'node:crypto';
import { KeyStoreError } from '../errors.ts';

let lockPages: ((bytes: Uint8Array) => void) | undefined;

/**
 * From now on the pages of every new secret of this thread are locked, for a process that holds other people's keys.
 *
 * @param lock - Locks the pages that these bytes lie on. It may fail silently; it must not keep the bytes.
 */
export function lockSecretPages(lock: (bytes: Uint8Array) => void): void {
  lockPages = lock;
}

/**
 * Key material in a buffer of its own.
 *
 * The bytes lie outside V8's moving heap (`new ArrayBuffer`), are filled in place, and are overwritten on dispose; after that every
 * use throws HANDLE_INVALID. They never turn into a string, JSON or a log line. What JavaScript cannot promise is in SECURITY.md.
 *
 * @example
 * ```ts
 * using key = SecretBytes.random(32);
 * ```
 */
export class SecretBytes implements Disposable {
  #bytes: Uint8Array | undefined;

  /** @param length - Size in bytes; filled with zeros until somebody fills it in place. */
  constructor(length: number) {
    this.#bytes = new Uint8Array(new ArrayBuffer(length));
    lockPages?.(this.#bytes);
  }

  /** Fresh randomness. `fill` is replaced only to get known answers in tests. */
  static random(length: number, fill: RandomFill = randomFillSync): SecretBytes {
    const secret = new SecretBytes(length);
    fill(secret.bytes);
    return secret;
  }

  /** Copies `bytes` in and wipes the source. */
  static take(bytes: Uint8Array): SecretBytes {
    const secret = SecretBytes.copy(bytes);
    bytes.fill(0);
    return secret;
  }

  /** Copies `bytes` in; the caller still owns, and wipes, the source. */
  static copy(bytes: Uint8Array): SecretBytes {
    const secret = new SecretBytes(bytes.length);
    secret.bytes.set(bytes);
    return secret;
  }

  /** The bytes themselves, not a copy: do not keep them beyond the secret's life. */
  get bytes(): Uint8Array {
    if (!this.#bytes) throw new KeyStoreError('HANDLE_INVALID', 'this key was disposed of');
    return this.#bytes;
  }

  get length(): number {
    return this.bytes.length;
  }

  get disposed(): boolean {
    return this.#bytes === undefined;
  }

  dispose(): void {
    this.#bytes?.fill(0);
    this.#bytes = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  toString(): string {
    return '[SecretBytes]';
  }

  toJSON(): string {
    return '[SecretBytes]';
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[SecretBytes]';
  }
}

/** Fills an array with randomness in place. */
export type RandomFill = (target: Uint8Array) => unknown;
