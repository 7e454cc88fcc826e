/** keycask/key-pairs: key pairs from every format into every other. Pure: bytes in, bytes out; works in a browser. */
export type { DecodeBlobOptions } from '../blobs/key-blob-header.ts';
export type { DecodePrivateKeyBlobOptions } from '../blobs/private-key-blob.ts';
export type { DhParameters } from '../cms/dh-key.ts';
export type { DsaParameters } from '../cms/dsa-key.ts';
export type { DecodeCapiOptions } from './capi.ts';
export { checkKeyPair } from './check.ts';
export type { EcCurveName } from './curves.ts';
export { decodeKeyPair, type DecodeKeyPairOptions } from './decode.ts';
export type { DecodedKeyPair, KeyPairDetails } from './decoded-key-pair.ts';
export {
  dhKeyPair,
  dsaKeyPair,
  type DhKeyNumbers,
  type DhKeyPair,
  type DomainValidation,
  type DsaKeyNumbers,
  type DsaKeyPair,
} from './discrete-log-key-pair.ts';
export {
  ecKeyPair,
  x25519KeyPair,
  type EcKeyNumbers,
  type EcKeyPair,
  type X25519KeyPair,
} from './ec-key-pair.ts';
export { encodeKeyPair, keyPairFormatsOf, type EncodeKeyPairOptions } from './encode.ts';
export {
  KEY_PAIR_FORMATS,
  type KeyPairFormat,
  type KeyPairFormatFacts,
  type KeyUse,
} from './formats.ts';
export { isPrivateKeyPair, publicHalfOf, type KeyPair } from './key-pair.ts';
export {
  rsaKeyPair,
  type RsaKeyNumbers,
  type RsaKeyPair,
  type RsaPrivateNumbers,
} from './rsa-key-pair.ts';
export {
  BlobFormatError,
  KeyStoreError,
  type BlobFormatFault,
  type KeyStoreErrorCode,
  type KeyStoreErrorDetails,
  type NativeStatus,
} from '../errors.ts';
