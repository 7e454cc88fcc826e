/** Remarks on algorithms and sizes, the same for every format that has them. */
import { ALG_ID, plausibleKeyLengths } from '../../blobs/alg-id.ts';
import type { InspectionNote } from '../inspection.ts';
import { note, warning } from './format-reader.ts';

/** Of an RSA key: its size, and an exponent under which nothing is encrypted. */
export function rsaNotes(modulusBits: number, exponent?: number): InspectionNote[] {
  const notes: InspectionNote[] = [];
  if (exponent === 1)
    notes.push(
      warning(
        'EXPONENT_OF_ONE',
        'The public exponent is 1: under this key nothing is encrypted, a ciphertext is its padded plaintext.',
      ),
    );
  if (modulusBits < 2048)
    notes.push(
      warning('SHORT_KEY', `RSA with ${modulusBits} bits is no longer safe: 2048 is the least.`),
    );
  return notes;
}

/** Of the algorithm of a session key: what a blob does not say of it, and what it is worth today. */
export function sessionKeyNotes(algId: number): InspectionNote[] {
  const notes: InspectionNote[] = [];
  if (algId === ALG_ID.CALG_RC2 || algId === ALG_ID.CALG_RC4)
    notes.push(
      note(
        'SALT_NOT_IN_BLOB',
        algId === ALG_ID.CALG_RC2
          ? 'Salt and effective length of the RC2 key are not in the blob: 40-bit keys have 11 zero bytes of salt unless CRYPT_NO_SALT was given.'
          : 'The salt of the RC4 key is not in the blob: 40-bit keys have 11 zero bytes of it unless CRYPT_NO_SALT was given.',
      ),
    );
  const why = WEAK_CIPHERS.get(algId);
  if (why !== undefined) notes.push(warning('WEAK_CIPHER', why));
  return notes;
}

/** Of a session key in the clear: a length that its algorithm does not have. */
export function keyNotes(algId: number, length: number): InspectionNote[] {
  const lengths = plausibleKeyLengths(algId);
  if (lengths.length === 0 || lengths.includes(length)) return [];
  const why = algId === ALG_ID.CALG_RC2 ? ': an HMAC key (CRYPT_IPSEC_HMAC_KEY) may be' : '';
  return [note('KEY_LENGTH_ODD', `No key of this algorithm has ${length} bytes${why}.`)];
}

/** Of a hash that something rests on. */
export function hashNotes(algId: number): InspectionNote[] {
  const why = WEAK_HASHES.get(algId);
  return why === undefined ? [] : [warning('WEAK_HASH', why)];
}

const WEAK_CIPHERS = new Map<number, string>([
  [ALG_ID.CALG_DES, 'DES has 56 bits of key: it can be searched in a day.'],
  [ALG_ID.CALG_RC2, 'RC2 is broken by related keys, and often has 40 bits only.'],
  [ALG_ID.CALG_RC4, 'RC4 is biased: its keystream tells of the plaintext.'],
  [ALG_ID.CALG_3DES, 'Triple DES has blocks of 64 bits: NIST disallows it since 2024.'],
  [
    ALG_ID.CALG_3DES_112,
    'Two-key triple DES has blocks of 64 bits and 80 bits of strength: NIST disallows it since 2016.',
  ],
  [ALG_ID.CALG_DESX, 'DESX has blocks of 64 bits.'],
  [ALG_ID.CALG_CYLINK_MEK, 'CYLINK_MEK has 40 bits of key: it can be searched in seconds.'],
]);

const WEAK_HASHES = new Map<number, string>([
  [ALG_ID.CALG_MD2, 'MD2 is broken.'],
  [ALG_ID.CALG_MD4, 'MD4 is broken: collisions are computed by hand.'],
  [ALG_ID.CALG_MD5, 'MD5 is broken: collisions take seconds.'],
  [ALG_ID.CALG_SHA1, 'SHA-1 is broken for signatures: collisions have been made.'],
]);
