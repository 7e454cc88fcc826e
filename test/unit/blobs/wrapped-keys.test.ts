/** Keys under other keys: SYMMETRICWRAPKEYBLOB, SIMPLEBLOB under an agreed key, encrypted PRIVATEKEYBLOB. */
import { describe, expect, test } from 'vitest';
import { concatBytes, toHex } from '../../../lib/bytes/octets.ts';
import {
  ALG_ID,
  decodeAgreedSimpleBlob,
  decodeEncryptedPrivateKeyBlob,
  decodeKeyBlob,
  decodeSymmetricWrapKeyBlob,
  encodeAgreedSimpleBlob,
  encodeDssPrivateKeyBlob,
  encodeEncryptedPrivateKeyBlob,
  encodeKeyBlob,
  encodePrivateKeyBlob,
  encodeSymmetricWrapKeyBlob,
} from '../../../lib/blobs/index.ts';
import { hex } from '../../support/bytes.ts';
import { codeOf, thrownBy } from '../../support/errors.ts';

const bytes = (length: number, first = 0x80): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (first + i) & 0xff);
const WRAPPED = '5a'.repeat(40);

describe('SYMMETRICWRAPKEYBLOB', () => {
  const blob = hex(`0b020000 03660000 02660000 ${WRAPPED}`);

  test('names the key inside and the key around it, and reverses nothing', () => {
    const decoded = {
      type: 'SYMMETRICWRAPKEYBLOB',
      algId: ALG_ID.CALG_3DES,
      wrappingAlgId: ALG_ID.CALG_RC2,
      wrappedKey: hex(WRAPPED),
    };
    expect(decodeSymmetricWrapKeyBlob(blob)).toEqual(decoded);
    expect(decodeKeyBlob(blob)).toEqual(decoded);
    expect(encodeSymmetricWrapKeyBlob(decodeSymmetricWrapKeyBlob(blob))).toEqual(blob);
  });

  test('of no wrapped key, or of one that no key needs, is refused', () => {
    const start = blob.subarray(0, 12);
    for (const wrong of [start, concatBytes(start, bytes(65_537))])
      expect(thrownBy(() => decodeSymmetricWrapKeyBlob(wrong))).toMatchObject({
        code: 'BLOB_MALFORMED',
        field: 'wrappedkey',
      });
  });
});

describe('SIMPLEBLOB under an agreed key', () => {
  const blob = hex(`01020000 01680000 03660000 ${WRAPPED}`);

  test('names both keys, and reverses nothing', () => {
    const decoded = decodeAgreedSimpleBlob(blob);
    expect(decoded).toEqual({
      type: 'agreed-SIMPLEBLOB',
      algId: ALG_ID.CALG_RC4,
      wrappingAlgId: ALG_ID.CALG_3DES,
      encryptedKey: hex(WRAPPED),
    });
    expect(encodeAgreedSimpleBlob(decoded)).toEqual(blob);
  });

  test('is not one under an RSA key', () => {
    const underRsa = hex(`01020000 01680000 00a40000 ${'5a'.repeat(64)}`);
    expect(codeOf(() => decodeAgreedSimpleBlob(underRsa))).toBe('BLOB_ALGORITHM_UNSUPPORTED');
    const blob = { algId: 0x6801, wrappingAlgId: ALG_ID.CALG_RSA_KEYX, encryptedKey: bytes(64) };
    expect(codeOf(() => encodeAgreedSimpleBlob(blob))).toBe('PARAMETER_INVALID');
  });

  test('of no key, or of one that no key needs, is refused', () => {
    const start = blob.subarray(0, 12);
    for (const wrong of [start, concatBytes(start, bytes(65_537))])
      expect(thrownBy(() => decodeAgreedSimpleBlob(wrong))).toMatchObject({
        code: 'BLOB_MALFORMED',
        field: 'encryptedkey',
      });
  });
});

describe('an encrypted PRIVATEKEYBLOB', () => {
  const HALVES = ['prime1', 'prime2', 'exponent1', 'exponent2', 'coefficient'] as const;
  const RSA = encodePrivateKeyBlob({
    algId: ALG_ID.CALG_RSA_KEYX,
    modulusBits: 1024,
    exponent: 65537,
    modulus: bytes(128),
    ...(Object.fromEntries(HALVES.map((name) => [name, bytes(64)])) as Record<
      (typeof HALVES)[number],
      Uint8Array
    >),
    privateExponent: bytes(128),
  });
  const DSS = encodeDssPrivateKeyBlob({
    algId: ALG_ID.CALG_DSS_SIGN,
    primeBits: 1024,
    prime: bytes(128),
    subprime: bytes(20),
    generator: bytes(128),
    privateKey: bytes(20),
  });
  /** Not encryption, but as little like a key. */
  const encrypted = (blob: Uint8Array, added: number): Uint8Array =>
    concatBytes(
      blob.subarray(0, 8),
      blob.subarray(8).map((byte, i) => byte ^ (0xa5 + 7 * i)),
      bytes(added),
    );

  test.each([
    ['RSA under a block cipher of 8 bytes', encrypted(RSA, 4), 592],
    ['RSA under a block cipher of 16 bytes', encrypted(RSA, 4), 592],
    ['RSA under a stream cipher', encrypted(RSA, 0), 588],
    ['DSS under a block cipher', encrypted(DSS, 8), 336],
    ['DSS under a stream cipher', encrypted(DSS, 0), 328],
  ])('of %s is told from one in the clear', (_what, blob, length) => {
    const decoded = decodeKeyBlob(blob);
    expect(decoded).toEqual({
      type: 'encrypted-PRIVATEKEYBLOB',
      version: 2,
      algId: blob[5]! << 8,
      ciphertext: blob.subarray(8),
    });
    expect((decoded as { ciphertext: Uint8Array }).ciphertext).toHaveLength(length);
    expect(encodeKeyBlob(decoded)).toEqual(blob);
  });

  test('is not one in the clear whose magic is damaged: its length still fits its bitlen', () => {
    for (const blob of [RSA, DSS]) {
      const damaged = Uint8Array.from(blob);
      damaged[9]! ^= 0x20;
      expect(thrownBy(() => decodeKeyBlob(damaged))).toMatchObject({
        code: 'BLOB_MALFORMED',
        field: 'magic',
        offset: 8,
      });
      // Who knows that it is encrypted may read it so.
      expect(decodeEncryptedPrivateKeyBlob(damaged).ciphertext).toEqual(damaged.subarray(8));
    }
  });

  test('is not one in the clear that was cut', () => {
    for (const missing of [1, 8, 100, 300])
      expect(thrownBy(() => decodeKeyBlob(RSA.subarray(0, -missing)))).toMatchObject({
        format: 'PRIVATEKEYBLOB',
        code: 'BLOB_MALFORMED',
      });
  });

  test('has the length of a key under some cipher', () => {
    const blob = encrypted(RSA, 0);
    for (const [length, fits] of [
      [596, true],
      [595, false],
      [600, true],
      [599, false],
      [236, true],
      [232, false],
      [8, false],
      [12_360, true],
      [12_368, false],
    ] as const) {
      const changed = concatBytes(blob, bytes(12_400)).subarray(0, length);
      const code = codeOf(() => decodeEncryptedPrivateKeyBlob(changed));
      expect(code, `${length}`).toBe(fits ? 'none' : 'BLOB_MALFORMED');
    }
  });

  test('is neither in the clear nor of an algorithm without private keys', () => {
    expect(thrownBy(() => decodeEncryptedPrivateKeyBlob(RSA))).toMatchObject({
      field: 'ciphertext',
      problem: 'this is not encrypted',
    });
    const aes = encrypted(RSA, 4);
    aes.set(hex('10660000'), 4);
    expect(codeOf(() => decodeEncryptedPrivateKeyBlob(aes))).toBe('BLOB_ALGORITHM_UNSUPPORTED');
  });

  test('of version 3 keeps its version; another one is refused', () => {
    const blob = { version: 3, algId: ALG_ID.CALG_DH_SF, ciphertext: bytes(401) };
    const written = encodeEncryptedPrivateKeyBlob(blob);
    expect(decodeKeyBlob(written)).toEqual({ type: 'encrypted-PRIVATEKEYBLOB', ...blob });
    expect(codeOf(() => encodeEncryptedPrivateKeyBlob({ ...blob, version: 4 }))).toBe(
      'PARAMETER_INVALID',
    );
    written[1] = 4;
    expect(codeOf(() => decodeEncryptedPrivateKeyBlob(written))).toBe('BLOB_VERSION_UNSUPPORTED');
    expect(toHex(written.subarray(0, 2))).toBe('0704');
  });
});
