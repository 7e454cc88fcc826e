/** Every key blob of CNG, as one type. */
import type { AesWrapKeyBlob } from './cng-aes-wrap-blob.ts';
import type { CipherKeyBlob, ProtectedKeyBlob } from './cng-cipher-key-blob.ts';
import type { DhParameters, DhPrivateBlob, DhPublicBlob } from './cng-dh-blob.ts';
import type { DsaPrivateBlob, DsaPublicBlob } from './cng-dsa-blob.ts';
import type { DsaParameters } from './cng-dsa-parameters.ts';
import type { EccPrivateBlob, EccPublicBlob } from './cng-ecc-blob.ts';
import type { EccFullPrivateBlob, EccFullPublicBlob } from './cng-ecc-full-blob.ts';
import type { KeyDataBlob } from './cng-key-data-blob.ts';
import type { OpaqueCngBlob } from './cng-opaque-blob.ts';
import type { Pkcs7EnvelopeBlob, Pkcs8Blob } from './cng-pkcs-blob.ts';
import type { PostQuantumKeyBlob } from './cng-post-quantum-blob.ts';
import type { RsaFullPrivateBlob, RsaPrivateBlob, RsaPublicBlob } from './cng-rsa-blob.ts';
import type { KeyBlob } from './key-blob.ts';

/** A key blob that only CNG has. */
export type OwnCngBlob =
  | KeyDataBlob
  | CipherKeyBlob
  | ProtectedKeyBlob
  | AesWrapKeyBlob
  | OpaqueCngBlob
  | RsaPublicBlob
  | RsaPrivateBlob
  | RsaFullPrivateBlob
  | EccPublicBlob
  | EccPrivateBlob
  | EccFullPublicBlob
  | EccFullPrivateBlob
  | DsaPublicBlob
  | DsaPrivateBlob
  | DsaParameters
  | DhPublicBlob
  | DhPrivateBlob
  | DhParameters
  | PostQuantumKeyBlob
  | Pkcs8Blob
  | Pkcs7EnvelopeBlob;

/** Any key blob of CNG, also CryptoAPI's, which CNG reads too. Switch on `type`. */
export type CngBlob = OwnCngBlob | KeyBlob;
