/* NCryptSignHash and NCryptVerifySignature. */
#include "double.h"

static DWORD signature_size_of(const Key *key) {
  return key->algorithm->curve ? 2 * key->algorithm->curve->bytes : (key->length + 7) / 8;
}

static BOOL can_sign(const Key *key) {
  return (key->algorithm->operations & NCRYPT_SIGNATURE_OPERATION) != 0;
}

/** A curve's key takes no padding. */
static SECURITY_STATUS check_curve_padding(const void *padding, DWORD flags) {
  if (flags & ~(DWORD)NCRYPT_SILENT_FLAG) return NTE_BAD_FLAGS;
  return padding ? NTE_INVALID_PARAMETER : ERROR_SUCCESS;
}

static SECURITY_STATUS sign(const Key *key, const void *padding, const BYTE *hash, DWORD size,
                            BYTE *signature, DWORD flags) {
  if (!key->algorithm->curve) return rsa_sign(key, padding, hash, size, flags, signature);
  SECURITY_STATUS status = check_curve_padding(padding, flags);
  return status == ERROR_SUCCESS ? ecdsa_sign(key, hash, size, signature) : status;
}

SECURITY_STATUS WINAPI NCryptSignHash(NCRYPT_KEY_HANDLE handle, VOID *padding, PBYTE hash,
                                      DWORD size, PBYTE signature, DWORD capacity, DWORD *result,
                                      DWORD flags) {
  BYTE made[MAX_RSA_BYTES];
  if (!result || !hash || size == 0 || size > MAX_HASH_BYTES) return NTE_INVALID_PARAMETER;
  *result = 0;
  Key *key = key_acquire(handle);
  if (!key) return NTE_INVALID_HANDLE;
  SECURITY_STATUS status =
      can_sign(key) ? key_check_use(key, NCRYPT_ALLOW_SIGNING_FLAG, flags) : NTE_BAD_ALGID;
  DWORD made_size = signature_size_of(key);
  if (status == ERROR_SUCCESS && (!signature || capacity < made_size)) {
    status = give_bytes(NULL, made_size, signature, capacity, result);
  } else if (status == ERROR_SUCCESS) {
    status = sign(key, padding, hash, size, made, flags);
    if (status == ERROR_SUCCESS) status = give_bytes(made, made_size, signature, capacity, result);
  }
  key_release(key);
  return status;
}

SECURITY_STATUS WINAPI NCryptVerifySignature(NCRYPT_KEY_HANDLE handle, VOID *padding, PBYTE hash,
                                             DWORD size, PBYTE signature, DWORD signature_size,
                                             DWORD flags) {
  if (!hash || size == 0 || size > MAX_HASH_BYTES || !signature) return NTE_INVALID_PARAMETER;
  Key *key = key_acquire(handle);
  if (!key) return NTE_INVALID_HANDLE;
  SECURITY_STATUS status;
  if (!can_sign(key)) {
    status = NTE_BAD_ALGID;
  } else if (!key->is_finalized) {
    status = NTE_BAD_KEY_STATE;
  } else if (!key->algorithm->curve) {
    status = rsa_verify(key, padding, hash, size, signature, signature_size, flags);
  } else {
    status = check_curve_padding(padding, flags);
    if (status == ERROR_SUCCESS) status = ecdsa_verify(key, hash, size, signature, signature_size);
  }
  key_release(key);
  return status;
}
