/** AES-GCM, AES key wrap and PWRI-KEK: published answers, and one failure each. */
import { createCipheriv } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { toHex } from '../../../lib/bytes/octets.ts';
import { openAesGcm, sealAesGcm } from '../../../lib/keys/aes-gcm.ts';
import { unwrapAesKey, wrapAesKey } from '../../../lib/keys/aes-key-wrap.ts';
import { unwrapPwriKek, wrapPwriKek } from '../../../lib/keys/pwri-kek.ts';
import { SecretBytes } from '../../../lib/keys/secret-bytes.ts';
import { countingRandom, hex, revealed, secretHex } from '../../support/bytes.ts';
import { codeOf, thrownBy } from '../../support/errors.ts';
import { describeShared, sharedJson } from '../../support/shared.ts';

const KEK = hex('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f');
const KEY = '00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f';

describe('AES-GCM', () => {
  const nonce = new Uint8Array(12);
  const plaintext = hex(KEY);

  test('answers with plain arrays, never Buffers', () => {
    const { ciphertext, tag } = sealAesGcm({ key: KEK, nonce, plaintext });
    expect([ciphertext, tag].map((bytes) => Buffer.isBuffer(bytes))).toEqual([false, false]);
  });

  test('has one failure for a wrong key, nonce, tag, text or associated data', () => {
    const aad = Uint8Array.of(1, 2, 3);
    const sealed = { key: KEK, nonce, aad, ...sealAesGcm({ key: KEK, nonce, plaintext, aad }) };
    expect(revealed(openAesGcm(sealed))).toBe(KEY);
    const flip = (bytes: Uint8Array) => bytes.map((byte, i) => (i === 0 ? byte ^ 1 : byte));
    const failures = [
      { ...sealed, key: flip(KEK) },
      { ...sealed, nonce: flip(nonce) },
      { ...sealed, nonce: new Uint8Array(11) },
      { ...sealed, tag: flip(sealed.tag) },
      { ...sealed, tag: sealed.tag.subarray(0, 12) },
      { ...sealed, ciphertext: flip(sealed.ciphertext) },
      { ...sealed, ciphertext: new Uint8Array(0) },
      { ...sealed, aad: flip(aad) },
      { ...sealed, aad: new Uint8Array(0) },
    ].map((input) => JSON.stringify(thrownBy(() => openAesGcm(input))));
    expect(new Set(failures).size).toBe(1);
    expect(failures[0]).toContain('KEY_UNWRAP_FAILED');
  });

  test('a key of another length is the caller’s fault', () => {
    const key = new Uint8Array(31);
    expect(codeOf(() => sealAesGcm({ key, nonce, plaintext }))).toBe('PARAMETER_INVALID');
    const sealed = { key, nonce, ciphertext: plaintext, tag: new Uint8Array(16) };
    expect(codeOf(() => openAesGcm(sealed))).toBe('PARAMETER_INVALID');
  });
});

describe('AES key wrap', () => {
  // RFC 3394 sections 4.1 to 4.6
  test.each([
    [16, 16, '1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5'],
    [24, 16, '96778b25ae6ca435f92b5b97c050aed2468ab8a17ad84e5d'],
    [32, 16, '64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7'],
    [24, 24, '031d33264e15d33268f24ec260743edce1c6c7ddee725a936ba814915c6762d2'],
    [32, 24, 'a8f9bc1612c68b3ff6e6f4fbe30e71e4769c8b80a32cb8958cd5d17d6b254da1'],
    [32, 32, '28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21'],
  ])('a kek of %i bytes and a key of %i, as in RFC 3394', (kekLength, keyLength, wrapped) => {
    const kek = KEK.subarray(0, kekLength);
    const key = KEY.slice(0, 2 * keyLength);
    expect(toHex(wrapAesKey(kek, secretHex(key)))).toBe(wrapped);
    expect(revealed(unwrapAesKey(kek, hex(wrapped)))).toBe(key);
  });

  test('keys that it cannot wrap are refused', () => {
    for (const length of [0, 5, 8, 15, 17, 20]) {
      using key = new SecretBytes(length);
      expect(codeOf(() => wrapAesKey(KEK, key))).toBe('PARAMETER_INVALID');
    }
    expect(codeOf(() => wrapAesKey(KEK.subarray(1), secretHex(KEY)))).toBe('PARAMETER_INVALID');
    expect(codeOf(() => unwrapAesKey(KEK.subarray(1), KEK))).toBe('PARAMETER_INVALID');
  });

  test('has one failure for a wrong key, byte or length', () => {
    const wrapped = wrapAesKey(KEK, secretHex(KEY));
    const failures = [
      () => unwrapAesKey(KEK.toReversed(), wrapped),
      () => unwrapAesKey(KEK, wrapped.toReversed()),
      () => unwrapAesKey(KEK, wrapped.subarray(8)),
      () => unwrapAesKey(KEK, wrapped.subarray(1)),
      () => unwrapAesKey(KEK, new Uint8Array(0)),
    ].map((act) => JSON.stringify(thrownBy(act)));
    expect(new Set(failures).size).toBe(1);
  });
});

describe('PWRI-KEK', () => {
  test('wraps as RFC 3211 says, with the randomness that it is given', () => {
    const { iv, wrapped } = wrapPwriKek(KEK, secretHex(KEY), countingRandom());
    expect(toHex(iv)).toBe('000102030405060708090a0b0c0d0e0f');
    expect(wrapped).toHaveLength(48);
    expect(toHex(wrapPwriKek(KEK, secretHex(KEY), countingRandom()).wrapped)).toBe(toHex(wrapped));
    expect(revealed(unwrapPwriKek(KEK, iv, wrapped))).toBe(KEY);
  });

  test.each([
    [3, 32],
    [12, 32],
    [28, 32],
    [29, 48],
    [255, 272],
  ])('a key of %i bytes takes %i', (length, wrappedLength) => {
    using key = SecretBytes.random(length);
    const { iv, wrapped } = wrapPwriKek(KEK, key);
    expect(wrapped).toHaveLength(wrappedLength);
    expect(revealed(unwrapPwriKek(KEK, iv, wrapped))).toBe(toHex(key.bytes));
  });

  test('has one failure for a wrong key, byte or length', () => {
    const { iv, wrapped } = wrapPwriKek(KEK, secretHex(KEY));
    const failures = [
      () => unwrapPwriKek(KEK.toReversed(), iv, wrapped),
      () => unwrapPwriKek(KEK, iv.toReversed(), wrapped),
      () => unwrapPwriKek(KEK, iv, wrapped.toReversed()),
      () => unwrapPwriKek(KEK, iv, wrapped.subarray(16)),
      () => unwrapPwriKek(KEK, iv, wrapped.subarray(0, 16)),
      () => unwrapPwriKek(KEK, iv, wrapped.subarray(1)),
      () => unwrapPwriKek(KEK, iv.subarray(1), wrapped),
    ].map((act) => JSON.stringify(thrownBy(act)));
    expect(new Set(failures).size).toBe(1);
    expect(failures[0]).toContain('KEY_UNWRAP_FAILED');
  });

  test.each([0, 1, 2, 29, 255])('a block that checks but says its key has %i bytes', (length) => {
    const x = new Uint8Array(32).fill(0xaa);
    x.set([length, 0x55, 0x55, 0x55]);
    const iv = new Uint8Array(16);
    const inner = encryptCbc(iv, x);
    const wrapped = encryptCbc(inner.subarray(-16), inner);
    expect(codeOf(() => unwrapPwriKek(KEK, iv, wrapped))).toBe('KEY_UNWRAP_FAILED');
  });

  test('lengths that it cannot wrap are refused', () => {
    for (const length of [0, 2, 256]) {
      using key = new SecretBytes(length);
      expect(codeOf(() => wrapPwriKek(KEK, key))).toBe('PARAMETER_INVALID');
    }
    expect(codeOf(() => wrapPwriKek(KEK.subarray(16), secretHex(KEY)))).toBe('PARAMETER_INVALID');
  });
});

function encryptCbc(iv: Uint8Array, plaintext: Uint8Array): Uint8Array {
  return createCipheriv('aes-256-cbc', KEK, iv).setAutoPadding(false).update(plaintext);
}

describeShared('PWRI-KEK of other programs', () => {
  test('recipients that OpenSSL 3.0 reads are unwrapped', () => {
    interface Vector {
      readonly name: string;
      readonly kek: string;
      readonly iv: string;
      readonly wrapped: string;
      readonly cek: string;
    }
    const { vectors } = sharedJson('vectors/cms.json') as { vectors: readonly Vector[] };
    const ours = vectors.filter(({ name }) => name.endsWith('AES-256-CBC PWRI-KEK'));
    for (const { kek, iv, wrapped, cek } of ours) {
      expect(revealed(unwrapPwriKek(hex(kek), hex(iv), hex(wrapped)))).toBe(cek);
    }
    expect(ours).toHaveLength(6);
  });
});
