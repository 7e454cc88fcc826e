/** CBC-MAC, HMAC and CryptHashSessionKey: what Wine makes, and RFC 2104 where Wine does not follow it. */
import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ALG_ID } from '../../../lib/blobs/alg-id.ts';
import { toHex } from '../../../lib/bytes/octets.ts';
import { importCapiKey } from '../../../lib/legacy/capi-key.ts';
import { capiHash } from '../../../lib/legacy/hash.ts';
import { hashSessionKey } from '../../../lib/legacy/hash-session-key.ts';
import { capiCbcMac, capiHmac } from '../../../lib/legacy/mac.ts';
import { hex } from '../../support/bytes.ts';
import { CIPHER_ALG_ID, HASH_ALG_ID } from '../../support/capi-names.ts';
import { codeOfAsync } from '../../support/errors.ts';
import { describeShared, sharedJson } from '../../support/shared.ts';

interface MacVector {
  readonly kind: 'hmac' | 'cbc_mac' | 'hash_session_key';
  readonly hash: string;
  readonly alg: string;
  readonly key: string;
  readonly message: string;
  readonly mac: string;
  readonly rfc2104?: string;
  readonly wine_equals_rfc2104?: boolean;
  readonly flag: string;
  readonly sha1: string;
}

describeShared('MACs of Wine (wine-capi-mac-hash.json)', () => {
  const { vectors } = sharedJson('vectors/wine-capi-mac-hash.json') as { vectors: MacVector[] };
  const ofKind = (kind: MacVector['kind']): MacVector[] =>
    vectors.filter((vector) => vector.kind === kind);

  test('every HMAC is that of RFC 2104, and where Wine keeps to it that of Wine', async () => {
    expect(ofKind('hmac').length).toBeGreaterThanOrEqual(40);
    for (const { hash, key, message, mac, rfc2104, wine_equals_rfc2104 } of ofKind('hmac')) {
      const made = toHex(await capiHmac(HASH_ALG_ID[hash]!, hex(key), hex(message)));
      expect(made).toBe(rfc2104 ?? mac);
      // Wine has blocks of 64 bytes for each hash, so with SHA-384 and SHA-512 its values are its own.
      expect(made === mac, hash).toBe(wine_equals_rfc2104 ?? true);
    }
  });

  test('every CBC-MAC is that of Wine, whose last block is padded as that of Windows 8', async () => {
    expect(ofKind('cbc_mac').length).toBeGreaterThanOrEqual(21);
    for (const vector of ofKind('cbc_mac')) {
      using key = importCapiKey(CIPHER_ALG_ID[vector.alg]!, hex(vector.key));
      const message = hex(vector.message);
      expect(toHex(await capiCbcMac(key, message))).toBe(vector.mac);
      const parts = [message.subarray(0, 1), message.subarray(1)];
      expect(toHex(await capiCbcMac(key, ...parts))).toBe(vector.mac);
    }
  });

  test('every hash of a session key is that of Wine', async () => {
    expect(ofKind('hash_session_key').length).toBeGreaterThanOrEqual(7);
    for (const { alg, key: bytes, flag, sha1 } of ofKind('hash_session_key')) {
      using key = importCapiKey(CIPHER_ALG_ID[alg]!, hex(bytes));
      const littleEndian = flag === 'CRYPT_LITTLE_ENDIAN';
      const hash = await hashSessionKey(ALG_ID.CALG_SHA1, key, { littleEndian });
      expect(toHex(hash)).toBe(sha1);
    }
  });
});

describe('capiHmac', () => {
  test.each([
    [ALG_ID.CALG_MD5, 'md5'],
    [ALG_ID.CALG_SHA1, 'sha1'],
    [ALG_ID.CALG_SHA_256, 'sha256'],
    [ALG_ID.CALG_SHA_384, 'sha384'],
    [ALG_ID.CALG_SHA_512, 'sha512'],
  ] as const)(
    'is for %i what node:crypto says for %s, keys of 0 to 130 bytes',
    async (id, name) => {
      for (let length = 0; length <= 130; length++) {
        const key = new Uint8Array(length).fill(length);
        const theirs = createHmac(name, key).update('a message').digest('hex');
        const parts = [Buffer.from('a '), Buffer.from('message')];
        expect(toHex(await capiHmac(id, key, parts))).toBe(theirs);
      }
    },
  );

  test('takes the strings of HMAC_INFO, and an empty one as the default', async () => {
    const key = hex('0102030405');
    const message = hex('aabb');
    const innerString = new Uint8Array(20).fill(0x11);
    const outerString = hex('2222');
    const keyedInner = innerString.slice();
    for (let i = 0; i < key.length; i++) keyedInner[i]! ^= key[i]!;
    const inner = await capiHash(ALG_ID.CALG_SHA1, keyedInner, message);
    const expected = await capiHash(ALG_ID.CALG_SHA1, hex('2320'), inner);
    const options = { innerString, outerString };
    expect(await capiHmac(ALG_ID.CALG_SHA1, key, message, options)).toEqual(expected);
    const empty = { innerString: new Uint8Array(0), outerString: new Uint8Array(0) };
    expect(await capiHmac(ALG_ID.CALG_SHA1, key, message, empty)).toEqual(
      await capiHmac(ALG_ID.CALG_SHA1, key, message),
    );
  });

  test('refuses what is no hash', async () => {
    const made = capiHmac(ALG_ID.CALG_MAC, hex('00'), hex('00'));
    expect(await codeOfAsync(made)).toBe('ALGORITHM_UNSUPPORTED');
  });
});

describe('capiCbcMac', () => {
  test('of nothing is a block of padding', async () => {
    using key = importCapiKey(ALG_ID.CALG_AES_128, new Uint8Array(16));
    expect(await capiCbcMac(key)).toHaveLength(16);
    expect(await capiCbcMac(key)).toEqual(await capiCbcMac(key, new Uint8Array(0)));
  });

  test('of more than a piece is that of its parts', async () => {
    using key = importCapiKey(ALG_ID.CALG_AES_256, new Uint8Array(32).fill(7));
    const message = new Uint8Array((1 << 20) + 5).fill(3);
    const halves = [message.subarray(0, 77), message.subarray(77)];
    expect(await capiCbcMac(key, message)).toEqual(await capiCbcMac(key, ...halves));
  });

  test('counts the salt and the effective length of an RC2 key', async () => {
    const message = hex('00');
    const macs = new Set<string>();
    for (const options of [{}, { salt: 'none' }, { effectiveBits: 41 }] as const) {
      using key = importCapiKey(ALG_ID.CALG_RC2, hex('0102030405'), options);
      macs.add(toHex(await capiCbcMac(key, message)));
    }
    expect(macs.size).toBe(3);
  });

  test('refuses a key of RC4', async () => {
    using key = importCapiKey(ALG_ID.CALG_RC4, new Uint8Array(16));
    expect(await codeOfAsync(capiCbcMac(key, hex('00')))).toBe('ALGORITHM_UNSUPPORTED');
  });
});

describe('hashSessionKey', () => {
  test('hashes what came before and after the key too, and leaves the key as it is', async () => {
    using key = importCapiKey(ALG_ID.CALG_RC4, hex('0102030405'));
    const options = { before: [hex('aa')], after: [hex('bb'), hex('cc')] };
    const expected = await capiHash(ALG_ID.CALG_SHA1, hex('aa0504030201bbcc'));
    expect(await hashSessionKey(ALG_ID.CALG_SHA1, key, options)).toEqual(expected);
    expect(toHex(key.key.bytes)).toBe('0102030405');
    key[Symbol.dispose]();
    expect(await codeOfAsync(hashSessionKey(ALG_ID.CALG_SHA1, key))).toBe('HANDLE_INVALID');
  });
});
