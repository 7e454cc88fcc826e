/* NCryptExportKey and NCryptImportKey. */
#include "double.h"

#define IMPORT_FLAGS                                                          \
  (NCRYPT_MACHINE_KEY_FLAG | NCRYPT_OVERWRITE_KEY_FLAG | NCRYPT_SILENT_FLAG | \
   NCRYPT_NO_KEY_VALIDATION | NCRYPT_WRITE_KEY_TO_LEGACY_STORE_FLAG | NCRYPT_DO_NOT_FINALIZE_FLAG)
#define FINALIZE_FLAGS (NCRYPT_WRITE_KEY_TO_LEGACY_STORE_FLAG | NCRYPT_SILENT_FLAG)

typedef enum Family { ANY_FAMILY, RSA_FAMILY, ECC_FAMILY, CAPI_FAMILY } Family;

typedef struct BlobType {
  const WCHAR *name;
  Family family;
  BOOL is_private;
  DWORD rsa_magic;
} BlobType;

static const BlobType TYPES[] = {
    {BCRYPT_PUBLIC_KEY_BLOB, ANY_FAMILY, FALSE, BCRYPT_RSAPUBLIC_MAGIC},
    {BCRYPT_PRIVATE_KEY_BLOB, ANY_FAMILY, TRUE, BCRYPT_RSAPRIVATE_MAGIC},
    {BCRYPT_RSAPUBLIC_BLOB, RSA_FAMILY, FALSE, BCRYPT_RSAPUBLIC_MAGIC},
    {BCRYPT_RSAPRIVATE_BLOB, RSA_FAMILY, TRUE, BCRYPT_RSAPRIVATE_MAGIC},
    {BCRYPT_RSAFULLPRIVATE_BLOB, RSA_FAMILY, TRUE, BCRYPT_RSAFULLPRIVATE_MAGIC},
    {BCRYPT_ECCPUBLIC_BLOB, ECC_FAMILY, FALSE, 0},
    {BCRYPT_ECCPRIVATE_BLOB, ECC_FAMILY, TRUE, 0},
    {LEGACY_RSAPUBLIC_BLOB, CAPI_FAMILY, FALSE, 0},
    {LEGACY_RSAPRIVATE_BLOB, CAPI_FAMILY, TRUE, 0},
};

static const BlobType *type_named(const WCHAR *name) {
  for (DWORD i = 0; i < ARRAYSIZE(TYPES); i += 1) {
    if (wcscmp(TYPES[i].name, name) == 0) return &TYPES[i];
  }
  return NULL;
}

static BOOL fits(const BlobType *type, const Algorithm *algorithm) {
  if (type->family == ANY_FAMILY) return TRUE;
  return (type->family == ECC_FAMILY) == (algorithm->curve != NULL);
}

/** Whether the private half may leave as plain text; says whether that uses up the one archiving.
 */
static SECURITY_STATUS check_policy(const Key *key, BOOL *is_archiving) {
  DWORD policy = key_number(key, NCRYPT_EXPORT_POLICY_PROPERTY, 0);
  BOOL is_software = (key->provider->implementation & NCRYPT_IMPL_SOFTWARE_FLAG) != 0;
  *is_archiving = FALSE;
  if (!key->is_private) return NTE_NO_KEY;
  if (!is_software || (key->flags & (NCRYPT_PREFER_VBS_FLAG | NCRYPT_REQUIRE_VBS_FLAG)))
    return NTE_NOT_SUPPORTED;
  if (policy & NCRYPT_ALLOW_PLAINTEXT_EXPORT_FLAG) return ERROR_SUCCESS;
  if (!(policy & NCRYPT_ALLOW_PLAINTEXT_ARCHIVING_FLAG) || !key->can_archive || key->was_archived)
    return NTE_NOT_SUPPORTED;
  *is_archiving = TRUE;
  return ERROR_SUCCESS;
}

static SECURITY_STATUS encode(const Key *key, const BlobType *type, Bytes *blob) {
  if (type->family == CAPI_FAMILY)
    return capi_blob_export(&key->material, type->is_private, key->legacy_spec, blob);
  if (key->algorithm->curve)
    return ecc_blob_export(key->algorithm, &key->material, type->is_private, blob);
  return rsa_blob_export(&key->material, type->rsa_magic, blob);
}

static SECURITY_STATUS export_key(Key *key, const BlobType *type, BYTE *output, DWORD capacity,
                                  DWORD *result, DWORD flags) {
  BOOL is_archiving = FALSE;
  Bytes blob = {0};
  SECURITY_STATUS status = ERROR_SUCCESS;
  if (!key->is_finalized) return NTE_BAD_KEY_STATE;
  if (!type || !fits(type, key->algorithm)) return NTE_BAD_TYPE;
  if (type->is_private) status = check_policy(key, &is_archiving);
  if (status == ERROR_SUCCESS && type->is_private && (flags & NCRYPT_SILENT_FLAG) &&
      ui_policy_asks(key_property(key, NCRYPT_UI_POLICY_PROPERTY)))
    status = NTE_SILENT_CONTEXT;
  if (status == ERROR_SUCCESS) status = encode(key, type, &blob);
  if (status != ERROR_SUCCESS) return status;
  status = give_bytes(blob.data, blob.size, output, capacity, result);
  bytes_free(&blob);
  /* To ask for the size is not to export. */
  if (status == ERROR_SUCCESS && output && is_archiving) key->was_archived = TRUE;
  return status;
}

SECURITY_STATUS WINAPI NCryptExportKey(NCRYPT_KEY_HANDLE handle,
                                       NCRYPT_KEY_HANDLE export_key_handle, LPCWSTR type_name,
                                       NCryptBufferDesc *parameters, PBYTE output, DWORD capacity,
                                       DWORD *result, DWORD flags) {
  if (!type_name || !result) return NTE_INVALID_PARAMETER;
  *result = 0;
  Key *key = key_acquire(handle);
  if (!key) return NTE_INVALID_HANDLE;
  SECURITY_STATUS status;
  if (export_key_handle) {
    /* Wrapped blobs are Windows' alone. */
    status = NCryptIsKeyHandle(export_key_handle) ? NTE_NOT_SUPPORTED : NTE_INVALID_HANDLE;
  } else if (flags & ~(DWORD)NCRYPT_SILENT_FLAG) {
    status = NTE_BAD_FLAGS;
  } else if (parameters && parameters->cBuffers > 0) {
    status = NTE_INVALID_PARAMETER;
  } else {
    status = export_key(key, type_named(type_name), output, capacity, result, flags);
  }
  key_release(key);
  return status;
}

/** The name in the parameters, or NULL for an ephemeral key. */
static SECURITY_STATUS name_in(const NCryptBufferDesc *parameters, WCHAR *text,
                               const WCHAR **name) {
  *name = NULL;
  if (!parameters) return ERROR_SUCCESS;
  if (parameters->ulVersion != NCRYPTBUFFER_VERSION ||
      (parameters->cBuffers > 0 && !parameters->pBuffers))
    return NTE_INVALID_PARAMETER;
  for (ULONG i = 0; i < parameters->cBuffers; i += 1) {
    const NCryptBuffer *buffer = &parameters->pBuffers[i];
    if (buffer->BufferType != NCRYPTBUFFER_PKCS_KEY_NAME || !buffer->pvBuffer)
      return NTE_INVALID_PARAMETER;
    DWORD length = buffer->cbBuffer / sizeof(WCHAR);
    if (buffer->cbBuffer % sizeof(WCHAR) != 0 || length < 2 ||
        length > NCRYPT_MAX_KEY_NAME_LENGTH + 1)
      return NTE_INVALID_PARAMETER;
    memcpy(text, buffer->pvBuffer, buffer->cbBuffer);
    /* Terminated, and nowhere before its end. */
    if (text[length - 1] != 0 || wcslen(text) != length - 1) return NTE_INVALID_PARAMETER;
    *name = text;
  }
  return ERROR_SUCCESS;
}

typedef struct Imported {
  const Algorithm *algorithm;
  Bytes material;
  BOOL is_private;
  DWORD legacy_spec;
} Imported;

static SECURITY_STATUS decode(const BlobType *type, const BYTE *data, DWORD size, DWORD flags,
                              Imported *imported) {
  BOOL validate = !(flags & NCRYPT_NO_KEY_VALIDATION);
  Family family = type->family;
  DWORD magic;
  if (size < sizeof(magic)) return NTE_BAD_DATA;
  memcpy(&magic, data, sizeof(magic));
  const Algorithm *algorithm = algorithm_with_magic(magic);
  if (family == ANY_FAMILY) {
    if (!algorithm) return NTE_BAD_DATA;
    family = algorithm->curve ? ECC_FAMILY : RSA_FAMILY;
  }
  SECURITY_STATUS status;
  imported->algorithm = algorithm_named(BCRYPT_RSA_ALGORITHM);
  if (family == ECC_FAMILY) {
    status = ecc_blob_import(data, size, validate, &imported->material, &imported->is_private,
                             &imported->algorithm);
  } else if (family == CAPI_FAMILY) {
    status = capi_blob_import(data, size, validate, &imported->material, &imported->is_private,
                              &imported->legacy_spec);
  } else if (type->rsa_magic != magic && type->family != ANY_FAMILY) {
    status = NTE_BAD_DATA;
  } else {
    status = rsa_blob_import(data, size, validate, &imported->material, &imported->is_private);
  }
  if (status == ERROR_SUCCESS && imported->is_private != type->is_private) {
    bytes_free(&imported->material);
    status = NTE_BAD_DATA;
  }
  return status;
}

/** Takes the material over. */
static SECURITY_STATUS key_of_import(const ProviderKind *kind, Imported *imported,
                                     const WCHAR *name, DWORD flags, NCRYPT_KEY_HANDLE *handle) {
  RsaView view;
  Key *key = key_create(kind, imported->algorithm, name);
  if (!key) {
    bytes_free(&imported->material);
    return NTE_NO_MEMORY;
  }
  key->material = imported->material;
  if (!key->algorithm->curve && rsa_view(&key->material, &view)) key->length = view.bits;
  key->legacy_spec = imported->legacy_spec;
  key->is_private = imported->is_private;
  key->flags = flags & NCRYPT_MACHINE_KEY_FLAG;
  key->may_overwrite = (flags & NCRYPT_OVERWRITE_KEY_FLAG) != 0;
  key->can_archive = TRUE;
  SECURITY_STATUS status = ERROR_SUCCESS;
  if (!key->is_private) {
    key->is_finalized = TRUE;
  } else if (!(flags & NCRYPT_DO_NOT_FINALIZE_FLAG)) {
    status = key_finalize(key, flags & FINALIZE_FLAGS);
  }
  if (status == ERROR_SUCCESS) return handle_open(&key->object, handle);
  object_release(&key->object);
  return status;
}

BOOL is_private_blob(const WCHAR *name) {
  const BlobType *type = type_named(name);
  return type && type->is_private;
}

/** "Key Import and Export": a key that is being made gets its private half as a property. */
SECURITY_STATUS key_set_private(Key *key, const WCHAR *name, const BYTE *blob, DWORD size) {
  const BlobType *type = type_named(name);
  Imported imported = {0};
  RsaView view;
  if (key->is_finalized) return NTE_INVALID_HANDLE;
  if (!fits(type, key->algorithm)) return NTE_NOT_SUPPORTED;
  SECURITY_STATUS status = decode(type, blob, size, 0, &imported);
  if (status != ERROR_SUCCESS) return status;
  if (imported.algorithm != key->algorithm) {
    bytes_free(&imported.material);
    return NTE_INVALID_PARAMETER;
  }
  bytes_free(&key->material);
  key->material = imported.material;
  if (!key->algorithm->curve && rsa_view(&key->material, &view)) key->length = view.bits;
  return ERROR_SUCCESS;
}

SECURITY_STATUS WINAPI NCryptImportKey(NCRYPT_PROV_HANDLE provider_handle,
                                       NCRYPT_KEY_HANDLE import_key, LPCWSTR type_name,
                                       NCryptBufferDesc *parameters, NCRYPT_KEY_HANDLE *handle,
                                       PBYTE data, DWORD size, DWORD flags) {
  WCHAR text[NCRYPT_MAX_KEY_NAME_LENGTH + 1];
  const WCHAR *name;
  KeyPlace place;
  Imported imported = {0};
  if (!handle || !type_name || !data) return NTE_INVALID_PARAMETER;
  *handle = 0;
  Provider *provider = (Provider *)handle_acquire(provider_handle, PROVIDER_OBJECT);
  if (!provider) return NTE_INVALID_HANDLE;
  const ProviderKind *kind = provider->kind;
  object_release(&provider->object);
  if (import_key) return NCryptIsKeyHandle(import_key) ? NTE_NOT_SUPPORTED : NTE_INVALID_HANDLE;
  if (flags & ~(DWORD)IMPORT_FLAGS) return NTE_BAD_FLAGS;
  SECURITY_STATUS status = name_in(parameters, text, &name);
  if (status != ERROR_SUCCESS) return status;
  const BlobType *type = type_named(type_name);
  if (!type) return NTE_NOT_SUPPORTED;
  /* A public key cannot be persisted, and there is nothing to finalize. */
  if (!type->is_private && name) return NTE_INVALID_PARAMETER;
  if (!type->is_private &&
      (flags & (NCRYPT_DO_NOT_FINALIZE_FLAG | NCRYPT_WRITE_KEY_TO_LEGACY_STORE_FLAG)))
    return NTE_BAD_FLAGS;
  if (name) {
    status = place_of_key(kind, (flags & NCRYPT_MACHINE_KEY_FLAG) != 0, name, &place);
    if (status != ERROR_SUCCESS) return status;
    if (!(flags & NCRYPT_OVERWRITE_KEY_FLAG) && place_is_taken(&place)) return NTE_EXISTS;
  }
  status = decode(type, data, size, flags, &imported);
  return status == ERROR_SUCCESS ? key_of_import(kind, &imported, name, flags, handle) : status;
}
