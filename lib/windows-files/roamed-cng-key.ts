/**
 * A key of CNG as credential roaming keeps it in Active Directory, with its master key (ms-PKI-AccountCredentials). Source: a sample of
 * MichaelGrafnetter/DSInternals, whose 128 bytes of roaming header stand before this.
 *
 *  off size field        meaning
 *    0    4 magic        0x3142494D "MIB1"
 *    4    4 cchName      UTF-16 units of the name
 *    8    4              0 where seen
 *   12    4 cbKey
 *   16    8              0 where seen
 *   24    4 cbMasterKey
 *   28   40              0 where seen
 *   68    n name         UTF-16
 *     +   m key          the file of Crypto\Keys; at offset 180 in the sample
 *     +  16 guidMasterKey
 *     +   k master key   the file of Protect
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';
import { encodeUtf16 } from '../bytes/utf16.ts';
import { readGuid, readUnits, writeGuid } from './fields.ts';

/** A roamed key and the master key that it is under. */
export interface RoamedCngKey {
  /** The fields that are 0 where seen, in order: 4, 8 and 40 bytes. */
  readonly reserved: readonly [Uint8Array, Uint8Array, Uint8Array];
  readonly name: string;
  /** As {@link decodeCngContainerFile} reads it. */
  readonly keyFile: Uint8Array;
  readonly masterKeyGuid: string;
  /** As {@link decodeMasterKeyFile} reads it. */
  readonly masterKeyFile: Uint8Array;
}

/**
 * Reads a roamed key of CNG.
 *
 * @returns Byte strings are views of `bytes`, which the caller still owns.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA).
 * @example
 * ```ts
 * const { keyFile, masterKeyFile } = decodeRoamedCngKey(value);
 * ```
 */
export function decodeRoamedCngKey(bytes: Uint8Array): RoamedCngKey {
  const r = new BlobReader(bytes, 'roamed CNG key');
  r.expectU32le('magic', ROAMED_CNG_KEY_MAGIC);
  const units = r.u32leIn('cchName', { max: MAX_NAME_UNITS });
  const first = r.bytes('reserved', 4);
  const keyLength = r.u32le('cbKey');
  const second = r.bytes('reserved', 8);
  const masterKeyLength = r.u32le('cbMasterKey');
  const third = r.bytes('reserved', 40);
  const name = readUnits(r, 'name', 2 * units);
  const keyFile = r.bytes('key', keyLength);
  const masterKeyGuid = readGuid(r, 'guidMasterKey');
  const masterKeyFile = r.bytes('master key', masterKeyLength);
  r.end();
  return { reserved: [first, second, third], name, keyFile, masterKeyGuid, masterKeyFile };
}

/** Writes a roamed key of CNG back as it was read. */
export function encodeRoamedCngKey(key: RoamedCngKey): Uint8Array {
  const name = encodeUtf16(key.name);
  const [first, second, third] = key.reserved;
  const w = new BlobWriter(
    HEADER_LENGTH + name.length + key.keyFile.length + 16 + key.masterKeyFile.length,
  )
    .u32le(ROAMED_CNG_KEY_MAGIC)
    .u32le(key.name.length)
    .bytes(first)
    .u32le(key.keyFile.length)
    .bytes(second)
    .u32le(key.masterKeyFile.length)
    .bytes(third)
    .bytes(name)
    .bytes(key.keyFile);
  return writeGuid(w, key.masterKeyGuid).bytes(key.masterKeyFile).finish();
}

/** "MIB1" */
export const ROAMED_CNG_KEY_MAGIC = 0x3142494d;

const HEADER_LENGTH = 68;
/** ncrypt.h NCRYPT_MAX_KEY_NAME_LENGTH */
const MAX_NAME_UNITS = 512;
