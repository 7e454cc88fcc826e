/** keycask/blobs: the key blobs of CryptExportKey and of CNG, read and written. Pure: bytes in, objects out. */
export {
  ALG_ID,
  algClass,
  algIdName,
  algSid,
  algType,
  describeAlgId,
  plausibleKeyLengths,
  type AlgClass,
  type AlgIdName,
  type AlgType,
} from './alg-id.ts';
export {
  decodeEccPrivateBlob,
  decodeEccPublicBlob,
  eccPrivateBlobLength,
  encodeEccPrivateBlob,
  encodeEccPrivateBlobInto,
  encodeEccPublicBlob,
  type EccCurve,
  type EccPrivateBlob,
  type EccPublicBlob,
} from './cng-ecc-blob.ts';
export {
  decodeRsaFullPrivateBlob,
  decodeRsaPrivateBlob,
  decodeRsaPublicBlob,
  encodeRsaFullPrivateBlob,
  encodeRsaFullPrivateBlobInto,
  encodeRsaPrivateBlob,
  encodeRsaPublicBlob,
  rsaFullPrivateBlobLength,
  type RsaFullPrivateBlob,
  type RsaKeySize,
  type RsaPrivateBlob,
  type RsaPublicBlob,
} from './cng-rsa-blob.ts';
export {
  decodeKeyBlob,
  encodeKeyBlob,
  type DecodeKeyBlobOptions,
  type KeyBlob,
} from './key-blob.ts';
export { BLOB_TYPE, type BlobTypeName, type DecodeBlobOptions } from './key-blob-header.ts';
export { decodeOpaqueKeyBlob, encodeOpaqueKeyBlob, type OpaqueKeyBlob } from './opaque-blob.ts';
export {
  decodePlaintextKeyBlob,
  encodePlaintextKeyBlob,
  encodePlaintextKeyBlobInto,
  plaintextKeyBlobLength,
  type PlaintextKeyBlob,
} from './plaintext-key-blob.ts';
export {
  decodePrivateKeyBlob,
  encodePrivateKeyBlob,
  encodePrivateKeyBlobInto,
  privateKeyBlobLength,
  type DecodePrivateKeyBlobOptions,
  type PrivateKeyBlob,
} from './private-key-blob.ts';
export { decodePublicKeyBlob, encodePublicKeyBlob, type PublicKeyBlob } from './public-key-blob.ts';
export {
  decodeSimpleBlob,
  encodeSimpleBlob,
  type DecodeSimpleBlobOptions,
  type SimpleBlob,
} from './simple-blob.ts';
export {
  BlobFormatError,
  KeyStoreError,
  type BlobFormatFault,
  type KeyStoreErrorCode,
  type KeyStoreErrorDetails,
  type NativeStatus,
} from '../errors.ts';
