/** Constants of PKCS #11 (OASIS PKCS #11 Cryptographic Token Interface 2.40 and 3.0, pkcs11t.h) that the bindings' callers use. */

/** CK_OBJECT_CLASS. */
export const CKO = { DATA: 0x0, PUBLIC_KEY: 0x2, PRIVATE_KEY: 0x3, SECRET_KEY: 0x4 } as const;

/** CK_KEY_TYPE. */
export const CKK = { RSA: 0x0, EC: 0x3, GENERIC_SECRET: 0x10 } as const;

/** CK_ATTRIBUTE_TYPE. */
export const CKA = {
  CLASS: 0x0,
  TOKEN: 0x1,
  PRIVATE: 0x2,
  LABEL: 0x3,
  APPLICATION: 0x10,
  VALUE: 0x11,
  KEY_TYPE: 0x100,
  ID: 0x102,
  SENSITIVE: 0x103,
  ENCRYPT: 0x104,
  DECRYPT: 0x105,
  WRAP: 0x106,
  UNWRAP: 0x107,
  SIGN: 0x108,
  VERIFY: 0x10a,
  DERIVE: 0x10c,
  MODULUS: 0x120,
  MODULUS_BITS: 0x121,
  PUBLIC_EXPONENT: 0x122,
  VALUE_LEN: 0x161,
  EXTRACTABLE: 0x162,
  MODIFIABLE: 0x170,
  EC_PARAMS: 0x180,
  EC_POINT: 0x181,
} as const;

/** CK_MECHANISM_TYPE. */
export const CKM = {
  RSA_PKCS_KEY_PAIR_GEN: 0x0,
  RSA_PKCS: 0x1,
  RSA_X_509: 0x3,
  RSA_PKCS_OAEP: 0x9,
  RSA_PKCS_PSS: 0xd,
  SHA_1: 0x220,
  SHA256: 0x250,
  EC_KEY_PAIR_GEN: 0x1040,
  ECDSA: 0x1041,
  ECDH1_DERIVE: 0x1050,
} as const;

/** CK_RSA_PKCS_MGF_TYPE. */
export const CKG = { MGF1_SHA1: 0x1, MGF1_SHA256: 0x2 } as const;

/** CK_RSA_PKCS_OAEP_SOURCE_TYPE: the label is a value of its own; it may be empty. */
export const CKZ_DATA_SPECIFIED = 0x1;

/** CK_EC_KDF_TYPE. The last two are X9.63's, with SHA-2. */
export const CKD = { NULL: 0x1, SHA256_KDF: 0x6, SHA384_KDF: 0x7 } as const;

/** Flags: of C_Initialize, C_OpenSession, CK_SLOT_INFO, CK_TOKEN_INFO and CK_MECHANISM_INFO. */
export const CKF = {
  OS_LOCKING_OK: 0x2,
  RW_SESSION: 0x2,
  SERIAL_SESSION: 0x4,
  HW_SLOT: 0x4,
  WRITE_PROTECTED: 0x2,
  LOGIN_REQUIRED: 0x4,
  USER_PIN_INITIALIZED: 0x8,
  PROTECTED_AUTHENTICATION_PATH: 0x100,
  TOKEN_INITIALIZED: 0x400,
  USER_PIN_COUNT_LOW: 0x10000,
  USER_PIN_FINAL_TRY: 0x20000,
  USER_PIN_LOCKED: 0x40000,
  HW: 0x1,
  DECRYPT: 0x200,
  SIGN: 0x800,
  GENERATE_KEY_PAIR: 0x10000,
  UNWRAP: 0x40000,
  DERIVE: 0x80000,
} as const;

/** CK_USER_TYPE. */
export const CKU_USER = 0x1;

/** CK_STATE of a session that reads and writes, with the user logged in. */
export const CKS_RW_USER_FUNCTIONS = 0x3;
