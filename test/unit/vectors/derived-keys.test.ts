/** Keys that CryptoAPI derived, through keycask/legacy: on Windows, in .NET on Windows, and under Wine. */
import { expect } from 'vitest';
import { ALG_ID } from '../../../lib/blobs/index.ts';
import {
  capiDecrypt,
  capiHash,
  cryptDeriveKey,
  type CapiKey,
  type CapiProvider,
} from '../../../lib/legacy/index.ts';
import { toHex } from '../../../lib/bytes/octets.ts';
import { describeSharedVectors, type Verdict } from '../../support/account.ts';
import { hex } from '../../support/bytes.ts';
import { CIPHER_ALG_ID, HASH_ALG_ID } from '../../support/capi-names.ts';
import { nteOfAsync } from '../../support/errors.ts';

interface WineVector {
  readonly kind: string;
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

const SALTS: Record<string, 'default' | 'none' | 'create'> = {
  none: 'default',
  CRYPT_NO_SALT: 'none',
  CRYPT_CREATE_SALT: 'create',
};

describeSharedVectors<WineVector>('wine-capi-derivekey.json', async (vector): Promise<Verdict> => {
  const hashAlgId = HASH_ALG_ID[vector.hash]!;
  const algId = CIPHER_ALG_ID[vector.alg]!;
  const { provider } = vector;
  if (vector.kind === 'derive_error') {
    const value = await capiHash(hashAlgId);
    const options = { algId, keyBits: vector.bits, provider };
    expect(await nteOfAsync(cryptDeriveKey({ hashAlgId, value }, options))).toBe(vector.error);
    return { passed: 'refusals with the number of CryptoAPI' };
  }
  expect(vector.kind).toBe('derive');
  const value = await capiHash(hashAlgId, hex(vector.password));
  expect(toHex(value)).toBe(vector.hash_value);
  const salt = SALTS[vector.flag]!;
  // Wine leaves the parity bits of DES keys as they come.
  const options = {
    algId,
    keyBits: vector.bits_requested,
    salt,
    parity: 'as-is',
    provider,
  } as const;
  using key = await cryptDeriveKey({ hashAlgId, value }, options);
  expect(toHex(key.key.bytes)).toBe(vector.key);
  expect(toHex(key.salt)).toBe(vector.salt ?? '');
  expect(key.effectiveBits).toBe(vector.kp_effective_keylen);
  await expectToOpen(key, vector.ciphertext, vector.plaintext);
  return { passed: 'keys and what they encrypted' };
});

describeSharedVectors<Record<string, string>>(
  'capi-cryptderivekey-windows-verified.json',
  async (vector): Promise<Verdict> => {
    const idOf = (field: string) => ALG_ID[vector[field] as keyof typeof ALG_ID];
    const hashAlgId = idOf('hash');
    const value = await capiHash(hashAlgId, hex(vector['hash_input']!));
    expect(toHex(value)).toBe(vector['expected_hash']);
    const made = cryptDeriveKey({ hashAlgId, value }, { algId: idOf('alg') });
    if (vector['expected_ciphertext'] === '') {
      expect(vector['expected_error']).toBe('NTE_BAD_ALGID');
      expect(await nteOfAsync(made)).toBe(NTE_BAD_ALGID);
      return { passed: 'refusals with the number of CryptoAPI' };
    }
    using key = await made;
    await expectToOpen(key, vector['expected_ciphertext']!, vector['plaintext']!);
    const options = { algId: idOf('alg'), parity: 'as-is' } as const;
    using raw = await cryptDeriveKey({ hashAlgId, value }, options);
    expect(toHex(raw.key.bytes)).toBe(vector['derived_key']);
    return { passed: 'keys and what they encrypted' };
  },
);

interface DotnetVector {
  readonly hash: string;
  readonly alg: string;
  readonly bits: number;
  readonly password_utf8: string;
  readonly expected_exported_key: string;
  readonly key_before_parity: string;
}

describeSharedVectors<DotnetVector>(
  'dotnet-cryptderivekey-windows.json',
  async (vector): Promise<Verdict> => {
    const hashAlgId = HASH_ALG_ID[vector.hash]!;
    const value = await capiHash(hashAlgId, new TextEncoder().encode(vector.password_utf8));
    const options = { algId: CIPHER_ALG_ID[vector.alg]!, keyBits: vector.bits };
    using key = await cryptDeriveKey({ hashAlgId, value }, options);
    using raw = await cryptDeriveKey({ hashAlgId, value }, { ...options, parity: 'as-is' });
    expect(toHex(key.key.bytes)).toBe(vector.expected_exported_key);
    expect(toHex(raw.key.bytes)).toBe(vector.key_before_parity);
    return { passed: 'keys, with parity and without' };
  },
);

async function expectToOpen(key: CapiKey, ciphertext: string, plaintext: string): Promise<void> {
  expect(toHex(await capiDecrypt(key, hex(ciphertext)))).toBe(plaintext);
}

/** winerror.h */
const NTE_BAD_ALGID = 0x80090008;
