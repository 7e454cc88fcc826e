/** Numbers that are little-endian in CryptoAPI's blobs and big-endian in decoded objects. */
import { owned } from '../bytes/owned.ts';
import { reverseBytes } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';

/** Bounds of a prime modulus in bits. DSS goes from 512 to 1024 and Diffie-Hellman to 4096 (PP_ENUMALGS_EX); RSA's bound is anybody's. */
export const PRIME_BITS = { min: 512, max: 16384 } as const;

/** Bytes of a number of this many bits. */
export const byteLength = (bits: number): number => (bits + 7) >>> 3;

/** A number to write: its name for the error, its value, and the bytes of its field. */
export type NumberToWrite = readonly [field: string, value: Uint8Array, length: number];

/** Numbers of a public key as fresh arrays, big-endian. */
export function bigEndian<Numbers extends Readonly<Record<string, Uint8Array>>>(
  numbers: Numbers,
): Numbers {
  return Object.fromEntries(
    Object.entries(numbers).map(([field, number]) => [field, reverseBytes(number)]),
  ) as Numbers;
}

/** {@link owned}, of little-endian numbers: the copies are big-endian. */
export function ownedBigEndian<Facts extends object, Numbers extends Record<string, Uint8Array>>(
  facts: Facts,
  numbers: Numbers,
  secretFields: readonly (keyof Numbers)[],
): Facts & Numbers & Disposable {
  const blob = owned(facts, numbers, secretFields);
  for (const field of Object.keys(numbers)) blob[field]!.reverse();
  return blob;
}

/**
 * A blob: what stands before its numbers, and these, little-endian, in a buffer of its own.
 *
 * @throws KeyStoreError PARAMETER_INVALID for a number that is too long for its field, leading zeros aside.
 */
export function withNumbers(start: Uint8Array, numbers: readonly NumberToWrite[]): Uint8Array {
  let length = start.length;
  for (const [, , size] of numbers) length += size;
  const blob = new Uint8Array(new ArrayBuffer(length));
  blob.set(start);
  let at = start.length;
  for (const [field, value, size] of numbers) {
    writeReversed(field, value, blob.subarray(at, at + size));
    at += size;
  }
  return blob;
}

/**
 * A big-endian number into a little-endian field, zeros at its end. It is copied to there and nowhere else.
 *
 * @throws KeyStoreError PARAMETER_INVALID for a number that is too long for its field, leading zeros aside.
 */
export function writeReversed(field: string, value: Uint8Array, target: Uint8Array): void {
  let first = 0;
  while (first < value.length && value[first] === 0) first++;
  const significant = value.subarray(first);
  if (significant.length > target.length)
    throw new KeyStoreError('PARAMETER_INVALID', `${field}: want at most ${target.length} bytes`);
  target.fill(0);
  target.set(significant);
  target.subarray(0, significant.length).reverse();
}

/** @throws KeyStoreError PARAMETER_INVALID for a size that no decoder would read. */
export function requirePrimeBits(primeBits: number): void {
  if (!Number.isInteger(primeBits) || primeBits < PRIME_BITS.min || primeBits > PRIME_BITS.max)
    throw new KeyStoreError(
      'PARAMETER_INVALID',
      `primeBits: want ${PRIME_BITS.min} to ${PRIME_BITS.max}, got ${primeBits}`,
    );
}
