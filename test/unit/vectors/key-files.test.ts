/** Key files of OpenSSL, makecert, Mono and .NET: read, opened and written back with keycask/blobs, keycask/legacy and keycask/key-pairs. */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { expect } from 'vitest';
import {
  decodeCngBlob,
  decodeKeyBlob,
  encodeCngBlob,
  encodeKeyBlob,
} from '../../../lib/blobs/index.ts';
import { toHex } from '../../../lib/bytes/octets.ts';
import { checkKeyPair, decodeKeyPair, encodeKeyPair } from '../../../lib/key-pairs/index.ts';
import {
  capiDecrypt,
  capiHash,
  cryptDeriveKey,
  importCapiKey,
  importLegacyPublicKey,
  openPvk,
} from '../../../lib/legacy/index.ts';
import { ALG_ID } from '../../../lib/blobs/index.ts';
import { describeSharedVectors, type Verdict } from '../../support/account.ts';
import { hex } from '../../support/bytes.ts';

interface OpensslVector {
  readonly pvk?: string;
  readonly blob?: string;
  readonly password?: string | null;
  readonly strength?: string;
  readonly private_blob?: string;
  readonly key_type?: number;
  readonly pkcs8_pem?: string;
}

describeSharedVectors<OpensslVector>(
  'openssl-msblob-pvk.json',
  async (vector): Promise<Verdict> => {
    if (vector.blob !== undefined) {
      const bytes = hex(vector.blob);
      expect(toHex(encodeKeyBlob(decodeKeyBlob(bytes)))).toBe(vector.blob);
      expect(importLegacyPublicKey(bytes).equals(createPublicKey(vector.pkcs8_pem!))).toBe(true);
      return { passed: 'blobs read and written back' };
    }
    const password = vector.password ? new TextEncoder().encode(vector.password) : undefined;
    using opened = await openPvk(hex(vector.pvk!), password);
    expect(toHex(opened.blob.bytes)).toBe(vector.private_blob);
    expect(opened.protection).toBe(vector.strength);
    expect(opened.keySpec).toBe(vector.key_type ?? 2);
    const { pair } = decodeKeyPair(opened.blob.bytes);
    if (vector.pkcs8_pem !== undefined) {
      const spki = createPublicKey(createPrivateKey(vector.pkcs8_pem));
      expect(toHex(encodeKeyPair(pair, 'SPKI'))).toBe(
        toHex(spki.export({ format: 'der', type: 'spki' })),
      );
    }
    expect(checkKeyPair(pair)).toEqual([]);
    return { passed: `PVK files opened, protection ${vector.strength!}` };
  },
);

interface ArrayVector {
  readonly name: string;
  readonly function?: string | null;
  readonly source: string;
  readonly length: number;
  readonly hex: string;
}

describeSharedVectors<ArrayVector, { readonly vectors: readonly ArrayVector[] }>(
  'mono-cspblob-pvk.json',
  async (vector, { vectors }): Promise<Verdict> => {
    const bytes = hex(vector.hex);
    if (vector.source.includes('ARC4ManagedTest')) return await judgeRc4(vector, vectors);
    if (vector.source.includes('PrivateKeyTest')) {
      using opened = await openPvk(bytes, new TextEncoder().encode('password'));
      expect(checkKeyPair(decodeKeyPair(opened.blob.bytes).pair)).toEqual([]);
      return { passed: 'PVK files opened' };
    }
    if (vector.source.includes('PKCS8Test')) {
      if (vector.name === 'pkcs8_der')
        return { outOfScope: 'encrypted PKCS #8, which is not of CryptoAPI' };
      const { pair } = decodeKeyPair(bytes);
      expect(checkKeyPair(pair)).toEqual([]);
      return { passed: 'key pairs of PKCS #8 and PKCS #1' };
    }
    expect(vector.source).toContain('CryptoConvertTest');
    if (vector.length < 20) return { outOfScope: 'array of a test of hex digits' };
    // One of the strong names is cut within its d, as Windows lets it be.
    const { pair } = decodeKeyPair(bytes, { shortTail: 'allow' });
    expect(checkKeyPair(pair)).toEqual([]);
    return { passed: 'strong names and DSS blobs' };
  },
);

/** The input and the key are what an `expected` passes with. */
async function judgeRc4(vector: ArrayVector, all: readonly ArrayVector[]): Promise<Verdict> {
  const part = (name: string) =>
    all.find((it) => it.name === name && it.function === vector.function)?.hex;
  const digits = part('key');
  const expected = part('expected');
  if (digits === undefined || expected === undefined || / write|Write/u.test(vector.name))
    return { outOfScope: 'records of SSL, which one stream encrypts after another' };
  if (digits.length < 2 * 5)
    return { outOfScope: 'RC4 with a key of 32 bits, which CryptoAPI does not have' };
  // Where the test has no input it is an array of zeros in the source.
  const input = part('input') ?? '01'.repeat(expected.length / 2);
  using key = importCapiKey(ALG_ID.CALG_RC4, hex(digits), { salt: 'none' });
  expect(toHex(await capiDecrypt(key, hex(expected)))).toBe(input);
  return { passed: 'keys, inputs and outputs of RC4' };
}

describeSharedVectors<ArrayVector>('dotnet-csp-cng.json', async (vector): Promise<Verdict> => {
  const bytes = hex(vector.hex);
  if (/^0[67]0200000/u.test(vector.hex)) {
    expect(toHex(encodeKeyBlob(decodeKeyBlob(bytes)))).toBe(vector.hex);
    expect(checkKeyPair(decodeKeyPair(bytes).pair)).toEqual([]);
    return { passed: 'key blobs of CryptoAPI' };
  }
  if (/^(525341|45434|445350|445056)/u.test(vector.hex)) {
    const blob = decodeCngBlob(bytes);
    expect(toHex(encodeCngBlob(blob))).toBe(vector.hex);
    return { passed: 'blobs of CNG' };
  }
  if (vector.function?.startsWith('CryptDeriveKey')) return await judgeDerived(vector);
  if (vector.source.includes('PasswordDeriveBytesTests'))
    return {
      outOfScope:
        'bytes of PasswordDeriveBytes.GetBytes, a derivation of .NET alone, and its salts',
    };
  return {
    outOfScope: 'numbers, messages and signatures of tests, which are in no format of CryptoAPI',
  };
});

/** What PasswordDeriveBytes.CryptDeriveKey made of the password of all these tests, with one of the hashes; and what the 3DES key encrypted. */
async function judgeDerived(vector: ArrayVector): Promise<Verdict> {
  const isTripleDes = vector.function === 'CryptDeriveKey_KnownValues_TripleDes';
  const algId = isTripleDes ? ALG_ID.CALG_3DES : ALG_ID.CALG_RC2;
  const keys: string[] = [];
  const password = new TextEncoder().encode('PasswordGoesHere');
  for (const hashAlgId of [ALG_ID.CALG_MD5, ALG_ID.CALG_SHA1, ALG_ID.CALG_SHA_256]) {
    const value = await capiHash(hashAlgId, password);
    using key = await cryptDeriveKey(
      { hashAlgId, value },
      { algId, keyBits: isTripleDes ? 192 : 128 },
    );
    keys.push(toHex(key.key.bytes));
    if (vector.name === '' || hashAlgId !== ALG_ID.CALG_SHA1) continue;
    const opened = await capiDecrypt(key, hex(CIPHERTEXT), { padding: 'none' });
    expect([CIPHERTEXT, toHex(opened)]).toContain(vector.hex);
  }
  if (vector.name === '') expect(keys).toContain(vector.hex);
  return { passed: 'derived keys, and what one of them encrypted' };
}

/** expectedCipher */
const CIPHERTEXT = '9dc863445642b88ac46b3b107cb5a0acc1596a176962ee8f';
