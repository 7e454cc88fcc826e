/** keycask/blobs: the key blobs of CryptExportKey, read and written. Pure: bytes in, objects out. */
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
