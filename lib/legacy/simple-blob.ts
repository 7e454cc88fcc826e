/**
 * Session keys out of and into SIMPLEBLOBs, as CryptImportKey and CryptExportKey do it. Source: MS "Simple Key BLOBs", "CryptExportKey"; MS-XLDM (exponent of one).
 *
 *   SIMPLEBLOB = BLOBHEADER ‖ CALG_RSA_KEYX ‖ RSA(block), little-endian
 *   block      = 00 02 ‖ PS ‖ 00 ‖ key           by default; after CRYPT_SSL2_FALLBACK the last 8 bytes of PS are 03
 *              = OAEP, SHA-1, a label or none    after CRYPT_OAEP, which the blob does not tell
 *
 * The key is in its own order, without salt, without its length. What a blob does not tell, its reader has to: padding, label, salt.
 */
import { algClass, ALG_ID, describeAlgId, plausibleKeyLengths } from '../blobs/alg-id.ts';
import { BLOB_HEADER_LENGTH, readBlobHeader } from '../blobs/key-blob-header.ts';
import { decodeSimpleBlob, encodeSimpleBlob } from '../blobs/simple-blob.ts';
import { BlobReader } from '../bytes/blob-reader.ts';
import { KeyStoreError } from '../errors.ts';
import { unpadRsaPkcs1 } from '../keys/rsa-pkcs1.ts';
import { SecretBytes, type RandomFill } from '../keys/secret-bytes.ts';
import { importCapiKey, makeCapiKey, type CapiKey, type ImportCapiKeyOptions } from './capi-key.ts';
import {
  importLegacyPrivateKey,
  importLegacyPublicKey,
  rsaModulusLength,
  type LegacyPrivateKey,
  type LegacyPublicKey,
} from './legacy-key.ts';
import { decryptRsaBlock, encryptRsaBlock, type CapiRsaOptions } from './rsa-encryption.ts';

/** What a SIMPLEBLOB does not tell of itself, and how strictly to read it. */
export interface UnwrapSimpleBlobOptions extends CapiRsaOptions, ImportCapiKeyOptions {
  /** Lengths in bytes that the key may have. Default: those of the blob's ALG_ID; needed for one that has no session keys in Microsoft's providers. */
  readonly keyLengths?: readonly number[];
  /** `allow` (default): callers of CryptExportKey stored whole buffers, of which the blob is the beginning. */
  readonly trailing?: 'refuse' | 'allow';
}

/** As {@link UnwrapSimpleBlobOptions}; without a private key nothing else tells where the blob ends. */
export interface ReadNullKeyOptions extends Omit<UnwrapSimpleBlobOptions, 'padding' | 'label'> {
  /** Bytes of the modulus. Needed only where other bytes follow the blob. */
  readonly modulusLength?: number;
}

/**
 * Takes the session key out of a SIMPLEBLOB, as CryptImportKey does.
 *
 * For data at rest only: a SIMPLEBLOB authenticates nothing, so anybody could have made it, and who may have many of them tried learns
 * the keys of others (Bleichenbacher). All work is done on the calling thread before the promise is there: for many blobs give a
 * KeyObject, and use worker threads.
 *
 * @param blob - BLOBHEADER, CALG_RSA_KEYX, RSA ciphertext. The caller still owns it.
 * @param privateKey - The key-exchange key that the blob was made for; with an exponent of one, too.
 * @returns The session key with the salt and effective length that a fresh import gives it (40-bit keys: 11 zero bytes). The caller owns, and disposes of, it.
 * @throws KeyStoreError KEY_UNWRAP_FAILED (NTE_DECRYPTION_FAILURE), without a cause, for another private key or size of one, another padding
 * or label, a changed block, an implausible length; NOT_SUPPORTED for a blob under a session key (old DSS and DH providers: their mode is
 * not documented); ALGORITHM_UNSUPPORTED (NTE_BAD_ALGID) where neither the ALG_ID nor `keyLengths` tells how long the key is.
 * BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA), BLOB_VERSION_UNSUPPORTED (NTE_BAD_VER), BLOB_ALGORITHM_UNSUPPORTED (NTE_BAD_ALGID).
 * @example
 * ```ts
 * const privateKey = importLegacyPrivateKey(await readFile('exchange.privatekeyblob'));
 * using key = await unwrapSimpleBlob(await readFile('session.key'), privateKey);
 * const text = await capiDecrypt(key, await readFile('letter.enc'));
 * ```
 */
// oxlint-disable-next-line require-await -- a promise, so that a provider that waits can stand in its place
export async function unwrapSimpleBlob(
  blob: Uint8Array,
  privateKey: LegacyPrivateKey,
  options: UnwrapSimpleBlobOptions = {},
): Promise<CapiKey> {
  const key = importLegacyPrivateKey(privateKey);
  const { algId, encryptedKey, lengths } = readRsaBlock(blob, rsaModulusLength(key), options);
  using found = decryptRsaBlock(key, encryptedKey, { ...options, lengths });
  return capiKeyOf(algId, found.bytes, options);
}

/** What is to be decrypted of a SIMPLEBLOB, and the lengths that may come of it. Throws what {@link unwrapSimpleBlob} throws before it asks the key. */
export function readRsaBlock(
  blob: Uint8Array,
  modulusLength: number,
  options: UnwrapSimpleBlobOptions = {},
): { algId: number; encryptedKey: Uint8Array; lengths: readonly number[] } {
  refuseSessionKeyWrap(blob);
  const { algId, encryptedKey } = decodeSimpleBlob(blob, endOf(blob, modulusLength, options));
  return { algId, encryptedKey, lengths: keyLengthsOf(algId, options) };
}

/**
 * Reads a SIMPLEBLOB that was made for a "NULL key", an RSA key with an exponent of one: there RSA is the identity, and the padded
 * session key stands in the blob for everybody to read.
 *
 * Asks no private key, so it tells such blobs from wrapped ones, which look random.
 *
 * @returns The session key, which the caller owns, and disposes of; undefined where the blob's block is not one in the clear.
 * @throws As {@link unwrapSimpleBlob} does of what is around the block.
 * @example
 * ```ts
 * using key = readNullKeySimpleBlob(blob);
 * if (key) console.warn('this session key was never encrypted');
 * ```
 */
export function readNullKeySimpleBlob(
  blob: Uint8Array,
  options: ReadNullKeyOptions = {},
): CapiKey | undefined {
  refuseSessionKeyWrap(blob);
  const { modulusLength } = options;
  const { algId, encryptedKey } = decodeSimpleBlob(
    blob,
    modulusLength === undefined ? {} : endOf(blob, modulusLength, options),
  );
  const lengths = keyLengthsOf(algId, options);
  try {
    using key = unpadRsaPkcs1(encryptedKey, lengths);
    return capiKeyOf(algId, key.bytes, options);
  } catch (error) {
    if (KeyStoreError.is(error) && error.code === 'KEY_UNWRAP_FAILED') return undefined;
    throw error;
  }
}

/** How {@link wrapSimpleBlob} pads. */
export interface WrapSimpleBlobOptions extends CapiRsaOptions {
  /** CRYPT_SSL2_FALLBACK; only with a CALG_SSL2_MASTER and PKCS#1. */
  readonly ssl2Fallback?: boolean;
  /** Fills the padding of PKCS#1; replaced only to get known answers in tests. */
  readonly random?: RandomFill;
}

/**
 * Wraps a session key as CryptExportKey does.
 *
 * @param publicKey - The recipient's key-exchange key.
 * @param sessionKey - The key's bytes are read, not kept; salt is not part of a SIMPLEBLOB.
 * @returns 12 bytes more than the modulus; a fresh array that the caller owns.
 * @throws KeyStoreError PARAMETER_INVALID where the key does not fit the modulus; FLAGS_INVALID (NTE_BAD_FLAGS) for `ssl2Fallback` with another algorithm.
 * Of the public key: as {@link importLegacyPublicKey} does.
 * @example
 * ```ts
 * const blob = wrapSimpleBlob(publicKey, { algId: ALG_ID.CALG_AES_256, key }, { padding: 'oaep' });
 * ```
 */
export function wrapSimpleBlob(
  publicKey: LegacyPublicKey,
  sessionKey: { readonly algId: number; readonly key: SecretBytes },
  options: WrapSimpleBlobOptions = {},
): Uint8Array {
  const { algId, key } = sessionKey;
  if (
    options.ssl2Fallback === true &&
    (algId !== ALG_ID.CALG_SSL2_MASTER || options.padding === 'oaep')
  )
    throw new KeyStoreError(
      'FLAGS_INVALID',
      'CRYPT_SSL2_FALLBACK is for keys of CALG_SSL2_MASTER, without CRYPT_OAEP',
    );
  const encryptedKey = encryptRsaBlock(importLegacyPublicKey(publicKey), key, options);
  return encodeSimpleBlob({ algId, encryptedKey });
}

/** A blob of another length than the key's is read as it is, and fails as one for another key does. */
function endOf(
  blob: Uint8Array,
  modulusLength: number,
  { trailing = 'allow' }: UnwrapSimpleBlobOptions,
): { trailing?: 'allow'; modulusLength?: number } {
  const longer = blob.length > BLOB_HEADER_LENGTH + 4 + modulusLength;
  return trailing === 'allow' && longer ? { trailing, modulusLength } : {};
}

/** The old DSS and DH providers wrapped session keys under an agreed key. Nobody documents in which mode. */
function refuseSessionKeyWrap(blob: Uint8Array): void {
  const r = new BlobReader(blob, 'SIMPLEBLOB');
  readBlobHeader(r, 'SIMPLEBLOB');
  const wrapAlgId = r.u32le('algid');
  if (algClass(wrapAlgId) !== 'data-encrypt') return;
  throw new KeyStoreError(
    'NOT_SUPPORTED',
    `this session key is wrapped under a key of ${describeAlgId(wrapAlgId)}, not under an RSA key`,
    {
      hint: 'Providers of DSS and Diffie-Hellman made such blobs: let the one that made it export the key again.',
    },
  );
}

/** The key that was found; master secrets, and what `keyLengths` was given for, are keys of no cipher. */
export function capiKeyOf(algId: number, key: Uint8Array, options: ImportCapiKeyOptions): CapiKey {
  if (plausibleKeyLengths(algId).length > 0) return importCapiKey(algId, key, options);
  const salt = new Uint8Array(0);
  return makeCapiKey({ algId, key: SecretBytes.copy(key), salt, effectiveBits: 8 * key.length });
}

/** Lengths in bytes that a wrapped key may have. Throws KeyStoreError ALGORITHM_UNSUPPORTED where nothing tells. */
export function keyLengthsOf(
  algId: number,
  options: { readonly keyLengths?: readonly number[] } = {},
): readonly number[] {
  const lengths = options.keyLengths ?? OTHER_LENGTHS.get(algId) ?? plausibleKeyLengths(algId);
  if (lengths.length > 0) return lengths;
  throw new KeyStoreError(
    'ALGORITHM_UNSUPPORTED',
    `${describeAlgId(algId)} has no session keys in Microsoft's providers: give keyLengths`,
  );
}

/** What CryptImportKey takes beyond the keys that CryptGenKey makes. */
const OTHER_LENGTHS = new Map<number, readonly number[]>([
  // Longer RC2 keys are HMAC keys in disguise (CRYPT_IPSEC_HMAC_KEY), up to RFC 2268's 128 bytes.
  [ALG_ID.CALG_RC2, Array.from({ length: 124 }, (_, i) => 5 + i)],
  // Master secrets of the Schannel providers: RFC 2246 section 8.1; SSL 2.0 has a cipher's key, PCT 16 bytes.
  [ALG_ID.CALG_SSL3_MASTER, [48]],
  [ALG_ID.CALG_TLS1_MASTER, [48]],
  [ALG_ID.CALG_SSL2_MASTER, [5, 8, 16, 24]],
  [ALG_ID.CALG_PCT1_MASTER, [16]],
]);
