/** How a session key was used is found from a sample of what it encrypted. */
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { ALG_ID } from '../../../lib/blobs/alg-id.ts';
import { concatBytes, encodeUtf8, plainBytes } from '../../../lib/bytes/octets.ts';
import { encodeUtf16 } from '../../../lib/bytes/utf16.ts';
import { SecretBytes } from '../../../lib/keys/secret-bytes.ts';
import { importCapiKey, type ImportCapiKeyOptions } from '../../../lib/legacy/capi-key.ts';
import { capiEncrypt, type CapiCipherOptions } from '../../../lib/legacy/cipher.ts';
import {
  searchCipher,
  type CipherFinding,
  type SearchCipherOptions,
} from '../../../lib/migration/search-cipher.ts';

const LETTER = encodeUtf8(
  'Dear Sir, the figures of the third quarter are enclosed, as you asked. Yours, A.',
);
const KEYS: readonly (readonly [name: string, algId: number, length: number])[] = [
  ['CALG_DES', ALG_ID.CALG_DES, 8],
  ['CALG_3DES', ALG_ID.CALG_3DES, 24],
  ['CALG_3DES_112', ALG_ID.CALG_3DES_112, 16],
  ['CALG_AES_128', ALG_ID.CALG_AES_128, 16],
  ['CALG_AES_256', ALG_ID.CALG_AES_256, 32],
  ['CALG_RC2', ALG_ID.CALG_RC2, 5],
  ['CALG_RC2', ALG_ID.CALG_RC2, 16],
  ['CALG_RC4', ALG_ID.CALG_RC4, 5],
  ['CALG_RC4', ALG_ID.CALG_RC4, 16],
];

test.each(KEYS)(
  '%s (%i, %i bytes) as CryptoAPI uses it by default',
  async (name, algId, length) => {
    const { found } = await search({ algId, length }, {}, LETTER);
    expect(found).toMatchObject({ certainty: 'recognised-content', firstBlock: 'fits' });
    expect(found.text).toMatch(new RegExp(`^${name}\\b`, 'u'));
  },
);

test.each(['cbc', 'ecb', 'cfb'] as const)('the mode %s', async (mode) => {
  for (const algId of [ALG_ID.CALG_AES_128, ALG_ID.CALG_RC2]) {
    const { found } = await search({ algId, length: 16 }, { mode }, LETTER);
    expect(found.options.mode).toBe(mode);
    expect(found).toMatchObject({ certainty: 'recognised-content', isPadded: true });
  }
});

test.each([
  [{ salt: 'default' }, '11 bytes of zero salt'],
  [{ salt: 'none' }, 'no salt'],
] as const)('the salt of a 40-bit key: %o', async (state, text) => {
  for (const algId of [ALG_ID.CALG_RC2, ALG_ID.CALG_RC4]) {
    const { found } = await search({ algId, length: 5, ...state }, {}, LETTER);
    expect(found.text).toContain(text);
  }
});

test('a salt that is known', async () => {
  const salt = plainBytes(randomBytes(11));
  const key = { algId: ALG_ID.CALG_RC4, length: 5, salt };
  expect((await search(key, {}, LETTER)).found.certainty).toBe('none');
  const { found } = await search(key, {}, LETTER, { salt });
  expect(found).toMatchObject({ certainty: 'recognised-content' });
  expect(found.text).toBe('CALG_RC4, 11 bytes of salt');
});

test.each([40, 56, 64, 128, 1024])('an effective length of %i bits', async (effectiveBits) => {
  const key = { algId: ALG_ID.CALG_RC2, length: 16, effectiveBits };
  const { found } = await search(key, {}, LETTER);
  expect(found.key.effectiveBits).toBe(effectiveBits);
  expect(found.text).toContain(`${effectiveBits} effective bits`);
});

test('an IV that is not known garbles the first block only, and that is said', async () => {
  const iv = plainBytes(randomBytes(16));
  for (const mode of ['cbc', 'cfb'] as const) {
    const { found } = await search(
      { algId: ALG_ID.CALG_AES_128, length: 16 },
      { mode, iv },
      LETTER,
    );
    expect(found).toMatchObject({ certainty: 'recognised-content', firstBlock: 'garbled' });
    expect(found.options.mode).toBe(mode);
  }
});

test('an IV is computed of known plaintext', async () => {
  const iv = plainBytes(randomBytes(16));
  const key = { algId: ALG_ID.CALG_AES_256, length: 32 };
  const known = LETTER.subarray(0, 24);
  const { found } = await search(key, { iv }, LETTER, {}, known);
  expect(found).toMatchObject({
    certainty: 'known-plaintext',
    ivWasFound: true,
    firstBlock: 'fits',
  });
  expect(found.options.iv).toEqual(iv);
});

test('an IV in front of the ciphertext is seen', async () => {
  const iv = plainBytes(randomBytes(8));
  using key = keyOf({ algId: ALG_ID.CALG_3DES, length: 24 });
  const pdf = concatBytes(encodeUtf8('%PDF-1.4\n'), plainBytes(randomBytes(500)));
  const ciphertext = concatBytes(iv, await capiEncrypt(key, pdf, { iv }));
  const [found] = await searchCipher(key, sampleOf(ciphertext));
  expect(found).toMatchObject({
    content: 'a PDF file',
    firstBlock: 'garbled',
    ivIsInFront: true,
  });
});

test('contents are recognised: text of every encoding, files, structures', async () => {
  const ansi = plainBytes(
    Buffer.from('Mit freundlichen Grüßen, Ihre Buchhaltung in Köln', 'latin1'),
  );
  const contents: readonly (readonly [Uint8Array, string])[] = [
    [LETTER, 'text'],
    [encodeUtf16('Quarterly figures'), 'text in UTF-16'],
    [ansi, 'text of an ANSI code page'],
    [new Uint8Array(200), 'a structure with few different bytes'],
    [concatBytes(Uint8Array.of(0x50, 0x4b, 3, 4), plainBytes(randomBytes(90))), 'a ZIP file, or'],
  ];
  for (const [plaintext, content] of contents) {
    const { found } = await search({ algId: ALG_ID.CALG_AES_128, length: 16 }, {}, plaintext);
    expect(found.content).toContain(content);
  }
});

test('noise has nothing but its padding', async () => {
  const noise = plainBytes(randomBytes(300));
  const { found } = await search({ algId: ALG_ID.CALG_3DES, length: 24 }, {}, noise);
  expect(found).toMatchObject({ certainty: 'padding', isPadded: true, options: { mode: 'cbc' } });
});

test('another key fits nothing: the default is answered, as a guess', async () => {
  const { ciphertext } = await search({ algId: ALG_ID.CALG_RC4, length: 16 }, {}, LETTER);
  using other = SecretBytes.random(16);
  const findings = await searchCipher({ algId: ALG_ID.CALG_RC4, key: other }, sampleOf(ciphertext));
  expect(findings).toHaveLength(1);
  expect(findings[0]).toMatchObject({ certainty: 'none', firstBlock: 'unknown' });
});

test('long messages are told by their ends alone', async () => {
  const plaintext = new Uint8Array(1 << 20).fill(0x41);
  using key = keyOf({ algId: ALG_ID.CALG_AES_128, length: 16 });
  const ciphertext = await capiEncrypt(key, plaintext, { mode: 'ecb' });
  const [found] = await searchCipher(key, {
    head: ciphertext.subarray(0, 1024),
    tail: ciphertext.subarray(-1024),
    size: ciphertext.length,
  });
  expect(found).toMatchObject({ content: 'text', isPadded: true, options: { mode: 'ecb' } });
});

test('messages of every small length', async () => {
  for (let length = 0; length < 40; length++) {
    const plaintext = LETTER.subarray(0, length);
    const { found } = await search({ algId: ALG_ID.CALG_AES_128, length: 16 }, {}, plaintext);
    expect(found, `${length} bytes`).toMatchObject({ isPadded: true, options: { mode: 'cbc' } });
    expect(found.certainty === 'none').toBe(false);
  }
});

test('what is no whole number of blocks is looked at all the same', async () => {
  using key = keyOf({ algId: ALG_ID.CALG_AES_128, length: 16 });
  const ciphertext = (await capiEncrypt(key, LETTER)).subarray(0, 70);
  const [found] = await searchCipher(key, sampleOf(ciphertext));
  expect(found).toMatchObject({ certainty: 'recognised-content', isPadded: false });
});

function sampleOf(ciphertext: Uint8Array, knownPlaintext?: Uint8Array) {
  const size = ciphertext.length;
  return { head: ciphertext, tail: ciphertext, size, ...(knownPlaintext && { knownPlaintext }) };
}

interface TestKey extends Omit<ImportCapiKeyOptions, 'provider'> {
  readonly algId: number;
  readonly length: number;
}

function keyOf({ algId, length, ...state }: TestKey) {
  return importCapiKey(algId, plainBytes(randomBytes(length)), state);
}

// oxlint-disable-next-line max-params -- a key, how it is used, on what, and what is known
async function search(
  test: TestKey,
  options: CapiCipherOptions,
  plaintext: Uint8Array,
  known: SearchCipherOptions = {},
  knownPlaintext?: Uint8Array,
): Promise<{ found: CipherFinding; ciphertext: Uint8Array }> {
  using key = keyOf(test);
  const ciphertext = await capiEncrypt(key, plaintext, options);
  const [found, ...others] = await searchCipher(key, sampleOf(ciphertext, knownPlaintext), known);
  for (const other of others) other[Symbol.dispose]();
  return { found: found!, ciphertext };
}
