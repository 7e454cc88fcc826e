/** Constants of ncrypt.h: CNG's key storage. What it takes from bcrypt.h is in bcrypt-constants.ts. */

/** Of NCryptOpenKey too; ncrypt.h has them from wincrypt.h. */
export { AT_KEYEXCHANGE, AT_SIGNATURE } from './wincrypt.ts';

/** ncrypt.h: names of Microsoft's providers. */
export const MS_KEY_STORAGE_PROVIDER = 'Microsoft Software Key Storage Provider';
export const MS_SMART_CARD_KEY_STORAGE_PROVIDER = 'Microsoft Smart Card Key Storage Provider';
export const MS_PLATFORM_KEY_STORAGE_PROVIDER = 'Microsoft Platform Crypto Provider';

/** ncrypt.h: flags. */
export const NCRYPT_MACHINE_KEY_FLAG = 0x20;
export const NCRYPT_SILENT_FLAG = 0x40;
export const NCRYPT_OVERWRITE_KEY_FLAG = 0x80;
export const NCRYPT_WRITE_KEY_TO_LEGACY_STORE_FLAG = 0x200;
export const NCRYPT_DO_NOT_FINALIZE_FLAG = 0x400;
export const NCRYPT_PERSIST_ONLY_FLAG = 0x40000000;
export const NCRYPT_PERSIST_FLAG = 0x80000000;

/** ncrypt.h of Windows 11 SDKs: flags of NCryptCreatePersistedKey. */
export const NCRYPT_PREFER_VBS_FLAG = 0x10000;
export const NCRYPT_REQUIRE_VBS_FLAG = 0x20000;
export const NCRYPT_USE_PER_BOOT_KEY_FLAG = 0x40000;

/** ncrypt.h: properties. */
export const NCRYPT_NAME_PROPERTY = 'Name';
export const NCRYPT_UNIQUE_NAME_PROPERTY = 'Unique Name';
export const NCRYPT_ALGORITHM_PROPERTY = 'Algorithm Name';
export const NCRYPT_ALGORITHM_GROUP_PROPERTY = 'Algorithm Group';
export const NCRYPT_LENGTH_PROPERTY = 'Length';
export const NCRYPT_EXPORT_POLICY_PROPERTY = 'Export Policy';
export const NCRYPT_KEY_USAGE_PROPERTY = 'Key Usage';
export const NCRYPT_KEY_TYPE_PROPERTY = 'Key Type';
export const NCRYPT_UI_POLICY_PROPERTY = 'UI Policy';
export const NCRYPT_IMPL_TYPE_PROPERTY = 'Impl Type';
export const NCRYPT_LAST_MODIFIED_PROPERTY = 'Modified';
export const NCRYPT_SECURITY_DESCR_PROPERTY = 'Security Descr';
export const NCRYPT_MAX_NAME_LENGTH_PROPERTY = 'Max Name Length';
export const NCRYPT_PROVIDER_HANDLE_PROPERTY = 'Provider Handle';
export const NCRYPT_WINDOW_HANDLE_PROPERTY = 'HWND Handle';
/** ncrypt.h of Windows 10 and 11 SDKs. */
export const NCRYPT_USE_VIRTUAL_ISOLATION_PROPERTY = 'Virtual Iso';
export const NCRYPT_USE_PER_BOOT_KEY_PROPERTY = 'Per Boot Key';

/** ncrypt.h: limits of a custom property. The name in characters, the value in bytes. */
export const NCRYPT_MAX_PROPERTY_NAME = 64;
export const NCRYPT_MAX_PROPERTY_DATA = 0x100000;

/** ncrypt.h: bits of the export policy. */
export const NCRYPT_ALLOW_EXPORT_FLAG = 0x1;
export const NCRYPT_ALLOW_PLAINTEXT_EXPORT_FLAG = 0x2;
export const NCRYPT_ALLOW_ARCHIVING_FLAG = 0x4;
export const NCRYPT_ALLOW_PLAINTEXT_ARCHIVING_FLAG = 0x8;

/** ncrypt.h: bits of the key usage. */
export const NCRYPT_ALLOW_DECRYPT_FLAG = 0x1;
export const NCRYPT_ALLOW_SIGNING_FLAG = 0x2;
export const NCRYPT_ALLOW_KEY_AGREEMENT_FLAG = 0x4;
export const NCRYPT_ALLOW_ALL_USAGES = 0xffffff;

/** ncrypt.h: bits of the implementation type. */
export const NCRYPT_IMPL_HARDWARE_FLAG = 0x1;
export const NCRYPT_IMPL_SOFTWARE_FLAG = 0x2;
export const NCRYPT_IMPL_REMOVABLE_FLAG = 0x8;
/** ncrypt.h of Windows 10 SDKs. */
export const NCRYPT_IMPL_VIRTUAL_ISOLATION_FLAG = 0x20;

/** ncrypt.h: flags of the UI policy. */
export const NCRYPT_UI_PROTECT_KEY_FLAG = 0x1;
export const NCRYPT_UI_FORCE_HIGH_PROTECTION_FLAG = 0x2;

/** ncrypt.h: blobs that bcrypt.h does not have, and the buffer that names an imported key. */
export const NCRYPT_PKCS8_PRIVATE_KEY_BLOB = 'PKCS8_PRIVATEKEY';
export const NCRYPT_OPAQUETRANSPORT_BLOB = 'OpaqueTransport';
export const NCRYPTBUFFER_PKCS_KEY_NAME = 45;
