/** keycask/blobs: the key blobs of CryptExportKey and of CNG, read and written. Pure: bytes in, objects out. */
export {
  decodeAgreedSimpleBlob,
  encodeAgreedSimpleBlob,
  type AgreedSimpleBlob,
} from './agreed-simple-blob.ts';
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
  decodeAesWrapKeyBlob,
  encodeAesWrapKeyBlob,
  type AesWrapKeyBlob,
} from './cng-aes-wrap-blob.ts';
export {
  decodeCngBlob,
  encodeCngBlob,
  type CngBlob,
  type CngBlobType,
  type OwnCngBlob,
} from './cng-blob.ts';
export {
  decodeCipherKeyBlob,
  decodeProtectedKeyBlob,
  encodeCipherKeyBlob,
  encodeProtectedKeyBlob,
  type CipherKeyBlob,
  type ProtectedKeyBlob,
} from './cng-cipher-key-blob.ts';
export {
  decodeDhParameters,
  decodeDhPrivateBlob,
  decodeDhPublicBlob,
  encodeDhParameters,
  encodeDhPrivateBlob,
  encodeDhPublicBlob,
  type DhParameters,
  type DhPrivateBlob,
  type DhPublicBlob,
} from './cng-dh-blob.ts';
export {
  decodeDsaPrivateBlob,
  decodeDsaPublicBlob,
  encodeDsaPrivateBlob,
  encodeDsaPublicBlob,
  type DsaDomain,
  type DsaPrivateBlob,
  type DsaPublicBlob,
} from './cng-dsa-blob.ts';
export {
  decodeDsaParameters,
  encodeDsaParameters,
  type DsaParameters,
} from './cng-dsa-parameters.ts';
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
  decodeEccFullPrivateBlob,
  decodeEccFullPublicBlob,
  encodeEccFullPrivateBlob,
  encodeEccFullPublicBlob,
  type EccCurveNumbers,
  type EccCurveType,
  type EccFullPrivateBlob,
  type EccFullPublicBlob,
} from './cng-ecc-full-blob.ts';
export { decodeKeyDataBlob, encodeKeyDataBlob, type KeyDataBlob } from './cng-key-data-blob.ts';
export { decodeOpaqueCngBlob, encodeOpaqueCngBlob, type OpaqueCngBlob } from './cng-opaque-blob.ts';
export {
  decodePkcs7EnvelopeBlob,
  decodePkcs8Blob,
  encodePkcs7EnvelopeBlob,
  encodePkcs8Blob,
  type Pkcs7EnvelopeBlob,
  type Pkcs8Blob,
} from './cng-pkcs-blob.ts';
export {
  decodePostQuantumKeyBlob,
  encodePostQuantumKeyBlob,
  type PostQuantumAlgorithm,
  type PostQuantumBlobType,
  type PostQuantumKeyBlob,
} from './cng-post-quantum-blob.ts';
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
  decodeDhPrivateKeyBlob,
  decodeDhPublicKeyBlob,
  dhPrivateKeyBlobLength,
  encodeDhPrivateKeyBlob,
  encodeDhPublicKeyBlob,
  type DhPrivateKeyBlob,
  type DhPublicKeyBlob,
} from './dh-key-blob.ts';
export {
  decodeDssPrivateKeyBlob,
  decodeDssPublicKeyBlob,
  dssPrivateKeyBlobLength,
  encodeDssPrivateKeyBlob,
  encodeDssPublicKeyBlob,
  type DssPrivateKeyBlob,
  type DssPublicKeyBlob,
} from './dss-key-blob.ts';
export type { DssSeed } from './dss-seed.ts';
export {
  decodeEncryptedPrivateKeyBlob,
  encodeEncryptedPrivateKeyBlob,
  type EncryptedPrivateKeyBlob,
} from './encrypted-private-key-blob.ts';
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
export { decodePvk, encodePvk, type Pvk } from './pvk.ts';
export {
  decodeSimpleBlob,
  encodeSimpleBlob,
  type DecodeSimpleBlobOptions,
  type SimpleBlob,
} from './simple-blob.ts';
export {
  decodeStrongNamePublicKey,
  encodeStrongNamePublicKey,
  type StrongNamePublicKey,
} from './strong-name-public-key.ts';
export {
  decodeSymmetricWrapKeyBlob,
  encodeSymmetricWrapKeyBlob,
  type SymmetricWrapKeyBlob,
} from './symmetric-wrap-key-blob.ts';
export {
  decodeVer3PrivateKeyBlob,
  decodeVer3PublicKeyBlob,
  encodeVer3PrivateKeyBlob,
  encodeVer3PublicKeyBlob,
  type Ver3PrivateKeyBlob,
  type Ver3PublicKeyBlob,
} from './ver3-key-blob.ts';
export {
  BlobFormatError,
  KeyStoreError,
  type BlobFormatFault,
  type KeyStoreErrorCode,
  type KeyStoreErrorDetails,
  type NativeStatus,
} from '../errors.ts';
