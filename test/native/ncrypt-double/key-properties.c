/* NCryptGetProperty and NCryptSetProperty. */
#include "double.h"

#define VIRTUAL_ISOLATION L"Virtual Iso"
#define PER_BOOT L"Per Boot Key"
#define SECURITY_FLAGS                                                                   \
  (OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION | \
   SACL_SECURITY_INFORMATION | LABEL_SECURITY_INFORMATION)
#define EXPORT_POLICIES                                                                          \
  (NCRYPT_ALLOW_EXPORT_FLAG | NCRYPT_ALLOW_PLAINTEXT_EXPORT_FLAG | NCRYPT_ALLOW_ARCHIVING_FLAG | \
   NCRYPT_ALLOW_PLAINTEXT_ARCHIVING_FLAG)

static BOOL is(const WCHAR *name, const WCHAR *other) { return wcscmp(name, other) == 0; }

static SECURITY_STATUS number_as(DWORD number, Bytes *value) {
  return bytes_copy(value, &number, sizeof(number)) ? ERROR_SUCCESS : NTE_NO_MEMORY;
}

static SECURITY_STATUS text_as(const WCHAR *text, Bytes *value) {
  return bytes_copy(value, text, (DWORD)(wcslen(text) + 1) * sizeof(WCHAR)) ? ERROR_SUCCESS
                                                                            : NTE_NO_MEMORY;
}

static SECURITY_STATUS unique_name(const Key *key, Bytes *value) {
  KeyPlace place;
  if (!key->name) return NTE_NOT_SUPPORTED;
  if (key->is_from_legacy_store) return text_as(key->name, value);
  SECURITY_STATUS status = place_of_key(key->provider, key_is_machine(key), key->name, &place);
  return status == ERROR_SUCCESS ? text_as(place.unique_name, value) : status;
}

/** What follows from the key itself; NTE_NOT_FOUND when this is not such a name. */
static SECURITY_STATUS get_fact(Key *key, const WCHAR *name, Bytes *value) {
  const Algorithm *algorithm = key->algorithm;
  DWORD block = (key->length + 7) / 8;
  BOOL signs = (algorithm->operations & NCRYPT_SIGNATURE_OPERATION) != 0;
  if (is(name, NCRYPT_NAME_PROPERTY))
    return key->name ? text_as(key->name, value) : NTE_NOT_SUPPORTED;
  if (is(name, NCRYPT_UNIQUE_NAME_PROPERTY)) return unique_name(key, value);
  if (is(name, NCRYPT_ALGORITHM_PROPERTY)) return text_as(algorithm->name, value);
  if (is(name, NCRYPT_ALGORITHM_GROUP_PROPERTY)) return text_as(algorithm->group, value);
  if (is(name, NCRYPT_LENGTH_PROPERTY) || is(name, BCRYPT_PUBLIC_KEY_LENGTH))
    return number_as(key->length, value);
  if (is(name, NCRYPT_BLOCK_LENGTH_PROPERTY))
    return algorithm->curve ? NTE_NOT_SUPPORTED : number_as(block, value);
  if (is(name, BCRYPT_SIGNATURE_LENGTH))
    return signs ? number_as(algorithm->curve ? 2 * block : block, value) : NTE_NOT_SUPPORTED;
  if (is(name, NCRYPT_KEY_TYPE_PROPERTY))
    return number_as(key->flags & NCRYPT_MACHINE_KEY_FLAG, value);
  if (is(name, NCRYPT_LENGTHS_PROPERTY)) {
    NCRYPT_SUPPORTED_LENGTHS lengths = {algorithm->shortest, algorithm->longest,
                                        algorithm->increment, algorithm->length};
    return bytes_copy(value, &lengths, sizeof(lengths)) ? ERROR_SUCCESS : NTE_NO_MEMORY;
  }
  BOOL is_isolated = (key->flags & (NCRYPT_PREFER_VBS_FLAG | NCRYPT_REQUIRE_VBS_FLAG)) != 0;
  if (is(name, NCRYPT_IMPL_TYPE_PROPERTY)) {
    return number_as(
        key->provider->implementation | (is_isolated ? NCRYPT_IMPL_VIRTUAL_ISOLATION_FLAG : 0),
        value);
  }
  if (is(name, VIRTUAL_ISOLATION))
    return is_vbs_available() ? number_as(is_isolated, value) : NTE_NOT_SUPPORTED;
  if (is(name, PER_BOOT)) {
    BOOL is_per_boot = (key->flags & NCRYPT_USE_PER_BOOT_KEY_FLAG) != 0;
    return is_vbs_available() ? number_as(is_per_boot, value) : NTE_NOT_SUPPORTED;
  }
  if (is(name, NCRYPT_LAST_MODIFIED_PROPERTY)) {
    if (!key->name || !key->is_finalized || key->is_from_legacy_store) return NTE_NOT_SUPPORTED;
    key_refresh(key);
    return bytes_copy(value, &key->modified, sizeof(key->modified)) ? ERROR_SUCCESS : NTE_NO_MEMORY;
  }
  if (is(name, NCRYPT_USE_COUNT_PROPERTY) || is(name, NCRYPT_USE_COUNT_ENABLED_PROPERTY))
    return NTE_NOT_SUPPORTED;
  return NTE_NOT_FOUND;
}

SECURITY_STATUS key_get_property(Key *key, const WCHAR *name, DWORD flags, Bytes *value) {
  BOOL only_persisted = (flags & NCRYPT_PERSIST_ONLY_FLAG) != 0;
  SECURITY_STATUS status = only_persisted ? NTE_NOT_FOUND : get_fact(key, name, value);
  if (status != NTE_NOT_FOUND) return status;
  key_refresh(key);
  const Property *property =
      only_persisted ? property_find(key->persisted, name) : key_property(key, name);
  if (property)
    return bytes_copy(value, property->value.data, property->value.size) ? ERROR_SUCCESS
                                                                         : NTE_NO_MEMORY;
  if (only_persisted) return NTE_NOT_FOUND;
  if (is(name, NCRYPT_EXPORT_POLICY_PROPERTY)) return number_as(0, value);
  if (is(name, NCRYPT_KEY_USAGE_PROPERTY)) return number_as(key->algorithm->usage, value);
  return NTE_NOT_FOUND;
}

/**
 * Read, changed and written under the lock, so that handles of several processes lose nothing of
 * each other's.
 */
static SECURITY_STATUS write_property(Key *key, const WCHAR *name, const void *value, DWORD size) {
  KeyPlace place;
  KeyFile file;
  SECURITY_STATUS status = place_of_key(key->provider, key_is_machine(key), key->name, &place);
  if (status != ERROR_SUCCESS) return status;
  HANDLE lock = place_lock(&place);
  if (!lock) return NTE_FAIL;
  status = place_read(&place, &file);
  if (status == ERROR_SUCCESS && memcmp(file.id, key->id, KEY_ID_SIZE) != 0)
    status = NTE_BAD_KEYSET;
  if (status == ERROR_SUCCESS && !property_put(&file.properties, name, value, size, TRUE))
    status = NTE_NO_MEMORY;
  if (status == ERROR_SUCCESS) status = place_write(&place, &file, TRUE);
  place_unlock(lock);
  if (status == ERROR_SUCCESS) {
    key_take_file(key, &file);
    property_remove(&key->own, name);
  }
  key_file_free(&file);
  return status;
}

static SECURITY_STATUS store(Key *key, const WCHAR *name, const void *value, DWORD size,
                             DWORD flags) {
  BOOL persists = (flags & (NCRYPT_PERSIST_FLAG | NCRYPT_PERSIST_ONLY_FLAG)) != 0;
  if (persists && !key->name) return NTE_BAD_FLAGS;
  if (persists && key->is_from_legacy_store) return NTE_NOT_SUPPORTED;
  if (persists && key->is_finalized) return write_property(key, name, value, size);
  return property_put(&key->own, name, value, size, persists) ? ERROR_SUCCESS : NTE_NO_MEMORY;
}

static SECURITY_STATUS set_length(Key *key, DWORD bits) {
  if (key->is_finalized) return NTE_INVALID_HANDLE;
  if (!is_length_supported(key->algorithm, bits)) return NTE_INVALID_PARAMETER;
  /* An imported key has its length. */
  if (key->material.data && bits != key->length) return NTE_INVALID_PARAMETER;
  key->length = bits;
  return ERROR_SUCCESS;
}

/** Once a key is persisted it can be allowed less, and never more. */
static SECURITY_STATUS set_permission(Key *key, const WCHAR *name, DWORD number, DWORD known,
                                      DWORD otherwise, DWORD flags) {
  if (number & ~known) return NTE_INVALID_PARAMETER;
  if (key->is_finalized && key->name) {
    key_refresh(key);
    if (number & ~key_number(key, name, otherwise)) return NTE_PERM;
  }
  return store(key, name, &number, sizeof(number), flags);
}

static SECURITY_STATUS set_ui_policy(Key *key, const BYTE *value, DWORD size, DWORD flags) {
  Bytes packed;
  if (key->is_finalized) return NTE_INVALID_HANDLE;
  SECURITY_STATUS status = ui_policy_pack(value, size, &packed);
  if (status != ERROR_SUCCESS) return status;
  status = store(key, NCRYPT_UI_POLICY_PROPERTY, packed.data, packed.size, flags);
  bytes_free(&packed);
  return status;
}

/** Self-relative, and every part that it names begins inside. */
static BOOL is_security_descriptor(const BYTE *value, DWORD size) {
  SECURITY_DESCRIPTOR_RELATIVE descriptor;
  if (size < sizeof(descriptor)) return FALSE;
  memcpy(&descriptor, value, sizeof(descriptor));
  if (descriptor.Revision != SECURITY_DESCRIPTOR_REVISION ||
      !(descriptor.Control & SE_SELF_RELATIVE))
    return FALSE;
  DWORD parts[] = {descriptor.Owner, descriptor.Group, descriptor.Sacl, descriptor.Dacl};
  for (DWORD i = 0; i < ARRAYSIZE(parts); i += 1) {
    if (parts[i] != 0 && (parts[i] < sizeof(descriptor) || parts[i] >= size)) return FALSE;
  }
  return TRUE;
}

static SECURITY_STATUS set_security(Key *key, const BYTE *value, DWORD size, DWORD flags) {
  if (flags & NCRYPT_PERSIST_ONLY_FLAG) return NTE_BAD_FLAGS;
  if (!(flags & SECURITY_FLAGS)) return NTE_BAD_FLAGS;
  if (!key->name) return NTE_NOT_SUPPORTED;
  if (!is_security_descriptor(value, size)) return NTE_INVALID_PARAMETER;
  return store(key, NCRYPT_SECURITY_DESCR_PROPERTY, value, size, flags);
}

static BOOL is_number(const WCHAR *name) {
  return is(name, NCRYPT_LENGTH_PROPERTY) || is(name, NCRYPT_EXPORT_POLICY_PROPERTY) ||
         is(name, NCRYPT_KEY_USAGE_PROPERTY);
}

SECURITY_STATUS key_set_property(Key *key, const WCHAR *name, const BYTE *value, DWORD size,
                                 DWORD flags) {
  DWORD number = 0;
  Bytes fact = {0};
  /* A custom property, whatever it is called. */
  if (flags & NCRYPT_PERSIST_ONLY_FLAG && !is(name, NCRYPT_SECURITY_DESCR_PROPERTY))
    return store(key, name, value, size, flags);
  if (is_number(name)) {
    if (size != sizeof(number)) return NTE_INVALID_PARAMETER;
    memcpy(&number, value, sizeof(number));
  }
  if (is_private_blob(name)) return key_set_private(key, name, value, size);
  if (is(name, NCRYPT_LENGTH_PROPERTY)) return set_length(key, number);
  if (is(name, NCRYPT_EXPORT_POLICY_PROPERTY))
    return set_permission(key, name, number, EXPORT_POLICIES, 0, flags);
  if (is(name, NCRYPT_KEY_USAGE_PROPERTY)) {
    return set_permission(key, name, number, NCRYPT_ALLOW_ALL_USAGES, key->algorithm->usage, flags);
  }
  if (is(name, NCRYPT_UI_POLICY_PROPERTY)) return set_ui_policy(key, value, size, flags);
  if (is(name, NCRYPT_SECURITY_DESCR_PROPERTY)) return set_security(key, value, size, flags);
  /* The rest of what Windows knows can only be read. */
  SECURITY_STATUS status = get_fact(key, name, &fact);
  bytes_free(&fact);
  if (status != NTE_NOT_FOUND || is(name, NCRYPT_PROVIDER_HANDLE_PROPERTY))
    return NTE_NOT_SUPPORTED;
  return store(key, name, value, size, flags);
}

static BOOL is_property_name(const WCHAR *name) {
  return name && name[0] && wcslen(name) <= NCRYPT_MAX_PROPERTY_NAME;
}

static SECURITY_STATUS check_flags(const WCHAR *name, DWORD flags, DWORD allowed) {
  BOOL is_security = is(name, NCRYPT_SECURITY_DESCR_PROPERTY);
  if (flags & ~(allowed | (is_security ? SECURITY_FLAGS : 0))) return NTE_BAD_FLAGS;
  return is_security && !(flags & SECURITY_FLAGS) ? NTE_BAD_FLAGS : ERROR_SUCCESS;
}

static SECURITY_STATUS get_of_key(Key *key, const WCHAR *name, BYTE *output, DWORD capacity,
                                  DWORD *result, DWORD flags) {
  Bytes value = {0};
  NCRYPT_HANDLE handle = 0;
  if (is(name, NCRYPT_PROVIDER_HANDLE_PROPERTY)) {
    /* A handle of its own, which the caller frees; none is made for a question about the size. */
    if (!output || capacity < sizeof(handle))
      return give_bytes(&handle, sizeof(handle), output, capacity, result);
    SECURITY_STATUS opened = provider_open(key->provider, &handle);
    return opened == ERROR_SUCCESS ? give_bytes(&handle, sizeof(handle), output, capacity, result)
                                   : opened;
  }
  SECURITY_STATUS status = key_get_property(key, name, flags, &value);
  if (status == ERROR_SUCCESS && is(name, NCRYPT_UI_POLICY_PROPERTY) &&
      !(flags & NCRYPT_PERSIST_ONLY_FLAG)) {
    status = ui_policy_give(&value, output, capacity, result);
  } else if (status == ERROR_SUCCESS) {
    status = give_bytes(value.data, value.size, output, capacity, result);
  }
  bytes_free(&value);
  return status;
}

SECURITY_STATUS WINAPI NCryptGetProperty(NCRYPT_HANDLE handle, LPCWSTR name, PBYTE output,
                                         DWORD capacity, DWORD *result, DWORD flags) {
  if (!is_property_name(name) || !result) return NTE_INVALID_PARAMETER;
  *result = 0;
  Object *object = handle_acquire(handle, PROVIDER_OBJECT | KEY_OBJECT);
  if (!object) return NTE_INVALID_HANDLE;
  SECURITY_STATUS status = check_flags(name, flags, NCRYPT_PERSIST_ONLY_FLAG | NCRYPT_SILENT_FLAG);
  if (status == ERROR_SUCCESS && object->kind == PROVIDER_OBJECT) {
    Bytes value = {0};
    status = provider_property((Provider *)object, name, &value);
    if (status == ERROR_SUCCESS)
      status = give_bytes(value.data, value.size, output, capacity, result);
    bytes_free(&value);
  } else if (status == ERROR_SUCCESS) {
    Key *key = (Key *)object;
    EnterCriticalSection(&key->lock);
    status = get_of_key(key, name, output, capacity, result, flags);
    LeaveCriticalSection(&key->lock);
  }
  object_release(object);
  return status;
}

SECURITY_STATUS WINAPI NCryptSetProperty(NCRYPT_HANDLE handle, LPCWSTR name, PBYTE input,
                                         DWORD size, DWORD flags) {
  if (!is_property_name(name) || (size > 0 && !input) || size > NCRYPT_MAX_PROPERTY_DATA)
    return NTE_INVALID_PARAMETER;
  Object *object = handle_acquire(handle, PROVIDER_OBJECT | KEY_OBJECT);
  if (!object) return NTE_INVALID_HANDLE;
  SECURITY_STATUS status =
      check_flags(name, flags, NCRYPT_PERSIST_FLAG | NCRYPT_PERSIST_ONLY_FLAG | NCRYPT_SILENT_FLAG);
  if (status == ERROR_SUCCESS && object->kind == PROVIDER_OBJECT) {
    status = NTE_NOT_SUPPORTED;
  } else if (status == ERROR_SUCCESS) {
    Key *key = (Key *)object;
    EnterCriticalSection(&key->lock);
    status = key_set_property(key, name, input, size, flags);
    LeaveCriticalSection(&key->lock);
  }
  object_release(object);
  return status;
}
