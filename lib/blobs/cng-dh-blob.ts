/**
 * BCRYPT_DH_KEY_BLOB, BCRYPT_DH_PARAMETER_HEADER: Diffie-Hellman keys of CNG, DHPUBLICBLOB and DHPRIVATEBLOB, and the property DHParameters.
 * Source: bcrypt.h; MS "BCRYPT_DH_KEY_BLOB", "BCRYPT_DH_PARAMETER_HEADER".
 *
 *  off size field            meaning
 *    0    4 dwMagic          0x42504844 "DHPB" DHPUBLICBLOB, 0x56504844 "DHPV" DHPRIVATEBLOB
 *    4    4 cbKey            K, bytes of p
 *    8    K Modulus          p
 *    +    K Generator        g
 *    +    K Public           y = g^x mod p
 *    +    K PrivateExponent  x; DHPV only
 *
 *  off size field            meaning
 *    0    4 cbLength         bytes of the whole, 12 + 2K
 *    4    4 dwMagic          0x4d504844 "DHPM" DHParameters
 *    8    4 cbKeyLength      K
 *   12    K Modulus          p
 *    +    K Generator        g
 *
 * The header is little-endian, the numbers behind it are big-endian, with leading zeros up to K bytes.
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';
import { copyBytes } from '../bytes/octets.ts';
import { wantLength, wantNumbers, writeNumbers } from './cng-number-fields.ts';
import type { NumberField } from './cng-rsa-fields.ts';
import { owned } from '../bytes/owned.ts';

/** A Diffie-Hellman group of CNG. Numbers big-endian. */
export interface DhParameters {
  readonly type: 'DHParameters';
  /** Its length is cbKey. */
  readonly p: Uint8Array;
  readonly g: Uint8Array;
}

/** The public half of a Diffie-Hellman key in CNG. Numbers big-endian. */
export interface DhPublicBlob extends Omit<DhParameters, 'type'> {
  readonly type: 'DHPUBLICBLOB';
  /** g^x mod p */
  readonly y: Uint8Array;
}

/** Both halves of a Diffie-Hellman key in CNG. Numbers big-endian. */
export interface DhPrivateBlob extends Omit<DhPublicBlob, 'type'> {
  readonly type: 'DHPRIVATEBLOB';
  readonly x: Uint8Array;
}

/**
 * Reads the property DHParameters.
 *
 * @returns Fresh arrays.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA).
 */
export function decodeDhParameters(bytes: Uint8Array): DhParameters {
  const r = new BlobReader(bytes, 'DHParameters');
  const { offset } = r;
  const total = r.u32le('cbLength');
  r.expectU32le('dwMagic', DH_PARAMETERS_MAGIC);
  const length = r.u32leIn('cbKeyLength', KEY_LENGTH);
  const want = PARAMETER_HEADER_LENGTH + 2 * length;
  if (total !== want) r.failAt(offset, 'cbLength', `want ${want}, got ${total}`);
  const { p, g } = readGroup(r, length);
  r.end();
  return { type: 'DHParameters', p: copyBytes(p), g: copyBytes(g) };
}

/**
 * Writes the property DHParameters.
 *
 * @param parameters - `type` may be left out. `g` may lack leading zeros.
 * @returns A fresh array the caller owns.
 * @throws KeyStoreError PARAMETER_INVALID for numbers that no decoder would read.
 */
export function encodeDhParameters(parameters: Omit<DhParameters, 'type'>): Uint8Array {
  const numbers = groupOf(parameters);
  const length = PARAMETER_HEADER_LENGTH + wantNumbers(numbers);
  const w = new BlobWriter(length).u32le(length).u32le(DH_PARAMETERS_MAGIC);
  return writeNumbers(w.u32le(parameters.p.length), numbers).finish();
}

/**
 * Reads a DHPUBLICBLOB.
 *
 * @returns Fresh arrays.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA).
 */
export function decodeDhPublicBlob(bytes: Uint8Array): DhPublicBlob {
  const r = new BlobReader(bytes, 'DHPUBLICBLOB');
  r.expectU32le('dwMagic', DH_PUBLIC_MAGIC);
  const length = r.u32leIn('cbKey', KEY_LENGTH);
  const { p, g } = readGroup(r, length);
  const y = r.bytes('Public', length);
  r.end();
  return { type: 'DHPUBLICBLOB', p: copyBytes(p), g: copyBytes(g), y: copyBytes(y) };
}

/**
 * Writes a DHPUBLICBLOB.
 *
 * @param blob - `type` may be left out. `g` and `y` may lack leading zeros.
 * @returns A fresh array the caller owns.
 * @throws KeyStoreError PARAMETER_INVALID for numbers that no decoder would read.
 */
export function encodeDhPublicBlob(blob: Omit<DhPublicBlob, 'type'>): Uint8Array {
  const { p, y } = blob;
  return encodeKey(DH_PUBLIC_MAGIC, [...groupOf(blob), { field: 'y', value: y, length: p.length }]);
}

/**
 * Reads a DHPRIVATEBLOB. That its numbers belong together is for the importer to check.
 *
 * @returns Fresh arrays in one buffer of their own, which disposing of the result wipes. The caller still owns, and wipes, `bytes`.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA).
 */
export function decodeDhPrivateBlob(bytes: Uint8Array): DhPrivateBlob & Disposable {
  const r = new BlobReader(bytes, 'DHPRIVATEBLOB');
  r.expectU32le('dwMagic', DH_PRIVATE_MAGIC);
  const length = r.u32leIn('cbKey', KEY_LENGTH);
  const { p, g } = readGroup(r, length);
  const numbers = { p, g, y: r.bytes('Public', length), x: r.bytes('PrivateExponent', length) };
  r.end();
  return owned({ type: 'DHPRIVATEBLOB' } as const, numbers, ['x']);
}

/**
 * Writes a DHPRIVATEBLOB.
 *
 * @param blob - `type` may be left out. `g`, `y` and `x` may lack leading zeros.
 * @returns In a buffer of its own, which the caller owns, and wipes.
 * @throws KeyStoreError PARAMETER_INVALID for numbers that no decoder would read.
 */
export function encodeDhPrivateBlob(blob: Omit<DhPrivateBlob, 'type'>): Uint8Array {
  const { length } = blob.p;
  return encodeKey(DH_PRIVATE_MAGIC, [
    ...groupOf(blob),
    { field: 'y', value: blob.y, length },
    { field: 'x', value: blob.x, length },
  ]);
}

function readGroup(r: BlobReader, length: number): { p: Uint8Array; g: Uint8Array } {
  return { p: r.bytes('Modulus', length), g: r.bytes('Generator', length) };
}

function groupOf({ p, g }: Pick<DhParameters, 'p' | 'g'>): NumberField[] {
  const length = wantLength('p', p, KEY_LENGTH);
  return [
    { field: 'p', value: p, length },
    { field: 'g', value: g, length },
  ];
}

function encodeKey(magic: number, numbers: readonly NumberField[]): Uint8Array {
  const w = new BlobWriter(KEY_HEADER_LENGTH + wantNumbers(numbers));
  return writeNumbers(w.u32le(magic).u32le(numbers[0]!.length), numbers).finish();
}

/** "DHPB" */
export const DH_PUBLIC_MAGIC = 0x42504844;
/** "DHPV" */
export const DH_PRIVATE_MAGIC = 0x56504844;
/** "DHPM" */
export const DH_PARAMETERS_MAGIC = 0x4d504844;
const KEY_HEADER_LENGTH = 8;
const PARAMETER_HEADER_LENGTH = 12;
/** MS "BCRYPT_DH_ALGORITHM": Windows makes keys of 512 to 4096 bits; ffdhe8192 of RFC 7919 is the longest group that has a name. */
const KEY_LENGTH = { min: 64, max: 1024 } as const;
