/**
 * A CNG blob whose inside keycask does not read. Source: ncrypt.h, bcrypt.h; MS "NCryptExportKey".
 *
 *  blob                    told by
 *  KDFKeyBlob              0x3146444b "KDF1" at offset 4 (also seen written "KDFK"), behind cbSize 16: an NCRYPT_KEY_BLOB_HEADER
 *  PcpTpmProtectedKeyBlob  0x4d54504b "KPTM" at offset 0: a key that one TPM opens
 *  OpaqueTransport         nothing: the format of whoever wrote it
 *  OpaqueKeyBlob           nothing: what BCryptExportKey gives for BCryptImportKey of the same provider, on the same Windows
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { copyBytes } from '../bytes/octets.ts';
import { wantLength } from './cng-number-fields.ts';
import { redacted } from '../bytes/redacted.ts';

/** A CNG blob that is carried and not read. */
export interface OpaqueCngBlob {
  readonly type: 'KDFKeyBlob' | 'PcpTpmProtectedKeyBlob' | 'OpaqueTransport' | 'OpaqueKeyBlob';
  /** All of it. May be a secret: an OpaqueKeyBlob has the expanded key in the clear. */
  readonly content: Uint8Array;
}

/**
 * Carries a blob of a type that the caller knows.
 *
 * @returns `content` is a view of `bytes`, which the caller still owns.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA) for no bytes, and for more than 1 MiB.
 */
export function decodeOpaqueCngBlob(bytes: Uint8Array, type: OpaqueCngBlob['type']): OpaqueCngBlob {
  const r = new BlobReader(bytes, type);
  const { min, max } = CONTENT_LENGTH;
  if (bytes.length < min || bytes.length > max)
    r.fail('content', `want ${min} to ${max} bytes, got ${bytes.length}`);
  return redacted({ type, content: r.rest('content') }, ['content']);
}

/**
 * Writes a blob back as it was read.
 *
 * @returns A fresh array that the caller owns, and wipes.
 * @throws KeyStoreError PARAMETER_INVALID for no bytes, and for more than 1 MiB.
 */
export function encodeOpaqueCngBlob({ content }: Pick<OpaqueCngBlob, 'content'>): Uint8Array {
  wantLength('content', content, CONTENT_LENGTH);
  return copyBytes(content);
}

/** NCRYPT_KDF_KEY_BLOB_MAGIC is "KDF1"; "KDFK" stands in descriptions of it. */
export const KDF_MAGICS: readonly number[] = [0x3146444b, 0x4b46444b];
/** NCRYPT_TPM_LOADABLE_KEY_BLOB_MAGIC, "KPTM" */
export const TPM_MAGIC = 0x4d54504b;
/** No documented bound. Far above any key, far below what would hurt. */
const CONTENT_LENGTH = { min: 1, max: 1 << 20 } as const;
