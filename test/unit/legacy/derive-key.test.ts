/** cryptDeriveKey and bcryptDeriveKeyCapi: what Windows, .NET and Wine derive. */
import { describe, expect, test } from 'vitest';
import { ALG_ID } from '../../../lib/blobs/alg-id.ts';
import { toHex } from '../../../lib/bytes/octets.ts';
import { capiDecrypt, capiEncrypt } from '../../../lib/legacy/cipher.ts';
import {
  bcryptDeriveKeyCapi,
  cryptDeriveKey,
  type CryptDeriveKeyOptions,
} from '../../../lib/legacy/derive-key.ts';
import { capiHash } from '../../../lib/legacy/hash.ts';
import type { CapiProvider } from '../../../lib/legacy/provider-algorithms.ts';
import { hex, revealed } from '../../support/bytes.ts';
import { CIPHER_ALG_ID, HASH_ALG_ID } from '../../support/capi-names.ts';
import { codeOfAsync, nteOfAsync } from '../../support/errors.ts';
import { describeShared, sharedJson } from '../../support/shared.ts';

interface DeriveVector {
  readonly kind: 'derive' | 'derive_error';
  readonly provider: CapiProvider;
  readonly hash: string;
  readonly alg: string;
  readonly bits_requested: number;
  readonly bits: number;
  readonly flag: string;
  readonly password: string;
  readonly hash_value: string;
  readonly key: string;
  readonly salt?: string;
  readonly kp_effective_keylen: number;
  readonly plaintext: string;
  readonly ciphertext: string;
  readonly error: number;
}

const SALT_OF_FLAG: Record<string, 'default' | 'none' | 'create'> = {
  none: 'default',
  CRYPT_NO_SALT: 'none',
  CRYPT_CREATE_SALT: 'create',
};

describeShared('CryptDeriveKey of Wine (wine-capi-derivekey.json)', () => {
  const { vectors } = sharedJson('vectors/wine-capi-derivekey.json') as {
    vectors: DeriveVector[];
  };

  test('gives each key, salt and ciphertext', async () => {
    const derived = vectors.filter(({ kind }) => kind === 'derive');
    expect(derived.length).toBeGreaterThanOrEqual(387);
    for (const vector of derived) {
      const hashAlgId = HASH_ALG_ID[vector.hash]!;
      const value = await capiHash(hashAlgId, hex(vector.password));
      expect(toHex(value)).toBe(vector.hash_value);
      // Wine leaves the parity bits of DES keys as they come.
      using key = await cryptDeriveKey(
        { hashAlgId, value },
        {
          algId: CIPHER_ALG_ID[vector.alg]!,
          keyBits: vector.bits_requested,
          salt: SALT_OF_FLAG[vector.flag]!,
          parity: 'as-is',
          provider: vector.provider,
        },
      );
      const found = {
        key: toHex(key.key.bytes),
        salt: toHex(key.salt),
        effectiveBits: key.effectiveBits,
        plaintext: toHex(await capiDecrypt(key, hex(vector.ciphertext))),
        ciphertext: toHex(await capiEncrypt(key, hex(vector.plaintext))),
      };
      expect(found, JSON.stringify(vector)).toEqual({
        key: vector.key,
        salt: vector.salt ?? '',
        effectiveBits: vector.kp_effective_keylen,
        plaintext: vector.plaintext,
        ciphertext: vector.ciphertext,
      });
    }
  });

  test('refuses with the same number what a provider does not have', async () => {
    const refused = vectors.filter(({ kind }) => kind === 'derive_error');
    expect(refused.length).toBeGreaterThanOrEqual(13);
    for (const { provider, hash, alg, bits, error } of refused) {
      const hashAlgId = HASH_ALG_ID[hash]!;
      const value = await capiHash(hashAlgId);
      const options = { algId: CIPHER_ALG_ID[alg]!, keyBits: bits, provider };
      expect(await nteOfAsync(cryptDeriveKey({ hashAlgId, value }, options))).toBe(error);
    }
  });
});

describeShared('CryptDeriveKey of Windows (capi-cryptderivekey-windows-verified.json)', () => {
  const { vectors } = sharedJson('vectors/capi-cryptderivekey-windows-verified.json') as {
    vectors: Record<string, string>[];
  };
  const algId = (name: string): number => ALG_ID[name as keyof typeof ALG_ID];

  async function derive(vector: Record<string, string>, options: Partial<CryptDeriveKeyOptions>) {
    const hashAlgId = algId(vector['hash']!);
    const value = await capiHash(hashAlgId, hex(vector['hash_input']!));
    expect(toHex(value)).toBe(vector['expected_hash']);
    return await cryptDeriveKey({ hashAlgId, value }, { algId: algId(vector['alg']!), ...options });
  }

  test('gives the ciphertexts that Windows asserts, whatever the parity bits', async () => {
    const made = vectors.filter((vector) => vector['expected_ciphertext'] !== '');
    expect(made).toHaveLength(40);
    for (const vector of made)
      for (const parity of ['odd', 'as-is'] as const) {
        using key = await derive(vector, { parity });
        const ciphertext = await capiEncrypt(key, hex(vector['plaintext']!));
        expect(toHex(ciphertext), vector['name']).toBe(vector['expected_ciphertext']);
        expect(toHex(await capiDecrypt(key, ciphertext))).toBe(vector['plaintext']);
        // What the vectors call the key is before parity.
        using raw = await derive(vector, { parity: 'as-is' });
        expect(toHex(raw.key.bytes)).toBe(vector['derived_key']);
      }
  });

  test('refuses what Windows refuses: CALG_RC5, RSA keys, and CALG_AES without a length', async () => {
    const refused = vectors.filter((vector) => vector['expected_ciphertext'] === '');
    expect(refused).toHaveLength(20);
    for (const vector of refused) {
      expect(vector['expected_error']).toBe('NTE_BAD_ALGID');
      expect(await nteOfAsync(derive(vector, {})), vector['name']).toBe(0x80090008);
    }
  });
});

describeShared('PasswordDeriveBytes of .NET (dotnet-cryptderivekey-windows.json)', () => {
  test('gives the exported keys, with and without parity', async () => {
    const { vectors } = sharedJson('vectors/dotnet-cryptderivekey-windows.json') as {
      vectors: Record<
        'hash' | 'alg' | 'password_utf8' | 'expected_exported_key' | 'key_before_parity',
        string
      >[] &
        { bits: number }[];
    };
    expect(vectors).toHaveLength(5);
    for (const vector of vectors) {
      const hashAlgId = HASH_ALG_ID[vector.hash]!;
      const value = await capiHash(hashAlgId, Buffer.from(vector.password_utf8));
      const options = { algId: CIPHER_ALG_ID[vector.alg]!, keyBits: vector.bits };
      using key = await cryptDeriveKey({ hashAlgId, value }, options);
      using raw = await cryptDeriveKey({ hashAlgId, value }, { ...options, parity: 'as-is' });
      expect(toHex(key.key.bytes)).toBe(vector.expected_exported_key);
      expect(toHex(raw.key.bytes)).toBe(vector.key_before_parity);
    }
  });
});

interface BCryptVector {
  readonly hash: string;
  readonly target: string;
  readonly len: number;
  readonly status: string;
  readonly out: string;
}

describeShared("BCryptDeriveKeyCapi of Wine's (cng-blobs.json)", () => {
  const { derive_key_capi_wine8: all } = sharedJson('vectors/cng-blobs.json') as {
    derive_key_capi_wine8: BCryptVector[];
  };
  const ofStatus = (...statuses: string[]): BCryptVector[] =>
    all.filter(({ status }) => statuses.includes(status));

  async function derive({ hash, target, len }: BCryptVector) {
    const hashAlgId = HASH_ALG_ID[hash]!;
    const value = await capiHash(hashAlgId, Buffer.from('password'));
    return await bcryptDeriveKeyCapi({ hashAlgId, value }, len, target === 'AES' ? { target } : {});
  }

  test('gives the same bytes', async () => {
    const made = ofStatus('00000000');
    expect(made.length).toBeGreaterThanOrEqual(16);
    for (const vector of made) expect(revealed(await derive(vector))).toBe(vector.out);
  });

  test('refuses the same lengths (STATUS_INVALID_PARAMETER)', async () => {
    const refused = ofStatus('c000000d');
    expect(refused.length).toBeGreaterThanOrEqual(11);
    for (const vector of refused)
      expect(await codeOfAsync(derive(vector))).toBe('PARAMETER_INVALID');
  });

  test('what is left is an AES handle, which Wine does not take and Windows does', async () => {
    const lacking = ofStatus('c0000002', 'c00000bb');
    expect(lacking.length + ofStatus('00000000', 'c000000d').length).toBe(all.length);
    for (const vector of lacking) {
      expect(vector.target).toBe('AES');
      expect(revealed(await derive(vector))).toHaveLength(2 * vector.len);
    }
  });
});

const HASHES = Object.entries(HASH_ALG_ID);

describe('cryptDeriveKey', () => {
  async function hashOf(hashAlgId: number) {
    return { hashAlgId, value: await capiHash(hashAlgId, Buffer.from('password')) };
  }

  /** NTE number of deriving a key, 0 where it is derived. */
  async function nteOfKey(options: CryptDeriveKeyOptions, hashAlgId: number = ALG_ID.CALG_MD5) {
    const key = cryptDeriveKey(await hashOf(hashAlgId), options);
    return await nteOfAsync(key.then((made) => made[Symbol.dispose]()));
  }

  test('takes the lengths of PP_ENUMALGS_EX: of RC2 and RC4 in steps of 8 bits', async () => {
    const most: Record<CapiProvider, number> = { base: 56, enhanced: 128, strong: 128, aes: 128 };
    for (const [provider, max] of Object.entries(most) as [CapiProvider, number][])
      for (const algId of [ALG_ID.CALG_RC2, ALG_ID.CALG_RC4])
        for (let keyBits = 1; keyBits <= 160; keyBits++) {
          const isTaken = keyBits % 8 === 0 && keyBits >= 40 && keyBits <= max;
          const nte = await nteOfKey({ algId, keyBits, provider });
          expect(nte, `${provider} ${keyBits}`).toBe(isTaken ? 0 : NTE_BAD_DATA);
        }
  });

  test.each([
    [ALG_ID.CALG_DES, [0, 56, 64], 8],
    [ALG_ID.CALG_3DES_112, [0, 112, 128], 16],
    [ALG_ID.CALG_3DES, [0, 168, 192], 24],
  ])('takes for %i only its own length, with parity or without', async (algId, taken, length) => {
    for (const keyBits of [0, 40, 56, 64, 112, 128, 168, 192, 200]) {
      const nte = await nteOfKey({ algId, keyBits });
      expect(nte).toBe(taken.includes(keyBits) ? 0 : NTE_BAD_FLAGS);
    }
    using key = await cryptDeriveKey(await hashOf(ALG_ID.CALG_MD5), { algId });
    expect(key.key).toHaveLength(length);
    expect(key.effectiveBits).toBe(8 * length);
  });

  test('takes for AES its own length only', async () => {
    expect(await nteOfKey({ algId: ALG_ID.CALG_AES_192, keyBits: 192 })).toBe(0);
    expect(await nteOfKey({ algId: ALG_ID.CALG_AES_192, keyBits: 128 })).toBe(NTE_BAD_DATA);
  });

  test('refuses what the provider does not have, ciphers and hashes', async () => {
    const [algId, sha2] = [ALG_ID.CALG_RC4, ALG_ID.CALG_SHA_256];
    for (const provider of ['base', 'enhanced', 'strong'] as const) {
      expect(await nteOfKey({ algId: ALG_ID.CALG_AES_128, provider })).toBe(NTE_BAD_ALGID);
      expect(await nteOfKey({ algId, provider }, sha2)).toBe(NTE_BAD_ALGID);
      expect(await nteOfKey({ algId, provider })).toBe(0);
    }
    expect(await nteOfKey({ algId: ALG_ID.CALG_3DES, provider: 'base' })).toBe(NTE_BAD_ALGID);
    expect(await nteOfKey({ algId }, ALG_ID.CALG_SSL3_SHAMD5)).toBe(NTE_BAD_ALGID);
    expect(await nteOfKey({ algId: ALG_ID.CALG_MD5 })).toBe(NTE_BAD_ALGID);
    expect(await nteOfKey({ algId: ALG_ID.CALG_CYLINK_MEK })).toBe(NTE_BAD_ALGID);
  });

  test('refuses a hash that is not as long as its algorithm says', async () => {
    const short = { hashAlgId: ALG_ID.CALG_SHA1, value: new Uint8Array(19) };
    const key = cryptDeriveKey(short, { algId: ALG_ID.CALG_RC4 });
    expect(await codeOfAsync(key)).toBe('PARAMETER_INVALID');
  });

  test.each(HASHES)(
    'created salt is what follows the key in the hash: %s',
    async (_, hashAlgId) => {
      const hash = await hashOf(hashAlgId);
      for (let keyBits = 40; keyBits <= 128; keyBits += 8) {
        const options = { algId: ALG_ID.CALG_RC2, keyBits, salt: 'create' } as const;
        using key = await cryptDeriveKey(hash, options);
        expect(toHex(key.key.bytes) + toHex(key.salt)).toBe(toHex(hash.value.subarray(0, 16)));
      }
    },
  );

  test('DES keys have odd parity in each byte, and the same other bits as without', async () => {
    const hash = await hashOf(ALG_ID.CALG_SHA_512);
    for (const algId of [ALG_ID.CALG_DES, ALG_ID.CALG_3DES_112, ALG_ID.CALG_3DES]) {
      using odd = await cryptDeriveKey(hash, { algId });
      using raw = await cryptDeriveKey(hash, { algId, parity: 'as-is' });
      const ones = Array.from(odd.key.bytes, (byte) => byte.toString(2).replaceAll('0', '').length);
      expect(ones.every((count) => count % 2 === 1)).toBe(true);
      expect(odd.key.bytes.map((byte) => byte >>> 1)).toEqual(
        raw.key.bytes.map((byte) => byte >>> 1),
      );
    }
  });

  test.each(HASHES)('for AES it is BCryptDeriveKeyCapi with an AES handle: %s', async (_, id) => {
    const hash = await hashOf(id);
    for (const algId of [ALG_ID.CALG_AES_128, ALG_ID.CALG_AES_192, ALG_ID.CALG_AES_256]) {
      using key = await cryptDeriveKey(hash, { algId });
      using bytes = await bcryptDeriveKeyCapi(hash, key.key.length, { target: 'AES' });
      expect(bytes.bytes).toEqual(key.key.bytes);
    }
  });

  test('leaves the hash as it is', async () => {
    const hash = await hashOf(ALG_ID.CALG_MD4);
    const before = toHex(hash.value);
    using key = await cryptDeriveKey(hash, { algId: ALG_ID.CALG_3DES });
    expect(key.key).toHaveLength(24);
    expect(toHex(hash.value)).toBe(before);
  });
});

/** winerror.h */
const NTE_BAD_DATA = 0x80090005;
const NTE_BAD_ALGID = 0x80090008;
const NTE_BAD_FLAGS = 0x80090009;
