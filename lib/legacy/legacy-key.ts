/**
 * The key pairs that legacy data was made for: KeyObjects of node:crypto, or the blobs and DER that hold them.
 *
 * RSA from 384 bits on works in every release of Node that keycask runs on, also an exponent of one.
 */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { decodePrivateKeyBlob } from '../blobs/private-key-blob.ts';
import { decodePublicKeyBlob } from '../blobs/public-key-blob.ts';
import { TAG } from '../bytes/der-tags.ts';
import { encodeRsaSpki } from '../cms/spki.ts';
import { BlobFormatError, KeyStoreError } from '../errors.ts';
import { rsaPrivateKeyFromBlob, rsaPublicKeyFromBlob, toRsaPkcs8 } from '../keys/rsa-key-blob.ts';
import type { SecretBytes } from '../keys/secret-bytes.ts';

/**
 * A private key that legacy data was made for: a KeyObject, or the bytes of a PRIVATEKEYBLOB or of a PKCS#8 (DER).
 *
 * Bytes are parsed at each call: for many calls give {@link importLegacyPrivateKey}'s KeyObject, which worker threads can be sent too.
 */
export type LegacyPrivateKey = KeyObject | Uint8Array;

/** The public half: a KeyObject, also of a private key, or the bytes of a PUBLICKEYBLOB or of a SubjectPublicKeyInfo (DER). */
export type LegacyPublicKey = KeyObject | Uint8Array;

/**
 * Reads a private key for the functions of `keycask/legacy`.
 *
 * A PRIVATEKEYBLOB may end before its last number, d, and may be followed by other bytes, as Windows allows. Its exponent may be one, which
 * makes RSA the identity ("NULL key"): what is wrapped for such a key is not secret.
 *
 * @param source - PRIVATEKEYBLOB (RSA2) that is not encrypted, or PKCS#8 in DER. The caller still owns, and wipes, it. A KeyObject is answered as it is.
 * @returns A private key of RSA or DSA. It is in OpenSSL's memory, which wipes it when the KeyObject is collected.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA), BLOB_VERSION_UNSUPPORTED (NTE_BAD_VER), BLOB_ALGORITHM_UNSUPPORTED (NTE_BAD_ALGID);
 * KeyStoreError PARAMETER_INVALID for a KeyObject that is no private key of RSA or DSA.
 * @example
 * ```ts
 * const privateKey = importLegacyPrivateKey(await readFile('exchange.privatekeyblob'));
 * using sessionKey = await unwrapSimpleBlob(await readFile('session.key'), privateKey);
 * ```
 */
export function importLegacyPrivateKey(source: LegacyPrivateKey): KeyObject {
  if (!(source instanceof Uint8Array)) {
    if (source.type !== 'private') throw wrongKey('a private key');
    return known(source);
  }
  if (source[0] === TAG.SEQUENCE) return known(parsePrivate(source));
  using pkcs8 = rsaPkcs8(source);
  return known(parsePrivate(pkcs8.bytes));
}

/**
 * Reads a public key for the functions of `keycask/legacy`.
 *
 * @param source - PUBLICKEYBLOB (RSA1), or SubjectPublicKeyInfo in DER. A KeyObject is answered as it is.
 * @throws As {@link importLegacyPrivateKey} does.
 * @example
 * ```ts
 * const publicKey = importLegacyPublicKey(await readFile('signer.publickeyblob'));
 * ```
 */
export function importLegacyPublicKey(source: LegacyPublicKey): KeyObject {
  if (!(source instanceof Uint8Array)) {
    if (source.type === 'secret') throw wrongKey('a public key');
    return known(source);
  }
  if (source[0] === TAG.SEQUENCE) return known(parsePublic(source));
  const { modulus, exponent } = decodePublicKeyBlob(source, { trailing: 'allow' });
  const spki =
    exponent === NULL_EXPONENT
      ? encodeRsaSpki(modulus, exponent)
      : rsaPublicKeyFromBlob(source, { trailing: 'allow' });
  return known(parsePublic(spki));
}

/** Bytes of the modulus of a key of RSA. */
export function rsaModulusLength(key: KeyObject): number {
  const bits = key.asymmetricKeyDetails?.modulusLength;
  if (key.asymmetricKeyType !== 'rsa' || bits === undefined) throw wrongKey('an RSA key');
  return Math.ceil(bits / 8);
}

function rsaPkcs8(blob: Uint8Array): SecretBytes {
  using decoded = decodePrivateKeyBlob(blob, TOLERANT);
  if (decoded.exponent !== NULL_EXPONENT) return rsaPrivateKeyFromBlob(blob, TOLERANT);
  return toRsaPkcs8({ ...decoded, privateExponent: decoded.privateExponent ?? ONE });
}

function parsePrivate(pkcs8: Uint8Array): KeyObject {
  try {
    return createPrivateKey({
      key: Buffer.from(pkcs8.buffer, pkcs8.byteOffset, pkcs8.length),
      ...PKCS8,
    });
  } catch {
    throw unusable('PrivateKeyInfo');
  }
}

function parsePublic(spki: Uint8Array): KeyObject {
  try {
    return createPublicKey({
      key: Buffer.from(spki.buffer, spki.byteOffset, spki.length),
      ...SPKI,
    });
  } catch {
    throw unusable('SubjectPublicKeyInfo');
  }
}

/** CryptoAPI signs and wraps with RSA and DSA. */
function known(key: KeyObject): KeyObject {
  if (key.asymmetricKeyType === 'rsa' || key.asymmetricKeyType === 'dsa') return key;
  throw wrongKey('a key of RSA or DSA');
}

function wrongKey(wanted: string): KeyStoreError {
  return new KeyStoreError('PARAMETER_INVALID', `this is not ${wanted}`);
}

function unusable(format: string): BlobFormatError {
  return new BlobFormatError({
    format,
    field: 'key',
    offset: 0,
    problem: 'not a key that can be used',
  });
}

const PKCS8 = { format: 'der', type: 'pkcs8' } as const;
const SPKI = { format: 'der', type: 'spki' } as const;
/** What Windows reads: whole buffers, and blobs without d. */
const TOLERANT = { shortTail: 'allow', trailing: 'allow' } as const;
/** pubexp of a key that encrypts nothing, and its d. */
const NULL_EXPONENT = 1;
const ONE = Uint8Array.of(1);
