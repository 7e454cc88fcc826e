/** A cursor over DER (X.690): one encoding for each value, everything else refused. */
import { BlobFormatError, type KeyStoreErrorCode } from '../errors.ts';
import { fieldTrace } from './field-trace.ts';
import { decodeUtf8 } from './octets.ts';
import { TAG } from './der-tags.ts';

/** Lengths are read up to 3 bytes: a record is at most 1 MiB, so a longer length field is a lie. */
const MAX_LENGTH_BYTES = 3;

/**
 * What a value may be: a number's bounds, or those of a string's length in bytes, and another tag where it is IMPLICIT.
 *
 * Written `{ tag, ...BOUNDS }`, here and wherever records are made or read: an object that gets a property *after* a spread takes V8
 * 15 times as long (measured on Node 20) and lives on into the old generation.
 */
export interface DerBounds {
  readonly min?: number;
  readonly max?: number;
  readonly tag?: number;
}

export class DerReader {
  readonly format: string;
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #offset: number;

  /** @param format - Name of the outermost type, for errors. */
  constructor(bytes: Uint8Array, format: string, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#offset = start;
    this.#end = end;
    this.format = format;
  }

  /** The next tag, or -1 at the end. */
  peek(): number {
    return this.#offset < this.#end ? this.#bytes[this.#offset]! : -1;
  }

  /** Contents of the next value, which must have `tag`: a view of the input. */
  read(tag: number, field: string): Uint8Array {
    const start = this.#header(tag, field);
    return this.#bytes.subarray(start, this.#offset);
  }

  /** The next value whole, with its tag and length: a view of the input. */
  element(tag: number, field: string): Uint8Array {
    const start = this.#offset;
    this.#header(tag, field);
    return this.#bytes.subarray(start, this.#offset);
  }

  /** A cursor over the contents of the next value. */
  enter(tag: number, field: string): DerReader {
    const start = this.#header(tag, field);
    return new DerReader(this.#bytes, this.format, start, this.#offset);
  }

  /** The next bytes must be exactly this encoding. */
  expect(encoding: Uint8Array, field: string, code?: KeyStoreErrorCode): this {
    const start = this.#offset;
    if (start + encoding.length > this.#end) this.fail(field, 'cut short');
    for (let i = 0; i < encoding.length; i++) {
      if (this.#bytes[start + i] !== encoding[i])
        this.fail(field, 'not the value that the profile has here', code);
    }
    this.#offset = start + encoding.length;
    if (fieldTrace) this.#tellEncoding(field, start);
    return this;
  }

  /** Takes the next bytes if they are exactly this encoding. */
  accept(encoding: Uint8Array): boolean {
    const start = this.#offset;
    if (start + encoding.length > this.#end) return false;
    for (let i = 0; i < encoding.length; i++)
      if (this.#bytes[start + i] !== encoding[i]) return false;
    this.#offset = start + encoding.length;
    if (fieldTrace) this.#tellEncoding('constant', start);
    return true;
  }

  /** A non-negative INTEGER within bounds. At most 48 bits. */
  integer(field: string, { min = 0, max = 0xffffffff, tag = TAG.INTEGER }: DerBounds = {}): number {
    const at = this.#offset;
    const bytes = this.read(tag, field);
    const problem = integerProblem(bytes);
    if (problem) this.#failAt(at, field, problem);
    let value = 0;
    for (const byte of bytes) value = value * 256 + byte;
    fieldTrace?.number(value);
    if (value < min || value > max) this.#failAt(at, field, `want ${min} to ${max}, got ${value}`);
    return value;
  }

  /** A positive INTEGER of at most `maxLength` bytes without its sign byte: a view of the input. */
  positive(field: string, maxLength = Infinity): Uint8Array {
    const at = this.#offset;
    const contents = this.read(TAG.INTEGER, field);
    const first = contents[0];
    if (first === undefined || first & 0x80) this.#failAt(at, field, 'want a positive number');
    if (first === 0 && !(contents[1]! & 0x80))
      this.#failAt(at, field, 'INTEGER is zero or not minimal');
    const number = contents.subarray(first === 0 ? 1 : 0);
    if (number.length > maxLength)
      this.#failAt(at, field, `want at most ${maxLength} bytes, got ${number.length}`);
    return number;
  }

  /** An OCTET STRING of between `min` and `max` bytes: a view of the input. */
  octets(
    field: string,
    { min = 0, max = 1 << 20, tag = TAG.OCTET_STRING }: DerBounds = {},
  ): Uint8Array {
    const at = this.#offset;
    const bytes = this.read(tag, field);
    if (bytes.length < min || bytes.length > max) {
      this.#failAt(
        at,
        field,
        min === max
          ? `want ${min} bytes, got ${bytes.length}`
          : `want ${min} to ${max} bytes, got ${bytes.length}`,
      );
    }
    return bytes;
  }

  /** A UTF8String of between `min` and `max` bytes without control characters. */
  utf8(field: string, { min = 0, max = 1 << 12, tag = TAG.UTF8_STRING }: DerBounds = {}): string {
    const at = this.#offset;
    const text = decodeUtf8(this.octets(field, { min, max, tag }));
    if (text === undefined) this.#failAt(at, field, 'not UTF-8');
    // A label is printed on terminals: escape sequences must not travel in it.
    if (/[\u0000-\u001f\u007f-\u009f]/.test(text))
      this.#failAt(at, field, 'has control characters');
    return text;
  }

  /** A GeneralizedTime or UTCTime in the one form that DER has: seconds, `Z`, no fraction. */
  time(field: string, tag: number = TAG.GENERALIZED_TIME): Date {
    const at = this.#offset;
    const utc = tag === TAG.UTC_TIME;
    const numbers = pairsOfDigits(this.octets(field, { max: 15, tag }));
    if (numbers?.length !== (utc ? 6 : 7)) this.#failAt(at, field, 'not a time in DER form');
    const [month, day, hour, minute, second] = numbers.slice(-5) as TimeOfYear;
    // RFC 5280 section 4.1.2.5.1: two-digit years 50 to 99 are of the twentieth century.
    const year = utc
      ? numbers[0]! + (numbers[0]! >= 50 ? 1900 : 2000)
      : numbers[0]! * 100 + numbers[1]!;
    const date = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
    if (
      year < 100 ||
      date.getUTCMonth() !== month - 1 ||
      date.getUTCDate() !== day ||
      hour > 23 ||
      minute > 59 ||
      second > 59
    ) {
      this.#failAt(at, field, 'no such time');
    }
    return date;
  }

  /** Refuses trailing bytes. */
  end(field = 'end'): void {
    if (this.#offset !== this.#end) this.fail(field, `${this.#end - this.#offset} trailing bytes`);
  }

  fail(field: string, problem: string, code?: KeyStoreErrorCode): never {
    this.#failAt(this.#offset, field, problem, code);
  }

  /** Moves over one tag and length; answers where the contents start. */
  #header(tag: number, field: string): number {
    const bytes = this.#bytes;
    const start = this.#offset;
    if (start + 2 > this.#end) this.fail(field, 'cut short');
    if (bytes[start] !== tag) this.fail(field, `want tag ${hex(tag)}, got ${hex(bytes[start]!)}`);
    let length = bytes[start + 1]!;
    let contents = start + 2;
    if (length & 0x80) {
      const count = length & 0x7f;
      if (count === 0) this.fail(field, 'indefinite length');
      if (count > MAX_LENGTH_BYTES) this.fail(field, `length field of ${count} bytes`);
      if (contents + count > this.#end) this.fail(field, 'cut short');
      length = 0;
      for (let i = 0; i < count; i++) length = length * 256 + bytes[contents + i]!;
      contents += count;
      if (length < 128 || (count > 1 && length < 2 ** (8 * (count - 1))))
        this.fail(field, 'length is not minimal');
    }
    if (contents + length > this.#end)
      this.fail(field, `want ${length} bytes, ${this.#end - contents} left`);
    this.#offset = contents + length;
    if (fieldTrace) this.#tell(field, start, contents);
    return contents;
  }

  /** Tells the trace of a value that was just read, up to the cursor. */
  #tell(field: string, start: number, contents: number): void {
    fieldTrace?.read({
      memory: this.#bytes,
      at: start,
      length: this.#offset - start,
      format: this.format,
      field,
      kind: 'der',
      header: contents - start,
    });
  }

  /** The same of a known encoding, which may be several values: its own header is found again. */
  #tellEncoding(field: string, start: number): void {
    const first = this.#bytes[start + 1]!;
    this.#tell(field, start, start + 2 + (first & 0x80 ? first & 0x7f : 0));
  }

  // oxlint-disable-next-line max-params -- the place, then what fail() takes
  #failAt(offset: number, field: string, problem: string, code?: KeyStoreErrorCode): never {
    const fault = { format: this.format, field, offset, problem };
    fieldTrace?.refuse(this.#bytes, offset, fault);
    throw new BlobFormatError(fault, code);
  }
}

type TimeOfYear = [month: number, day: number, hour: number, minute: number, second: number];

/** Numbers of two digits each, up to a Z at the very end; undefined for anything else. */
function pairsOfDigits(text: Uint8Array): number[] | undefined {
  const numbers: number[] = [];
  let at = 0;
  for (; at + 2 < text.length; at += 2) {
    const [tens, ones] = [text[at]! - DIGIT_0, text[at + 1]! - DIGIT_0];
    if (!(tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9)) return undefined;
    numbers.push(tens * 10 + ones);
  }
  return at === text.length - 1 && text[at] === LETTER_Z ? numbers : undefined;
}

function integerProblem(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return 'empty INTEGER';
  if (bytes[0]! & 0x80) return 'negative';
  if (bytes.length > 1 && bytes[0] === 0 && !(bytes[1]! & 0x80)) return 'INTEGER is not minimal';
  if (bytes.length > 7 || (bytes.length === 7 && bytes[0] !== 0)) return 'INTEGER too large';
  return undefined;
}

function hex(tag: number): string {
  return `0x${tag.toString(16).padStart(2, '0')}`;
}

const DIGIT_0 = 0x30;
const LETTER_Z = 0x5a;
