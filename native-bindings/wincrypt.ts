/** Constants of wincrypt.h: CryptoAPI and DPAPI. ALG_IDs are in lib/blobs/alg-id.ts. */

/** wincrypt.h: provider types. */
export const PROV_RSA_FULL = 1;
export const PROV_RSA_AES = 24;

/** wincrypt.h: names of Microsoft's providers. */
export const MS_DEF_PROV = 'Microsoft Base Cryptographic Provider v1.0';
export const MS_ENHANCED_PROV = 'Microsoft Enhanced Cryptographic Provider v1.0';
export const MS_STRONG_PROV = 'Microsoft Strong Cryptographic Provider';
export const MS_ENH_RSA_AES_PROV = 'Microsoft Enhanced RSA and AES Cryptographic Provider';
export const MS_SCARD_PROV = 'Microsoft Base Smart Card Crypto Provider';

/** wincrypt.h: which key pair of a container. */
export const AT_KEYEXCHANGE = 1;
export const AT_SIGNATURE = 2;

/** wincrypt.h: flags of CryptAcquireContext. */
export const CRYPT_VERIFYCONTEXT = 0xf0000000;
export const CRYPT_NEWKEYSET = 0x8;
export const CRYPT_DELETEKEYSET = 0x10;
export const CRYPT_MACHINE_KEYSET = 0x20;
export const CRYPT_SILENT = 0x40;
export const CRYPT_DEFAULT_CONTAINER_OPTIONAL = 0x80;

/** wincrypt.h: flags of CryptGenKey and CryptImportKey. The length in bits stands in the upper 16 of CryptGenKey's. */
export const CRYPT_EXPORTABLE = 0x1;
export const CRYPT_USER_PROTECTED = 0x2;
export const CRYPT_CREATE_SALT = 0x4;
export const CRYPT_NO_SALT = 0x10;
export const CRYPT_PREGEN = 0x40;
export const CRYPT_ARCHIVABLE = 0x4000;
export const CRYPT_FORCE_KEY_PROTECTION_HIGH = 0x8000;
export const CRYPT_IPSEC_HMAC_KEY = 0x100;

/** wincrypt.h: flags of CryptExportKey, CryptImportKey, CryptEncrypt and CryptDecrypt. */
export const CRYPT_OAEP = 0x40;
export const CRYPT_BLOB_VER3 = 0x80;

/** wincrypt.h: kinds of blobs of CryptExportKey. */
export const SIMPLEBLOB = 0x1;
export const PUBLICKEYBLOB = 0x6;
export const PRIVATEKEYBLOB = 0x7;
export const PLAINTEXTKEYBLOB = 0x8;
export const OPAQUEKEYBLOB = 0x9;
export const SYMMETRICWRAPKEYBLOB = 0xb;

/** wincrypt.h: parameters of CryptGetProvParam. */
export const PP_ENUMCONTAINERS = 2;
export const PP_IMPTYPE = 3;
export const PP_NAME = 4;
export const PP_VERSION = 5;
export const PP_CONTAINER = 6;
export const PP_KEYSET_SEC_DESCR = 8;
export const PP_PROVTYPE = 16;
export const PP_ENUMALGS_EX = 22;
export const PP_UNIQUE_CONTAINER = 36;
export const PP_KEYSPEC = 39;
export const CRYPT_FIRST = 1;
export const CRYPT_NEXT = 2;

/** wincrypt.h: bits of PP_IMPTYPE. */
export const CRYPT_IMPL_HARDWARE = 1;
export const CRYPT_IMPL_SOFTWARE = 2;
export const CRYPT_IMPL_MIXED = 3;
export const CRYPT_IMPL_REMOVABLE = 8;

/** wincrypt.h: parameters of CryptGetKeyParam and CryptSetKeyParam. */
export const KP_IV = 1;
export const KP_SALT = 2;
export const KP_PADDING = 3;
export const KP_MODE = 4;
export const KP_MODE_BITS = 5;
export const KP_PERMISSIONS = 6;
export const KP_ALGID = 7;
export const KP_BLOCKLEN = 8;
export const KP_KEYLEN = 9;
export const KP_EFFECTIVE_KEYLEN = 19;
export const CRYPT_MODE_CBC = 1;
export const CRYPT_MODE_ECB = 2;

/** wincrypt.h: bits of KP_PERMISSIONS. */
export const CRYPT_ENCRYPT = 0x1;
export const CRYPT_DECRYPT = 0x2;
export const CRYPT_EXPORT = 0x4;
export const CRYPT_READ = 0x8;
export const CRYPT_WRITE = 0x10;
export const CRYPT_MAC = 0x20;
export const CRYPT_EXPORT_KEY = 0x40;
export const CRYPT_IMPORT_KEY = 0x80;
export const CRYPT_ARCHIVE = 0x100;

/** wincrypt.h: parameters of CryptGetHashParam and CryptSetHashParam. */
export const HP_ALGID = 1;
export const HP_HASHVAL = 2;
export const HP_HASHSIZE = 4;

/** wincrypt.h: flags of CryptSignHash and CryptVerifySignature. */
export const CRYPT_NOHASHOID = 0x1;

/** dpapi.h: flags of CryptProtectData. */
export const CRYPTPROTECT_UI_FORBIDDEN = 0x1;
export const CRYPTPROTECT_LOCAL_MACHINE = 0x4;
