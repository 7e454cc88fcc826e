/**
 * `Preferred`, beside the master key files: which of them new blobs are made under. Source: impacket dpapi.py; mimikatz.
 *
 *  off size field
 *    0   16 guidMasterKey
 *   16    8 tiCreation    FILETIME: when it is due to be replaced
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';
import { readGuid, writeGuid } from './fields.ts';

/** Which master key is in use. */
export interface PreferredFile {
  readonly guid: string;
  /** FILETIME: 100 nanoseconds since 1601. */
  readonly fileTime: bigint;
}

/**
 * Reads a `Preferred` file.
 *
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA).
 * @example
 * ```ts
 * const { guid } = decodePreferred(await readFile(join(folder, 'Preferred')));
 * ```
 */
export function decodePreferred(bytes: Uint8Array): PreferredFile {
  const r = new BlobReader(bytes, 'Preferred');
  const guid = readGuid(r, 'guidMasterKey');
  const low = r.u32le('tiCreation');
  const high = r.u32le('tiCreation');
  r.end();
  return { guid, fileTime: (BigInt(high) << 32n) | BigInt(low) };
}

/**
 * Writes a `Preferred` file.
 *
 * @throws KeyStoreError PARAMETER_INVALID for a GUID that is none.
 * @example
 * ```ts
 * const same = encodePreferred(decodePreferred(bytes));
 * ```
 */
export function encodePreferred(file: PreferredFile): Uint8Array {
  const w = new BlobWriter(24);
  return writeGuid(w, file.guid)
    .u32le(Number(file.fileTime & 0xffffffffn))
    .u32le(Number((file.fileTime >> 32n) & 0xffffffffn))
    .finish();
}
