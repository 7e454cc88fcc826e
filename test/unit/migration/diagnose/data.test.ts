/** Pains of encrypted data: ciphers that OpenSSL hides, salt, effective length, IV, mode, padding. */
import { createDecipheriv, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ALG_ID } from '../../../../lib/blobs/alg-id.ts';
import { encodePlaintextKeyBlob } from '../../../../lib/blobs/plaintext-key-blob.ts';
import { concatBytes, encodeUtf8, plainBytes, toHex } from '../../../../lib/bytes/octets.ts';
import { importCapiKey, type ImportCapiKeyOptions } from '../../../../lib/legacy/capi-key.ts';
import { capiEncrypt, type CapiCipherOptions } from '../../../../lib/legacy/cipher.ts';
import { diagnoseWith, findingOf, idsOf } from '../../../support/diagnosing.ts';

const LETTER = encodeUtf8(
  'Dear Sir, enclosed are the figures of the third quarter. Do not show them to anybody.',
);

/** Data, and the blob of its key. */
async function encrypted(
  algId: number,
  length: number,
  state: ImportCapiKeyOptions & CapiCipherOptions & { readonly plaintext?: Uint8Array } = {},
): Promise<{ bytes: Uint8Array; data: Uint8Array }> {
  const { plaintext = LETTER, mode, iv, padding, ...keyState } = state;
  const keyBytes = plainBytes(randomBytes(length));
  using key = importCapiKey(algId, keyBytes, keyState);
  const options = { ...(mode && { mode }), ...(iv && { iv }), ...(padding && { padding }) };
  const data = await capiEncrypt(key, plaintext, options);
  return { bytes: encodePlaintextKeyBlob({ algId, key: keyBytes }), data };
}

test('data as CryptoAPI encrypts it by default opens without a remark', async () => {
  const { bytes, data } = await encrypted(ALG_ID.CALG_AES_256, 32);
  const diagnosis = await diagnoseWith({ bytes }, { data });
  expect(diagnosis).toMatchObject({
    outcome: 'opened',
    opened: { cipher: 'CALG_AES_256, CBC, IV of zeros', content: 'text' },
    findings: [],
  });
});

test('pain 5: OpenSSL 3 has no RC4, and our reading works all the same', async () => {
  const { bytes, data } = await encrypted(ALG_ID.CALG_RC4, 16);
  const symptom = messageOf(() => createDecipheriv('rc4', bytes.subarray(12), null));
  const diagnosis = await diagnoseWith({ bytes, symptom }, { data });
  expect(diagnosis).toMatchObject({ outcome: 'opened', opened: { cipher: 'CALG_RC4, no salt' } });
  expect(findingOf(diagnosis, 'OPENSSL_HIDES_CIPHER')).toMatchObject({
    cause: expect.stringContaining('legacy provider'),
    hint: expect.stringContaining('capiDecrypt'),
  });
});

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return String(error);
  }
  throw new TypeError('this OpenSSL has RC4');
}

describe('pain 6: a 40-bit key has 11 bytes of salt, or none', () => {
  test.each([
    ['default', 11, 'SALT_OF_40_BIT_KEY', '11 zero bytes'],
    ['none', 0, 'NO_SALT_IN_40_BIT_KEY', 'CRYPT_NO_SALT'],
  ] as const)('%s', async (salt, saltLength, id, cause) => {
    for (const algId of [ALG_ID.CALG_RC4, ALG_ID.CALG_RC2]) {
      const { bytes, data } = await encrypted(algId, 5, { salt });
      const diagnosis = await diagnoseWith({ bytes }, { data });
      expect(diagnosis.opened).toMatchObject({ saltLength, keyLength: 5 });
      expect(findingOf(diagnosis, id)?.cause).toContain(cause);
    }
  });
});

test.each([40, 56, 64])(
  'pain 7: RC2 with %i effective bits under a key of 128, as Windows 2000 had it',
  async (effectiveBits) => {
    const { bytes, data } = await encrypted(ALG_ID.CALG_RC2, 16, { effectiveBits });
    const diagnosis = await diagnoseWith({ bytes }, { data });
    expect(diagnosis.opened).toMatchObject({ effectiveBits });
    expect(findingOf(diagnosis, 'RC2_EFFECTIVE_LENGTH')).toMatchObject({
      cause: expect.stringContaining(`${effectiveBits} effective bits under a key of 128`),
      hint: expect.stringContaining(`KP_EFFECTIVE_KEYLEN to ${effectiveBits}`),
    });
  },
);

describe('pain 11: IV, mode and padding are not in the blob', () => {
  const iv = plainBytes(randomBytes(16));

  test('an IV that is not known garbles one block', async () => {
    const { bytes, data } = await encrypted(ALG_ID.CALG_AES_128, 16, { iv });
    const diagnosis = await diagnoseWith({ bytes }, { data });
    expect(findingOf(diagnosis, 'IV_IS_ANOTHER')).toMatchObject({
      certainty: 'certain',
      cause: expect.stringContaining('first block of 16 bytes'),
      hint: expect.stringContaining('--plaintext'),
    });
    expect(idsOf(await diagnoseWith({ bytes }, { data, iv }))).toEqual([]);
  });

  test('it is computed of known plaintext', async () => {
    const { bytes, data } = await encrypted(ALG_ID.CALG_AES_128, 16, { iv });
    const knownPlaintext = LETTER.subarray(0, 24);
    const diagnosis = await diagnoseWith({ bytes }, { data, knownPlaintext });
    expect(diagnosis.opened).toMatchObject({ certainty: 'known-plaintext', iv: toHex(iv) });
    expect(findingOf(diagnosis, 'IV_COMPUTED')?.cause).toContain(toHex(iv));
  });

  test('it stands in front of the ciphertext', async () => {
    const pdf = concatBytes(encodeUtf8('%PDF-1.3\n'), plainBytes(randomBytes(300)));
    const { bytes, data } = await encrypted(ALG_ID.CALG_AES_128, 16, { iv, plaintext: pdf });
    const diagnosis = await diagnoseWith({ bytes }, { data: concatBytes(iv, data) });
    expect(idsOf(diagnosis)).toEqual(['IV_IN_FRONT']);
  });

  test.each(['ecb', 'cfb'] as const)('the mode is %s', async (mode) => {
    const { bytes, data } = await encrypted(ALG_ID.CALG_3DES, 24, { mode });
    const diagnosis = await diagnoseWith({ bytes }, { data });
    expect(diagnosis.opened).toMatchObject({ mode });
    expect(findingOf(diagnosis, 'MODE_IS_NOT_CBC')?.hint).toContain(`mode: '${mode}'`);
  });

  test('Final was never TRUE', async () => {
    const plaintext = LETTER.subarray(0, 64);
    const { bytes, data } = await encrypted(ALG_ID.CALG_AES_128, 16, {
      padding: 'none',
      plaintext,
    });
    expect(idsOf(await diagnoseWith({ bytes }, { data }))).toEqual(['LAST_BLOCK_MISSING']);
  });

  test('the file was cut within a block', async () => {
    const { bytes, data } = await encrypted(ALG_ID.CALG_AES_128, 16);
    const diagnosis = await diagnoseWith({ bytes }, { data: data.subarray(0, 75) });
    expect(findingOf(diagnosis, 'NOT_WHOLE_BLOCKS')?.cause).toContain('75 bytes');
  });

  test('"AES-256" that was Rijndael with blocks of 256 bits', async () => {
    const { bytes } = await encrypted(ALG_ID.CALG_AES_256, 32);
    // No wrong key has a padding: the last byte of each way to read it would be one in 256.
    const data = plainBytes(randomBytes(96));
    const ids = idsOf(await diagnoseWith({ bytes }, { data }));
    expect(ids.some((id) => RIJNDAEL.has(id))).toBe(true);
  });
});

const RIJNDAEL = new Set(['RIJNDAEL_WITH_OTHER_BLOCKS', 'PADDING_ALONE']);

test('data of another key is told from a blob that does not open', async () => {
  const { bytes } = await encrypted(ALG_ID.CALG_RC4, 16);
  const data = plainBytes(randomBytes(200));
  const diagnosis = await diagnoseWith({ bytes }, { data });
  expect(diagnosis.outcome).toBe('closed');
  expect(idsOf(diagnosis)).toEqual(['CIPHER_NOT_FOUND']);
});

test('noise alone is said to need a key or a password', async () => {
  const diagnosis = await diagnoseWith({ bytes: plainBytes(randomBytes(200)) });
  expect(diagnosis.outcome).toBe('closed');
  expect(idsOf(diagnosis)).toEqual(['NOTHING_TO_TRY']);
});
