/**
 * The key pairs that legacy data was made for: KeyObjects of node:crypto, or the bytes of a format that holds them.
 *
 * RSA from 384 bits on works in every release of Node that keycask runs on, also an exponent of one.
 */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { decodePrivateKeyBlob } from '../blobs/private-key-blob.ts';
import { decodePublicKeyBlob } from '../blobs/public-key-blob.ts';
import { TAG } from '../bytes/der-tags.ts';
import { encodeRsaSpki } from '../cms/spki.ts';
import { BlobFormatError, KeyStoreError } from '../errors.ts';
import { decodeKeyPair } from '../key-pairs/decode.ts';
import { encodeKeyPair } from '../key-pairs/encode.ts';
import { isPrivateKeyPair } from '../key-pairs/key-pair.ts';
import { toRsaPkcs8 } from '../keys/rsa-key-blob.ts';
import { SecretBytes } from '../keys/secret-bytes.ts';

/**
 * A private key that legacy data was made for: a KeyObject, or the bytes of a PRIVATEKEYBLOB, of PKCS#8, or of another format that
 * `keycask/key-pairs` reads.
 *
 * Bytes are parsed at each call: for many calls give {@link importLegacyPrivateKey}'s KeyObject, which worker threads can be sent too.
 */
export type LegacyPrivateKey = KeyObject | Uint8Array;

/**
 * The public half: a KeyObject, also of a private key, or the bytes of a PUBLICKEYBLOB, of a SubjectPublicKeyInfo, or of another format that
 * `keycask/key-pairs` reads.
 */
export type LegacyPublicKey = KeyObject | Uint8Array;

/**
 * Reads a private key for the functions of `keycask/legacy`.
 *
 * A PRIVATEKEYBLOB of RSA may end before its last number, d, and each may be followed by other bytes, as Windows allows. The exponent may be
 * one, which makes RSA the identity ("NULL key"): what is wrapped for such a key is not secret.
 *
 * @param source - PRIVATEKEYBLOB (RSA2, DSS2, DSS4), PKCS#8, or another format of a private key of RSA or DSA; not encrypted. The caller still owns, and
 * wipes, it. A KeyObject is answered as it is.
 * @returns A private key of RSA or DSA. It is in OpenSSL's memory, which wipes it when the KeyObject is collected.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA), BLOB_VERSION_UNSUPPORTED (NTE_BAD_VER), BLOB_ALGORITHM_UNSUPPORTED (NTE_BAD_ALGID),
 * NOT_SUPPORTED for a key that is encrypted; KeyStoreError PARAMETER_INVALID for what is no private key of RSA or DSA.
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
  // What OpenSSL reads by itself it reads without copies of numbers.
  const own = source[0] === TAG.SEQUENCE ? parsePrivate(source) : undefined;
  if (own) return known(own);
  using pkcs8 = pkcs8Of(source);
  return usable(parsePrivate(pkcs8.bytes));
}

/**
 * Reads a public key for the functions of `keycask/legacy`.
 *
 * @param source - PUBLICKEYBLOB (RSA1, DSS1, DSS3), SubjectPublicKeyInfo, or another format of a key of RSA or DSA, of which the public half is taken. A KeyObject is
 * answered as it is.
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
  const own = source[0] === TAG.SEQUENCE ? parsePublic(source) : undefined;
  return own ? known(own) : usable(parsePublic(spkiOf(source)));
}

/** Bytes of the modulus of a key of RSA. */
export function rsaModulusLength(key: KeyObject): number {
  const bits = key.asymmetricKeyDetails?.modulusLength;
  if (key.asymmetricKeyType !== 'rsa' || bits === undefined) throw wrongKey('an RSA key');
  return Math.ceil(bits / 8);
}

function pkcs8Of(bytes: Uint8Array): SecretBytes {
  try {
    const { pair } = decodeKeyPair(bytes, TOLERANT);
    using own = pair;
    if (!isPrivateKeyPair(own)) throw wrongKey('a private key');
    return SecretBytes.take(encodeKeyPair(own, 'PKCS8'));
  } catch (error) {
    if (!isUnsupported(error)) throw error;
    // An exponent of one is not let through as a key to use elsewhere.
    using blob = decodePrivateKeyBlob(bytes, TOLERANT);
    if (blob.exponent !== NULL_EXPONENT) throw error;
    return toRsaPkcs8({ ...blob, privateExponent: blob.privateExponent ?? ONE });
  }
}

function spkiOf(bytes: Uint8Array): Uint8Array {
  try {
    const { pair } = decodeKeyPair(bytes, TOLERANT);
    using own = pair;
    return encodeKeyPair(own, 'SPKI');
  } catch (error) {
    if (!isUnsupported(error)) throw error;
    const { modulus, exponent } = decodePublicKeyBlob(bytes, { trailing: 'allow' });
    if (exponent !== NULL_EXPONENT) throw error;
    return encodeRsaSpki(modulus, exponent);
  }
}

function isUnsupported(error: unknown): boolean {
  return KeyStoreError.is(error) && error.code === 'BLOB_ALGORITHM_UNSUPPORTED';
}

/** Undefined for what OpenSSL does not take. */
function parsePrivate(pkcs8: Uint8Array): KeyObject | undefined {
  try {
    const key = Buffer.from(pkcs8.buffer, pkcs8.byteOffset, pkcs8.length);
    return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
  } catch {
    return undefined;
  }
}

function parsePublic(spki: Uint8Array): KeyObject | undefined {
  try {
    const key = Buffer.from(spki.buffer, spki.byteOffset, spki.length);
    return createPublicKey({ key, format: 'der', type: 'spki' });
  } catch {
    return undefined;
  }
}

function usable(key: KeyObject | undefined): KeyObject {
  if (key) return known(key);
  const fault = {
    format: 'key pair',
    field: 'numbers',
    offset: 0,
    problem: 'no key that can be used',
  };
  throw new BlobFormatError(fault);
}

/** CryptoAPI signs and wraps with RSA and DSA. */
function known(key: KeyObject): KeyObject {
  if (key.asymmetricKeyType === 'rsa' || key.asymmetricKeyType === 'dsa') return key;
  throw wrongKey('a key of RSA or DSA');
}

function wrongKey(wanted: string): KeyStoreError {
  return new KeyStoreError('PARAMETER_INVALID', `this is not ${wanted}`);
}

/** What Windows reads: whole buffers, and blobs without d. */
const TOLERANT = { shortTail: 'allow', trailing: 'allow' } as const;
/** pubexp of a key that encrypts nothing, and its d. */
const NULL_EXPONENT = 1;
const ONE = Uint8Array.of(1);
