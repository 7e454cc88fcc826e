/**
 * BCRYPT_KEY_DATA_BLOB_HEADER: a symmetric key of CNG in the clear, KeyDataBlob. Source: bcrypt.h; MS "BCRYPT_KEY_DATA_BLOB_HEADER".
 *
 *  off size field      meaning
 *    0    4 dwMagic    0x4d42444b "KDBM"
 *    4    4 dwVersion  1
 *    8    4 cbKeyData  bytes of the key
 *   12    n keyData    the key, in natural order; DES keys with the parity bits that they were given
 *
 * Which algorithm the key is for does not stand in it. A CipherKeyBlob has one of these inside.
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';
import { wantLength } from './cng-number-fields.ts';
import { owned } from '../bytes/owned.ts';

/** A symmetric key of CNG in the clear. */
export interface KeyDataBlob {
  readonly type: 'KeyDataBlob';
  readonly key: Uint8Array;
}

/**
 * Reads a KeyDataBlob.
 *
 * @returns `key` is a fresh array, which disposing of the result wipes. The caller still owns, and wipes, `bytes`.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA); BLOB_VERSION_UNSUPPORTED (NTE_BAD_VER).
 * @example
 * ```ts
 * using blob = decodeKeyDataBlob(bytes);
 * ```
 */
export function decodeKeyDataBlob(bytes: Uint8Array): KeyDataBlob & Disposable {
  const r = new BlobReader(bytes, 'KeyDataBlob');
  const key = readKeyData(r);
  r.end();
  return owned({ type: 'KeyDataBlob' } as const, { key }, ['key']);
}

/**
 * Writes a KeyDataBlob.
 *
 * @param blob - `type` may be left out. The caller still owns, and wipes, `key`.
 * @returns 12 bytes more than the key, in a buffer of its own, which the caller owns, and wipes.
 * @throws KeyStoreError PARAMETER_INVALID for a key of no bytes or more than 65,536.
 */
export function encodeKeyDataBlob({ key }: Omit<KeyDataBlob, 'type'>): Uint8Array {
  return writeKeyData(new BlobWriter(keyDataLength(key)), key).finish();
}

/** Reads the header and the key: a view of the input. */
export function readKeyData(r: BlobReader): Uint8Array {
  r.expectU32le('dwMagic', KEY_DATA_MAGIC);
  const { offset } = r;
  const version = r.u32le('dwVersion');
  if (version !== VERSION)
    r.failAt(offset, 'dwVersion', `want ${VERSION}, got ${version}`, 'BLOB_VERSION_UNSUPPORTED');
  return r.bytes('keyData', r.u32leIn('cbKeyData', KEY_LENGTH));
}

/** Bytes of the header and the key. */
export function keyDataLength(key: Uint8Array): number {
  return HEADER_LENGTH + wantLength('key', key, KEY_LENGTH);
}

/** Writes the header and the key. */
export function writeKeyData(w: BlobWriter, key: Uint8Array): BlobWriter {
  return w.u32le(KEY_DATA_MAGIC).u32le(VERSION).u32le(key.length).bytes(key);
}

/** "KDBM" */
export const KEY_DATA_MAGIC = 0x4d42444b;
/** BCRYPT_KEY_DATA_BLOB_VERSION1 */
const VERSION = 1;
const HEADER_LENGTH = 12;
/** No documented bound; as in a PLAINTEXTKEYBLOB. HMAC keys may have any length. */
const KEY_LENGTH = { min: 1, max: 65_536 } as const;
