/** A cursor over a little-endian Windows structure; every read names its field for the error. */
import { BlobFormatError, type KeyStoreErrorCode } from '../errors.ts';
import { fieldTrace, type FieldKind } from './field-trace.ts';

/** Bounds of a number field, inclusive. */
export interface FieldBounds {
  readonly min?: number;
  readonly max?: number;
  readonly multipleOf?: number;
}

export class BlobReader {
  readonly format: string;
  #bytes: Uint8Array;
  #view: DataView;
  #offset = 0;
  #base: number;

  constructor(bytes: Uint8Array, format: string, base = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.format = format;
    this.#base = base;
  }

  /** Bytes not read yet. */
  get left(): number {
    return this.#bytes.length - this.#offset;
  }

  /** Where the cursor stands, from the start of the whole input. */
  get offset(): number {
    return this.#base + this.#offset;
  }

  u8(field: string): number {
    const at = this.#take(field, 1);
    const value = this.#view.getUint8(at);
    if (fieldTrace) this.#tell('u8', field, at, value);
    return value;
  }

  u16le(field: string): number {
    const at = this.#take(field, 2);
    const value = this.#view.getUint16(at, true);
    if (fieldTrace) this.#tell('u16', field, at, value);
    return value;
  }

  u16be(field: string): number {
    const at = this.#take(field, 2);
    const value = this.#view.getUint16(at);
    if (fieldTrace) this.#tell('u16', field, at, value);
    return value;
  }

  u32le(field: string): number {
    const at = this.#take(field, 4);
    const value = this.#view.getUint32(at, true);
    if (fieldTrace) this.#tell('u32', field, at, value);
    return value;
  }

  u32be(field: string): number {
    const at = this.#take(field, 4);
    const value = this.#view.getUint32(at);
    if (fieldTrace) this.#tell('u32', field, at, value);
    return value;
  }

  /** A u32 within bounds that the format's specification sets. */
  u32leIn(field: string, bounds: FieldBounds): number {
    const value = this.u32le(field);
    const { min = 0, max = 0xffffffff, multipleOf = 1 } = bounds;
    if (value < min || value > max) {
      this.#offset -= 4;
      this.fail(field, `want ${min} to ${max}, got ${value}`);
    }
    if (value % multipleOf !== 0) {
      this.#offset -= 4;
      this.fail(field, `want a multiple of ${multipleOf}, got ${value}`);
    }
    return value;
  }

  expectU8(field: string, want: number, code?: KeyStoreErrorCode): void {
    const got = this.u8(field);
    if (got !== want) this.#unexpected(field, 1, `want ${hex(want, 2)}, got ${hex(got, 2)}`, code);
  }

  expectU16le(field: string, want: number): void {
    const got = this.u16le(field);
    if (got !== want) this.#unexpected(field, 2, `want ${hex(want, 4)}, got ${hex(got, 4)}`);
  }

  expectU32le(field: string, want: number): void {
    const got = this.u32le(field);
    if (got !== want) this.#unexpected(field, 4, `want ${hex(want, 8)}, got ${hex(got, 8)}`);
  }

  /** The next `length` bytes, as a view of the input. */
  bytes(field: string, length: number): Uint8Array {
    const start = this.#take(field, length);
    if (fieldTrace) this.#tell('bytes', field, start);
    return this.#bytes.subarray(start, start + length);
  }

  /** A cursor over the next `length` bytes. */
  sub(field: string, length: number): BlobReader {
    const base = this.offset;
    const start = this.#take(field, length);
    if (fieldTrace) this.#tell('structure', field, start);
    return new BlobReader(this.#bytes.subarray(start, start + length), this.format, base);
  }

  /** All that is left, as a view of the input. */
  rest(field: string): Uint8Array {
    return this.bytes(field, this.left);
  }

  /** Refuses trailing bytes. Every decoder ends with it. */
  end(): void {
    if (this.left !== 0) this.fail('end', `${this.left} trailing bytes`);
  }

  fail(field: string, problem: string, code?: KeyStoreErrorCode): never {
    return this.failAt(this.offset, field, problem, code);
  }

  /** Fails at a field that the cursor is past: `offset` is what {@link offset} was before it. */
  failAt(offset: number, field: string, problem: string, code?: KeyStoreErrorCode): never {
    const fault = { format: this.format, field, offset, problem };
    fieldTrace?.refuse(this.#bytes, offset - this.#base, fault);
    throw new BlobFormatError(fault, code);
  }

  #take(field: string, length: number): number {
    if (length > this.left) this.fail(field, `want ${length} bytes, ${this.left} left`);
    const start = this.#offset;
    this.#offset += length;
    return start;
  }

  /** Tells the trace of a field that was just read, up to the cursor. */
  // oxlint-disable-next-line max-params -- one call in each read, and no object for it unless it is traced
  #tell(kind: FieldKind, field: string, at: number, value?: number): void {
    fieldTrace?.read({
      memory: this.#bytes,
      at,
      length: this.#offset - at,
      format: this.format,
      field,
      kind,
      ...(value !== undefined && { value }),
    });
  }

  #unexpected(field: string, size: number, problem: string, code?: KeyStoreErrorCode): never {
    this.#offset -= size;
    this.fail(field, problem, code);
  }
}

function hex(value: number, digits: number): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}
