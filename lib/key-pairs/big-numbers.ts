/** Arithmetic with the big numbers of keys. Bigints cannot be wiped and take time that depends on them: only for what a format left out. */
import { KeyStoreError } from '../errors.ts';

/** A big-endian number. */
export function toBigInt(bytes: Uint8Array): bigint {
  let value = 0n;
  let at = 0;
  // Eight bytes at a time: byte by byte, a number of 16384 bits takes 30 times as long.
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (; at + 8 <= bytes.length; at += 8) value = (value << 64n) | view.getBigUint64(at);
  for (; at < bytes.length; at++) value = (value << 8n) | BigInt(bytes[at]!);
  return value;
}

/**
 * A number as big-endian bytes, filled in place.
 *
 * @param target - As long as the field.
 * @throws KeyStoreError INTERNAL for a number that does not fit: fields are as long as what numbers are taken modulo.
 */
function writeBigInt(value: bigint, target: Uint8Array): void {
  let rest = value;
  let at = target.length;
  const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
  for (; at >= 8; rest >>= 64n) view.setBigUint64((at -= 8), rest & 0xffffffffffffffffn);
  for (; at > 0; rest >>= 8n) target[--at] = Number(rest & 0xffn);
  if (rest !== 0n) throw new KeyStoreError('INTERNAL', 'this number is longer than its field');
}

/** A number as big-endian bytes in a buffer of its own, which the caller owns, and wipes; without leading zeros where no length is given. */
export function fromBigInt(value: bigint, length = byteLengthOf(value)): Uint8Array {
  const bytes = new Uint8Array(new ArrayBuffer(length));
  writeBigInt(value, bytes);
  return bytes;
}

export function gcd(a: bigint, b: bigint): bigint {
  let [x, y] = [a, b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}

/** a^-1 mod modulus, or undefined where there is none. */
export function inverse(a: bigint, modulus: bigint): bigint | undefined {
  if (modulus < 2n) return undefined;
  let [r, next] = [modulus, modulo(a, modulus)];
  let [t, nextT] = [0n, 1n];
  while (next !== 0n) {
    const quotient = r / next;
    [r, next] = [next, r - quotient * next];
    [t, nextT] = [nextT, t - quotient * nextT];
  }
  return r === 1n ? modulo(t, modulus) : undefined;
}

/** base^exponent mod modulus, for a modulus over 1 and an exponent that is not negative. */
export function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  const start = modulo(base, modulus);
  // From the top bit on. As text, since shifting a long number once for each of its bits is quadratic.
  for (const bit of exponent.toString(2)) {
    result = (result * result) % modulus;
    if (bit === '1') result = (result * start) % modulus;
  }
  return result;
}

/** The remainder that is not negative. */
export function modulo(a: bigint, modulus: bigint): bigint {
  const rest = a % modulus;
  return rest < 0n ? rest + modulus : rest;
}

function byteLengthOf(value: bigint): number {
  return Math.max(1, Math.ceil(value.toString(16).length / 2));
}
