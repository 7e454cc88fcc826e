/** RandomPool: randomness for many small secrets, asked for some hundred at a time: each call costs as much as a kilobyte. */
import { randomFillSync } from 'node:crypto';
import { SecretBytes, type RandomFill } from './secret-bytes.ts';

/** What it gave away it forgets at once, and no byte is given twice. */
export class RandomPool implements Disposable {
  readonly #pool = new SecretBytes(POOL_LENGTH);
  readonly #source: RandomFill;
  #at = POOL_LENGTH;

  /** @param source - Replaced only to get known answers in tests. */
  constructor(source: RandomFill = randomFillSync) {
    this.#source = source;
  }

  /**
   * Puts into all of `target` fresh randomness.
   *
   * @throws KeyStoreError HANDLE_INVALID once the pool was disposed of.
   */
  into(target: Uint8Array): void {
    const pool = this.#pool.bytes;
    if (target.length > pool.length) {
      this.#source(target);
      return;
    }
    if (this.#at + target.length > pool.length) {
      this.#source(pool);
      this.#at = 0;
    }
    const given = pool.subarray(this.#at, this.#at + target.length);
    target.set(given);
    given.fill(0);
    this.#at += target.length;
  }

  /** Wipes what was not given away. */
  [Symbol.dispose](): void {
    this.#pool.dispose();
  }
}

const POOL_LENGTH = 4096;
