/** Wrapping: what is wrapped comes back, and any other bytes fail in the one way. */
import { constants, generateKeyPairSync, publicEncrypt } from 'node:crypto';
import * as fc from 'fast-check';
import process from 'node:process';
import { describe, expect, test } from 'vitest';
import { toHex } from '../../lib/bytes/octets.ts';
import {
  decodeRsaPkcs8,
  encodeRsaPkcs8Into,
  rsaPkcs8Length,
} from '../../lib/cms/rsa-private-key.ts';
import { openAesGcm, sealAesGcm } from '../../lib/keys/aes-gcm.ts';
import { unwrapAesKey, wrapAesKey } from '../../lib/keys/aes-key-wrap.ts';
import { unwrapPwriKek, wrapPwriKek } from '../../lib/keys/pwri-kek.ts';
import { unpadRsaPkcs1, unwrapRsaPkcs1, wrapRsaPkcs1 } from '../../lib/keys/rsa-pkcs1.ts';
import { SecretBytes } from '../../lib/keys/secret-bytes.ts';
import { secretOrCode } from '../support/errors.ts';

const RUNS = { numRuns: process.env['SLOW'] === '1' ? 20_000 : 300 };
const FAILED = 'KEY_UNWRAP_FAILED';

const exactly = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const aesKey = fc.constantFrom(16, 24, 32).chain(exactly);
const kek = exactly(32);

describe('what is wrapped comes back', () => {
  test('AES-GCM', () => {
    fc.assert(
      fc.property(
        aesKey,
        exactly(12),
        fc.uint8Array(),
        fc.uint8Array(),
        (key, nonce, plaintext, aad) => {
          const sealed = sealAesGcm({ key, nonce, plaintext, aad });
          const opened = secretOrCode(() => openAesGcm({ key, nonce, aad, ...sealed }));
          expect(opened).toBe(toHex(plaintext));
        },
      ),
      RUNS,
    );
  });

  test('AES key wrap', () => {
    const key = fc.integer({ min: 2, max: 40 }).chain((blocks) => exactly(8 * blocks));
    fc.assert(
      fc.property(aesKey, key, (kek, bytes) => {
        const wrapped = wrapAesKey(kek, SecretBytes.copy(bytes));
        expect(secretOrCode(() => unwrapAesKey(kek, wrapped))).toBe(toHex(bytes));
      }),
      RUNS,
    );
  });

  test('PWRI-KEK', () => {
    fc.assert(
      fc.property(kek, fc.uint8Array({ minLength: 3, maxLength: 255 }), (key, bytes) => {
        const { iv, wrapped } = wrapPwriKek(key, SecretBytes.copy(bytes));
        expect(secretOrCode(() => unwrapPwriKek(key, iv, wrapped))).toBe(toHex(bytes));
      }),
      RUNS,
    );
  });

  test('RSA PKCS#1 v1.5, whatever other lengths are plausible', () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const key = fc.uint8Array({ maxLength: 117 });
    fc.assert(
      fc.property(key, fc.array(fc.nat({ max: 200 })), (bytes, lengths) => {
        const wrapped = wrapRsaPkcs1(publicKey, SecretBytes.copy(bytes));
        const plausible = [...lengths, bytes.length];
        const got = secretOrCode(() => unwrapRsaPkcs1(privateKey, wrapped, plausible));
        expect(got).toBe(toHex(bytes));
        const others = lengths.filter((length) => length !== bytes.length);
        expect(secretOrCode(() => unwrapRsaPkcs1(privateKey, wrapped, others))).toBe(FAILED);
      }),
      RUNS,
    );
  });
});

describe('unpadding PKCS#1 v1.5', () => {
  test('decides as a plain reading of RFC 8017 does, on blocks that are nearly right', () => {
    const byte = fc.constantFrom(0, 0, 1, 2, 0x11, 0xff);
    const block = fc
      .tuple(
        fc.constantFrom(0, 0, 0, 1),
        fc.constantFrom(2, 2, 2, 1),
        fc.array(byte, { minLength: 30, maxLength: 60 }),
        fc.nat({ max: 20 }),
      )
      .map(([first, type, rest, padding]) => {
        const bytes = Uint8Array.from([first, type, ...rest]);
        bytes.fill(0x5a, 2, 2 + padding);
        return bytes;
      });
    const lengths = fc.array(fc.nat({ max: 60 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(block, lengths, (em, plausible) => {
        expect(secretOrCode(() => unpadRsaPkcs1(em, plausible))).toBe(unpadPlainly(em, plausible));
      }),
      { numRuns: RUNS.numRuns * 20 },
    );
  });

  test('of any ciphertext succeeds or fails in the one way', () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    fc.assert(
      fc.property(exactly(127), (tail) => {
        const em = Uint8Array.from([0, ...tail]);
        const noPadding = { key: publicKey, padding: constants.RSA_NO_PADDING };
        const got = secretOrCode(() =>
          unwrapRsaPkcs1(privateKey, publicEncrypt(noPadding, em), [16, 32]),
        );
        expect(got).toBe(unpadPlainly(em, [16, 32]));
      }),
      RUNS,
    );
  });
});

describe('any bytes fail in the one way', () => {
  test('AES key wrap and PWRI-KEK', () => {
    const noise = fc.uint8Array({ maxLength: 80 });
    fc.assert(
      fc.property(kek, noise, exactly(16), (key, wrapped, iv) => {
        expect(secretOrCode(() => unwrapAesKey(key, wrapped))).toBe(FAILED);
        expect(secretOrCode(() => unwrapPwriKek(key, iv, wrapped))).toBe(FAILED);
      }),
      RUNS,
    );
  });
});

describe('PKCS#8 of RSA', () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const der = new Uint8Array(privateKey.export({ format: 'der', type: 'pkcs8' }));

  test('with a bit flipped it is refused, or is exactly what its reading is written as', () => {
    fc.assert(
      fc.property(fc.nat({ max: der.length * 8 - 1 }), (bit) => {
        const flipped = Uint8Array.from(der);
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        expect(['BLOB_MALFORMED', 'BLOB_ALGORITHM_UNSUPPORTED', toHex(flipped)]).toContain(
          secretOrCode(() => rewritten(flipped)),
        );
      }),
      RUNS,
    );
  });

  test('numbers of any size are written in their one form', () => {
    const number = fc
      .uint8Array({ minLength: 1, maxLength: 300 })
      .filter((bytes) => bytes[0] !== 0);
    const key = fc.record({
      modulus: number,
      exponent: fc.integer({ min: 1, max: 0xffffffff }),
      privateExponent: number,
      prime1: number,
      prime2: number,
      exponent1: number,
      exponent2: number,
      coefficient: number,
    });
    fc.assert(
      fc.property(key, (numbers) => {
        const target = new Uint8Array(rsaPkcs8Length(numbers));
        encodeRsaPkcs8Into(numbers, target);
        expect(decodeRsaPkcs8(target)).toEqual(numbers);
      }),
      RUNS,
    );
  });
});

function rewritten(der: Uint8Array): SecretBytes {
  const key = decodeRsaPkcs8(der);
  const secret = new SecretBytes(rsaPkcs8Length(key));
  encodeRsaPkcs8Into(key, secret.bytes);
  return secret;
}

/** RFC 8017 section 7.2.2 step 3, without a thought for time. */
function unpadPlainly(em: Uint8Array, plausible: readonly number[]): string {
  const separator = em.indexOf(0, 2);
  const right =
    em[0] === 0 && em[1] === 2 && separator >= 10 && plausible.includes(em.length - 1 - separator);
  return right ? toHex(em.subarray(separator + 1)) : FAILED;
}
