/*
 * NCryptSecretAgreement and NCryptDeriveKey: the secret by bcrypt, the derivations HASH, HMAC and
 * TRUNCATE over it.
 */
#include "double.h"

typedef struct Secret {
  Object object;
  Bytes z; /* the x coordinate, big-endian */
} Secret;

static void destroy_secret(Object *object) {
  bytes_free(&((Secret *)object)->z);
  HeapFree(GetProcessHeap(), 0, object);
}

/** Takes z over. */
static SECURITY_STATUS secret_open(Bytes *z, NCRYPT_SECRET_HANDLE *handle) {
  Secret *secret = HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, sizeof(*secret));
  if (!secret) {
    bytes_free(z);
    return NTE_NO_MEMORY;
  }
  secret->object = (Object){SECRET_OBJECT, 1, destroy_secret};
  secret->z = *z;
  return handle_open(&secret->object, handle);
}

/** bcrypt's TRUNCATE gives the coordinate little-endian. */
static BOOL read_secret(BCRYPT_SECRET_HANDLE agreed, DWORD bytes, Bytes *z) {
  BYTE reversed[MAX_CURVE_BYTES] = {0};
  ULONG size;
  if (BCryptDeriveKey(agreed, L"TRUNCATE", NULL, reversed, bytes, &size, 0) || size > bytes)
    return FALSE;
  if (!bytes_reserve(z, bytes)) return FALSE;
  for (DWORD i = 0; i < bytes; i += 1) z->data[i] = reversed[bytes - 1 - i];
  SecureZeroMemory(reversed, sizeof(reversed));
  return TRUE;
}

static SECURITY_STATUS agree(const Key *key, const Bytes *public_blob, Bytes *z) {
  BCRYPT_ALG_HANDLE provider;
  BCRYPT_KEY_HANDLE own, theirs;
  BCRYPT_SECRET_HANDLE agreed;
  SECURITY_STATUS status = NTE_INTERNAL_ERROR;
  if (BCryptOpenAlgorithmProvider(&provider, key->algorithm->name, NULL, 0)) return status;
  if (!BCryptImportKeyPair(provider, NULL, BCRYPT_ECCPRIVATE_BLOB, &own, key->material.data,
                           key->material.size, 0)) {
    if (!BCryptImportKeyPair(provider, NULL, BCRYPT_ECCPUBLIC_BLOB, &theirs, public_blob->data,
                             public_blob->size, 0)) {
      if (!BCryptSecretAgreement(own, theirs, &agreed, 0)) {
        if (read_secret(agreed, key->algorithm->curve->bytes, z)) status = ERROR_SUCCESS;
        BCryptDestroySecret(agreed);
      }
      BCryptDestroyKey(theirs);
    }
    BCryptDestroyKey(own);
  }
  BCryptCloseAlgorithmProvider(provider, 0);
  return status;
}

/** The public half of a finalized key; never two keys are locked at once. */
static SECURITY_STATUS public_half(NCRYPT_KEY_HANDLE handle, const Algorithm **algorithm,
                                   const ProviderKind **provider, Bytes *blob) {
  Key *key = key_acquire(handle);
  if (!key) return NTE_INVALID_HANDLE;
  SECURITY_STATUS status = NTE_INVALID_PARAMETER;
  if (!key->is_finalized) {
    status = NTE_BAD_KEY_STATE;
  } else if (key->algorithm->curve) {
    *algorithm = key->algorithm;
    *provider = key->provider;
    status = ecc_blob_export(key->algorithm, &key->material, FALSE, blob);
  }
  key_release(key);
  return status;
}

SECURITY_STATUS WINAPI NCryptSecretAgreement(NCRYPT_KEY_HANDLE private_handle,
                                             NCRYPT_KEY_HANDLE public_handle,
                                             NCRYPT_SECRET_HANDLE *handle, DWORD flags) {
  const Algorithm *algorithm = NULL;
  const ProviderKind *provider = NULL;
  Bytes blob = {0}, z = {0};
  if (!handle) return NTE_INVALID_PARAMETER;
  *handle = 0;
  if (flags & ~(DWORD)NCRYPT_SILENT_FLAG) return NTE_BAD_FLAGS;
  Key *key = key_acquire(private_handle);
  if (!key) return NTE_INVALID_HANDLE;
  SECURITY_STATUS status = key->is_finalized ? ERROR_SUCCESS : NTE_BAD_KEY_STATE;
  BOOL agrees = (key->algorithm->operations & NCRYPT_SECRET_AGREEMENT_OPERATION) != 0;
  LeaveCriticalSection(&key->lock);
  if (status == ERROR_SUCCESS && !agrees) status = NTE_NOT_SUPPORTED;
  if (status == ERROR_SUCCESS) status = public_half(public_handle, &algorithm, &provider, &blob);
  EnterCriticalSection(&key->lock);
  if (status == ERROR_SUCCESS && (algorithm != key->algorithm || provider != key->provider))
    status = NTE_INVALID_PARAMETER;
  if (status == ERROR_SUCCESS) status = key_check_use(key, NCRYPT_ALLOW_KEY_AGREEMENT_FLAG, flags);
  if (status == ERROR_SUCCESS) status = agree(key, &blob, &z);
  key_release(key);
  bytes_free(&blob);
  return status == ERROR_SUCCESS ? secret_open(&z, handle) : status;
}

typedef struct Derivation {
  const WCHAR *hash;
  Bytes key; /* data NULL: none */
  Bytes prepend, append;
} Derivation;

static BOOL concatenate(Bytes *bytes, const BCryptBuffer *buffer) {
  Bytes joined;
  if (!bytes_reserve(&joined, bytes->size + buffer->cbBuffer)) return FALSE;
  if (bytes->size > 0) memcpy(joined.data, bytes->data, bytes->size);
  if (buffer->cbBuffer > 0) memcpy(joined.data + bytes->size, buffer->pvBuffer, buffer->cbBuffer);
  bytes_free(bytes);
  *bytes = joined;
  return TRUE;
}

static BOOL is_text(const BCryptBuffer *buffer) {
  const WCHAR *text = buffer->pvBuffer;
  return buffer->cbBuffer >= sizeof(WCHAR) && buffer->cbBuffer % sizeof(WCHAR) == 0 &&
         text[buffer->cbBuffer / sizeof(WCHAR) - 1] == 0;
}

static SECURITY_STATUS read_parameters(const NCryptBufferDesc *parameters, BOOL is_hmac,
                                       Derivation *derivation) {
  derivation->hash = BCRYPT_SHA1_ALGORITHM;
  if (!parameters) return ERROR_SUCCESS;
  if (parameters->ulVersion != NCRYPTBUFFER_VERSION ||
      (parameters->cBuffers > 0 && !parameters->pBuffers))
    return NTE_INVALID_PARAMETER;
  for (ULONG i = 0; i < parameters->cBuffers; i += 1) {
    const BCryptBuffer *buffer = &parameters->pBuffers[i];
    BOOL done = TRUE;
    if (buffer->cbBuffer > 0 && !buffer->pvBuffer) return NTE_INVALID_PARAMETER;
    if (buffer->BufferType == KDF_HASH_ALGORITHM && is_text(buffer)) {
      derivation->hash = buffer->pvBuffer;
    } else if (buffer->BufferType == KDF_SECRET_PREPEND) {
      done = concatenate(&derivation->prepend, buffer);
    } else if (buffer->BufferType == KDF_SECRET_APPEND) {
      done = concatenate(&derivation->append, buffer);
    } else if (buffer->BufferType == KDF_HMAC_KEY && is_hmac && !derivation->key.data) {
      done = bytes_copy(&derivation->key, buffer->pvBuffer, buffer->cbBuffer);
    } else {
      return NTE_INVALID_PARAMETER;
    }
    if (!done) return NTE_NO_MEMORY;
  }
  return hash_size(derivation->hash) > 0 ? ERROR_SUCCESS : NTE_NOT_SUPPORTED;
}

/** As documented a shorter buffer takes the beginning of the hash. */
static SECURITY_STATUS derive(const Secret *secret, const Derivation *derivation, BOOL is_hmac,
                              BYTE *output, DWORD capacity, DWORD *result) {
  BYTE hash[MAX_HASH_BYTES];
  DWORD size = hash_size(derivation->hash);
  Bytes parts[] = {derivation->prepend, secret->z, derivation->append};
  Bytes no_key = {(BYTE *)"", 0};
  const Bytes *key = derivation->key.data ? &derivation->key : &no_key;
  if (!hash_parts(derivation->hash, is_hmac ? key : NULL, parts, ARRAYSIZE(parts), hash))
    return NTE_INTERNAL_ERROR;
  SECURITY_STATUS status =
      give_bytes(hash, output && capacity < size ? capacity : size, output, capacity, result);
  SecureZeroMemory(hash, sizeof(hash));
  return status;
}

static SECURITY_STATUS truncate_secret(const Secret *secret, BYTE *output, DWORD capacity,
                                       DWORD *result) {
  BYTE reversed[MAX_CURVE_BYTES];
  DWORD size = secret->z.size;
  for (DWORD i = 0; i < size; i += 1) reversed[i] = secret->z.data[size - 1 - i];
  SECURITY_STATUS status =
      give_bytes(reversed, output && capacity < size ? capacity : size, output, capacity, result);
  SecureZeroMemory(reversed, sizeof(reversed));
  return status;
}

SECURITY_STATUS WINAPI NCryptDeriveKey(NCRYPT_SECRET_HANDLE handle, LPCWSTR kdf,
                                       NCryptBufferDesc *parameters, PBYTE output, DWORD capacity,
                                       DWORD *result, ULONG flags) {
  Derivation derivation = {0};
  if (!kdf || !result) return NTE_INVALID_PARAMETER;
  *result = 0;
  BOOL is_hmac = wcscmp(kdf, BCRYPT_KDF_HMAC) == 0, is_raw = wcscmp(kdf, L"TRUNCATE") == 0;
  if (!is_hmac && !is_raw && wcscmp(kdf, BCRYPT_KDF_HASH) != 0) return NTE_NOT_SUPPORTED;
  BOOL keyed_by_secret = is_hmac && flags == KDF_USE_SECRET_AS_HMAC_KEY_FLAG;
  if (flags != 0 && !keyed_by_secret) return NTE_BAD_FLAGS;
  Secret *secret = (Secret *)handle_acquire(handle, SECRET_OBJECT);
  if (!secret) return NTE_INVALID_HANDLE;
  SECURITY_STATUS status =
      is_raw && parameters && parameters->cBuffers > 0 ? NTE_INVALID_PARAMETER : ERROR_SUCCESS;
  if (status == ERROR_SUCCESS) status = read_parameters(parameters, is_hmac, &derivation);
  if (status == ERROR_SUCCESS && keyed_by_secret) {
    if (derivation.key.data)
      status = NTE_INVALID_PARAMETER;
    else if (!bytes_copy(&derivation.key, secret->z.data, secret->z.size))
      status = NTE_NO_MEMORY;
  }
  if (status == ERROR_SUCCESS) {
    status = is_raw ? truncate_secret(secret, output, capacity, result)
                    : derive(secret, &derivation, is_hmac, output, capacity, result);
  }
  bytes_free(&derivation.key);
  bytes_free(&derivation.prepend);
  bytes_free(&derivation.append);
  object_release(&secret->object);
  return status;
}
