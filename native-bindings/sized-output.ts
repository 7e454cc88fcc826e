/** Outputs whose length only the called function knows: asked with no buffer, then filled. */
import { hasStatus, WINDOWS_STATUS } from './windows-status.ts';

/** One call. `length` is the in-and-out count of bytes; without a buffer the function only says how many it needs. */
export type SizedCall = (buffer: Uint8Array | null, length: [number]) => void;

/** A property that somebody else makes longer all the time is refused in the end. */
const ATTEMPTS = 3;

/**
 * Calls a function twice: for the length, then for the bytes.
 *
 * @returns A fresh array of exactly the bytes. The caller wipes it where they are secret; a longer one in between was wiped.
 */
export function readSized(call: SizedCall): Uint8Array {
  for (let attempt = 1; ; attempt++) {
    const length: [number] = [0];
    call(null, length);
    if (length[0] === 0) return new Uint8Array(0);
    const buffer = new Uint8Array(length[0]);
    try {
      call(buffer, length);
      return takeExactly(buffer, length[0]);
    } catch (error) {
      buffer.fill(0);
      if (attempt === ATTEMPTS || !hasStatus(error, ...TOO_SMALL)) throw error;
    }
  }
}

/** The first `length` bytes of a buffer as an array of their own; the buffer is wiped unless it is that array. */
export function takeExactly(buffer: Uint8Array, length: number): Uint8Array {
  if (length === buffer.length) return buffer;
  const exact = buffer.slice(0, length);
  buffer.fill(0);
  return exact;
}

const TOO_SMALL = [
  WINDOWS_STATUS.ERROR_MORE_DATA,
  WINDOWS_STATUS.NTE_BUFFER_TOO_SMALL,
  WINDOWS_STATUS.STATUS_BUFFER_TOO_SMALL,
];
