/**
 * A key of CNG's software storage: `Crypto\Keys\<hash>_<MachineGuid>`, also SystemKeys. Source: mimikatz kull_m_key.h; fox-it/dissect.target
 * cng; a sample of Windows 8.1.
 *
 *  off size field                  meaning
 *    0    4 dwVersion              1
 *    4    4                        0 where seen
 *    8    4 dwNameLen              bytes, without a null
 *   12    2 type                   1 RSA, 2 AES, 4 ECDSA P-256 where seen
 *   14    2                        3 where seen: parts that follow the name
 *   16    4 dwPublicPropertiesLen
 *   20    4 dwPrivatePropertiesLen
 *   24    4 dwPrivateKeyLen
 *   28   16                        zeros where seen
 *   44      name (UTF-16), public properties, private properties (DPAPI blob), private key (DPAPI blob)
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';
import { encodeUtf16 } from '../bytes/utf16.ts';
import { encodeCngProperties, readCngProperties, type CngProperty } from './cng-property.ts';
import { endFile, readUnits, type DecodeFileOptions } from './fields.ts';

/** A key's file, closed. */
export interface CngContainerFile {
  /** The second field. */
  readonly reserved: number;
  readonly name: string;
  /** 1 RSA, 2 AES, 4 ECDSA P-256 where seen. */
  readonly type: number;
  /** The field after it: 3 where seen. */
  readonly parts: number;
  /** 16 bytes */
  readonly reserved2: Uint8Array;
  readonly publicProperties: readonly CngProperty[];
  /** DPAPI blob; empty where there is none. */
  readonly privateProperties: Uint8Array;
  /** DPAPI blob; empty where there is none. */
  readonly privateKey: Uint8Array;
}

/**
 * Reads a key's file, without opening it.
 *
 * Source: mimikatz kull_m_key.h, dissect.target.
 *
 * @returns Byte strings are views of `bytes`, which the caller still owns.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA); BLOB_VERSION_UNSUPPORTED (NTE_BAD_VER).
 * @example
 * ```ts
 * const { name, publicProperties } = decodeCngContainerFile(await readFile(path));
 * ```
 */
export function decodeCngContainerFile(
  bytes: Uint8Array,
  options: DecodeFileOptions = {},
): CngContainerFile {
  const r = new BlobReader(bytes, 'CNG key file');
  const version = r.u32le('dwVersion');
  if (version !== VERSION)
    r.failAt(0, 'dwVersion', `want 1, got ${version}`, 'BLOB_VERSION_UNSUPPORTED');
  const reserved = r.u32le('reserved');
  const nameLength = r.u32leIn('dwNameLen', { max: MAX_NAME_LENGTH });
  const type = r.u16le('type');
  const parts = r.u16le('parts');
  const publicLength = r.u32le('dwPublicPropertiesLen');
  const privateLength = r.u32le('dwPrivatePropertiesLen');
  const keyLength = r.u32le('dwPrivateKeyLen');
  const reserved2 = r.bytes('reserved', RESERVED_LENGTH);
  const name = readUnits(r, 'name', nameLength);
  const publicProperties = readCngProperties(r.sub('public properties', publicLength));
  const privateProperties = r.bytes('private properties', privateLength);
  const privateKey = r.bytes('private key', keyLength);
  endFile(r, options);
  return {
    reserved,
    name,
    type,
    parts,
    reserved2,
    publicProperties,
    privateProperties,
    privateKey,
  };
}

/**
 * Writes a key's file back as it was read.
 *
 * @returns A fresh array that the caller owns.
 * @example
 * ```ts
 * const same = encodeCngContainerFile(decodeCngContainerFile(bytes));
 * ```
 */
export function encodeCngContainerFile(file: CngContainerFile): Uint8Array {
  const name = encodeUtf16(file.name);
  const properties = encodeCngProperties(file.publicProperties);
  const { privateProperties, privateKey } = file;
  return new BlobWriter(
    HEADER_LENGTH + name.length + properties.length + privateProperties.length + privateKey.length,
  )
    .u32le(VERSION)
    .u32le(file.reserved)
    .u32le(name.length)
    .u16le(file.type)
    .u16le(file.parts)
    .u32le(properties.length)
    .u32le(privateProperties.length)
    .u32le(privateKey.length)
    .bytes(file.reserved2)
    .bytes(name)
    .bytes(properties)
    .bytes(privateProperties)
    .bytes(privateKey)
    .finish();
}

const VERSION = 1;
const RESERVED_LENGTH = 16;
const HEADER_LENGTH = 44;
/** ncrypt.h NCRYPT_MAX_KEY_NAME_LENGTH: 512 units. */
const MAX_NAME_LENGTH = 1024;
