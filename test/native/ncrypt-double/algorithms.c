/* The algorithms of the double, and the questions about them. */
#include "double.h"

static const Algorithm ALGORITHMS[] = {
    {BCRYPT_RSA_ALGORITHM, L"RSA", NULL, 2048, 512, 16384, 64,
     NCRYPT_ASYMMETRIC_ENCRYPTION_OPERATION | NCRYPT_SIGNATURE_OPERATION,
     NCRYPT_ASYMMETRIC_ENCRYPTION_INTERFACE, NCRYPT_ALLOW_ALL_USAGES, BCRYPT_RSAPUBLIC_MAGIC,
     BCRYPT_RSAPRIVATE_MAGIC},
    {BCRYPT_ECDH_P256_ALGORITHM, L"ECDH", &CURVE_P256, 256, 256, 256, 0,
     NCRYPT_SECRET_AGREEMENT_OPERATION, NCRYPT_SECRET_AGREEMENT_INTERFACE,
     NCRYPT_ALLOW_KEY_AGREEMENT_FLAG, BCRYPT_ECDH_PUBLIC_P256_MAGIC,
     BCRYPT_ECDH_PRIVATE_P256_MAGIC},
    {BCRYPT_ECDH_P384_ALGORITHM, L"ECDH", &CURVE_P384, 384, 384, 384, 0,
     NCRYPT_SECRET_AGREEMENT_OPERATION, NCRYPT_SECRET_AGREEMENT_INTERFACE,
     NCRYPT_ALLOW_KEY_AGREEMENT_FLAG, BCRYPT_ECDH_PUBLIC_P384_MAGIC,
     BCRYPT_ECDH_PRIVATE_P384_MAGIC},
    {BCRYPT_ECDSA_P256_ALGORITHM, L"ECDSA", &CURVE_P256, 256, 256, 256, 0,
     NCRYPT_SIGNATURE_OPERATION, NCRYPT_SIGNATURE_INTERFACE, NCRYPT_ALLOW_SIGNING_FLAG,
     BCRYPT_ECDSA_PUBLIC_P256_MAGIC, BCRYPT_ECDSA_PRIVATE_P256_MAGIC},
    {BCRYPT_ECDSA_P384_ALGORITHM, L"ECDSA", &CURVE_P384, 384, 384, 384, 0,
     NCRYPT_SIGNATURE_OPERATION, NCRYPT_SIGNATURE_INTERFACE, NCRYPT_ALLOW_SIGNING_FLAG,
     BCRYPT_ECDSA_PUBLIC_P384_MAGIC, BCRYPT_ECDSA_PRIVATE_P384_MAGIC},
};

#define ALL_OPERATIONS                                                                        \
  (NCRYPT_CIPHER_OPERATION | NCRYPT_HASH_OPERATION | NCRYPT_ASYMMETRIC_ENCRYPTION_OPERATION | \
   NCRYPT_SECRET_AGREEMENT_OPERATION | NCRYPT_SIGNATURE_OPERATION | BCRYPT_RNG_OPERATION)

const Algorithm *algorithm_named(const WCHAR *name) {
  for (DWORD i = 0; i < ARRAYSIZE(ALGORITHMS); i += 1) {
    if (wcscmp(ALGORITHMS[i].name, name) == 0) return &ALGORITHMS[i];
  }
  return NULL;
}

const Algorithm *algorithm_with_magic(DWORD magic) {
  if (magic == BCRYPT_RSAFULLPRIVATE_MAGIC) return &ALGORITHMS[0];
  for (DWORD i = 0; i < ARRAYSIZE(ALGORITHMS); i += 1) {
    if (ALGORITHMS[i].public_magic == magic || ALGORITHMS[i].private_magic == magic)
      return &ALGORITHMS[i];
  }
  return NULL;
}

BOOL is_length_supported(const Algorithm *algorithm, DWORD bits) {
  if (bits < algorithm->shortest || bits > algorithm->longest) return FALSE;
  return algorithm->increment == 0 || bits % algorithm->increment == 0;
}

static BOOL is_provider(NCRYPT_PROV_HANDLE handle) {
  Object *object = handle_acquire(handle, PROVIDER_OBJECT);
  if (object) object_release(object);
  return object != NULL;
}

SECURITY_STATUS WINAPI NCryptIsAlgSupported(NCRYPT_PROV_HANDLE provider, LPCWSTR name,
                                            DWORD flags) {
  if (!is_provider(provider)) return NTE_INVALID_HANDLE;
  if (!name) return NTE_INVALID_PARAMETER;
  if (flags & ~(DWORD)NCRYPT_SILENT_FLAG) return NTE_BAD_FLAGS;
  return algorithm_named(name) ? ERROR_SUCCESS : NTE_NOT_SUPPORTED;
}

SECURITY_STATUS WINAPI NCryptEnumAlgorithms(NCRYPT_PROV_HANDLE provider, DWORD operations,
                                            DWORD *count, NCryptAlgorithmName **list, DWORD flags) {
  if (!is_provider(provider)) return NTE_INVALID_HANDLE;
  if (!count || !list || (operations & ~(DWORD)ALL_OPERATIONS)) return NTE_INVALID_PARAMETER;
  if (flags & ~(DWORD)NCRYPT_SILENT_FLAG) return NTE_BAD_FLAGS;
  NCryptAlgorithmName *names = buffer_allocate(sizeof(*names) * ARRAYSIZE(ALGORITHMS));
  if (!names) return NTE_NO_MEMORY;
  DWORD found = 0;
  for (DWORD i = 0; i < ARRAYSIZE(ALGORITHMS); i += 1) {
    const Algorithm *algorithm = &ALGORITHMS[i];
    if (operations != 0 && !(algorithm->operations & operations)) continue;
    /* The names are constants of this DLL, so one buffer is all that the caller frees. */
    names[found].pszName = (LPWSTR)algorithm->name;
    names[found].dwClass = algorithm->interface_class;
    names[found].dwAlgOperations = algorithm->operations;
    found += 1;
  }
  *count = found;
  *list = names;
  return ERROR_SUCCESS;
}
