/**
 * Frames: where one message ends and the next begins.
 *
 *   frame = length (4 bytes, big-endian) ‖ body (length bytes)
 *
 * The length is checked against the limit before anything is allocated for the body.
 */
import { protocolError } from './protocol-error.ts';

const HEADER_LENGTH = 4;

/** Takes frames out of a stream of bytes, in whatever pieces it comes. */
export class FrameReader {
  readonly #onBody: (body: Uint8Array) => void;
  #limit: number;
  readonly #header = new Uint8Array(HEADER_LENGTH);
  #headerFilled = 0;
  /** Of a frame whose end has not come yet. */
  #body: Uint8Array | undefined;
  #bodyFilled = 0;

  /**
   * @param onBody - Called with each body: a view of the piece that it came in, or memory of its own where it came in several. It is
   *   the callee's until it returns; what it keeps longer, it copies, unless it owns the pieces.
   */
  constructor(limit: number, onBody: (body: Uint8Array) => void) {
    this.#limit = limit;
    this.#onBody = onBody;
  }

  /** From the next frame on. */
  setLimit(limit: number): void {
    this.#limit = limit;
  }

  /** Is the beginning of a frame here, and its end not? */
  get isHalf(): boolean {
    return this.#headerFilled > 0;
  }

  /** Owns the piece: what is copied out of it is wiped there. @throws KeyStoreError AGENT_PROTOCOL for a body that is empty or longer than the limit: nothing after it can be read. */
  push(piece: Uint8Array): void {
    let at = 0;
    while (at < piece.length) {
      if (this.#headerFilled < HEADER_LENGTH) {
        const count = Math.min(HEADER_LENGTH - this.#headerFilled, piece.length - at);
        this.#header.set(piece.subarray(at, at + count), this.#headerFilled);
        this.#headerFilled += count;
        at += count;
        if (this.#headerFilled < HEADER_LENGTH) return;
      }
      at += this.#take(piece, at);
    }
  }

  /** Forgets, and wipes, what has come of a frame. */
  wipe(): void {
    this.#body?.fill(0);
    this.#body = undefined;
    this.#headerFilled = 0;
    this.#bodyFilled = 0;
  }

  /** The frame's body, or as much of it as is here; answers how many bytes were taken. */
  #take(piece: Uint8Array, at: number): number {
    const length = this.#bodyLength();
    if (!this.#body && piece.length - at >= length) {
      this.#headerFilled = 0;
      this.#onBody(piece.subarray(at, at + length));
      return length;
    }
    const body = (this.#body ??= new Uint8Array(new ArrayBuffer(length)));
    const count = Math.min(length - this.#bodyFilled, piece.length - at);
    const part = piece.subarray(at, at + count);
    body.set(part, this.#bodyFilled);
    // The body is wiped by whoever knows that it is secret, and knows nothing of the pieces.
    part.fill(0);
    this.#bodyFilled += count;
    if (this.#bodyFilled < length) return count;
    this.#body = undefined;
    this.#bodyFilled = 0;
    this.#headerFilled = 0;
    this.#onBody(body);
    return count;
  }

  #bodyLength(): number {
    const [a, b, c, d] = this.#header as unknown as readonly [number, number, number, number];
    const length = a * 0x1000000 + (b << 16) + (c << 8) + d;
    if (length === 0 || length > this.#limit)
      throw protocolError(`a frame of ${length} bytes; want 1 to ${this.#limit}`);
    return length;
  }
}

/** A frame around `body`, in memory of its own: who sends a secret wipes it once it is sent. */
export function encodeFrame(body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(new ArrayBuffer(HEADER_LENGTH + body.length));
  frame[0] = body.length >>> 24;
  frame[1] = body.length >>> 16;
  frame[2] = body.length >>> 8;
  frame[3] = body.length;
  frame.set(body, HEADER_LENGTH);
  return frame;
}
