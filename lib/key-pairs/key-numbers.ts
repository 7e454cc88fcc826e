/** Bounds of the numbers of keys, which every key pair is made through. */
import { significant } from '../blobs/rsa-bounds.ts';
import { KeyStoreError } from '../errors.ts';

/**
 * A number without leading zeros: a view.
 *
 * @throws KeyStoreError PARAMETER_INVALID for 0, and for one that is too long.
 */
export function positive(field: string, number: Uint8Array, maxLength = MAX_NUMBER): Uint8Array {
  const digits = significant(number);
  if (digits.length === 0) refuse(field, 'want a positive number');
  if (digits.length > maxLength)
    refuse(field, `want at most ${maxLength} bytes, got ${digits.length}`);
  return digits;
}

/** A number with leading zeros up to `length` bytes, in a buffer of its own; one that is as long already as it is. */
export function padded(field: string, number: Uint8Array, length: number): Uint8Array {
  if (number.length === length) return number;
  const digits = positive(field, number, length);
  const target = new Uint8Array(new ArrayBuffer(length));
  target.set(digits, length - digits.length);
  return target;
}

/** Whether a < b; neither has leading zeros. Takes time that depends on them: for conversion, where nobody measures. */
export function isLess(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return a.length < b.length;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! < b[i]!;
  return false;
}

/** @throws KeyStoreError PARAMETER_INVALID for an even number: no prime that keys have is one. */
export function checkOdd(field: string, number: Uint8Array): void {
  if (!(number.at(-1)! & 1)) refuse(field, 'want an odd number');
}

/** @throws KeyStoreError PARAMETER_INVALID, always. */
export function refuse(field: string, problem: string): never {
  throw new KeyStoreError('PARAMETER_INVALID', `${field}: ${problem}`);
}

/** 16384 bits: no provider of Microsoft's has longer keys. */
const MAX_NUMBER = 2048;

/**
 * An exponent as a number, as the blobs of Windows have it.
 *
 * @throws KeyStoreError PARAMETER_INVALID for one of more than 32 bits.
 */
export function exponentNumber(exponent: Uint8Array): number {
  if (exponent.length > 4) refuse('publicExponent', 'has more than 32 bits');
  let value = 0;
  for (const byte of exponent) value = value * 256 + byte;
  return value;
}

/** An exponent of at most 32 bits as bytes, big-endian. */
export function exponentBytes(exponent: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, exponent);
  return bytes;
}
