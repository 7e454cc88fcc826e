/** RSA wrapping: round trips, blocks made by hand, one failure for all. */
import { constants, generateKeyPairSync, publicEncrypt, type KeyObject } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { concatBytes, plainBytes, toHex } from '../../../lib/bytes/octets.ts';
import { decodeRsaPkcs8 } from '../../../lib/cms/rsa-private-key.ts';
import {
  rsaPrivateKeyFromBlob,
  rsaPrivateKeyToBlob,
  rsaPublicKeyFromBlob,
  rsaPublicKeyToBlob,
} from '../../../lib/keys/rsa-key-blob.ts';
import { unwrapRsaOaep, wrapRsaOaep } from '../../../lib/keys/rsa-oaep.ts';
import { unpadRsaPkcs1, unwrapRsaPkcs1, wrapRsaPkcs1 } from '../../../lib/keys/rsa-pkcs1.ts';
import { SecretBytes } from '../../../lib/keys/secret-bytes.ts';
import { countingRandom, revealed, secretHex } from '../../support/bytes.ts';
import { codeOf, thrownBy } from '../../support/errors.ts';

const KEY = '000102030405060708090a0b0c0d0e0f';
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** Blocks under a modulus of 256 bytes that no unpadding may accept, whatever length the key may have. */
const BAD_BLOCKS: readonly (readonly [string, Uint8Array])[] = [
  ['a first byte of 01', changed(0, 0x01)],
  ['a block type of 00', changed(1, 0x00)],
  ['a block type of 01', changed(1, 0x01)],
  ['a block type of ff', changed(1, 0xff)],
  ['no padding at all', changed(2, 0x00)],
  ['7 bytes of padding', changed(9, 0x00)],
  ['no separator', changed(239, 0x11)],
];

describe('RSA-OAEP', () => {
  test.each(['sha1', 'sha256'] as const)('wraps and unwraps with %s', (hash) => {
    const wrapped = wrapRsaOaep(rsa.publicKey, hash, secretHex(KEY));
    expect(wrapped).toHaveLength(256);
    expect(Buffer.isBuffer(wrapped)).toBe(false);
    expect(revealed(unwrapRsaOaep(rsa.privateKey, hash, wrapped))).toBe(KEY);
  });

  test('fails in one way for another key, hash, length or kind of key', () => {
    const wrapped = wrapRsaOaep(rsa.publicKey, 'sha256', secretHex(KEY));
    const failures = [
      () => unwrapRsaOaep(other.privateKey, 'sha256', wrapped),
      () => unwrapRsaOaep(rsa.privateKey, 'sha1', wrapped),
      () => unwrapRsaOaep(rsa.privateKey, 'sha256', wrapped.subarray(1)),
      () => unwrapRsaOaep(rsa.privateKey, 'sha256', concatBytes(Uint8Array.of(0), wrapped)),
      () => unwrapRsaOaep(rsa.privateKey, 'sha256', new Uint8Array(0)),
      () => unwrapRsaOaep(rsa.privateKey, 'sha256', new Uint8Array(256).fill(0xff)),
      () => unwrapRsaOaep(ec.privateKey, 'sha256', wrapped),
    ].map((act) => JSON.stringify(thrownBy(act)));
    expect(new Set(failures).size).toBe(1);
    expect(failures[0]).toContain('KEY_UNWRAP_FAILED');
  });

  test('a ciphertext whose leading zero byte was dropped is refused, though it is the same number', () => {
    const wrapped = withLeadingZero(() => wrapRsaOaep(rsa.publicKey, 'sha256', secretHex(KEY)));
    expect(revealed(unwrapRsaOaep(rsa.privateKey, 'sha256', wrapped))).toBe(KEY);
    const dropped = wrapped.subarray(1);
    expect(codeOf(() => unwrapRsaOaep(rsa.privateKey, 'sha256', dropped))).toBe(
      'KEY_UNWRAP_FAILED',
    );
  });

  test('refuses a key that is too long for the modulus', () => {
    using key = new SecretBytes(256 - 2 * 32 - 1);
    expect(codeOf(() => wrapRsaOaep(rsa.publicKey, 'sha256', key))).toBe('PARAMETER_INVALID');
    expect(codeOf(() => wrapRsaOaep(ec.publicKey, 'sha256', key))).toBe('PARAMETER_INVALID');
  });
});

describe('RSA PKCS#1 v1.5', () => {
  test('wraps and unwraps; the padding has no zero byte though the randomness has', () => {
    const wrapped = wrapRsaPkcs1(rsa.publicKey, secretHex(KEY), countingRandom());
    expect(toHex(wrapRsaPkcs1(rsa.publicKey, secretHex(KEY), countingRandom()))).toBe(
      toHex(wrapped),
    );
    expect(toHex(wrapRsaPkcs1(rsa.publicKey, secretHex(KEY)))).not.toBe(toHex(wrapped));
    expect(revealed(unwrapRsaPkcs1(rsa.privateKey, wrapped, [8, 16, 24]))).toBe(KEY);
  });

  test('OpenSSL reads what it wraps and it reads what OpenSSL wraps', () => {
    const key = { key: rsa.publicKey, padding: constants.RSA_PKCS1_PADDING };
    const wrapped = publicEncrypt(key, Buffer.from(KEY, 'hex'));
    expect(revealed(unwrapRsaPkcs1(rsa.privateKey, wrapped, [16]))).toBe(KEY);
  });

  test('takes keys of 0 bytes up to all that fits', () => {
    for (const length of [0, 1, 255 - 10]) {
      using key = SecretBytes.random(length);
      const wrapped = wrapRsaPkcs1(rsa.publicKey, key);
      expect(revealed(unwrapRsaPkcs1(rsa.privateKey, wrapped, [length]))).toBe(toHex(key.bytes));
    }
    using key = new SecretBytes(256 - 10);
    expect(codeOf(() => wrapRsaPkcs1(rsa.publicKey, key))).toBe('PARAMETER_INVALID');
    expect(codeOf(() => wrapRsaPkcs1(ec.publicKey, key))).toBe('PARAMETER_INVALID');
  });

  test('a ciphertext whose leading zero byte was dropped is refused, though it is the same number', () => {
    const wrapped = withLeadingZero(() => wrapRsaPkcs1(rsa.publicKey, secretHex(KEY)));
    expect(revealed(unwrapRsaPkcs1(rsa.privateKey, wrapped, [16]))).toBe(KEY);
    const dropped = wrapped.subarray(1);
    expect(codeOf(() => unwrapRsaPkcs1(rsa.privateKey, dropped, [16]))).toBe('KEY_UNWRAP_FAILED');
  });

  test('has one failure, without a cause, for all that can be wrong', () => {
    const good = wrapRsaPkcs1(rsa.publicKey, secretHex(KEY));
    const unwrap = (bytes: Uint8Array, lengths = [16], key: KeyObject = rsa.privateKey) =>
      thrownBy(() => unwrapRsaPkcs1(key, bytes, lengths));
    const errors = [
      unwrap(good, [16], other.privateKey),
      unwrap(good, [16], ec.privateKey),
      unwrap(good, [16], rsa.publicKey),
      unwrap(good, [15, 17]),
      unwrap(good, []),
      unwrap(good, [-1, 246]),
      unwrap(good.subarray(1)),
      unwrap(concatBytes(good, Uint8Array.of(0))),
      unwrap(new Uint8Array(0)),
      unwrap(new Uint8Array(256)),
      unwrap(new Uint8Array(256).fill(0xff)),
      ...BAD_BLOCKS.map(([, block]) => unwrap(rawEncrypt(block))),
    ] as Error[];
    expect(new Set(errors.map((error) => JSON.stringify(error))).size).toBe(1);
    expect(errors.map((error) => [error.message, error.cause])).toEqual(
      errors.map(() => ['The key could not be unwrapped.', undefined]),
    );
  });

  test.each(BAD_BLOCKS)('refuses a block with %s', (_, block) => {
    expect(
      codeOf(() =>
        unpadRsaPkcs1(
          block,
          Array.from({ length: 256 }, (_, i) => i),
        ),
      ),
    ).toBe('KEY_UNWRAP_FAILED');
  });

  test('finds the key behind the shortest padding, and at each plausible length', () => {
    for (let length = 0; length <= 245; length += 7) {
      const block = paddedBlock({ keyLength: length });
      const lengths = [length, 5, 245].toSorted((a, b) => a - b);
      expect(revealed(unpadRsaPkcs1(block, lengths))).toBe('aa'.repeat(length));
    }
  });

  test('takes the first zero byte for the separator, not a later one in the key', () => {
    const block = paddedBlock({ keyLength: 16 });
    block[245] = 0;
    expect(revealed(unpadRsaPkcs1(block, [16, 10]))).toBe(`${'aa'.repeat(5)}00${'aa'.repeat(10)}`);
  });
});

describe('RSA keys in blobs', () => {
  const pkcs8 = plainBytes(rsa.privateKey.export({ format: 'der', type: 'pkcs8' }));
  const spki = plainBytes(rsa.publicKey.export({ format: 'der', type: 'spki' }));

  test('PKCS#8 to PRIVATEKEYBLOB and back is the same, byte for byte', () => {
    using blob = rsaPrivateKeyToBlob(pkcs8, 0x2400);
    expect(blob.length).toBe(1172);
    expect(revealed(rsaPrivateKeyFromBlob(blob.bytes))).toBe(toHex(pkcs8));
  });

  test('a missing d is computed as OpenSSL computed it', () => {
    using blob = rsaPrivateKeyToBlob(pkcs8, 0xa400);
    const short = blob.bytes.subarray(0, -200);
    expect(revealed(rsaPrivateKeyFromBlob(short, { shortTail: 'allow' }))).toBe(toHex(pkcs8));
  });

  test('SPKI to PUBLICKEYBLOB and back is the same, byte for byte', () => {
    expect(toHex(rsaPublicKeyFromBlob(rsaPublicKeyToBlob(spki, 0xa400)))).toBe(toHex(spki));
  });

  test('the numbers of PKCS#8 are views, not copies', () => {
    const { prime1, modulus } = decodeRsaPkcs8(pkcs8);
    expect(prime1.buffer).toBe(pkcs8.buffer);
    expect([prime1.length, modulus.length]).toEqual([128, 256]);
  });

  test.each([0x00, 0x01, 0x02])('an exponent of %i encrypts nothing and is refused', (exponent) => {
    using blob = rsaPrivateKeyToBlob(pkcs8, 0xa400);
    const publicBlob = rsaPublicKeyToBlob(spki, 0xa400);
    for (const bytes of [blob.bytes, publicBlob]) bytes.set([exponent, 0, 0, 0], 16);
    const code = exponent === 0 ? 'BLOB_MALFORMED' : 'BLOB_ALGORITHM_UNSUPPORTED';
    expect(codeOf(() => rsaPrivateKeyFromBlob(blob.bytes))).toBe(code);
    expect(codeOf(() => rsaPublicKeyFromBlob(publicBlob))).toBe(code);
  });

  test('what is not RSA is refused', () => {
    const ecPkcs8 = plainBytes(ec.privateKey.export({ format: 'der', type: 'pkcs8' }));
    const ecSpki = plainBytes(ec.publicKey.export({ format: 'der', type: 'spki' }));
    expect(codeOf(() => rsaPrivateKeyToBlob(ecPkcs8, 0xa400))).toBe('BLOB_ALGORITHM_UNSUPPORTED');
    expect(codeOf(() => rsaPublicKeyToBlob(ecSpki, 0xa400))).toBe('NOT_SUPPORTED');
  });

  test('every cut of a PKCS#8 is refused, and a byte more', () => {
    for (let length = 0; length < pkcs8.length; length += 13) {
      expect(codeOf(() => decodeRsaPkcs8(pkcs8.subarray(0, length)))).toBe('BLOB_MALFORMED');
    }
    expect(codeOf(() => decodeRsaPkcs8(concatBytes(pkcs8, Uint8Array.of(0))))).toBe(
      'BLOB_MALFORMED',
    );
  });
});

/** One ciphertext in 256 begins with a zero byte. */
function withLeadingZero(wrap: () => Uint8Array): Uint8Array {
  for (;;) {
    const wrapped = wrap();
    if (wrapped[0] === 0) return wrapped;
  }
}

function rawEncrypt(block: Uint8Array): Uint8Array {
  return publicEncrypt({ key: rsa.publicKey, padding: constants.RSA_NO_PADDING }, block);
}

/** 00 02 PS 00 K with a modulus of 256 bytes; PS is 0x11, K is 0xaa. */
function paddedBlock({ keyLength }: { keyLength: number }): Uint8Array {
  const block = new Uint8Array(256).fill(0x11);
  block.set([0x00, 0x02]);
  block[255 - keyLength] = 0x00;
  block.fill(0xaa, 256 - keyLength);
  return block;
}

function changed(offset: number, value: number): Uint8Array {
  const block = paddedBlock({ keyLength: 16 });
  block[offset] = value;
  return block;
}
