/** WrappedKey: what a provider's private key opens, without ASN.1. All byte strings are big-endian. */

export type OaepHash = 'sha1' | 'sha256';
export type KdfHash = 'sha256' | 'sha384';

/** RSAES-OAEP (RFC 8017 section 7.1), MGF1 with the same hash, empty label. */
export interface RsaOaepWrappedKey {
  readonly type: 'rsa-oaep';
  readonly hash: OaepHash;
  /** As long as the modulus. */
  readonly encryptedKey: Uint8Array;
}

/** RSAES-PKCS1-v1_5 (RFC 8017 section 7.2). A SIMPLEBLOB's little-endian block was reversed by `blobs/`. */
export interface RsaPkcs1WrappedKey {
  readonly type: 'rsa-pkcs1';
  /** As long as the modulus. */
  readonly encryptedKey: Uint8Array;
  /** Lengths in bytes that the unwrapped key may have; any other is the same uniform failure as bad padding. */
  readonly plausibleLengths: readonly number[];
}

/** Ephemeral-static ECDH, X9.63 KDF, AES-256 key wrap (RFC 5753 section 3.1.1). The shared secret never leaves the provider. */
export interface EcdhWrappedKey {
  readonly type: 'ecdh-x963';
  readonly hash: KdfHash;
  /** The sender's ephemeral point, uncompressed: `04 ‖ X ‖ Y`. */
  readonly ephemeralPublicKey: Uint8Array;
  /** DER of ECC-CMS-SharedInfo. */
  readonly sharedInfo: Uint8Array;
  readonly wrap: 'aes-256-kw';
  /** The wrapped key: 8 bytes longer than the key. */
  readonly encryptedKey: Uint8Array;
}

export type WrappedKey = RsaOaepWrappedKey | RsaPkcs1WrappedKey | EcdhWrappedKey;
