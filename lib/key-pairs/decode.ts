/** decodeKeyPair: a key pair of any format, told by its bytes. */
import { isPem, decodePem } from '../bytes/pem.ts';
import { BlobFormatError, KeyStoreError } from '../errors.ts';
import { decodeCapi, isCapi, type DecodeCapiOptions } from './capi.ts';
import { decodeCng } from './cng.ts';
import type { DecodedKeyPair } from './decoded-key-pair.ts';
import { KEY_PAIR_FORMATS, type KeyPairFormat } from './formats.ts';
import { decodeJwk } from './jwk.ts';
import { decodeDer, isDerFormat } from './pkcs.ts';

/** How to read a key pair. */
export type DecodeKeyPairOptions = DecodeCapiOptions;

/**
 * Reads a key pair, or a public key, of any format; which one, its bytes tell.
 *
 * Formats: PUBLICKEYBLOB and PRIVATEKEYBLOB of RSA, DSS and Diffie-Hellman (a strong name's .snk is one), PVK, the public key of a strong name, CNG's
 * blobs, PKCS#1, PKCS#8, SubjectPublicKeyInfo, ECPrivateKey, OpenSSL's older DSA format, PEM of these, JWK. None may be encrypted: `keycask/legacy`
 * opens those of Windows, `openssl pkey` the others.
 *
 * Numbers that a format leaves out are computed in bigints, which cannot be wiped; so is y of DSS2 and DH2. A JWK passes through strings.
 * That the numbers belong together is not checked: see {@link checkKeyPair}.
 *
 * @param bytes - The caller still owns, and wipes, them.
 * @returns The pair is the caller's: disposing of it wipes its numbers.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA); BLOB_VERSION_UNSUPPORTED (NTE_BAD_VER); BLOB_ALGORITHM_UNSUPPORTED (NTE_BAD_ALGID) for another
 * algorithm or curve, and for an RSA exponent of 1; NOT_SUPPORTED for a key that is encrypted, that has more than two primes, or that lacks p and g.
 * @example
 * ```ts
 * const { pair, format } = decodeKeyPair(await readFile('old.snk'));
 * using key = pair;
 * await writeFile('new.pem', encodeKeyPair(key, 'PKCS8', { pem: true }));
 * ```
 */
export function decodeKeyPair(
  bytes: Uint8Array,
  options: DecodeKeyPairOptions = {},
): DecodedKeyPair {
  try {
    return decode(bytes, options);
  } catch (error) {
    if (!KeyStoreError.is(error) || error instanceof BlobFormatError) throw error;
    // A number that is none of a key's: which one, the message says.
    const code = error.code === 'PARAMETER_INVALID' ? 'BLOB_MALFORMED' : error.code;
    const fault = { format: 'key pair', field: 'numbers', offset: 0, problem: error.message };
    throw new BlobFormatError(fault, code);
  }
}

function decode(bytes: Uint8Array, options: DecodeKeyPairOptions): DecodedKeyPair {
  if (bytes[0] === SEQUENCE) return decodeDer(bytes);
  if (isCapi(bytes)) return decodeCapi(bytes, options);
  if (isJson(bytes)) return decodeJwk(bytes);
  return isPem(bytes) ? decodePemKey(bytes) : decodeCng(bytes);
}

/** The one key of a PEM file; parameters and certificates beside it are passed over. */
function decodePemKey(bytes: Uint8Array): DecodedKeyPair {
  const blocks = decodePem(bytes);
  try {
    const keys = blocks.filter(({ label }) => label.endsWith('KEY'));
    const [key, another] = keys;
    if (key === undefined) return refuse('no private or public key is here');
    if (another) return refuse('more than one key is here');
    const { label, der } = key;
    if (label.startsWith('ENCRYPTED'))
      return refuse('a password encrypts this key', 'NOT_SUPPORTED');
    const format = FORMATS.find((name) => KEY_PAIR_FORMATS[name].pemLabel === label);
    if (format === undefined || !isDerFormat(format))
      return refuse(`no key that keycask converts is labelled ${label}`, 'NOT_SUPPORTED');
    const decoded = decodeDer(der, format);
    return { ...decoded, details: { ...decoded.details, pemLabel: label } };
  } finally {
    for (const { der } of blocks) der.fill(0);
  }
}

function isJson(bytes: Uint8Array): boolean {
  const first = bytes.find(
    (byte) => byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09,
  );
  return first === OPENING_BRACE;
}

function refuse(problem: string, code?: 'NOT_SUPPORTED'): never {
  throw new BlobFormatError({ format: 'PEM', field: 'label', offset: 0, problem }, code);
}

const FORMATS = Object.keys(KEY_PAIR_FORMATS) as KeyPairFormat[];
const SEQUENCE = 0x30;
const OPENING_BRACE = 0x7b;
