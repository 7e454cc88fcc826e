/*
 * What an RSA key does: the bare operation, NCryptEncrypt and NCryptDecrypt, and signatures by
 * bcrypt.
 */
#include "double.h"

#define PADDINGS (NCRYPT_NO_PADDING_FLAG | NCRYPT_PAD_PKCS1_FLAG | NCRYPT_PAD_OAEP_FLAG)

BOOL rsa_raw(const RsaView *view, const Bytes *exponent, const BYTE *input, DWORD size,
             BYTE *output) {
  uint64_t number[MAX_LIMBS];
  Modulus *modulus = HeapAlloc(GetProcessHeap(), 0, sizeof(*modulus));
  if (!modulus) return FALSE;
  BOOL done = modulus_set(modulus, view->modulus.data, view->modulus.size) &&
              number_read(number, modulus->limbs, input, size) &&
              number_compare(number, modulus->n, modulus->limbs) < 0;
  if (done) {
    mod_enter(modulus, number, number);
    mod_power(modulus, number, number, exponent->data, exponent->size);
    mod_leave(modulus, number, number);
    number_write(number, modulus->limbs, output, view->modulus.size);
  }
  SecureZeroMemory(number, sizeof(number));
  HeapFree(GetProcessHeap(), 0, modulus);
  return done;
}

/** One padding and, for OAEP, a hash that there is. */
static SECURITY_STATUS check_padding(const BCRYPT_OAEP_PADDING_INFO *info, DWORD flags) {
  DWORD padding = flags & PADDINGS;
  if (flags & ~(DWORD)(PADDINGS | NCRYPT_SILENT_FLAG)) return NTE_BAD_FLAGS;
  if (padding != NCRYPT_NO_PADDING_FLAG && padding != NCRYPT_PAD_PKCS1_FLAG &&
      padding != NCRYPT_PAD_OAEP_FLAG)
    return NTE_BAD_FLAGS;
  if (padding != NCRYPT_PAD_OAEP_FLAG) return ERROR_SUCCESS;
  if (!info || !info->pszAlgId || (info->cbLabel > 0 && !info->pbLabel))
    return NTE_INVALID_PARAMETER;
  return hash_size(info->pszAlgId) > 0 ? ERROR_SUCCESS : NTE_NOT_SUPPORTED;
}

static SECURITY_STATUS encrypt(const RsaView *view, const BYTE *input, DWORD size, void *padding,
                               BYTE *output, DWORD capacity, DWORD *result, DWORD flags) {
  DWORD length = view->modulus.size;
  if (!output || capacity < length) return give_bytes(NULL, length, output, capacity, result);
  BYTE *block = HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, length);
  if (!block) return NTE_NO_MEMORY;
  BOOL fits;
  if (flags & NCRYPT_PAD_OAEP_FLAG) {
    fits = oaep_pad(block, length, input, size, padding);
  } else if (flags & NCRYPT_PAD_PKCS1_FLAG) {
    fits = pkcs1_pad(block, length, input, size);
  } else {
    fits = size == length;
    if (fits) memcpy(block, input, size);
  }
  SECURITY_STATUS status = NTE_INVALID_PARAMETER;
  if (fits && rsa_raw(view, &view->exponent, block, length, block))
    status = give_bytes(block, length, output, capacity, result);
  SecureZeroMemory(block, length);
  HeapFree(GetProcessHeap(), 0, block);
  return status;
}

/** Every failure of the padding gives one code: it depends on a secret. */
static SECURITY_STATUS decrypt(const RsaView *view, const BYTE *input, DWORD size, void *padding,
                               BYTE *output, DWORD capacity, DWORD *result, DWORD flags) {
  DWORD length = view->modulus.size;
  const BYTE *data;
  DWORD data_size = length;
  if (size != length) return NTE_INVALID_PARAMETER;
  /* What the padding takes is not known before: the size that is told is the most that it can be.
   */
  if (!output) return give_bytes(NULL, length, NULL, 0, result);
  BYTE *block = HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, length);
  if (!block) return NTE_NO_MEMORY;
  data = block;
  BOOL opened = rsa_raw(view, &view->private_exponent, input, size, block);
  if (opened && (flags & NCRYPT_PAD_OAEP_FLAG))
    opened = oaep_unpad(block, length, &data, &data_size, padding);
  if (opened && (flags & NCRYPT_PAD_PKCS1_FLAG))
    opened = pkcs1_unpad(block, length, &data, &data_size);
  SECURITY_STATUS status =
      opened ? give_bytes(data, data_size, output, capacity, result) : NTE_INVALID_PARAMETER;
  SecureZeroMemory(block, length);
  HeapFree(GetProcessHeap(), 0, block);
  return status;
}

SECURITY_STATUS WINAPI NCryptEncrypt(NCRYPT_KEY_HANDLE handle, PBYTE input, DWORD size,
                                     VOID *padding, PBYTE output, DWORD capacity, DWORD *result,
                                     DWORD flags) {
  RsaView view;
  Key *key = key_acquire(handle);
  if (!key) return NTE_INVALID_HANDLE;
  SECURITY_STATUS status = NTE_INVALID_PARAMETER;
  if (!result || (size > 0 && !input)) {
    status = NTE_INVALID_PARAMETER;
  } else if (!key->is_finalized) {
    status = NTE_BAD_KEY_STATE;
  } else if (key->algorithm->curve) {
    status = NTE_NOT_SUPPORTED;
  } else if ((status = check_padding(padding, flags)) == ERROR_SUCCESS &&
             rsa_view(&key->material, &view)) {
    status = encrypt(&view, input, size, padding, output, capacity, result, flags);
  }
  key_release(key);
  return status;
}

SECURITY_STATUS WINAPI NCryptDecrypt(NCRYPT_KEY_HANDLE handle, PBYTE input, DWORD size,
                                     VOID *padding, PBYTE output, DWORD capacity, DWORD *result,
                                     DWORD flags) {
  RsaView view;
  Key *key = key_acquire(handle);
  if (!key) return NTE_INVALID_HANDLE;
  SECURITY_STATUS status = NTE_INVALID_PARAMETER;
  if (!result || !input) {
    status = NTE_INVALID_PARAMETER;
  } else if (key->is_finalized && key->algorithm->curve) {
    status = NTE_NOT_SUPPORTED;
  } else if ((status = check_padding(padding, flags)) == ERROR_SUCCESS &&
             (status = key_check_use(key, NCRYPT_ALLOW_DECRYPT_FLAG, flags)) == ERROR_SUCCESS &&
             rsa_view(&key->material, &view)) {
    status = decrypt(&view, input, size, padding, output, capacity, result, flags);
  }
  key_release(key);
  return status;
}

/** The material as bcrypt's key. */
static NTSTATUS open_bcrypt_key(const Key *key, BCRYPT_ALG_HANDLE *provider,
                                BCRYPT_KEY_HANDLE *result) {
  const WCHAR *type = key->is_private ? BCRYPT_RSAFULLPRIVATE_BLOB : BCRYPT_RSAPUBLIC_BLOB;
  NTSTATUS status = BCryptOpenAlgorithmProvider(provider, BCRYPT_RSA_ALGORITHM, NULL, 0);
  if (status) return status;
  status =
      BCryptImportKeyPair(*provider, NULL, type, result, key->material.data, key->material.size, 0);
  if (status) BCryptCloseAlgorithmProvider(*provider, 0);
  return status;
}

/** Both padding structures begin with the name of the hash. */
static SECURITY_STATUS check_signature_padding(const void *padding, DWORD size, DWORD flags) {
  DWORD kind = flags & ~(DWORD)NCRYPT_SILENT_FLAG;
  if (kind != BCRYPT_PAD_PKCS1 && kind != BCRYPT_PAD_PSS) return NTE_BAD_FLAGS;
  const BCRYPT_PKCS1_PADDING_INFO *info = padding;
  if (!info || !info->pszAlgId) return NTE_INVALID_PARAMETER;
  DWORD expected = hash_size(info->pszAlgId);
  if (expected == 0) return NTE_NOT_SUPPORTED;
  return expected == size ? ERROR_SUCCESS : NTE_INVALID_PARAMETER;
}

SECURITY_STATUS rsa_sign(const Key *key, const void *padding, const BYTE *hash, DWORD size,
                         DWORD flags, BYTE *signature) {
  BCRYPT_ALG_HANDLE provider;
  BCRYPT_KEY_HANDLE bcrypt_key;
  DWORD length = (key->length + 7) / 8, written;
  SECURITY_STATUS status = check_signature_padding(padding, size, flags);
  if (status != ERROR_SUCCESS) return status;
  if (open_bcrypt_key(key, &provider, &bcrypt_key)) return NTE_INTERNAL_ERROR;
  NTSTATUS done = BCryptSignHash(bcrypt_key, (void *)padding, (BYTE *)hash, size, signature, length,
                                 &written, flags & ~(DWORD)NCRYPT_SILENT_FLAG);
  BCryptDestroyKey(bcrypt_key);
  BCryptCloseAlgorithmProvider(provider, 0);
  return done || written != length ? NTE_INVALID_PARAMETER : ERROR_SUCCESS;
}

SECURITY_STATUS rsa_verify(const Key *key, const void *padding, const BYTE *hash, DWORD size,
                           const BYTE *signature, DWORD signature_size, DWORD flags) {
  BCRYPT_ALG_HANDLE provider;
  BCRYPT_KEY_HANDLE bcrypt_key;
  SECURITY_STATUS status = check_signature_padding(padding, size, flags);
  if (status != ERROR_SUCCESS) return status;
  if (signature_size != (key->length + 7) / 8) return NTE_BAD_SIGNATURE;
  if (open_bcrypt_key(key, &provider, &bcrypt_key)) return NTE_INTERNAL_ERROR;
  NTSTATUS done =
      BCryptVerifySignature(bcrypt_key, (void *)padding, (BYTE *)hash, size, (BYTE *)signature,
                            signature_size, flags & ~(DWORD)NCRYPT_SILENT_FLAG);
  BCryptDestroyKey(bcrypt_key);
  BCryptCloseAlgorithmProvider(provider, 0);
  return done ? NTE_BAD_SIGNATURE : ERROR_SUCCESS;
}
