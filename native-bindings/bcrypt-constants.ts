/** Constants of bcrypt.h that CNG's primitives and its key storage share. Blobs' types and magics are in lib/blobs. */

/** bcrypt.h: kinds of padding. */
export const BCRYPT_PAD_PKCS1 = 0x2;
export const BCRYPT_PAD_OAEP = 0x4;
export const BCRYPT_PAD_PSS = 0x8;

/** bcrypt.h: names of algorithms. */
export const BCRYPT_RSA_ALGORITHM = 'RSA';
export const BCRYPT_AES_ALGORITHM = 'AES';
export const BCRYPT_ECDSA_P256_ALGORITHM = 'ECDSA_P256';
export const BCRYPT_ECDSA_P384_ALGORITHM = 'ECDSA_P384';
export const BCRYPT_ECDH_P256_ALGORITHM = 'ECDH_P256';
export const BCRYPT_ECDH_P384_ALGORITHM = 'ECDH_P384';
export const BCRYPT_SHA1_ALGORITHM = 'SHA1';
export const BCRYPT_SHA256_ALGORITHM = 'SHA256';
export const BCRYPT_SHA384_ALGORITHM = 'SHA384';
export const BCRYPT_SHA512_ALGORITHM = 'SHA512';

/** bcrypt.h: kinds of key blobs; the magic of a PRIVATEBLOB says which it is. */
export const BCRYPT_PRIVATE_KEY_BLOB = 'PRIVATEBLOB';
export const BCRYPT_RSAPUBLIC_BLOB = 'RSAPUBLICBLOB';
export const BCRYPT_RSAPRIVATE_BLOB = 'RSAPRIVATEBLOB';
export const BCRYPT_RSAFULLPRIVATE_BLOB = 'RSAFULLPRIVATEBLOB';
export const BCRYPT_ECCPUBLIC_BLOB = 'ECCPUBLICBLOB';
export const BCRYPT_ECCPRIVATE_BLOB = 'ECCPRIVATEBLOB';
export const LEGACY_RSAPRIVATE_BLOB = 'CAPIPRIVATEBLOB';

/** bcrypt.h: properties of an algorithm. */
export const BCRYPT_CHAINING_MODE = 'ChainingMode';
export const BCRYPT_CHAIN_MODE_GCM = 'ChainingModeGCM';
export const BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO_VERSION = 1;

/** bcrypt.h: a key derivation, and the types of its buffers. */
export const BCRYPT_KDF_HASH = 'HASH';
export const BCRYPTBUFFER_VERSION = 0;
export const KDF_HASH_ALGORITHM = 0x0;
export const KDF_SECRET_PREPEND = 0x1;
export const KDF_SECRET_APPEND = 0x2;
