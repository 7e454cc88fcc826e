/**
 * A key of the TPM's storage, Microsoft Platform Crypto Provider: `Crypto\PCPKSP\<hash>\<name>.PCPKEY`. Known by its first bytes, and
 * carried: the private key is wrapped by the TPM and opens nowhere else. Source: mimikatz kull_m_key.h; no sample was seen.
 *
 *  off size field  meaning
 *    0    4 magic  0x50534B50 "PKSP"
 *    4    n        tagged parts, not read
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';

/** A TPM's key, carried. */
export interface PcpKeyFile {
  /** All that follows the magic. */
  readonly content: Uint8Array;
}

/**
 * Recognises a key file of the Platform Crypto Provider.
 *
 * @returns `content` is a view of `bytes`, which the caller still owns.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA).
 * @example
 * ```ts
 * decodePcpKeyFile(bytes); // does not throw: this key is in a TPM
 * ```
 */
export function decodePcpKeyFile(bytes: Uint8Array): PcpKeyFile {
  const r = new BlobReader(bytes, 'PCPKSP key file');
  r.expectU32le('magic', PCP_KEY_FILE_MAGIC);
  return { content: r.rest('content') };
}

/** Writes a key file of the Platform Crypto Provider back as it was read. */
export function encodePcpKeyFile(file: PcpKeyFile): Uint8Array {
  return new BlobWriter(4 + file.content.length)
    .u32le(PCP_KEY_FILE_MAGIC)
    .bytes(file.content)
    .finish();
}

/** "PKSP" */
export const PCP_KEY_FILE_MAGIC = 0x50534b50;
