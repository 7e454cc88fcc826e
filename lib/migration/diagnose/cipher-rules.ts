/** Rules of data: salt, effective length, mode, IV, padding, and ciphers that OpenSSL 3 hides. */
import { ALG_ID } from '../../blobs/alg-id.ts';
import type { DataFacts } from './facts.ts';
import type { Rule } from './rule.ts';

export const CIPHER_RULES: readonly Rule[] = [
  {
    id: 'OPENSSL_HIDES_CIPHER',
    symptom: 'OpenSSL 3 or Node: digital envelope routines::unsupported, unknown cipher',
    cause:
      'RC2, RC4, DES and MD4 are in the legacy provider of OpenSSL 3, which Node.js does not load.',
    hint: 'keycask loads it for reading, in a context of its own: use capiDecrypt of keycask/legacy, or `keycask migrate`.',
    certainty: 'certain',
    when: ({ symptom }) => symptom.codes.has('OPENSSL_UNSUPPORTED'),
  },
  {
    id: 'KOFFI_MISSING',
    symptom: 'MODULE_MISSING where data of RC2 or RC4 is read',
    cause: "RC2, RC4 and MD4 come from OpenSSL's legacy provider, which keycask calls by koffi.",
    hint: 'Install it, `npm install koffi`, and diagnose again: what needs it was not tried.',
    certainty: 'certain',
    when: ({ trouble }) => trouble.some(({ code }) => code === 'MODULE_MISSING'),
  },
  {
    id: 'NO_LEGACY_PROVIDER',
    symptom: 'PROVIDER_UNAVAILABLE or ALGORITHM_UNSUPPORTED where data of RC2 or RC4 is read',
    cause: 'This runtime cannot do it: {message}.',
    hint: 'Run keycask with a Node.js of nodejs.org, and with an ALG_ID that is a cipher.',
    certainty: 'certain',
    when: ({ trouble }) => {
      const found = trouble.find(({ code }) => code !== 'MODULE_MISSING');
      return found && { message: found.message };
    },
  },
  {
    id: 'SALT_OF_40_BIT_KEY',
    symptom: 'A 40-bit key that decrypts in CryptoAPI and nowhere else',
    cause:
      'CryptoAPI appends 11 zero bytes of salt to a 40-bit key, so the cipher has 128 bits of key of which 40 are not zero.',
    hint: 'Elsewhere, give the cipher the 5 bytes and 11 zeros (RC2 with 40 effective bits); keycask does so by default.',
    certainty: 'certain',
    when: ({ data }) => isSure(data) && data?.keyLength === 5 && data.saltLength === 11,
  },
  {
    id: 'NO_SALT_IN_40_BIT_KEY',
    symptom: 'A 40-bit key that decrypts everywhere but in CryptoAPI',
    cause: 'The 40-bit key is used without salt (CRYPT_NO_SALT), which is not the default.',
    hint: "Give CRYPT_NO_SALT to CryptImportKey, or salt: 'none' to importCapiKey.",
    certainty: 'certain',
    when: ({ data }) =>
      isSure(data) && data?.keyLength === 5 && data.saltLength === 0 && SALTED.includes(data.algId),
  },
  {
    id: 'RC2_EFFECTIVE_LENGTH',
    symptom: 'RC2 data of Windows 2000 that is noise on XP and later, or the other way round',
    cause:
      'RC2 is used with {effective} effective bits under a key of {bits}: releases and providers differ in the default (KB 841715).',
    hint: 'Set KP_EFFECTIVE_KEYLEN to {effective}, or effectiveBits: {effective} in importCapiKey.',
    certainty: 'certain',
    when: ({ data }) =>
      isSure(data) && data !== undefined && data.algId === ALG_ID.CALG_RC2
        ? data.effectiveBits !== 8 * data.keyLength && {
            effective: data.effectiveBits,
            bits: 8 * data.keyLength,
          }
        : undefined,
  },
  {
    id: 'MODE_IS_NOT_CBC',
    symptom: 'The key is right, and the data turns into noise, or repeats',
    cause: 'The data is in {mode} mode, and CryptoAPI takes CBC unless KP_MODE says otherwise.',
    hint: "Set KP_MODE, or mode: '{lower}' in capiDecrypt, and write it into the data map of `keycask migrate`.",
    certainty: 'certain',
    when: ({ data }) =>
      isSure(data) && data?.mode !== undefined && data.mode !== 'cbc'
        ? { mode: data.mode.toUpperCase(), lower: data.mode }
        : undefined,
  },
  {
    id: 'IV_IS_ANOTHER',
    symptom: 'Only the first 8 or 16 bytes are garbled',
    cause:
      'All but the first block of {block} bytes is right, so key and mode are right and the IV is another one: it is in no blob, and zeros by default.',
    hint: 'Give the IV with --iv, or {block} bytes of known plaintext with --plaintext, from which keycask computes it.',
    certainty: 'certain',
    when: ({ data }) =>
      data?.finding.firstBlock === 'garbled' && !data.finding.ivIsInFront && { block: data.block },
  },
  {
    id: 'IV_IN_FRONT',
    symptom: 'A garbled block, and then the file as it should begin',
    cause: 'The file begins after one block of noise: that block is the IV, stored in front.',
    hint: 'Take the first {block} bytes away, and give them as the IV.',
    certainty: 'likely',
    when: ({ data }) => data?.finding.ivIsInFront === true && { block: data.block },
  },
  {
    id: 'IV_COMPUTED',
    symptom: 'Only the first 8 or 16 bytes are garbled, and it is known what they should be',
    cause: 'The IV is {iv}: computed from the known plaintext.',
    hint: 'Write it into the data map of `keycask migrate`, or give it as iv in capiDecrypt.',
    certainty: 'certain',
    when: ({ data, opened }) => data?.finding.ivWasFound === true && { iv: opened?.iv ?? '' },
  },
  {
    id: 'LAST_BLOCK_MISSING',
    symptom: 'NTE_BAD_DATA from the last CryptDecrypt, though all before is right',
    cause:
      'The plaintext is right and does not end in PKCS#5 padding: the last CryptEncrypt was not given Final = TRUE, or the file was cut.',
    hint: "Read it with padding: 'none' and cut the end by hand; look for the last block in a backup.",
    certainty: 'likely',
    when: ({ data }) =>
      isSure(data) && data !== undefined && data.block > 0
        ? !data.finding.isPadded && data.size % data.block === 0
        : undefined,
  },
  {
    id: 'NOT_WHOLE_BLOCKS',
    symptom: 'NTE_BAD_DATA from CryptDecrypt with Final = TRUE',
    cause:
      'The data has {size} bytes, which is no multiple of the {block} of a block: it was cut, something stands before or behind it, or it went through text mode.',
    hint: 'Find where the ciphertext begins and ends, and give only that.',
    certainty: 'certain',
    when: ({ data }) =>
      data !== undefined && data.block > 0 && data.size % data.block !== 0
        ? { size: data.size, block: data.block }
        : undefined,
  },
  {
    id: 'RIJNDAEL_WITH_OTHER_BLOCKS',
    symptom: '"AES-256" of PHP, .NET or mcrypt that no AES decrypts',
    cause:
      'Nothing fits, and the data is a multiple of 32 bytes long: "256" may have meant the block, and Rijndael with blocks of 256 bits is not AES.',
    hint: 'Ask whether RijndaelManaged.BlockSize or MCRYPT_RIJNDAEL_256 was used, and decrypt it there.',
    certainty: 'possible',
    when: ({ data }) =>
      data?.finding.certainty === 'none' && data.block === 16 && data.size % 32 === 0,
  },
  {
    id: 'PADDING_ALONE',
    symptom: 'It decrypts, and nobody can tell whether it is right',
    cause:
      'Only the padding at the end fits ({cipher}), which one wrong way in 256 has too; the plaintext looks like noise.',
    hint: 'Give some known plaintext with --plaintext; packed and encrypted contents look like noise too.',
    certainty: 'possible',
    when: ({ data }) => data?.finding.certainty === 'padding' && { cipher: data.finding.text },
  },
  {
    id: 'CIPHER_NOT_FOUND',
    symptom: 'The key is right, and no way to use it gives plaintext',
    cause:
      'No salt, effective length, mode and byte order makes anything of the data that could be recognised: it belongs to another key, or is packed or encrypted inside.',
    hint: 'Give known plaintext with --plaintext and the IV with --iv; check that this key and this data belong together.',
    certainty: 'likely',
    when: ({ data }) => data?.finding.certainty === 'none',
  },
];

/** Something other than a padding speaks for it. */
function isSure(data: DataFacts | undefined): boolean {
  const certainty = data?.finding.certainty;
  return certainty === 'known-plaintext' || certainty === 'recognised-content';
}

const SALTED: readonly number[] = [ALG_ID.CALG_RC2, ALG_ID.CALG_RC4];
