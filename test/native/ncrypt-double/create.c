/* NCryptCreatePersistedKey and NCryptFinalizeKey. */
#include "double.h"

#define CREATE_FLAGS                                                                      \
  (NCRYPT_MACHINE_KEY_FLAG | NCRYPT_OVERWRITE_KEY_FLAG | NCRYPT_SILENT_FLAG | VBS_FLAGS | \
   NCRYPT_USE_PER_BOOT_KEY_FLAG)
#define VBS_FLAGS (NCRYPT_PREFER_VBS_FLAG | NCRYPT_REQUIRE_VBS_FLAG)
#define FINALIZE_FLAGS \
  (NCRYPT_NO_KEY_VALIDATION | NCRYPT_WRITE_KEY_TO_LEGACY_STORE_FLAG | NCRYPT_SILENT_FLAG)

/** Which of the flags the key keeps, or why it cannot be. */
static SECURITY_STATUS flags_to_keep(DWORD flags, DWORD *kept) {
  *kept = flags & NCRYPT_MACHINE_KEY_FLAG;
  if (flags & ~(DWORD)CREATE_FLAGS) return NTE_BAD_FLAGS;
  if ((flags & VBS_FLAGS) == VBS_FLAGS) return NTE_BAD_FLAGS;
  if ((flags & NCRYPT_USE_PER_BOOT_KEY_FLAG) && !(flags & VBS_FLAGS)) return NTE_BAD_FLAGS;
  if ((flags & NCRYPT_REQUIRE_VBS_FLAG) && !is_vbs_available()) return STATUS_VBS_UNAVAILABLE;
  /* Preferred and not there: an ordinary key, of which nothing says that VBS was asked for. */
  if (is_vbs_available()) *kept |= flags & (VBS_FLAGS | NCRYPT_USE_PER_BOOT_KEY_FLAG);
  return ERROR_SUCCESS;
}

SECURITY_STATUS WINAPI NCryptCreatePersistedKey(NCRYPT_PROV_HANDLE provider_handle,
                                                NCRYPT_KEY_HANDLE *handle, LPCWSTR algorithm_name,
                                                LPCWSTR name, DWORD legacy_spec, DWORD flags) {
  DWORD kept;
  KeyPlace place;
  if (!handle || !algorithm_name) return NTE_INVALID_PARAMETER;
  *handle = 0;
  if (legacy_spec > AT_SIGNATURE) return NTE_INVALID_PARAMETER;
  if (name && (name[0] == 0 || wcslen(name) > NCRYPT_MAX_KEY_NAME_LENGTH))
    return NTE_INVALID_PARAMETER;
  Provider *provider = (Provider *)handle_acquire(provider_handle, PROVIDER_OBJECT);
  if (!provider) return NTE_INVALID_HANDLE;
  const ProviderKind *kind = provider->kind;
  object_release(&provider->object);
  SECURITY_STATUS status = flags_to_keep(flags, &kept);
  if (status != ERROR_SUCCESS) return status;
  const Algorithm *algorithm = algorithm_named(algorithm_name);
  if (!algorithm) return NTE_NOT_SUPPORTED;
  if (name) {
    status = place_of_key(kind, (flags & NCRYPT_MACHINE_KEY_FLAG) != 0, name, &place);
    if (status != ERROR_SUCCESS) return status;
    if (!(flags & NCRYPT_OVERWRITE_KEY_FLAG) && place_is_taken(&place)) return NTE_EXISTS;
  }
  Key *key = key_create(kind, algorithm, name);
  if (!key) return NTE_NO_MEMORY;
  key->flags = kept;
  key->legacy_spec = legacy_spec;
  key->may_overwrite = (flags & NCRYPT_OVERWRITE_KEY_FLAG) != 0;
  key->can_archive = TRUE;
  return handle_open(&key->object, handle);
}

/** Those that belong to the key, whether the caller said so or not. */
static BOOL is_part_of_key(const Property *property) {
  return property->is_persisted || wcscmp(property->name, NCRYPT_EXPORT_POLICY_PROPERTY) == 0 ||
         wcscmp(property->name, NCRYPT_KEY_USAGE_PROPERTY) == 0 ||
         wcscmp(property->name, NCRYPT_UI_POLICY_PROPERTY) == 0 ||
         wcscmp(property->name, NCRYPT_SECURITY_DESCR_PROPERTY) == 0;
}

/** Moves from the handle to the key what shall outlive the handle. */
static BOOL persist_properties(Key *key, Property **persisted) {
  for (Property *property = key->own; property; property = property->next) {
    if (!is_part_of_key(property)) continue;
    if (!property_put(persisted, property->name, property->value.data, property->value.size, TRUE))
      return FALSE;
  }
  return TRUE;
}

static SECURITY_STATUS write_key(Key *key, const KeyFile *file, DWORD flags) {
  KeyPlace place;
  SECURITY_STATUS status = place_of_key(key->provider, key_is_machine(key), key->name, &place);
  if (status != ERROR_SUCCESS) return status;
  HANDLE lock = place_lock(&place);
  if (!lock) return NTE_FAIL;
  /* With the lock held: of several that create the same name, one gets here first. */
  if (!key->may_overwrite && place_is_taken(&place)) status = NTE_EXISTS;
  if (status == ERROR_SUCCESS && (flags & NCRYPT_WRITE_KEY_TO_LEGACY_STORE_FLAG)) {
    BOOL is_exportable = (key_number(key, NCRYPT_EXPORT_POLICY_PROPERTY, 0) &
                          NCRYPT_ALLOW_PLAINTEXT_EXPORT_FLAG) != 0;
    status = legacy_write(key->name, key_is_machine(key), key->legacy_spec, key->may_overwrite,
                          is_exportable, &file->material);
  }
  if (status == ERROR_SUCCESS) status = place_write(&place, file, key->may_overwrite);
  KeyFile written;
  if (status == ERROR_SUCCESS) status = place_read(&place, &written);
  place_unlock(lock);
  if (status != ERROR_SUCCESS) return status;
  key->modified = written.modified;
  key_file_free(&written);
  return ERROR_SUCCESS;
}

static SECURITY_STATUS persist_key(Key *key, const Bytes *material, DWORD flags) {
  KeyFile file = {{0},        key->algorithm, key->legacy_spec,
                  key->flags, current_boot(), key->name,
                  *material,  NULL,           {0}};
  SECURITY_STATUS status = NTE_NO_MEMORY;
  if (BCryptGenRandom(NULL, file.id, KEY_ID_SIZE, BCRYPT_USE_SYSTEM_PREFERRED_RNG))
    return NTE_INTERNAL_ERROR;
  if (persist_properties(key, &file.properties)) status = write_key(key, &file, flags);
  if (status == ERROR_SUCCESS) {
    memcpy(key->id, file.id, KEY_ID_SIZE);
    key->persisted = file.properties;
    for (Property *property = file.properties; property; property = property->next)
      property_remove(&key->own, property->name);
  } else {
    property_list_free(&file.properties);
  }
  return status;
}

SECURITY_STATUS key_finalize(Key *key, DWORD flags) {
  BOOL to_legacy = (flags & NCRYPT_WRITE_KEY_TO_LEGACY_STORE_FLAG) != 0;
  /* What Windows answers to a second call, as Wine's tests of it say. */
  if (key->is_finalized) return NTE_INVALID_HANDLE;
  if (flags & ~(DWORD)FINALIZE_FLAGS) return NTE_BAD_FLAGS;
  BOOL is_software =
      (key->provider->implementation & NCRYPT_IMPL_SOFTWARE_FLAG) != 0 && !(key->flags & VBS_FLAGS);
  if (to_legacy && (key->algorithm->curve || !is_software)) return NTE_NOT_SUPPORTED;
  if (to_legacy && !key->name) return NTE_BAD_FLAGS;
  if (ui_policy_asks(key_property(key, NCRYPT_UI_POLICY_PROPERTY))) {
    if (flags & NCRYPT_SILENT_FLAG) return NTE_SILENT_CONTEXT;
    if (has_setting(L"KEYCASK_DOUBLE_UI", L"cancel")) return STATUS_USER_CANCELLED;
  }
  /* An imported key has its material already. */
  Bytes material = key->material;
  SECURITY_STATUS status = ERROR_SUCCESS;
  if (!material.data)
    status = key->algorithm->curve ? ecc_generate(key->algorithm, &material)
                                   : rsa_generate(key->length, &material);
  if (status != ERROR_SUCCESS) return status;
  if (key->name) status = persist_key(key, &material, flags);
  if (status != ERROR_SUCCESS) {
    if (!key->material.data) bytes_free(&material);
    return status;
  }
  key->material = material;
  key->is_private = TRUE;
  key->is_finalized = TRUE;
  return ERROR_SUCCESS;
}

SECURITY_STATUS WINAPI NCryptFinalizeKey(NCRYPT_KEY_HANDLE handle, DWORD flags) {
  Key *key = key_acquire(handle);
  if (!key) return NTE_INVALID_HANDLE;
  SECURITY_STATUS status = key_finalize(key, flags);
  key_release(key);
  return status;
}
