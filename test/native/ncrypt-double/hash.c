/* Hashes and HMAC, by bcrypt. */
#include "double.h"

/** Names that are hashes: bcrypt opens ciphers just as gladly. */
static BOOL is_hash_name(const WCHAR *algorithm) {
  static const WCHAR *const NAMES[] = {BCRYPT_SHA1_ALGORITHM, BCRYPT_SHA256_ALGORITHM,
                                       BCRYPT_SHA384_ALGORITHM, BCRYPT_SHA512_ALGORITHM,
                                       BCRYPT_MD5_ALGORITHM};
  for (DWORD i = 0; i < ARRAYSIZE(NAMES); i += 1) {
    if (wcscmp(algorithm, NAMES[i]) == 0) return TRUE;
  }
  return FALSE;
}

DWORD hash_size(const WCHAR *algorithm) {
  BCRYPT_ALG_HANDLE provider;
  DWORD size = 0, copied;
  if (!algorithm || !is_hash_name(algorithm)) return 0;
  if (BCryptOpenAlgorithmProvider(&provider, algorithm, NULL, 0)) return 0;
  if (BCryptGetProperty(provider, BCRYPT_HASH_LENGTH, (BYTE *)&size, sizeof(size), &copied, 0))
    size = 0;
  BCryptCloseAlgorithmProvider(provider, 0);
  return size <= MAX_HASH_BYTES ? size : 0;
}

BOOL hash_parts(const WCHAR *algorithm, const Bytes *key, const Bytes *parts, DWORD count,
                BYTE *output) {
  BCRYPT_ALG_HANDLE provider;
  BCRYPT_HASH_HANDLE hash;
  DWORD size = hash_size(algorithm);
  if (size == 0) return FALSE;
  if (BCryptOpenAlgorithmProvider(&provider, algorithm, NULL,
                                  key ? BCRYPT_ALG_HANDLE_HMAC_FLAG : 0))
    return FALSE;
  NTSTATUS status =
      BCryptCreateHash(provider, &hash, NULL, 0, key ? key->data : NULL, key ? key->size : 0, 0);
  if (!status) {
    for (DWORD i = 0; i < count && !status; i += 1) {
      if (parts[i].size > 0) status = BCryptHashData(hash, parts[i].data, parts[i].size, 0);
    }
    if (!status) status = BCryptFinishHash(hash, output, size, 0);
    BCryptDestroyHash(hash);
  }
  BCryptCloseAlgorithmProvider(provider, 0);
  return !status;
}
