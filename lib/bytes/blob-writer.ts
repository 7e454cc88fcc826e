/** Writes a little-endian Windows structure of a length known beforehand, so that a secret is never copied by growth. */
import { KeyStoreError } from '../errors.ts';

export class BlobWriter {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  /** @param length - Exact size of the result in bytes; `finish` checks it. */
  constructor(length: number) {
    // A buffer of its own: small pooled arrays would be moved and copied by the garbage collector.
    this.#bytes = new Uint8Array(new ArrayBuffer(length));
    this.#view = new DataView(this.#bytes.buffer);
  }

  u8(value: number): this {
    this.#view.setUint8(this.#advance(1), value);
    return this;
  }

  u16le(value: number): this {
    this.#view.setUint16(this.#advance(2), value, true);
    return this;
  }

  u16be(value: number): this {
    this.#view.setUint16(this.#advance(2), value);
    return this;
  }

  u32le(value: number): this {
    this.#view.setUint32(this.#advance(4), value, true);
    return this;
  }

  u32be(value: number): this {
    this.#view.setUint32(this.#advance(4), value);
    return this;
  }

  bytes(value: Uint8Array): this {
    this.#bytes.set(value, this.#advance(value.length));
    return this;
  }

  /** `value`, zero-padded at the end to `length` bytes: a little-endian number in a field of fixed size. */
  padded(value: Uint8Array, length: number): this {
    const start = this.#advance(length);
    this.#bytes.set(value, start);
    return this;
  }

  finish(): Uint8Array {
    if (this.#offset !== this.#bytes.length) {
      throw new KeyStoreError('INTERNAL', `wrote ${this.#offset} of ${this.#bytes.length} bytes`);
    }
    return this.#bytes;
  }

  #advance(size: number): number {
    const start = this.#offset;
    if (start + size > this.#bytes.length) {
      throw new KeyStoreError(
        'INTERNAL',
        `no room for ${size} bytes at ${start} of ${this.#bytes.length}`,
      );
    }
    this.#offset += size;
    return start;
  }
}
