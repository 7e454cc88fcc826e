/**
 * SIMPLEBLOB of a DSS/Diffie-Hellman provider: a session key under an agreed key, which is a session key itself. Source: wincrypt.h;
 * MS "Diffie-Hellman Provider Key BLOBs", "Exchanging Diffie-Hellman Keys".
 *
 *  off size field         meaning
 *    0    8 BLOBHEADER    bType 0x01, aiKeyAlg = ALG_ID of the session key inside
 *    8    4 algid         ALG_ID of the agreed key: any but CALG_RSA_KEYX, which is the layout of simple-blob.ts
 *   12    n encryptedkey  ciphertext, in natural order. There is no length field
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';
import { copyBytes } from '../bytes/octets.ts';
import { ALG_ID } from './alg-id.ts';
import { BLOB_HEADER_LENGTH, readBlobHeader, writeBlobHeader } from './key-blob-header.ts';
import { MAX_WRAPPED_KEY } from './wrapped-key-bounds.ts';
import { KeyStoreError } from '../errors.ts';

/** A session key under an agreed key. */
export interface AgreedSimpleBlob {
  readonly type: 'agreed-SIMPLEBLOB';
  /** aiKeyAlg: ALG_ID of the session key inside. */
  readonly algId: number;
  /** ALG_ID of the agreed key. */
  readonly wrappingAlgId: number;
  /** Ciphertext, as it stands in the blob. */
  readonly encryptedKey: Uint8Array;
}

/**
 * Reads a SIMPLEBLOB whose key is under an agreed key.
 *
 * @returns `encryptedKey` is a fresh array: all that follows the header, since the blob does not tell its end.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA); BLOB_VERSION_UNSUPPORTED (NTE_BAD_VER); BLOB_ALGORITHM_UNSUPPORTED (NTE_BAD_ALGID)
 * where the key is under an RSA key.
 */
export function decodeAgreedSimpleBlob(bytes: Uint8Array): AgreedSimpleBlob {
  const r = new BlobReader(bytes, 'SIMPLEBLOB');
  const { algId } = readBlobHeader(r, 'SIMPLEBLOB');
  const at = r.offset;
  const wrappingAlgId = r.u32le('algid');
  if (wrappingAlgId === ALG_ID.CALG_RSA_KEYX)
    r.failAt(at, 'algid', 'the key is under an RSA key', 'BLOB_ALGORITHM_UNSUPPORTED');
  if (r.left < 1 || r.left > MAX_WRAPPED_KEY)
    r.fail('encryptedkey', `want 1 to ${MAX_WRAPPED_KEY} bytes, got ${r.left}`);
  const encryptedKey = copyBytes(r.rest('encryptedkey'));
  return { type: 'agreed-SIMPLEBLOB', algId, wrappingAlgId, encryptedKey };
}

/**
 * Writes a SIMPLEBLOB whose key is under an agreed key.
 *
 * @param blob - `type` may be left out.
 * @returns 12 bytes more than the encrypted key; a fresh array the caller owns.
 * @throws KeyStoreError PARAMETER_INVALID where `wrappingAlgId` is CALG_RSA_KEYX.
 */
export function encodeAgreedSimpleBlob(blob: Omit<AgreedSimpleBlob, 'type'>): Uint8Array {
  if (blob.wrappingAlgId === ALG_ID.CALG_RSA_KEYX)
    throw new KeyStoreError('PARAMETER_INVALID', 'wrappingAlgId: a key under RSA is a SimpleBlob');
  const writer = new BlobWriter(BLOB_HEADER_LENGTH + 4 + blob.encryptedKey.length);
  return writeBlobHeader(writer, 'SIMPLEBLOB', blob.algId)
    .u32le(blob.wrappingAlgId)
    .bytes(blob.encryptedKey)
    .finish();
}
