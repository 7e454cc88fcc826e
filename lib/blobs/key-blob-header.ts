/**
 * BLOBHEADER (PUBLICKEYSTRUC): the first 8 bytes of every CryptExportKey blob. Source: wincrypt.h; MS "PUBLICKEYSTRUC".
 *
 *  off size field     meaning
 *    0    1 bType     what follows: {@link BLOB_TYPE}
 *    1    1 bVersion  2 (CUR_BLOB_VERSION); 3 for DSS3, DSS4, DH3, DH4
 *    2    2 reserved  0
 *    4    4 aiKeyAlg  ALG_ID of the key inside
 */
import type { BlobReader } from '../bytes/blob-reader.ts';
import type { BlobWriter } from '../bytes/blob-writer.ts';

/** bType, by its name in wincrypt.h. */
export const BLOB_TYPE = {
  SIMPLEBLOB: 0x1,
  PUBLICKEYBLOB: 0x6,
  PRIVATEKEYBLOB: 0x7,
  PLAINTEXTKEYBLOB: 0x8,
  OPAQUEKEYBLOB: 0x9,
  PUBLICKEYBLOBEX: 0xa,
  SYMMETRICWRAPKEYBLOB: 0xb,
  KEYSTATEBLOB: 0xc,
} as const;

/** Name of a blob type in wincrypt.h. */
export type BlobTypeName = keyof typeof BLOB_TYPE;

/** What a decoder does with bytes after the blob. */
export interface DecodeBlobOptions {
  /**
   * `refuse` (default): the bytes are the blob and nothing else, so that `encode(decode(b))` is `b`. `allow` is for importers: callers of
   * CryptExportKey stored whole buffers, of which the blob is the beginning.
   */
  readonly trailing?: 'refuse' | 'allow';
}

/** Bytes of a BLOBHEADER. */
export const BLOB_HEADER_LENGTH = 8;

/** CUR_BLOB_VERSION */
export const BLOB_VERSION = 2;

/** CRYPT_BLOB_VER3's: DSS3, DSS4, DH3, DH4. */
export const BLOB_VERSION_3 = 3;

/** Reads the header of a blob that has to be of this type and version. */
export function readBlobHeader(
  reader: BlobReader,
  type: BlobTypeName,
  version = BLOB_VERSION,
): { algId: number } {
  reader.expectU8('bType', BLOB_TYPE[type]);
  reader.expectU8('bVersion', version, 'BLOB_VERSION_UNSUPPORTED');
  reader.expectU16le('reserved', 0);
  return { algId: reader.u32le('aiKeyAlg') };
}

/** Reads the header of a blob that has to be of this type, in version 2 or 3. */
export function readAnyBlobHeader(
  reader: BlobReader,
  type: BlobTypeName,
): { version: number; algId: number } {
  reader.expectU8('bType', BLOB_TYPE[type]);
  const at = reader.offset;
  const version = reader.u8('bVersion');
  if (version !== BLOB_VERSION && version !== BLOB_VERSION_3)
    reader.failAt(at, 'bVersion', `want 2 or 3, got ${version}`, 'BLOB_VERSION_UNSUPPORTED');
  reader.expectU16le('reserved', 0);
  return { version, algId: reader.u32le('aiKeyAlg') };
}

/** Writes the header of a blob. */
export function writeBlobHeader(
  writer: BlobWriter,
  type: BlobTypeName,
  algId: number,
  version = BLOB_VERSION,
): BlobWriter {
  return writer.u8(BLOB_TYPE[type]).u8(version).u16le(0).u32le(algId);
}

/** Ends a decoder: trailing bytes are refused unless the caller allows them. */
export function endBlob(reader: BlobReader, options: DecodeBlobOptions): void {
  if (options.trailing !== 'allow') reader.end();
}
