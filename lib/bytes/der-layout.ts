/** DER that holds secrets: laid out first, then written once and in place, so that no secret is copied as values nest (X.690). */
import { KeyStoreError } from '../errors.ts';
import { TAG } from './der-tags.ts';
import { derHeaderLength, writeDerHeader } from './der-writer.ts';

/** Bytes that are written as they are (contents, or a whole encoding), or a value of parts. */
export type DerPart = Uint8Array | DerValue;

/** One value that is not written yet. It holds views of what it was made of. */
export interface DerValue {
  readonly tag: number;
  readonly parts: readonly DerPart[];
  /** Bytes of the contents. */
  readonly length: number;
}

/** Lays out one value: tag, minimal length, contents. */
export function derValue(tag: number, ...parts: readonly DerPart[]): DerValue {
  let length = 0;
  for (const part of parts) length += derLength(part);
  return { tag, parts, length };
}

/** An INTEGER of a big-endian number that is not negative; leading zeros do not matter. */
export function derUnsigned(number: Uint8Array): DerValue {
  let first = 0;
  while (first < number.length - 1 && number[first] === 0) first++;
  const digits = number.subarray(first);
  // A set top bit would be the sign, and no digit at all is no number (X.690 section 8.3).
  return digits.length === 0 || digits[0]! & 0x80
    ? derValue(TAG.INTEGER, ZERO, digits)
    : derValue(TAG.INTEGER, digits);
}

/** Bytes of a part when it is written. */
export function derLength(part: DerPart): number {
  return part instanceof Uint8Array ? part.length : derHeaderLength(part.length) + part.length;
}

/**
 * Writes a part into `target`.
 *
 * @throws KeyStoreError PARAMETER_INVALID for a target of another length than {@link derLength}.
 */
export function writeDerInto(part: DerPart, target: Uint8Array): void {
  const want = derLength(part);
  if (target.length !== want)
    throw new KeyStoreError(
      'PARAMETER_INVALID',
      `target: want ${want} bytes, got ${target.length}`,
    );
  writeAt(part, target, 0);
}

/** A part in a buffer of its own, which the caller owns, and wipes. */
export function writeDer(part: DerPart): Uint8Array {
  const target = new Uint8Array(new ArrayBuffer(derLength(part)));
  writeAt(part, target, 0);
  return target;
}

/** Answers where the next part goes. */
function writeAt(part: DerPart, target: Uint8Array, start: number): number {
  if (part instanceof Uint8Array) {
    target.set(part, start);
    return start + part.length;
  }
  let at = writeDerHeader(target, start, part.tag, part.length);
  for (const inner of part.parts) at = writeAt(inner, target, at);
  return at;
}

const ZERO = Uint8Array.of(0);
