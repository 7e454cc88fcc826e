/** SIMPLEBLOBs: one failure whatever is wrong inside, what a blob does not tell, blobs that were never encrypted. */
import {
  constants,
  generateKeyPairSync,
  privateDecrypt,
  publicEncrypt,
  type KeyObject,
} from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ALG_ID, encodeSimpleBlob } from '../../../lib/blobs/index.ts';
import { concatBytes, reverseBytes, toHex } from '../../../lib/bytes/octets.ts';
import { KeyStoreError } from '../../../lib/errors.ts';
import { padRsaPkcs1 } from '../../../lib/keys/rsa-pkcs1.ts';
import { SecretBytes } from '../../../lib/keys/secret-bytes.ts';
import { capiRsaDecrypt } from '../../../lib/legacy/rsa-encryption.ts';
import {
  readNullKeySimpleBlob,
  unwrapSimpleBlob,
  wrapSimpleBlob,
  type UnwrapSimpleBlobOptions,
} from '../../../lib/legacy/simple-blob.ts';
import { countingRandom, hex, secretHex } from '../../support/bytes.ts';
import { codeOf, codeOfAsync, thrownBy } from '../../support/errors.ts';

describe('a SIMPLEBLOB that cannot be unwrapped', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const other = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const longer = generateKeyPairSync('rsa', { modulusLength: 1536 });
  const key = hex('000102030405060708090a0b0c0d0e0f');
  const good = padRsaPkcs1(128, key);
  /** The good block with one byte at a place. */
  const withByte = (at: number, byte: number) =>
    blobOfBlock(
      publicKey,
      Uint8Array.from(good.bytes, (old, i) => (i === at ? byte : old)),
    );
  const wrapped = (options = {}) => {
    using secret = SecretBytes.copy(key);
    return wrapSimpleBlob(publicKey, { algId: ALG_ID.CALG_AES_128, key: secret }, options);
  };
  const oaep: UnwrapSimpleBlobOptions = { padding: 'oaep' };

  test('fails in one way, whatever is wrong with it: the errors are the same to the last character', async () => {
    const blob = blobOfBlock(publicKey, good.bytes);
    using opened = await unwrapSimpleBlob(blob, privateKey);
    expect(toHex(opened.key.bytes)).toBe(toHex(key));
    const noZero = Uint8Array.from(good.bytes, (byte) => byte || 1);
    noZero[0] = 0;
    const cases: Record<string, Promise<unknown>> = {
      'first byte not 00': unwrapSimpleBlob(withByte(0, 1), privateKey),
      'block type 01': unwrapSimpleBlob(withByte(1, 1), privateKey),
      'a zero in the first 8 bytes of PS': unwrapSimpleBlob(withByte(9, 0), privateKey),
      'a zero later in PS: an implausible length': unwrapSimpleBlob(withByte(60, 0), privateKey),
      'no zero after PS': unwrapSimpleBlob(blobOfBlock(publicKey, noZero), privateKey),
      'another key': unwrapSimpleBlob(blob, other.privateKey),
      'a longer key': unwrapSimpleBlob(blob, longer.privateKey),
      'a blob for a longer key': unwrapSimpleBlob(
        blobOfBlock(longer.publicKey, padRsaPkcs1(192, key).bytes),
        privateKey,
      ),
      'the same, trailing bytes refused': unwrapSimpleBlob(
        blobOfBlock(longer.publicKey, padRsaPkcs1(192, key).bytes),
        privateKey,
        { trailing: 'refuse' },
      ),
      'a block that is not below the modulus': unwrapSimpleBlob(
        encodeSimpleBlob({
          algId: ALG_ID.CALG_AES_128,
          encryptedKey: new Uint8Array(128).fill(255),
        }),
        privateKey,
      ),
      'the block big-endian': unwrapSimpleBlob(
        concatBytes(blob.subarray(0, 12), reverseBytes(blob.subarray(12))),
        privateKey,
      ),
      'a key of another length than the ALG_ID has': unwrapSimpleBlob(
        blobOfBlock(publicKey, good.bytes, ALG_ID.CALG_AES_256),
        privateKey,
      ),
      'OAEP read as PKCS#1': unwrapSimpleBlob(wrapped(oaep), privateKey),
      'PKCS#1 read as OAEP': unwrapSimpleBlob(blob, privateKey, oaep),
      'OAEP with a label, read without': unwrapSimpleBlob(
        wrapped({ ...oaep, label: hex('01') }),
        privateKey,
        oaep,
      ),
      'OAEP and a longer key': unwrapSimpleBlob(wrapped(oaep), longer.privateKey, oaep),
      'OAEP and an implausible length': unwrapSimpleBlob(wrapped(oaep), privateKey, {
        ...oaep,
        keyLengths: [32],
      }),
      'no length that fits the modulus': unwrapSimpleBlob(blob, privateKey, { keyLengths: [256] }),
    };
    const shown = new Set<string>();
    for (const attempt of Object.values(cases)) shown.add(await serialized(attempt));
    const plain = Promise.reject(new KeyStoreError('KEY_UNWRAP_FAILED'));
    expect([...shown]).toEqual([await serialized(plain)]);
  });

  test('fails as a message that an RSA key encrypted does', () => {
    const blocks = [withByte(0, 1), withByte(1, 1), withByte(9, 0)].map((it) => it.subarray(12));
    const errors = [
      ...blocks.map((block) => thrownBy(() => capiRsaDecrypt(privateKey, block))),
      thrownBy(() =>
        capiRsaDecrypt(other.privateKey, blobOfBlock(publicKey, good.bytes).subarray(12)),
      ),
      thrownBy(() => capiRsaDecrypt(longer.privateKey, blocks[0]!)),
      thrownBy(() => capiRsaDecrypt(privateKey, hex(''))),
      thrownBy(() => capiRsaDecrypt(privateKey, hex(''), oaep)),
    ];
    expect(new Set(errors.map((error) => JSON.stringify(error)))).toEqual(
      new Set([JSON.stringify(new KeyStoreError('KEY_UNWRAP_FAILED'))]),
    );
  });

  test('says so where the fault is not in the wrapped block', async () => {
    const blob = wrapped();
    const changed = (at: number, byte: number) =>
      Uint8Array.from(blob, (old, i) => (i === at ? byte : old));
    const cut = blob.subarray(0, 11);
    const { privateKey: ec } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { privateKey: dsa } = generateKeyPairSync('dsa', {
      modulusLength: 1024,
      divisorLength: 160,
    });
    const code = (it: Uint8Array, own = privateKey) => codeOfAsync(unwrapSimpleBlob(it, own));
    expect({
      cut: await code(cut),
      'another type': await code(changed(0, 8)),
      'another version': await code(changed(1, 3)),
      'wrapped for CALG_RSA_SIGN': await code(changed(9, 0x24)),
      'under a session key': await code(changed(9, 0x66)),
      'of a hash': await code(changed(5, 0x80)),
      'a public key': await code(blob, publicKey),
      'a key of an elliptic curve': await code(blob, ec),
      'a key of DSA': await code(blob, dsa),
      'null key, cut': codeOf(() => readNullKeySimpleBlob(cut)),
      'null key, under a session key': codeOf(() => readNullKeySimpleBlob(changed(9, 0x66))),
    }).toEqual({
      cut: 'BLOB_MALFORMED',
      'another type': 'BLOB_MALFORMED',
      'another version': 'BLOB_VERSION_UNSUPPORTED',
      'wrapped for CALG_RSA_SIGN': 'BLOB_ALGORITHM_UNSUPPORTED',
      'under a session key': 'NOT_SUPPORTED',
      'of a hash': 'ALGORITHM_UNSUPPORTED',
      'a public key': 'PARAMETER_INVALID',
      'a key of an elliptic curve': 'PARAMETER_INVALID',
      'a key of DSA': 'PARAMETER_INVALID',
      'null key, cut': 'BLOB_MALFORMED',
      'null key, under a session key': 'NOT_SUPPORTED',
    });
  });
});

describe('a SIMPLEBLOB', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const algId = ALG_ID.CALG_RC2;

  test('may be followed by other bytes, unless they are refused', async () => {
    using secret = secretHex('0011223344556677');
    const blob = wrapSimpleBlob(publicKey, { algId, key: secret });
    const longer = concatBytes(blob, hex('cccccccc'));
    using key = await unwrapSimpleBlob(longer, privateKey);
    expect(toHex(key.key.bytes)).toBe('0011223344556677');
    const refused = unwrapSimpleBlob(longer, privateKey, { trailing: 'refuse' });
    // A longer block is one for a longer key.
    expect(await codeOfAsync(refused)).toBe('KEY_UNWRAP_FAILED');
    using exact = await unwrapSimpleBlob(blob, privateKey, { trailing: 'refuse' });
    expect(exact.key.length).toBe(8);
  });

  test('tells no salt and no effective length: who unwraps does', async () => {
    using secret = secretHex('0011223344');
    const blob = wrapSimpleBlob(publicKey, { algId, key: secret });
    using byDefault = await unwrapSimpleBlob(blob, privateKey);
    using none = await unwrapSimpleBlob(blob, privateKey, { salt: 'none', effectiveBits: 128 });
    expect([byDefault.salt.length, byDefault.effectiveBits]).toEqual([11, 40]);
    expect([none.salt.length, none.effectiveBits]).toEqual([0, 128]);
  });

  test('holds HMAC keys as long RC2 keys, up to 128 bytes', async () => {
    const { privateKey: own, publicKey: theirs } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
    });
    for (const length of [17, 64, 128]) {
      using secret = new SecretBytes(length);
      const blob = wrapSimpleBlob(theirs, { algId, key: secret });
      using key = await unwrapSimpleBlob(blob, own);
      expect(key.key.length).toBe(length);
    }
    using long = new SecretBytes(129);
    const blob = wrapSimpleBlob(theirs, { algId, key: long });
    expect(await codeOfAsync(unwrapSimpleBlob(blob, own))).toBe('KEY_UNWRAP_FAILED');
  });

  test('of an algorithm without session keys is read where its length is given', async () => {
    using secret = secretHex('00112233445566778899');
    const skipjack = { algId: ALG_ID.CALG_SKIPJACK, key: secret };
    const blob = wrapSimpleBlob(publicKey, skipjack);
    expect(await codeOfAsync(unwrapSimpleBlob(blob, privateKey))).toBe('ALGORITHM_UNSUPPORTED');
    using key = await unwrapSimpleBlob(blob, privateKey, { keyLengths: [10] });
    expect(toHex(key.key.bytes)).toBe('00112233445566778899');
  });

  test('takes a label with OAEP', async () => {
    const options = { padding: 'oaep', label: hex('00ff') } as const;
    using secret = secretHex('00112233445566778899aabbccddeeff');
    const blob = wrapSimpleBlob(publicKey, { algId, key: secret }, options);
    using key = await unwrapSimpleBlob(blob, privateKey, options);
    expect(key.key.length).toBe(16);
  });

  test('of an SSL 2.0 master has 03 before its key where CRYPT_SSL2_FALLBACK says so', async () => {
    const master = ALG_ID.CALG_SSL2_MASTER;
    using secret = secretHex('00112233445566778899aabbccddeeff');
    const options = { ssl2Fallback: true, random: countingRandom(0x10) };
    const blob = wrapSimpleBlob(publicKey, { algId: master, key: secret }, options);
    const block = privateDecrypt(
      { key: privateKey, padding: constants.RSA_NO_PADDING },
      reverseBytes(blob.subarray(12)),
    );
    expect(toHex(block.subarray(0, 6))).toBe('000210111213');
    expect(toHex(block.subarray(128 - 16 - 9, 128 - 16))).toBe('030303030303030300');
    using key = await unwrapSimpleBlob(blob, privateKey);
    expect([key.algId, key.key.length]).toEqual([master, 16]);
    expect([
      codeOf(() => wrapSimpleBlob(publicKey, { algId, key: secret }, { ssl2Fallback: true })),
      codeOf(() =>
        wrapSimpleBlob(
          publicKey,
          { algId: master, key: secret },
          { ssl2Fallback: true, padding: 'oaep' },
        ),
      ),
    ]).toEqual(['FLAGS_INVALID', 'FLAGS_INVALID']);
  });

  test('for an exponent of one is read without a key, also with other bytes after it', async () => {
    const block = reverseBytes(padRsaPkcs1(64, hex('00112233445566778899aabbccddeeff')).bytes);
    const blob = concatBytes(hex('0102 0000 0e66 0000 00a4 0000'), block);
    using key = readNullKeySimpleBlob(blob);
    expect([key?.algId, key?.key.length]).toEqual([ALG_ID.CALG_AES_128, 16]);
    const longer = concatBytes(blob, hex('cccc'));
    expect(readNullKeySimpleBlob(longer)).toBeUndefined();
    using again = readNullKeySimpleBlob(longer, { modulusLength: 64 });
    expect(again?.key.length).toBe(16);
  });
});

/** All that a program could tell one failure from another by. */
async function serialized(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
    return 'no error';
  } catch (error) {
    if (!(error instanceof Error)) return 'no Error';
    const own = Object.getOwnPropertyNames(error);
    return JSON.stringify({ name: error.name, own, json: error, message: error.message });
  }
}

/** A SIMPLEBLOB of a block that is not padded as it should be, or not by us. */
function blobOfBlock(
  publicKey: KeyObject,
  block: Uint8Array,
  algId: number = ALG_ID.CALG_AES_128,
): Uint8Array {
  const padding = constants.RSA_NO_PADDING;
  return encodeSimpleBlob({
    algId,
    encryptedKey: publicEncrypt({ key: publicKey, padding }, block),
  });
}
