/** The numbers of an RSA private key that a format leaves out, from those that it has (RFC 8017 section 3.2; SP 800-56B appendix C.2). */
import { fromBigInt, gcd, inverse, modulo, power, toBigInt } from './big-numbers.ts';

/** What d is computed from. Numbers big-endian. */
export interface RsaPrimes {
  readonly publicExponent: Uint8Array;
  /** p */
  readonly prime1: Uint8Array;
  /** q */
  readonly prime2: Uint8Array;
}

/** What the Chinese remainder theorem needs beside the primes: in buffers of their own, which the caller owns, and wipes. */
export interface RsaCrtNumbers {
  /** d mod p-1 */
  readonly exponent1: Uint8Array;
  /** d mod q-1 */
  readonly exponent2: Uint8Array;
  /** q^-1 mod p */
  readonly coefficient: Uint8Array;
}

/**
 * d = e^-1 mod lcm(p-1, q-1), the form that CryptoAPI writes.
 *
 * Computed in bigints, which cannot be wiped.
 *
 * @param length - Bytes of the result: those of the modulus.
 * @returns In a buffer of its own, which the caller owns, and wipes; undefined where e has no inverse, or p or q is no prime.
 */
export function privateExponentOf(key: RsaPrimes, length: number): Uint8Array | undefined {
  const p1 = toBigInt(key.prime1) - 1n;
  const q1 = toBigInt(key.prime2) - 1n;
  if (p1 < 1n || q1 < 1n) return undefined;
  const lcm = (p1 / gcd(p1, q1)) * q1;
  const d = inverse(toBigInt(key.publicExponent), lcm);
  return d === undefined || d >> BigInt(8 * length) > 0n ? undefined : fromBigInt(d, length);
}

/**
 * d mod p-1, d mod q-1 and q^-1 mod p.
 *
 * Computed in bigints, which cannot be wiped.
 *
 * @returns undefined where q has no inverse, or p or q is no prime.
 */
export function crtNumbersOf(
  key: Omit<RsaPrimes, 'publicExponent'> & { readonly privateExponent: Uint8Array },
): RsaCrtNumbers | undefined {
  const [p, q, d] = [key.prime1, key.prime2, key.privateExponent].map(toBigInt) as Three;
  if (p < 3n || q < 3n) return undefined;
  const coefficient = inverse(q, p);
  if (coefficient === undefined) return undefined;
  return {
    exponent1: fromBigInt(modulo(d, p - 1n)),
    exponent2: fromBigInt(modulo(d, q - 1n)),
    coefficient: fromBigInt(coefficient),
  };
}

/**
 * p and q, the larger first, of a key that is given by n, e and d alone.
 *
 * Computed in bigints, which cannot be wiped.
 *
 * @returns undefined where the numbers do not belong together.
 */
export function primesOf(key: {
  readonly modulus: Uint8Array;
  readonly publicExponent: Uint8Array;
  readonly privateExponent: Uint8Array;
}): Omit<RsaPrimes, 'publicExponent'> | undefined {
  const [n, e, d] = [key.modulus, key.publicExponent, key.privateExponent].map(toBigInt) as Three;
  const multiple = e * d - 1n;
  if (n < 9n || multiple < 2n || multiple % 2n !== 0n) return undefined;
  let odd = multiple;
  let twos = 0;
  for (; odd % 2n === 0n; odd >>= 1n) twos++;
  for (const base of BASES) {
    const p = factorFrom({ n, odd, twos }, base);
    if (p === undefined) continue;
    const q = n / p;
    return p > q
      ? { prime1: fromBigInt(p), prime2: fromBigInt(q) }
      : { prime1: fromBigInt(q), prime2: fromBigInt(p) };
  }
  return undefined;
}

/** A factor of n, where base^odd squared up to `twos` times meets a root of 1 that is neither 1 nor -1. */
function factorFrom(
  { n, odd, twos }: { n: bigint; odd: bigint; twos: number },
  base: bigint,
): bigint | undefined {
  let root = power(base, odd, n);
  if (root === 1n || root === n - 1n) return undefined;
  for (let i = 0; i < twos; i++) {
    const square = (root * root) % n;
    if (square === 1n) {
      const factor = gcd(root - 1n, n);
      return factor > 1n && factor < n && n % factor === 0n ? factor : undefined;
    }
    if (square === n - 1n) return undefined;
    root = square;
  }
  return undefined;
}

type Three = [bigint, bigint, bigint];

/** Each finds the factors of a real key at least every other time; numbers that never do are not a key's. */
const BASES = [2n, 3n, 5n, 7n, 11n, 13n, 17n, 19n, 23n, 29n, 31n, 37n, 41n, 43n, 47n, 53n];
