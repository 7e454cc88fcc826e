/* NCryptOpenKey and NCryptDeleteKey. */
#include "double.h"

#define VBS_FLAGS (NCRYPT_PREFER_VBS_FLAG | NCRYPT_REQUIRE_VBS_FLAG)
#define OPEN_FLAGS (NCRYPT_MACHINE_KEY_FLAG | NCRYPT_SILENT_FLAG)

static SECURITY_STATUS key_of_file(const ProviderKind *kind, KeyFile *file, Key **result) {
  RsaView view;
  if ((file->flags & VBS_FLAGS) && !is_vbs_available()) return STATUS_VBS_UNAVAILABLE;
  if ((file->flags & NCRYPT_USE_PER_BOOT_KEY_FLAG) && file->boot != current_boot())
    return STATUS_VBS_CANNOT_DECRYPT;
  if (!file->algorithm->curve && !rsa_view(&file->material, &view)) return NTE_KEYSET_ENTRY_BAD;
  Key *key = key_create(kind, file->algorithm, file->name);
  if (!key) return NTE_NO_MEMORY;
  key->legacy_spec = file->legacy_spec;
  key->flags = file->flags;
  if (!file->algorithm->curve) key->length = view.bits;
  key->material = file->material;
  file->material = (Bytes){0};
  key->is_private = TRUE;
  key->is_finalized = TRUE;
  key_take_file(key, file);
  *result = key;
  return ERROR_SUCCESS;
}

static SECURITY_STATUS open_file(const ProviderKind *kind, const WCHAR *name, DWORD flags,
                                 Key **key) {
  KeyPlace place;
  KeyFile file;
  SECURITY_STATUS status = place_of_key(kind, (flags & NCRYPT_MACHINE_KEY_FLAG) != 0, name, &place);
  if (status != ERROR_SUCCESS) return status;
  HANDLE lock = place_lock(&place);
  if (!lock) return NTE_FAIL;
  status = place_read(&place, &file);
  place_unlock(lock);
  if (status != ERROR_SUCCESS) return status;
  status = key_of_file(kind, &file, key);
  key_file_free(&file);
  return status;
}

/** A CryptoAPI container of that name: documented as the second place where Windows looks. */
static SECURITY_STATUS open_legacy(const ProviderKind *kind, const WCHAR *name, DWORD legacy_spec,
                                   DWORD flags, Key **result) {
  Bytes material;
  RsaView view;
  BOOL is_exportable;
  DWORD policy = 0;
  SECURITY_STATUS status = legacy_read(name, (flags & NCRYPT_MACHINE_KEY_FLAG) != 0, &legacy_spec,
                                       &is_exportable, &material);
  if (status != ERROR_SUCCESS) return status;
  Key *key = key_create(kind, algorithm_named(BCRYPT_RSA_ALGORITHM), name);
  if (is_exportable) policy = NCRYPT_ALLOW_EXPORT_FLAG | NCRYPT_ALLOW_PLAINTEXT_EXPORT_FLAG;
  if (!key || !property_put(&key->persisted, NCRYPT_EXPORT_POLICY_PROPERTY, &policy, sizeof(policy),
                            TRUE)) {
    bytes_free(&material);
    if (key) object_release(&key->object);
    return NTE_NO_MEMORY;
  }
  key->material = material;
  if (rsa_view(&key->material, &view)) key->length = view.bits;
  key->legacy_spec = legacy_spec;
  key->flags = flags & NCRYPT_MACHINE_KEY_FLAG;
  key->is_private = TRUE;
  key->is_finalized = TRUE;
  key->is_from_legacy_store = TRUE;
  *result = key;
  return ERROR_SUCCESS;
}

SECURITY_STATUS WINAPI NCryptOpenKey(NCRYPT_PROV_HANDLE provider_handle, NCRYPT_KEY_HANDLE *handle,
                                     LPCWSTR name, DWORD legacy_spec, DWORD flags) {
  Key *key = NULL;
  if (!handle || !name || name[0] == 0 || wcslen(name) > NCRYPT_MAX_KEY_NAME_LENGTH)
    return NTE_INVALID_PARAMETER;
  *handle = 0;
  if (legacy_spec > AT_SIGNATURE) return NTE_INVALID_PARAMETER;
  Provider *provider = (Provider *)handle_acquire(provider_handle, PROVIDER_OBJECT);
  if (!provider) return NTE_INVALID_HANDLE;
  const ProviderKind *kind = provider->kind;
  object_release(&provider->object);
  if (flags & ~(DWORD)OPEN_FLAGS) return NTE_BAD_FLAGS;
  SECURITY_STATUS status = open_file(kind, name, flags, &key);
  BOOL is_software = (kind->implementation & NCRYPT_IMPL_SOFTWARE_FLAG) != 0;
  if (status == NTE_BAD_KEYSET && is_software)
    status = open_legacy(kind, name, legacy_spec, flags, &key);
  return status == ERROR_SUCCESS ? handle_open(&key->object, handle) : status;
}

static SECURITY_STATUS delete_file(const Key *key) {
  KeyPlace place;
  KeyFile file;
  SECURITY_STATUS status = place_of_key(key->provider, key_is_machine(key), key->name, &place);
  if (status != ERROR_SUCCESS) return status;
  HANDLE lock = place_lock(&place);
  if (!lock) return NTE_FAIL;
  status = place_read(&place, &file);
  if (status == ERROR_SUCCESS) {
    /* A later key of the same name is not this one. */
    BOOL is_same = memcmp(file.id, key->id, KEY_ID_SIZE) == 0;
    key_file_free(&file);
    status = is_same ? place_delete(&place) : NTE_BAD_KEYSET;
  }
  place_unlock(lock);
  return status;
}

SECURITY_STATUS WINAPI NCryptDeleteKey(NCRYPT_KEY_HANDLE handle, DWORD flags) {
  if (flags & ~(DWORD)NCRYPT_SILENT_FLAG) return NTE_BAD_FLAGS;
  Key *key = key_acquire(handle);
  if (!key) return NTE_INVALID_HANDLE;
  SECURITY_STATUS status = ERROR_SUCCESS;
  if (key->is_from_legacy_store) {
    status = legacy_delete(key->name, key_is_machine(key), key->legacy_spec);
  } else if (key->name && key->is_finalized) {
    status = delete_file(key);
  }
  key_release(key);
  /* A key that could not be deleted keeps its handle, which the caller still has to free. */
  if (status == ERROR_SUCCESS && !handle_close(handle, KEY_OBJECT)) return NTE_INVALID_HANDLE;
  return status;
}
