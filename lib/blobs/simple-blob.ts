/**
 * SIMPLEBLOB: a session key wrapped for an RSA key. Source: wincrypt.h; MS "Base Provider Key BLOBs".
 *
 *  off size field         meaning
 *    0    8 BLOBHEADER    bType 0x01, aiKeyAlg = ALG_ID of the session key
 *    8    4 algid         CALG_RSA_KEYX 0xA400: what wraps it
 *   12    B encryptedkey  RSA ciphertext, little-endian, as long as the modulus
 *
 * The blob does not say which padding: PKCS#1 v1.5 unless CRYPT_OAEP was given, then OAEP with SHA-1. Only the RSA block is
 * reversed; the session key inside it is in natural order. There is no length field: without `modulusLength` all that follows is ciphertext.
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';
import { reverseBytes } from '../bytes/octets.ts';
import { ALG_ID } from './alg-id.ts';
import {
  BLOB_HEADER_LENGTH,
  endBlob,
  readBlobHeader,
  writeBlobHeader,
  type DecodeBlobOptions,
} from './key-blob-header.ts';
import { MAX_RSA_BITS, MIN_RSA_BITS } from './rsa-bounds.ts';

/** A session key under an RSA key. */
export interface SimpleBlob {
  readonly type: 'SIMPLEBLOB';
  /** aiKeyAlg: ALG_ID of the session key. */
  readonly algId: number;
  /** RSA ciphertext, big-endian, as long as the modulus: what every API but CryptoAPI takes. */
  readonly encryptedKey: Uint8Array;
}

/** How to read a SIMPLEBLOB. */
export interface DecodeSimpleBlobOptions extends DecodeBlobOptions {
  /** Bytes of the recipient's modulus. Needed to find the end of the blob where trailing bytes are allowed. */
  readonly modulusLength?: number;
}

/**
 * Reads a SIMPLEBLOB.
 *
 * @returns `encryptedKey` is a fresh array, reversed to big-endian.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA); BLOB_VERSION_UNSUPPORTED (NTE_BAD_VER); BLOB_ALGORITHM_UNSUPPORTED (NTE_BAD_ALGID)
 * where something else than RSA wraps the key.
 * @example
 * ```ts
 * const { algId, encryptedKey } = decodeSimpleBlob(await readFile('session.key'));
 * ```
 */
export function decodeSimpleBlob(
  bytes: Uint8Array,
  options: DecodeSimpleBlobOptions = {},
): SimpleBlob {
  const r = new BlobReader(bytes, 'SIMPLEBLOB');
  const { algId } = readBlobHeader(r, 'SIMPLEBLOB');
  const wrapAlgId = r.u32le('algid');
  if (wrapAlgId !== ALG_ID.CALG_RSA_KEYX)
    r.fail('algid', `want 0xa400, got 0x${wrapAlgId.toString(16)}`, 'BLOB_ALGORITHM_UNSUPPORTED');
  const length = options.modulusLength ?? r.left;
  if (length < MIN_RSA_BITS / 8 || length > MAX_RSA_BITS / 8)
    r.fail('encryptedkey', `want ${MIN_RSA_BITS / 8} to ${MAX_RSA_BITS / 8} bytes, got ${length}`);
  const encryptedKey = reverseBytes(r.bytes('encryptedkey', length));
  endBlob(r, options);
  return { type: 'SIMPLEBLOB', algId, encryptedKey };
}

/**
 * Writes a SIMPLEBLOB.
 *
 * @param blob - `type` may be left out.
 * @returns 12 bytes more than the modulus; a fresh array the caller owns.
 */
export function encodeSimpleBlob(blob: Omit<SimpleBlob, 'type'>): Uint8Array {
  const writer = new BlobWriter(BLOB_HEADER_LENGTH + 4 + blob.encryptedKey.length);
  return writeBlobHeader(writer, 'SIMPLEBLOB', blob.algId)
    .u32le(ALG_ID.CALG_RSA_KEYX)
    .bytes(reverseBytes(blob.encryptedKey))
    .finish();
}
