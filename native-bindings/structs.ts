/**
 * Structures of Windows that the bindings pass: members in order, for `koffi.struct`.
 *
 * Types are of fixed size, so a layout is the same wherever koffi runs on 64 bits; test/unit/native-bindings compares each with what a
 * C compiler makes of the header. They have no names in koffi: a second copy of this module in the process would find them taken.
 */

/** wincrypt.h; also CRYPTOAPI_BLOB */
export const DATA_BLOB = { cbData: 'uint32_t', pbData: 'void *' } as const;

/** wincrypt.h */
export const PROV_ENUMALGS_EX = {
  aiAlgid: 'uint32_t',
  dwDefaultLen: 'uint32_t',
  dwMinLen: 'uint32_t',
  dwMaxLen: 'uint32_t',
  dwProtocols: 'uint32_t',
  dwNameLen: 'uint32_t',
  szName: 'char [20]',
  dwLongNameLen: 'uint32_t',
  szLongName: 'char [40]',
} as const;

/** bcrypt.h */
export const BCRYPT_PKCS1_PADDING_INFO = { pszAlgId: 'str16' } as const;

/** bcrypt.h */
export const BCRYPT_PSS_PADDING_INFO = { pszAlgId: 'str16', cbSalt: 'uint32_t' } as const;

/** bcrypt.h */
export const BCRYPT_OAEP_PADDING_INFO = {
  pszAlgId: 'str16',
  pbLabel: 'void *',
  cbLabel: 'uint32_t',
} as const;

/** bcrypt.h */
export const BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO = {
  cbSize: 'uint32_t',
  dwInfoVersion: 'uint32_t',
  pbNonce: 'void *',
  cbNonce: 'uint32_t',
  pbAuthData: 'void *',
  cbAuthData: 'uint32_t',
  pbTag: 'void *',
  cbTag: 'uint32_t',
  pbMacContext: 'void *',
  cbMacContext: 'uint32_t',
  cbAAD: 'uint32_t',
  cbData: 'uint64_t',
  dwFlags: 'uint32_t',
} as const;

/** bcrypt.h; also NCryptBuffer */
export const BCryptBuffer = {
  cbBuffer: 'uint32_t',
  BufferType: 'uint32_t',
  pvBuffer: 'void *',
} as const;

/** bcrypt.h; also NCryptBufferDesc. pBuffers points at an array of BCryptBuffer. */
export const BCryptBufferDesc = {
  ulVersion: 'uint32_t',
  cBuffers: 'uint32_t',
  pBuffers: 'void *',
} as const;

/** ncrypt.h */
export const NCryptKeyName = {
  pszName: 'str16',
  pszAlgid: 'str16',
  dwLegacyKeySpec: 'uint32_t',
  dwFlags: 'uint32_t',
} as const;

/** ncrypt.h */
export const NCryptProviderName = { pszName: 'str16', pszComment: 'str16' } as const;

/** ncrypt.h */
export const NCRYPT_UI_POLICY = {
  dwVersion: 'uint32_t',
  dwFlags: 'uint32_t',
  pszCreationTitle: 'str16',
  pszFriendlyName: 'str16',
  pszDescription: 'str16',
} as const;
