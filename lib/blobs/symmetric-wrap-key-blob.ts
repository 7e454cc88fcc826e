/**
 * SYMMETRICWRAPKEYBLOB: a session key wrapped by another one. Source: wincrypt.h; MS "CryptExportKey"; RFC 3217.
 *
 *  off size field       meaning
 *    0    8 BLOBHEADER  bType 0x0B, aiKeyAlg = ALG_ID of the session key
 *    8    4 algid       ALG_ID of the wrapping key: CALG_3DES or CALG_RC2
 *   12    n wrappedkey  what RFC 3217 makes of the key, in natural order: 40 bytes for 3DES. There is no length field
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';
import { copyBytes } from '../bytes/octets.ts';
import { BLOB_HEADER_LENGTH, readBlobHeader, writeBlobHeader } from './key-blob-header.ts';
import { MAX_WRAPPED_KEY } from './wrapped-key-bounds.ts';

/** A session key under another session key. */
export interface SymmetricWrapKeyBlob {
  readonly type: 'SYMMETRICWRAPKEYBLOB';
  /** aiKeyAlg: ALG_ID of the session key inside. */
  readonly algId: number;
  /** ALG_ID of the key that wraps it. */
  readonly wrappingAlgId: number;
  /** Ciphertext, as RFC 3217 has it. */
  readonly wrappedKey: Uint8Array;
}

/**
 * Reads a SYMMETRICWRAPKEYBLOB.
 *
 * @returns `wrappedKey` is a fresh array: all that follows the header, since the blob does not tell its end.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA); BLOB_VERSION_UNSUPPORTED (NTE_BAD_VER).
 */
export function decodeSymmetricWrapKeyBlob(bytes: Uint8Array): SymmetricWrapKeyBlob {
  const r = new BlobReader(bytes, 'SYMMETRICWRAPKEYBLOB');
  const { algId } = readBlobHeader(r, 'SYMMETRICWRAPKEYBLOB');
  const wrappingAlgId = r.u32le('algid');
  if (r.left < 1 || r.left > MAX_WRAPPED_KEY)
    r.fail('wrappedkey', `want 1 to ${MAX_WRAPPED_KEY} bytes, got ${r.left}`);
  const wrappedKey = copyBytes(r.rest('wrappedkey'));
  return { type: 'SYMMETRICWRAPKEYBLOB', algId, wrappingAlgId, wrappedKey };
}

/**
 * Writes a SYMMETRICWRAPKEYBLOB.
 *
 * @param blob - `type` may be left out.
 * @returns 12 bytes more than the wrapped key; a fresh array the caller owns.
 */
export function encodeSymmetricWrapKeyBlob(blob: Omit<SymmetricWrapKeyBlob, 'type'>): Uint8Array {
  const writer = new BlobWriter(BLOB_HEADER_LENGTH + 4 + blob.wrappedKey.length);
  return writeBlobHeader(writer, 'SYMMETRICWRAPKEYBLOB', blob.algId)
    .u32le(blob.wrappingAlgId)
    .bytes(blob.wrappedKey)
    .finish();
}
