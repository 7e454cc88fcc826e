/**
 * Properties of a key of CNG's software storage, one behind the other. Source: mimikatz kull_m_key.h; fox-it/dissect.target cng.
 *
 *  off size field          meaning
 *    0    4 dwStructLen    bytes of this property
 *    4    4 type           0 Modified (a FILETIME), 3 a number, 0x0A without a name: the public key
 *    8    4                0 where seen
 *   12    4 dwNameLen      bytes, without a null
 *   16    4 dwPropertyLen
 *   20    n name           UTF-16
 *     +   m property
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';
import { encodeUtf16 } from '../bytes/utf16.ts';
import { readUnits } from './fields.ts';

/** One property: `Modified`, `Export Policy`, `UI Policy`, `Security Descr`, `Use Context`. */
export interface CngProperty {
  readonly type: number;
  /** The field after the type. */
  readonly reserved: number;
  /** May be empty: the public key has no name. */
  readonly name: string;
  readonly value: Uint8Array;
  /** Bytes of the structure behind the value, which no sample has. */
  readonly padding?: Uint8Array;
}

/** type of the property without a name that holds the public key as a CNG blob. */
export const CNG_PUBLIC_KEY_PROPERTY = 0x0a;

/**
 * Reads a list of properties.
 *
 * @returns Values are views of `bytes`, which the caller still owns.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA).
 * @example
 * ```ts
 * const names = decodeCngProperties(plaintext.bytes).map(({ name }) => name);
 * ```
 */
export function decodeCngProperties(bytes: Uint8Array): CngProperty[] {
  return readCngProperties(new BlobReader(bytes, 'CNG properties'));
}

/** Reads properties out of all that `r` has. */
export function readCngProperties(r: BlobReader): CngProperty[] {
  const properties: CngProperty[] = [];
  while (r.left > 0) {
    if (properties.length === MAX_PROPERTIES)
      r.fail('properties', `want at most ${MAX_PROPERTIES}`, 'BLOB_TOO_LARGE');
    properties.push(readProperty(r));
  }
  return properties;
}

/** Writes a list of properties back as it was read. */
export function encodeCngProperties(properties: readonly CngProperty[]): Uint8Array {
  const lengths = properties.map(
    ({ name, value, padding }) =>
      HEADER_LENGTH + 2 * name.length + value.length + (padding?.length ?? 0),
  );
  const w = new BlobWriter(lengths.reduce((sum, length) => sum + length, 0));
  for (const [i, property] of properties.entries()) {
    const { type, reserved, name, value, padding } = property;
    w.u32le(lengths[i]!)
      .u32le(type)
      .u32le(reserved)
      .u32le(2 * name.length)
      .u32le(value.length);
    w.bytes(encodeUtf16(name)).bytes(value);
    if (padding) w.bytes(padding);
  }
  return w.finish();
}

function readProperty(list: BlobReader): CngProperty {
  const length = list.u32leIn('dwStructLen', { min: HEADER_LENGTH });
  const r = list.sub('property', length - 4);
  const type = r.u32le('type');
  const reserved = r.u32le('reserved');
  const nameLength = r.u32leIn('dwNameLen', { max: MAX_NAME_LENGTH });
  const valueLength = r.u32le('dwPropertyLen');
  const name = readUnits(r, 'name', nameLength);
  const value = r.bytes('property', valueLength);
  const padding = r.rest('padding');
  return { type, reserved, name, value, ...(padding.length > 0 && { padding }) };
}

const HEADER_LENGTH = 20;
/** ncrypt.h NCRYPT_MAX_PROPERTY_NAME is 64 units; four times that. */
const MAX_NAME_LENGTH = 512;
/** No documented bound: Windows sets about ten. */
const MAX_PROPERTIES = 1000;
