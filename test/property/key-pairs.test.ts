/** Key pairs of any size: RSA of every length of modulus, keys of any private number, through every format. */
import { createECDH, generatePrimeSync } from 'node:crypto';
import * as fc from 'fast-check';
import process from 'node:process';
import { describe, expect, test } from 'vitest';
import { bitLength } from '../../lib/blobs/rsa-bounds.ts';
import { toHex } from '../../lib/bytes/octets.ts';
import { fromBigInt, gcd, inverse, power, toBigInt } from '../../lib/key-pairs/big-numbers.ts';
import { EC_CURVES, ecPublicPoint } from '../../lib/key-pairs/curves.ts';
import {
  checkKeyPair,
  decodeKeyPair,
  dhKeyPair,
  ecKeyPair,
  encodeKeyPair,
  isPrivateKeyPair,
  keyPairFormatsOf,
  rsaKeyPair,
  x25519KeyPair,
  type DhKeyPair,
  type KeyPair,
  type RsaKeyPair,
} from '../../lib/key-pairs/index.ts';
import { opensslKey } from '../support/key-pairs.ts';

const RUNS = { numRuns: process.env['SLOW'] === '1' ? 2000 : 60 };

/** What each format that holds a key makes of it: the formats that are not the same key again. */
function formatsThatChange(pair: KeyPair): string[] {
  const dhParameters = pair.type === 'DH' ? { dhParameters: pair } : {};
  return keyPairFormatsOf(pair).filter((format) => {
    const { pair: read } = decodeKeyPair(encodeKeyPair(pair, format), dhParameters);
    const isSame = toHex(encodeKeyPair(read, 'SPKI')) === toHex(encodeKeyPair(pair, 'SPKI'));
    return !isSame || (isPrivateKeyPair(read) && checkKeyPair(read).length > 0);
  });
}

/** An RSA key with a modulus of about so many bits, of which both primes have half. */
function rsaOf(bits: number): RsaKeyPair {
  for (;;) {
    const p = generatePrimeSync(Math.ceil(bits / 2), { bigint: true });
    const q = generatePrimeSync(Math.floor(bits / 2), { bigint: true });
    if (p === q || gcd(65537n, (p - 1n) * (q - 1n)) !== 1n) continue;
    return rsaKeyPair({
      modulus: fromBigInt(p * q),
      publicExponent: fromBigInt(65537n),
      prime1: fromBigInt(p),
      prime2: fromBigInt(q),
    });
  }
}

describe('RSA', () => {
  test('of every size goes through every format', () => {
    fc.assert(
      fc.property(fc.integer({ min: 386, max: 700 }), (bits) => {
        expect(formatsThatChange(rsaOf(bits))).toEqual([]);
      }),
      RUNS,
    );
  });

  test.each([1022, 1023, 1025, 2047, 2049])('of %i bits has the primes that d hides', (bits) => {
    const { modulus, publicExponent, privateNumbers } = rsaOf(bits);
    const { privateExponent, prime1, prime2 } = privateNumbers!;
    const found = rsaKeyPair({ modulus, publicExponent, privateExponent }).privateNumbers!;
    const sorted = (numbers: Uint8Array[]) => numbers.map(toHex).toSorted();
    expect(sorted([found.prime1, found.prime2])).toEqual(sorted([prime1, prime2]));
    expect(formatsThatChange(rsaOf(bits))).toEqual([]);
  });
});

describe('EC', () => {
  const curves = [
    ['P-256', 'prime256v1'],
    ['P-384', 'secp384r1'],
    ['P-521', 'secp521r1'],
  ] as const;

  test.each(curves)('%s has the point that OpenSSL computes, in every format', (curve, name) => {
    const { order, fieldLength } = EC_CURVES[curve];
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: order - 1n }), (d) => {
        const privateKey = fromBigInt(d, fieldLength);
        const own = createECDH(name);
        own.setPrivateKey(privateKey);
        const { x, y } = ecPublicPoint(curve, privateKey);
        expect(`04${toHex(x)}${toHex(y)}`).toBe(own.getPublicKey('hex'));
        expect(formatsThatChange(ecKeyPair({ curve, privateKey }))).toEqual([]);
      }),
      { numRuns: RUNS.numRuns / 3 },
    );
  });

  test('X25519 goes through every format', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (privateKey) => {
        expect(formatsThatChange(x25519KeyPair({ privateKey }))).toEqual([]);
      }),
      RUNS,
    );
  });
});

describe('Diffie-Hellman', () => {
  test('with a private key of any length goes through every format', () => {
    const { p, g } = decodeKeyPair(opensslKey('dh-2048')).pair as DhKeyPair;
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: toBigInt(p) - 2n }), fc.nat(2047), (x, shift) => {
        const privateKey = fromBigInt((x >> BigInt(shift)) | 1n);
        expect(formatsThatChange(dhKeyPair({ p, g, privateKey }))).toEqual([]);
      }),
      { numRuns: RUNS.numRuns / 6 },
    );
  });
});

describe('arithmetic', () => {
  test('numbers are the bytes that they were', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 1n << 600n }), fc.nat(20), (value, zeros) => {
        const length = fromBigInt(value).length;
        expect(toBigInt(fromBigInt(value, length + zeros))).toBe(value);
        expect(bitLength(fromBigInt(value, length + zeros))).toBe(value.toString(2).length);
      }),
    );
  });

  test('an inverse is one, and there is none where there is a common factor', () => {
    const number = fc.bigInt({ min: 2n, max: 1n << 80n });
    fc.assert(
      fc.property(number, number, (a, modulus) => {
        const found = inverse(a, modulus);
        expect(found === undefined).toBe(gcd(a, modulus) !== 1n);
        expect(found === undefined || (found * a) % modulus === 1n).toBe(true);
      }),
    );
  });

  test('a power is that of repeated multiplication', () => {
    const base = fc.bigInt({ min: 0n, max: 1n << 64n });
    fc.assert(
      fc.property(base, fc.nat(40), fc.bigInt({ min: 2n, max: 1n << 64n }), (b, exponent, n) => {
        expect(power(b, BigInt(exponent), n)).toBe(b ** BigInt(exponent) % n);
      }),
    );
  });
});
