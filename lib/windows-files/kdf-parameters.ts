/**
 * KDFParameters: the hash that a root key's keys are derived with, msKds-KDFParam. Source: [MS-GKDI] 2.2.1.
 *
 *  off size field           meaning
 *    0    4                 0
 *    4    4                 1
 *    8    4 cbHashName      bytes of the name with its null
 *   12    4                 0
 *   16    n HashAlgorithm   UTF-16, null-terminated: SHA1, SHA256, SHA384, SHA512
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';
import { encodeUtf16z } from '../bytes/utf16.ts';
import { MAX_NAME, readName } from './group-key-identifier.ts';

/**
 * Reads the name of the hash.
 *
 * @returns As it is written there; what it means is the deriver's to say.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA).
 * @example
 * ```ts
 * decodeKdfParameters(rootKey.kdfParameters); // 'SHA512'
 * ```
 */
export function decodeKdfParameters(bytes: Uint8Array): string {
  const r = new BlobReader(bytes, 'KDFParameters');
  r.expectU32le('unknown', 0);
  r.expectU32le('unknown', 1);
  const length = r.u32leIn('cbHashName', { max: MAX_NAME, multipleOf: 2 });
  r.expectU32le('unknown', 0);
  const name = readName(r, 'HashAlgorithm', length);
  r.end();
  return name;
}

/** Writes what {@link decodeKdfParameters} reads. */
export function encodeKdfParameters(hashName: string): Uint8Array {
  const name = encodeUtf16z(hashName);
  const writer = new BlobWriter(16 + name.length);
  return writer.u32le(0).u32le(1).u32le(name.length).u32le(0).bytes(name).finish();
}
