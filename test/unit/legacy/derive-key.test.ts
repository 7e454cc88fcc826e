/** cryptDeriveKey and bcryptDeriveKeyCapi: what Windows, .NET and Wine derive. */
import { describe, expect, test } from 'vitest';
import { ALG_ID } from '../../../lib/blobs/alg-id.ts';
import { toHex } from '../../../lib/bytes/octets.ts';
import { KeyStoreError } from '../../../lib/errors.ts';
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
import { codeOfAsync } from '../../support/errors.ts';
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

async function nteOf(promise: Promise<unknown>): Promise<number> {
  try {
    await promise;
  } catch (error) {
    if (KeyStoreError.is(error)) return error.nte;
    throw error;
  }
  return 0;
}

describeShared('CryptDeriveKey of Wine (wine-capi-derivekey.json)', () => {
  const { vectors } = sharedJson('vectors/wine-capi-derivekey.json') as {
    vectors: DeriveVector[];
  };

  test('gives each key, salt and ciphertext', { timeout: 30_000 }, async () => {
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
      expect(await nteOf(cryptDeriveKey({ hashAlgId, value }, options))).toBe(error);
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
        if (parity === 'as-is') expect(toHex(key.key.bytes)).toBe(vector['derived_key']);
      }
  });

  test('refuses what Windows refuses: CALG_RC5, RSA keys, and CALG_AES without a length', async () => {
    const refused = vectors.filter((vector) => vector['expected_ciphertext'] === '');
    expect(refused).toHaveLength(20);
    for (const vector of refused) {
      expect(vector['expected_error']).toBe('NTE_BAD_ALGID');
      expect(await nteOf(derive(vector, {})), vector['name']).toBe(0x80090008);
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

describeShared("BCryptDeriveKeyCapi of Wine's (cng-blobs.json)", () => {
  test('gives the same bytes, and refuses the same lengths', async () => {
    const { derive_key_capi_wine8: vectors } = sharedJson('vectors/cng-blobs.json') as {
      derive_key_capi_wine8: {
        hash: string;
        target: string;
        len: number;
        status: string;
        out: string;
      }[];
    };
    const counts = { made: 0, refused: 0, wineLacks: 0 };
    for (const { hash, target, len, status, out } of vectors) {
      // Wine has no derivation for an AES handle (STATUS_NOT_SUPPORTED, STATUS_NOT_IMPLEMENTED); Windows has.
      if (status === 'c00000bb' || status === 'c0000002') {
        expect(target).toBe('AES');
        counts.wineLacks++;
        continue;
      }
      const hashAlgId = HASH_ALG_ID[hash]!;
      const value = await capiHash(hashAlgId, Buffer.from('password'));
      const derive = bcryptDeriveKeyCapi(
        { hashAlgId, value },
        len,
        target === 'AES' ? { target } : {},
      );
      if (status === '00000000') {
        expect(revealed(await derive)).toBe(out);
        counts.made++;
      } else {
        expect(status).toBe('c000000d');
        expect(await codeOfAsync(derive)).toBe('PARAMETER_INVALID');
        counts.refused++;
      }
    }
    expect(counts).toEqual({ made: 16, refused: 11, wineLacks: 33 });
  });
});

describe('What no vector shows', () => {
  test('x', () => {});
});
