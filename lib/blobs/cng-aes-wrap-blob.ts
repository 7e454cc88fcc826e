/**
 * Rfc3565KeyWrapBlob (BCRYPT_AES_WRAP_KEY_BLOB): a symmetric key wrapped under an AES key. Source: bcrypt.h; MS "BCryptExportKey"; RFC 3394.
 *
 *  off size field    meaning
 *    0    n wrapped  RFC 3394 section 2.2.1 of the key: 8 bytes more than it has, in blocks of 8
 *
 * There is no header: nothing in the bytes tells what they are, and every string of such a length may be one. Whether they are is known
 * when they are unwrapped, which RFC 3394's check value tells.
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { refuse, wantLength } from './cng-number-fields.ts';
import { copyBytes } from '../bytes/octets.ts';

/** A key wrapped under an AES key. */
export interface AesWrapKeyBlob {
  readonly type: 'Rfc3565KeyWrapBlob';
  /** As long as the key and 8 bytes more. */
  readonly wrapped: Uint8Array;
}

/**
 * Reads an Rfc3565KeyWrapBlob, which has nothing to tell it by: for bytes that the caller knows to be one.
 *
 * @returns `wrapped` is a view of `bytes`, which the caller still owns.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA) for a length that RFC 3394 does not give.
 */
export function decodeAesWrapKeyBlob(bytes: Uint8Array): AesWrapKeyBlob {
  const r = new BlobReader(bytes, 'Rfc3565KeyWrapBlob');
  const { min, max } = WRAPPED_LENGTH;
  if (bytes.length < min || bytes.length > max || bytes.length % BLOCK !== 0)
    r.fail('wrapped', `want ${WANTED}, got ${bytes.length}`);
  return { type: 'Rfc3565KeyWrapBlob', wrapped: r.rest('wrapped') };
}

/**
 * Writes an Rfc3565KeyWrapBlob: the wrapped key itself.
 *
 * @param blob - `type` may be left out.
 * @returns A fresh array the caller owns.
 * @throws KeyStoreError PARAMETER_INVALID for a length that RFC 3394 does not give.
 */
export function encodeAesWrapKeyBlob({ wrapped }: Omit<AesWrapKeyBlob, 'type'>): Uint8Array {
  wantLength('wrapped', wrapped, WRAPPED_LENGTH);
  if (wrapped.length % BLOCK !== 0) refuse(`wrapped: want ${WANTED}, got ${wrapped.length}`);
  return copyBytes(wrapped);
}

const BLOCK = 8;
/** RFC 3394 section 2: at least two blocks of key, and the check value. The longest key is a KeyDataBlob's. */
const WRAPPED_LENGTH = { min: 3 * BLOCK, max: 65_536 + BLOCK } as const;
const WANTED = `${WRAPPED_LENGTH.min} to ${WRAPPED_LENGTH.max} bytes in blocks of ${BLOCK}`;
