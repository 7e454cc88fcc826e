/** Arithmetic of big-endian numbers in tests. Slow, and not for secrets. */
import { toHex } from '../../lib/bytes/octets.ts';

/** A big-endian number. */
export function toBigInt(number: Uint8Array): bigint {
  return BigInt(`0x0${toHex(number)}`);
}

/** `base` to the power of `exponent`, modulo `modulus`. */
export function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (let square = base % modulus, rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

/** The inverse of a number modulo a prime. */
export function inverse(number: bigint, prime: bigint): bigint {
  return power(number, prime - 2n, prime);
}
