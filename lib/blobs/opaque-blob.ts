/**
 * A CryptExportKey blob whose inside is not public: OPAQUEKEYBLOB, PUBLICKEYBLOBEX, KEYSTATEBLOB, and keys of algorithms that have no
 * layout. Source: wincrypt.h; MS "PUBLICKEYSTRUC".
 *
 *  off size field       meaning
 *    0    8 BLOBHEADER  bType, bVersion (2 or 3), 0, aiKeyAlg
 *    8    n             carried as it is
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';
import { BLOB_HEADER_LENGTH, BLOB_TYPE, type BlobTypeName } from './key-blob-header.ts';
import { redacted } from '../bytes/redacted.ts';

/** A blob that is carried and not read. */
export interface OpaqueKeyBlob {
  readonly type: 'opaque';
  /** bType, by name. */
  readonly blobType: BlobTypeName;
  /** bVersion */
  readonly version: number;
  /** aiKeyAlg */
  readonly algId: number;
  /** All that follows the header; trailing bytes cannot be told apart. May be a secret. */
  readonly content: Uint8Array;
}

/**
 * Reads the header of any blob, and carries the rest.
 *
 * @returns `content` is a view of `bytes`, which the caller still owns.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA) for a type that wincrypt.h does not have; BLOB_VERSION_UNSUPPORTED (NTE_BAD_VER).
 */
export function decodeOpaqueKeyBlob(bytes: Uint8Array): OpaqueKeyBlob {
  const r = new BlobReader(bytes, 'BLOBHEADER');
  const bType = r.u8('bType');
  const blobType = blobTypeName(bType);
  if (blobType === undefined) {
    return new BlobReader(bytes, 'BLOBHEADER').fail(
      'bType',
      `no blob type 0x${bType.toString(16)}`,
    );
  }
  const version = r.u8('bVersion');
  if (!VERSIONS.includes(version))
    r.fail('bVersion', `want 2 or 3, got ${version}`, 'BLOB_VERSION_UNSUPPORTED');
  r.expectU16le('reserved', 0);
  const algId = r.u32le('aiKeyAlg');
  const content = r.rest('content');
  return redacted({ type: 'opaque', blobType, version, algId, content }, ['content']);
}

/** Writes a blob back as it was read. */
export function encodeOpaqueKeyBlob(blob: Omit<OpaqueKeyBlob, 'type'>): Uint8Array {
  return new BlobWriter(BLOB_HEADER_LENGTH + blob.content.length)
    .u8(BLOB_TYPE[blob.blobType])
    .u8(blob.version)
    .u16le(0)
    .u32le(blob.algId)
    .bytes(blob.content)
    .finish();
}

function blobTypeName(bType: number): BlobTypeName | undefined {
  return (Object.keys(BLOB_TYPE) as BlobTypeName[]).find((name) => BLOB_TYPE[name] === bType);
}

/** CUR_BLOB_VERSION, CRYPT_BLOB_VER3 */
const VERSIONS = [2, 3];
