/** Rules of blobs that wrap session keys: byte order, padding, the key pair that they were made for. */
import { BLOB_HEADER_LENGTH } from '../../blobs/key-blob-header.ts';
import { describeAlgId } from '../../blobs/alg-id.ts';
import type { Facts } from './facts.ts';
import type { Rule } from './rule.ts';

export const WRAPPING_RULES: readonly Rule[] = [
  {
    id: 'RSA_BLOCK_REVERSED',
    symptom: 'The right private key, and CryptImportKey says NTE_BAD_DATA',
    cause:
      'The RSA block lies in the blob big-endian: another library than CryptoAPI wrote it, or somebody reversed it once too often.',
    hint: 'CryptoAPI takes it with the bytes from offset 12 to the end reversed; `keycask migrate` reads it as it is.',
    certainty: 'certain',
    when: ({ opened, wrapped }) => wrapped !== undefined && opened?.byteOrder === 'big-endian',
  },
  {
    id: 'SESSION_KEY_REVERSED',
    symptom: 'The blob opens, and the data turns into noise',
    cause:
      'The session key inside the blob is reversed too, though only the RSA block of a SIMPLEBLOB is little-endian.',
    hint: 'Reverse the key after it was unwrapped, and leave ciphertext and IV as they are; correct the program that wraps keys.',
    certainty: 'certain',
    when: ({ data }) => isShown(data) && data?.keyOrder === 'reversed',
  },
  {
    id: 'CIPHERTEXT_REVERSED',
    symptom: 'The blob opens, and the data turns into noise',
    cause:
      'The ciphertext is reversed as a whole, though symmetric ciphers of CryptoAPI have the byte order that all others have.',
    hint: 'Reverse the data file once before it is decrypted.',
    certainty: 'certain',
    when: ({ data }) => isShown(data) && data?.dataOrder === 'reversed',
  },
  {
    id: 'OAEP_PADDING',
    symptom: 'The right private key, and unwrapping with PKCS#1 v1.5 fails',
    cause: 'The session key is padded with OAEP (CRYPT_OAEP), which a SIMPLEBLOB does not tell.',
    hint: "Give CRYPT_OAEP to CryptImportKey, or padding: 'oaep' to unwrapSimpleBlob; other libraries need SHA-1 for OAEP and MGF1.",
    certainty: 'certain',
    when: ({ opened }) => opened?.padding === 'oaep',
  },
  {
    id: 'OAEP_OTHER_HASH',
    symptom: 'NTE_BAD_DATA from CryptoAPI, with CRYPT_OAEP and without, of a blob that CNG wrote',
    cause:
      'The session key is padded with {padding}: CNG takes any hash for OAEP, and for MGF1 the same one, but CryptoAPI knows SHA-1 only.',
    hint: 'Unwrap it with CNG or another library that is told the hash, and wrap it again: keycask migrate does not take this padding.',
    certainty: 'certain',
    when: ({ opened }) =>
      opened?.padding !== undefined &&
      opened.padding.startsWith('oaep-') && { padding: opened.padding.toUpperCase() },
  },
  {
    id: 'PADDING_SHORT',
    symptom: 'Wine opens the blob, Windows and OpenSSL do not',
    cause:
      'The PKCS#1 padding has fewer than 8 random bytes, which RFC 8017 forbids and Wine overlooks.',
    hint: 'Correct the program that pads, and wrap the key again.',
    certainty: 'certain',
    when: ({ opened }) => opened?.padding === 'pkcs1-short',
  },
  {
    id: 'NO_PADDING',
    symptom: 'The right private key, and no padding fits',
    cause: 'The session key was encrypted by RSA without any padding.',
    hint: 'Whoever guesses the key can check the guess: wrap it again, and treat the data as badly protected.',
    certainty: 'likely',
    when: ({ opened }) => opened?.padding === 'none',
  },
  {
    id: 'KEY_LENGTH_IMPLAUSIBLE',
    symptom: 'The private key is right, and CryptImportKey says NTE_BAD_DATA or NTE_BAD_LEN',
    cause:
      'The padding opens, and inside are {length} bytes, which no key of {algorithm} has: aiKeyAlg is wrong, or what was wrapped is no bare key.',
    hint: 'Correct the ALG_ID at offset 4 of the blob, or ask the program that made it what it wrapped.',
    certainty: 'certain',
    when: ({ wrapped }) =>
      wrapped?.oddLength === undefined
        ? undefined
        : { length: wrapped.oddLength, algorithm: describeAlgId(wrapped.algId) },
  },
  {
    id: 'NODE_REFUSES_PKCS1',
    symptom:
      'Node: RSA_PKCS1_PADDING is no longer supported for private decryption; or random bytes instead of a key',
    cause:
      'Node.js and OpenSSL do not decrypt PKCS#1 v1.5 any more, or answer a wrong block with random bytes, because of attacks on servers that do (CVE-2023-46809).',
    hint: 'Data at rest is no such server: unwrapSimpleBlob of keycask/legacy and `keycask migrate` unpad by themselves and need no --security-revert.',
    certainty: 'certain',
    when: ({ symptom }) => symptom.codes.has('NODE_REFUSES_PKCS1'),
  },
  {
    id: 'EXPONENT_OF_ONE',
    symptom: 'The blob looks wrapped, and opens without any private key',
    cause:
      'It was exported under a key pair with an exponent of one (the "NULL key" of KB 228786): the session key stands in the blob in the clear.',
    hint: 'Treat the key and its data as known to whoever had the file: migrate it, encrypt the data again, destroy the blob.',
    certainty: 'certain',
    // Its own private key may be at hand too, and opens it as any other does.
    when: ({ opened, wrapped, recognised }) =>
      wrapped !== undefined &&
      opened !== undefined &&
      (opened.by === 'no key' || recognised.notes.some(({ id }) => id === 'EXPONENT_OF_ONE')),
  },
  {
    id: 'KEY_PAIR_OF_OTHER_SIZE',
    symptom: 'NTE_BAD_DATA from CryptImportKey',
    cause:
      'It was wrapped for an RSA key of {wanted} bits, and those at hand have others ({have}).',
    hint: 'Look for a container or key file of {wanted} bits, and give it with --containers or --key.',
    certainty: 'certain',
    when: (facts) => {
      const bits = closedBlobBits(facts);
      if (bits === undefined || facts.keys.length === 0) return undefined;
      const sizes = [...new Set(facts.keys.map(({ modulusBits }) => modulusBits))];
      return sizes.includes(bits) ? undefined : { wanted: bits, have: sizes.join(', ') };
    },
  },
  {
    id: 'KEY_PAIR_IS_ANOTHER',
    symptom: 'NTE_BAD_DATA from CryptImportKey, though a key of the right size is there',
    cause:
      'Of the {count} private keys at hand {fitting} have its {wanted} bits, and none of them opens it, whatever the padding and byte order: it was wrapped for another one, or was changed.',
    hint: 'Look for the key pair of the time when the blob was made: former profiles, backups, other accounts and machines.',
    certainty: 'certain',
    when: (facts) => {
      const bits = closedBlobBits(facts);
      const fitting = facts.keys.filter(({ modulusBits }) => modulusBits === bits).length;
      if (bits === undefined || fitting === 0) return undefined;
      return { count: facts.keys.length, fitting, wanted: bits };
    },
  },
  {
    id: 'CONTAINER_STILL_SEALED',
    symptom: 'A container of the right size is there, and its key is not',
    cause:
      'The container {names} has a key of {wanted} bits, as the blob wants, and stayed sealed, so it was not tried.',
    hint: 'Give the password of the account that owned it (--legacy-password-file), and its folder Protect among --containers.',
    certainty: 'likely',
    when: (facts) => {
      const bits = closedBlobBits(facts);
      const sealed = facts.containers.filter(
        ({ seal, exchangeBits, signatureBits }) =>
          seal.outcome !== 'opened' &&
          bits !== undefined &&
          (exchangeBits === bits || signatureBits === bits),
      );
      if (bits === undefined || sealed.length === 0) return undefined;
      return {
        wanted: bits,
        names: sealed
          .slice(0, MAX_NAMES)
          .map(({ name, path }) => `${JSON.stringify(name)} (${path})`)
          .join(', '),
      };
    },
  },
  {
    id: 'KEY_PAIR_GONE',
    symptom: 'NTE_BAD_DATA, or Keyset does not exist, for a blob whose key pair is nowhere',
    cause:
      'A SIMPLEBLOB opens with the private key of {wanted} bits that it was made for and with nothing else; without that it cannot be recovered, by keycask or by anybody.',
    hint: 'Look for the container, a backup of the profile, a PVK or PFX file, a copy of the session key that was sent to a backup authority.',
    certainty: 'certain',
    when: (facts) => {
      const bits = closedBlobBits(facts);
      return bits === undefined ? undefined : { wanted: bits };
    },
  },
  {
    id: 'WRAPPING_KEY_NOT_AT_HAND',
    symptom: 'A SYMMETRICWRAPKEYBLOB that does not open',
    cause: 'None of the {count} session keys at hand wrapped it.',
    hint: 'Give the key that wrapped it as a PLAINTEXTKEYBLOB with --key.',
    certainty: 'certain',
    when: ({ recognised, opened, attempts }) =>
      recognised.format === 'symmetricwrapkeyblob' && !opened && { count: attempts.length },
  },
  {
    id: 'DAMAGED',
    symptom: 'The file is shorter or longer than it should be, or was changed',
    cause: 'It is damaged: {summary}',
    hint: 'Take it from a backup; if it went through FTP or mail as text, send it again as binary. `keycask inspect` shows the field.',
    certainty: 'certain',
    when: ({ recognised }) =>
      recognised.state === 'damaged' && { summary: recognised.summary.replace(/^It /u, 'it ') },
  },
];

function isShown(data: Facts['data']): boolean {
  const certainty = data?.finding.certainty;
  return certainty === 'known-plaintext' || certainty === 'recognised-content';
}

/** Bits of the key that a SIMPLEBLOB wants which nothing opened. */
function closedBlobBits({ wrapped, opened, bytes, recognised }: Facts): number | undefined {
  if (!wrapped || opened || recognised.state === 'damaged') return undefined;
  return bytes.length > BLOB_HEADER_LENGTH ? wrapped.modulusBits : undefined;
}

/** A sentence, not a list. */
const MAX_NAMES = 3;
