/**
 * PLAINTEXTKEYBLOB: a session key in the clear. Source: wincrypt.h; MS "PLAINTEXTKEYBLOB".
 *
 *  off size field       meaning
 *    0    8 BLOBHEADER  bType 0x08, aiKeyAlg = ALG_ID of the key
 *    8    4 dwKeySize   bytes of the key
 *   12    n rgbKeyData  the key, in natural order; DES keys with their parity bits
 *
 * A key record's envelope is AES-256-GCM over one of these.
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import {
  BLOB_HEADER_LENGTH,
  BLOB_TYPE,
  BLOB_VERSION,
  endBlob,
  readBlobHeader,
  type DecodeBlobOptions,
} from './key-blob-header.ts';
import { redacted } from '../bytes/redacted.ts';
import { KeyStoreError } from '../errors.ts';

/** A session key in the clear. */
export interface PlaintextKeyBlob {
  readonly type: 'PLAINTEXTKEYBLOB';
  /** aiKeyAlg */
  readonly algId: number;
  /** Whether its length suits the algorithm is {@link plausibleKeyLengths}' to say: HMAC keys travel as RC2 keys of any length. */
  readonly key: Uint8Array;
}

/**
 * Reads a PLAINTEXTKEYBLOB.
 *
 * @returns `key` is a view of `bytes`, which the caller still owns, and wipes.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA); BLOB_VERSION_UNSUPPORTED (NTE_BAD_VER).
 */
export function decodePlaintextKeyBlob(
  bytes: Uint8Array,
  options: DecodeBlobOptions = {},
): PlaintextKeyBlob {
  const r = new BlobReader(bytes, 'PLAINTEXTKEYBLOB');
  const { algId } = readBlobHeader(r, 'PLAINTEXTKEYBLOB');
  const size = r.u32leIn('dwKeySize', { min: 1, max: MAX_KEY_LENGTH });
  const key = r.bytes('rgbKeyData', size);
  endBlob(r, options);
  return redacted({ type: 'PLAINTEXTKEYBLOB', algId, key }, ['key']);
}

/** Bytes of the PLAINTEXTKEYBLOB of a key of this length. */
export function plaintextKeyBlobLength(keyLength: number): number {
  return KEY_OFFSET + keyLength;
}

/**
 * Writes a PLAINTEXTKEYBLOB into an array, so that the key is copied to there and nowhere else.
 *
 * @param blob - `type` may be left out. The caller still owns, and wipes, `key`.
 * @param target - Exactly {@link plaintextKeyBlobLength} bytes, which the caller owns, and wipes.
 * @throws KeyStoreError PARAMETER_INVALID for a target of another length, and for a key of no bytes or more than 65,536.
 */
export function encodePlaintextKeyBlobInto(
  blob: Omit<PlaintextKeyBlob, 'type'>,
  target: Uint8Array,
): void {
  const { algId, key } = blob;
  if (key.length < 1 || key.length > MAX_KEY_LENGTH)
    throw new KeyStoreError('PARAMETER_INVALID', `key: want 1 to ${MAX_KEY_LENGTH} bytes`);
  if (target.length !== KEY_OFFSET + key.length)
    throw new KeyStoreError('PARAMETER_INVALID', `target: want ${KEY_OFFSET + key.length} bytes`);
  const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
  target.set([BLOB_TYPE.PLAINTEXTKEYBLOB, BLOB_VERSION, 0, 0]);
  view.setUint32(4, algId, true);
  view.setUint32(BLOB_HEADER_LENGTH, key.length, true);
  target.set(key, KEY_OFFSET);
}

/**
 * Writes a PLAINTEXTKEYBLOB.
 *
 * @returns 12 bytes more than the key, in a buffer of its own, which the caller owns, and wipes.
 * @throws KeyStoreError PARAMETER_INVALID as {@link encodePlaintextKeyBlobInto} does.
 */
export function encodePlaintextKeyBlob(blob: Omit<PlaintextKeyBlob, 'type'>): Uint8Array {
  const target = new Uint8Array(new ArrayBuffer(plaintextKeyBlobLength(blob.key.length)));
  encodePlaintextKeyBlobInto(blob, target);
  return target;
}

const KEY_OFFSET = BLOB_HEADER_LENGTH + 4;
/** No documented bound. Far above any key, far below what would hurt. */
const MAX_KEY_LENGTH = 65_536;
