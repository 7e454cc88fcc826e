/** What CryptoAPI itself made opens, and is told right: blobs, and data in every cipher, mode, salt and effective length. */
import { expect, test } from 'vitest';
import { ALG_ID } from '../../../../lib/blobs/alg-id.ts';
import { fromHex, toHex } from '../../../../lib/bytes/octets.ts';
import { SecretBytes } from '../../../../lib/keys/secret-bytes.ts';
import { capiDecrypt } from '../../../../lib/legacy/cipher.ts';
import { searchCipher } from '../../../../lib/migration/search-cipher.ts';
import { diagnoseWith, idsOf } from '../../../support/diagnosing.ts';
import { describeShared, sharedJson } from '../../../support/shared.ts';

interface CipherVector {
  readonly alg?: string;
  readonly key: string;
  readonly iv?: string;
  readonly salt?: string;
  /** Of KP_SALT and KP_SALT_EX. */
  readonly salt_set?: string;
  readonly salt_get?: string;
  readonly effective_bits_after?: number;
  readonly plaintext?: string;
  readonly ciphertext?: string;
}

interface BlobVector {
  readonly kind: string;
  readonly recipient_key?: string;
  readonly padding?: string;
  readonly session_key?: string;
  readonly simpleblob?: string;
}

const ALGS: Readonly<Record<string, number>> = {
  rc2: ALG_ID.CALG_RC2,
  rc4: ALG_ID.CALG_RC4,
  des: ALG_ID.CALG_DES,
  '3des': ALG_ID.CALG_3DES,
  '3des_112': ALG_ID.CALG_3DES_112,
  aes128: ALG_ID.CALG_AES_128,
  aes192: ALG_ID.CALG_AES_192,
  aes256: ALG_ID.CALG_AES_256,
};
/** Shorter texts, and a text that is less than a block in a mode that garbles it, tell nothing. */
const ENOUGH = 12;

describeShared('what Wine encrypted', () => {
  test.each(['wine-capi-ciphers', 'wine-capi-rc2-effective-salt'])('%s', async (file) => {
    const { vectors } = sharedJson(`vectors/${file}.json`) as { vectors: CipherVector[] };
    let looked = 0;
    for (const { alg = 'rc2', key, iv, plaintext = '', ciphertext, ...rest } of vectors) {
      const salt = rest.salt ?? rest.salt_set ?? rest.salt_get;
      const algId = ALGS[alg];
      const bits = rest.effective_bits_after;
      if (algId === undefined || ciphertext === undefined || plaintext.length / 2 < ENOUGH)
        continue;
      if (bits !== undefined && !FOUND_BITS.has(bits) && bits !== key.length * 4) continue;
      const bytes = fromHex(ciphertext)!;
      using secret = SecretBytes.take(fromHex(key)!);
      const known = {
        ...(iv !== undefined && /^[0-9a-f]+$/u.test(iv) && { iv: fromHex(iv)! }),
        ...(salt !== undefined && !isFound(key, salt) && { salt: fromHex(salt)! }),
      };
      const sample = { head: bytes, tail: bytes, size: bytes.length };
      const [found, ...others] = await searchCipher({ algId, key: secret }, sample, known);
      for (const other of others) other[Symbol.dispose]();
      expect(found).toMatchObject({ certainty: 'recognised-content', firstBlock: 'fits' });
      expect(toHex(await capiDecrypt(found!.key, bytes, found!.options))).toBe(plaintext);
      found![Symbol.dispose]();
      looked++;
    }
    expect(looked).toBeGreaterThan(100);
  });

  test('every SIMPLEBLOB, under its own key among others', { timeout: 180_000 }, async () => {
    const { vectors, meta } = sharedJson('vectors/wine-capi-simpleblob-rsa.json') as {
      vectors: BlobVector[];
      meta: { keys: Record<string, string> };
    };
    const files = Object.fromEntries(
      Object.entries(meta.keys).map(([name, blob]) => [`${name}.key`, fromHex(blob)!]),
    );
    let looked = 0;
    for (const { simpleblob, recipient_key: name, padding, session_key: key } of vectors) {
      if (simpleblob === undefined || key === undefined) continue;
      const diagnosis = await diagnoseWith({ bytes: fromHex(simpleblob)! }, { files });
      expect(diagnosis).toMatchObject({ outcome: 'opened', opened: { keyLength: key.length / 2 } });
      const isNull = name!.includes('expo1') && padding === 'pkcs1v15';
      const found = isNull ? ['EXPONENT_OF_ONE'] : [];
      expect(idsOf(diagnosis)).toEqual(padding === 'pkcs1v15' ? found : ['OAEP_PADDING']);
      looked++;
    }
    expect(looked).toBeGreaterThan(50);
  });
});

/** Salts that searchCipher tries: none, and 11 zero bytes with a key of 40 bits. */
function isFound(key: string, salt: string): boolean {
  return salt === '' || (key.length === 10 && salt === '00'.repeat(11));
}

/** What searchCipher tries beside the key's own length. */
const FOUND_BITS = new Set([40, 56, 64, 128, 1024]);
