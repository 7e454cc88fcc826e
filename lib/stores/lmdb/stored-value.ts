/**
 * What lies under an id in an LMDB file.
 *
 *   key    16 bytes  the id
 *   value   4 bytes  version, big-endian
 *           n bytes  the record; none are a tombstone
 */
import type { StoredRecord } from '../../contracts/store.ts';
import { KeyStoreError } from '../../errors.ts';

/** @param bytes - Copied. None for a tombstone. */
export function encodeStoredValue(version: number, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const value = new Uint8Array(VERSION_LENGTH + bytes.length);
  new DataView(value.buffer).setUint32(0, version);
  value.set(bytes, VERSION_LENGTH);
  return value;
}

/**
 * @param value - Not copied: what is returned lies in it.
 * @returns undefined for a tombstone.
 * @throws KeyStoreError STORE_DAMAGED
 */
export function decodeStoredValue(value: Uint8Array): StoredRecord | undefined {
  const { buffer, byteOffset, length } = value;
  const version = length < VERSION_LENGTH ? 0 : new DataView(buffer, byteOffset).getUint32(0);
  if (version === 0) throw new KeyStoreError('STORE_DAMAGED', 'a stored value has no version');
  if (length === VERSION_LENGTH) return undefined;
  const bytes = new Uint8Array(buffer, byteOffset + VERSION_LENGTH, length - VERSION_LENGTH);
  return { version, bytes };
}

const VERSION_LENGTH = 4;
