/** Pains of keys that were derived from passwords. */
import { describe, expect, test } from 'vitest';
import { ALG_ID } from '../../../../lib/blobs/alg-id.ts';
import { encodeUtf8, fromHex, plainBytes } from '../../../../lib/bytes/octets.ts';
import { capiEncrypt } from '../../../../lib/legacy/cipher.ts';
import { cryptDeriveKey, type CryptDeriveKeyOptions } from '../../../../lib/legacy/derive-key.ts';
import { capiHash } from '../../../../lib/legacy/hash.ts';
import { diagnoseWith, findingOf, idsOf } from '../../../support/diagnosing.ts';

const LETTER = encodeUtf8(
  'Dear Sir, enclosed are the figures of the third quarter. Do not show them to anybody.',
);
const PASSWORD = 'Grüße 1998';

async function encrypted(
  password: Uint8Array,
  options: CryptDeriveKeyOptions,
  hashAlgId: number = ALG_ID.CALG_MD5,
): Promise<Uint8Array> {
  const value = await capiHash(hashAlgId, password);
  using key = await cryptDeriveKey({ hashAlgId, value }, options);
  return await capiEncrypt(key, LETTER);
}

describe('pain 9: CryptDeriveKey is an algorithm of its own', () => {
  test.each([
    ['CALG_SHA1', ALG_ID.CALG_SHA1, 'CALG_AES_128', ALG_ID.CALG_AES_128],
    ['CALG_SHA1', ALG_ID.CALG_SHA1, 'CALG_3DES', ALG_ID.CALG_3DES],
    ['CALG_MD5', ALG_ID.CALG_MD5, 'CALG_AES_256', ALG_ID.CALG_AES_256],
    ['CALG_SHA_256', ALG_ID.CALG_SHA_256, 'CALG_RC2', ALG_ID.CALG_RC2],
    ['CALG_MD2', ALG_ID.CALG_MD2, 'CALG_DES', ALG_ID.CALG_DES],
  ])('%s (%i), %s', async (hash, hashAlgId, algorithm, algId) => {
    const bytes = await encrypted(encodeUtf8('my_key'), { algId }, hashAlgId);
    const diagnosis = await diagnoseWith({ bytes }, { passwords: ['other', 'my_key'] });
    expect(diagnosis).toMatchObject({
      format: 'unknown',
      outcome: 'opened',
      opened: { by: 'password 2', hash, algorithm, passwordEncoding: 'ANSI' },
    });
    expect(findingOf(diagnosis, 'KEY_IS_CRYPT_DERIVE_KEY')).toMatchObject({
      cause: expect.stringContaining(hash),
      hint: expect.stringContaining('cryptDeriveKey'),
    });
  });

  test('what CryptoAPI encrypted under the word password, with RC4 of 40 bits', async () => {
    // MD5, Base Provider, no flag: the first 16 bytes of the ciphertext of a run.
    const bytes = fromHex('e236ae6c5f2e0712f3e35c3ea8d7bc71')!;
    const diagnosis = await diagnoseWith({ bytes }, { passwords: ['password'] });
    expect(diagnosis).toMatchObject({ outcome: 'closed' });
    const knownPlaintext = encodeUtf8('The quick brown fox');
    const known = await diagnoseWith({ bytes }, { passwords: ['password'], knownPlaintext });
    expect(known.opened).toMatchObject({ hash: 'CALG_MD5', saltLength: 11, keyLength: 5 });
    expect(idsOf(known)).toContain('DEFAULT_KEY_LENGTH');
  });
});

describe('pain 10: which bytes of the password were hashed', () => {
  const wide = plainBytes(Buffer.from(PASSWORD, 'utf16le'));
  const zeros = (bytes: Uint8Array, count: number): Uint8Array =>
    Uint8Array.from([...bytes, ...new Uint8Array(count)]);

  test.each([
    ['UTF-8', encodeUtf8(PASSWORD)],
    ['UTF-8 with its null', zeros(encodeUtf8(PASSWORD), 1)],
    ['UTF-16LE', wide],
    ['UTF-16LE with its null', zeros(wide, 2)],
    ['the first half of UTF-16LE', wide.subarray(0, wide.length / 2)],
    ['ANSI (Windows-1252)', plainBytes(Buffer.from(PASSWORD, 'latin1'))],
    ['ANSI (Windows-1252) with its null', zeros(plainBytes(Buffer.from(PASSWORD, 'latin1')), 1)],
  ])('%s', async (encoding, password) => {
    const bytes = await encrypted(password, { algId: ALG_ID.CALG_RC4 });
    const diagnosis = await diagnoseWith({ bytes }, { passwords: [PASSWORD] });
    expect(diagnosis.opened?.passwordEncoding).toBe(encoding);
    expect(findingOf(diagnosis, 'PASSWORD_ENCODING')).toMatchObject({
      cause: expect.stringContaining(encoding),
      hint: expect.stringContaining('Unicode'),
    });
  });
});

describe('pain 8: lengths that nobody asked for', () => {
  test("the Base Provider's 40 bits, where others have 128", async () => {
    const algId = ALG_ID.CALG_RC2;
    const bytes = await encrypted(encodeUtf8('secret'), { algId, provider: 'base' });
    const diagnosis = await diagnoseWith({ bytes }, { passwords: ['secret'] });
    expect(findingOf(diagnosis, 'DEFAULT_KEY_LENGTH')).toMatchObject({
      cause: expect.stringContaining('40 bits'),
      hint: expect.stringContaining('0x00280000'),
    });
  });
});

test('CRYPT_CREATE_SALT makes of key and salt what a key of 128 bits is', async () => {
  const options = { algId: ALG_ID.CALG_RC4, keyBits: 56, salt: 'create' } as const;
  const bytes = await encrypted(encodeUtf8('secret'), options);
  const diagnosis = await diagnoseWith({ bytes }, { passwords: ['secret'] });
  expect(diagnosis).toMatchObject({ outcome: 'opened', opened: { keyLength: 16, saltLength: 0 } });
});

test('an IV that is given is tried with the ciphers whose block has its length', async () => {
  const iv = Uint8Array.from({ length: 8 }, (_, i) => i);
  const value = await capiHash(ALG_ID.CALG_SHA1, encodeUtf8('secret'));
  const hash = { hashAlgId: ALG_ID.CALG_SHA1, value };
  using key = await cryptDeriveKey(hash, { algId: ALG_ID.CALG_3DES });
  const bytes = await capiEncrypt(key, LETTER, { iv });
  const diagnosis = await diagnoseWith({ bytes }, { passwords: ['other', 'secret'], iv });
  expect(diagnosis.opened).toMatchObject({ algorithm: 'CALG_3DES', iv: '0001020304050607' });
});

test('a password that fits nothing was tried in every form, and is not shown', async () => {
  const bytes = await encrypted(encodeUtf8('secret'), { algId: ALG_ID.CALG_3DES });
  const diagnosis = await diagnoseWith({ bytes }, { passwords: ['Pa55word-of-Alice'] });
  expect(diagnosis.outcome).toBe('closed');
  expect(idsOf(diagnosis)).toEqual(['PASSWORD_DOES_NOT_FIT']);
  expect(diagnosis.attempts.map(({ passwordEncoding }) => passwordEncoding)).toEqual([
    'ANSI',
    'UTF-16LE',
    'ANSI with its null',
    'UTF-16LE with its null',
    'the first half of UTF-16LE',
  ]);
  expect(JSON.stringify(diagnosis)).not.toContain('Pa55word');
});
