/** LineEditor: a line typed at a terminal in raw mode, kept as bytes that are wiped. */
import { SecretBytes } from '../keys/secret-bytes.ts';
import { usage } from './errors.ts';

const CTRL_C = 0x03;
const CTRL_D = 0x04;
const BACKSPACE = 0x08;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const CTRL_U = 0x15;
const ESCAPE = 0x1b;
const DELETE = 0x7f;
const LEFT_BRACKET = 0x5b;
const LETTER_O = 0x4f;

export type LineState = 'open' | 'done' | 'cancelled';

export class LineEditor implements Disposable {
  readonly #line: SecretBytes;
  #length = 0;
  /** Where in an escape sequence: an arrow key sends ESC [ A. */
  #escape: 'none' | 'started' | 'sequence' = 'none';

  constructor(limit: number) {
    this.#line = new SecretBytes(limit);
  }

  get length(): number {
    return this.#length;
  }

  /** What was typed so far: a view. */
  get bytes(): Uint8Array {
    return this.#line.bytes.subarray(0, this.#length);
  }

  /** Takes what the terminal sent; what follows the line's end is dropped. */
  feed(chunk: Uint8Array): LineState {
    for (const byte of chunk) {
      const state = this.#key(byte);
      if (state !== 'open') return state;
    }
    return 'open';
  }

  /** The line, in a buffer of its own that the caller owns. */
  take(): SecretBytes {
    return SecretBytes.copy(this.bytes);
  }

  dispose(): void {
    this.#line.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #key(byte: number): LineState {
    if (this.#inEscape(byte)) return 'open';
    switch (byte) {
      case CARRIAGE_RETURN:
      case LINE_FEED:
        return 'done';
      case CTRL_C:
        return 'cancelled';
      case CTRL_D:
        return this.#length === 0 ? 'cancelled' : 'done';
      case BACKSPACE:
      case DELETE:
        this.#eraseCharacter();
        return 'open';
      case CTRL_U:
        this.#eraseTo(0);
        return 'open';
      default:
        // Other control keys mean nothing in a line.
        if (byte >= 0x20) this.#append(byte);
        return 'open';
    }
  }

  #inEscape(byte: number): boolean {
    switch (this.#escape) {
      case 'none':
        if (byte !== ESCAPE) return false;
        this.#escape = 'started';
        return true;
      case 'started':
        this.#escape = byte === LEFT_BRACKET || byte === LETTER_O ? 'sequence' : 'none';
        return true;
      case 'sequence':
        // The final byte of a control sequence (ECMA-48 section 5.4) is 0x40 to 0x7e.
        if (byte >= 0x40 && byte <= 0x7e) this.#escape = 'none';
        return true;
    }
  }

  #append(byte: number): void {
    if (this.#length === this.#line.length)
      throw usage(
        `the line is longer than ${this.#line.length} bytes`,
        'give a long secret in a file',
      );
    this.#line.bytes[this.#length++] = byte;
  }

  /** A whole UTF-8 character: back over its continuation bytes. */
  #eraseCharacter(): void {
    let at = this.#length;
    while (at > 0 && (this.#line.bytes[--at]! & 0xc0) === 0x80);
    this.#eraseTo(at);
  }

  #eraseTo(length: number): void {
    this.#line.bytes.fill(0, length, this.#length);
    this.#length = length;
  }
}
