/** What CryptEncrypt made under Wine, opened with keycask/legacy: every cipher, effective lengths, salts. */
import { expect } from 'vitest';
import { toHex } from '../../../lib/bytes/octets.ts';
import {
  capiDecrypt,
  importCapiKey,
  openCapiDecryptor,
  type CapiCipherOptions,
  type CapiKey,
  type CapiMode,
  type CapiProvider,
} from '../../../lib/legacy/index.ts';
import { describeSharedVectors, type Verdict } from '../../support/account.ts';
import { hex } from '../../support/bytes.ts';
import { CIPHER_ALG_ID } from '../../support/capi-names.ts';
import { nteOf } from '../../support/errors.ts';

interface CipherVector {
  readonly kind: string;
  readonly alg: string;
  readonly key: string;
  readonly mode: CapiMode | 'stream';
  readonly iv?: string;
  readonly salt?: string;
  readonly plaintext: string;
  readonly ciphertext: string;
}

describeSharedVectors<CipherVector>('wine-capi-ciphers.json', async (vector): Promise<Verdict> => {
  expect(vector.kind).toBe('cipher');
  using key = importCapiKey(CIPHER_ALG_ID[vector.alg]!, hex(vector.key));
  expect(toHex(key.salt)).toBe(vector.salt ?? '');
  const { mode, iv = '' } = vector;
  const options = {
    ...(mode !== 'stream' && { mode }),
    ...(/^([0-9a-f]{2})+$/u.test(iv) && { iv: hex(iv) }),
  };
  await expectToOpen(key, vector.ciphertext, vector.plaintext, options);
  using decryptor = await openCapiDecryptor(key, options);
  const pieces = Array.from(hex(vector.ciphertext), (byte) =>
    toHex(decryptor.update(Uint8Array.of(byte))),
  );
  expect([...pieces, toHex(decryptor.final())].join('')).toBe(vector.plaintext);
  return { passed: 'ciphertexts decrypted, whole and byte by byte' };
});

interface Rc2Vector extends CipherVector {
  readonly provider: CapiProvider;
  readonly effective_bits: number;
  readonly effective_bits_after: number;
  readonly set_error: number;
  readonly salt_set?: string;
  readonly salt_get: string;
  readonly ciphertext_second_message: string;
}

describeSharedVectors<Rc2Vector>('wine-capi-rc2-effective-salt.json', async (vector) => {
  if (vector.kind === 'rc2_effective') return await judgeEffective(vector);
  expect([vector.kind, vector.set_error]).toEqual(['salt', 0]);
  const algId = CIPHER_ALG_ID[vector.alg]!;
  using first = importCapiKey(algId, hex(vector.key), {
    salt: hex(vector.salt_set ?? vector.salt_get),
  });
  await expectToOpen(first, vector.ciphertext, vector.plaintext);
  // With some providers KP_SALT holds for one message only.
  using second = importCapiKey(algId, hex(vector.key), { salt: hex(vector.salt_get) });
  await expectToOpen(second, vector.ciphertext_second_message, vector.plaintext);
  return { passed: 'salts' };
});

async function judgeEffective(vector: Rc2Vector): Promise<Verdict> {
  const { provider, effective_bits: effectiveBits } = vector;
  // On import Wine does not look at CRYPT_NO_SALT; what it did is what it answers to KP_SALT.
  const held = { provider, salt: hex(vector.salt!) };
  const algId = CIPHER_ALG_ID['rc2']!;
  const wanted = { ...held, effectiveBits };
  expect(nteOf(() => importCapiKey(algId, hex(vector.key), wanted))).toBe(vector.set_error);
  // After a refusal the key is as it was.
  using key = importCapiKey(algId, hex(vector.key), vector.set_error === 0 ? wanted : held);
  expect(key.effectiveBits).toBe(vector.effective_bits_after);
  await expectToOpen(key, vector.ciphertext, vector.plaintext);
  return { passed: vector.set_error === 0 ? 'effective lengths' : 'effective lengths refused' };
}

async function expectToOpen(
  key: CapiKey,
  ciphertext: string,
  plaintext: string,
  options: CapiCipherOptions = {},
): Promise<void> {
  expect(toHex(await capiDecrypt(key, hex(ciphertext), options))).toBe(plaintext);
}
