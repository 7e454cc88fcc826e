/**
 * Which layout the bytes of a CNG blob have, by what stands at their beginning.
 *
 *  off size      tells
 *    0  u32      dwMagic of the keys: RSA1, ECK1, DSPB, DHPB, KDBM, MLKP, ...
 *    4  u32      behind an EC magic: 1 in a full blob, cbKey in another; behind cbLength or cbSize: DSPM, DPM2, DHPM, CPHR, PRTK, KDF1
 *    0  30       DER: PKCS8_PRIVATEKEY, PKCS7_ENVELOPE
 *    0  06 or 07 a CryptExportKey blob, which CNG calls CAPIPUBLICBLOB, CAPIPRIVATEBLOB, ...
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { TAG } from '../bytes/der-tags.ts';
import { CIPHER_MAGIC, PROTECTED_MAGIC } from './cng-cipher-key-blob.ts';
import type { OwnCngBlob } from './cng-blob-union.ts';
import { DH_PARAMETERS_MAGIC, DH_PRIVATE_MAGIC, DH_PUBLIC_MAGIC } from './cng-dh-blob.ts';
import { DSA_MAGIC } from './cng-dsa-blob.ts';
import { DSA_PARAMETERS_MAGIC } from './cng-dsa-parameters.ts';
import { FULL_KEY_VERSION } from './cng-ecc-full-blob.ts';
import { ECC_KINDS } from './cng-ecc-magic.ts';
import { KEY_DATA_MAGIC } from './cng-key-data-blob.ts';
import { KDF_MAGICS, TPM_MAGIC } from './cng-opaque-blob.ts';
import { isContentInfo } from './cng-pkcs-blob.ts';
import { POST_QUANTUM_KINDS } from './cng-post-quantum-blob.ts';
import { RSA3 } from './cng-rsa-fields.ts';
import { BLOB_TYPE } from './key-blob-header.ts';
import { RSA1, RSA2 } from './rsa-bounds.ts';

/** A layout that bytes can be told to have. */
export type CngLayout = OwnCngBlob['type'] | 'CAPI';

/**
 * The layout of these bytes.
 *
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA) for bytes that begin as no blob does.
 */
export function cngLayoutOf(bytes: Uint8Array): CngLayout {
  if (bytes[0] === TAG.SEQUENCE && !isHeaderFirst(bytes))
    return isContentInfo(bytes) ? 'PKCS7_ENVELOPE' : 'PKCS8_PRIVATEKEY';
  const r = new BlobReader(bytes, 'CNG key blob');
  const magic = r.u32le('dwMagic');
  if (bytes[2] === 0 && bytes[3] === 0 && isCapiStart(bytes)) return 'CAPI';
  const layout = MAGICS.get(magic);
  if (layout !== undefined) {
    if (!layout.startsWith('ECC') || r.u32le('cbKey') !== FULL_KEY_VERSION) return layout;
    return layout === 'ECCPUBLICBLOB' ? 'ECCFULLPUBLICBLOB' : 'ECCFULLPRIVATEBLOB';
  }
  const second = r.left < 4 ? undefined : SECOND_MAGICS.get(r.u32le('dwMagic'));
  return second ?? r.failAt(0, 'dwMagic', `no key blob has 0x${magic.toString(16)}`);
}

/** Whether a length comes first and the magic behind it; the length may begin as DER does. */
function isHeaderFirst(bytes: Uint8Array): boolean {
  if (bytes.length < 8) return false;
  const r = new BlobReader(bytes, 'CNG key blob');
  r.u32le('cbLength');
  return SECOND_MAGICS.has(r.u32le('dwMagic'));
}

/** bType and bVersion of a public or a private key. */
function isCapiStart([type, version]: Uint8Array): boolean {
  const isKey = type === BLOB_TYPE.PUBLICKEYBLOB || type === BLOB_TYPE.PRIVATEKEYBLOB;
  return isKey && (version === 2 || version === 3);
}

/** What begins with its magic. */
const MAGICS: ReadonlyMap<number, OwnCngBlob['type']> = new Map<number, OwnCngBlob['type']>([
  [RSA1, 'RSAPUBLICBLOB'],
  [RSA2, 'RSAPRIVATEBLOB'],
  [RSA3, 'RSAFULLPRIVATEBLOB'],
  ...ECC_KINDS.map((kind) => [kind.public, 'ECCPUBLICBLOB'] as const),
  ...ECC_KINDS.map((kind) => [kind.private, 'ECCPRIVATEBLOB'] as const),
  ...DSA_MAGIC.public.map((magic) => [magic, 'DSAPUBLICBLOB'] as const),
  ...DSA_MAGIC.private.map((magic) => [magic, 'DSAPRIVATEBLOB'] as const),
  [DH_PUBLIC_MAGIC, 'DHPUBLICBLOB'],
  [DH_PRIVATE_MAGIC, 'DHPRIVATEBLOB'],
  [KEY_DATA_MAGIC, 'KeyDataBlob'],
  ...POST_QUANTUM_KINDS.map(({ magic, type }) => [magic, type] as const),
  [TPM_MAGIC, 'PcpTpmProtectedKeyBlob'],
]);

/** What begins with its length. */
const SECOND_MAGICS: ReadonlyMap<number, OwnCngBlob['type']> = new Map<number, OwnCngBlob['type']>([
  ...DSA_PARAMETERS_MAGIC.map((magic) => [magic, 'DSAParameters'] as const),
  [DH_PARAMETERS_MAGIC, 'DHParameters'],
  [CIPHER_MAGIC, 'CipherKeyBlob'],
  [PROTECTED_MAGIC, 'ProtectedKeyBlob'],
  ...KDF_MAGICS.map((magic) => [magic, 'KDFKeyBlob'] as const),
]);
