/*
 * The object behind a key handle: its life, its properties' order, and when its private half may be
 * used.
 */
#include "double.h"

#define VBS_FLAGS (NCRYPT_PREFER_VBS_FLAG | NCRYPT_REQUIRE_VBS_FLAG)

static void destroy_key(Object *object) {
  Key *key = (Key *)object;
  DeleteCriticalSection(&key->lock);
  if (key->name) HeapFree(GetProcessHeap(), 0, key->name);
  bytes_free(&key->material);
  property_list_free(&key->own);
  property_list_free(&key->persisted);
  HeapFree(GetProcessHeap(), 0, key);
}

Key *key_create(const ProviderKind *provider, const Algorithm *algorithm, const WCHAR *name) {
  Key *key = HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, sizeof(*key));
  if (!key) return NULL;
  InitializeCriticalSection(&key->lock);
  key->object = (Object){KEY_OBJECT, 1, destroy_key};
  key->provider = provider;
  key->algorithm = algorithm;
  key->length = algorithm->length;
  if (name && !(key->name = text_copy(name))) {
    object_release(&key->object);
    return NULL;
  }
  return key;
}

Key *key_acquire(NCRYPT_KEY_HANDLE handle) {
  Key *key = (Key *)handle_acquire(handle, KEY_OBJECT);
  if (key) EnterCriticalSection(&key->lock);
  return key;
}

void key_release(Key *key) {
  LeaveCriticalSection(&key->lock);
  object_release(&key->object);
}

BOOL key_is_machine(const Key *key) { return (key->flags & NCRYPT_MACHINE_KEY_FLAG) != 0; }

BOOL is_vbs_available(void) { return has_setting(L"KEYCASK_DOUBLE_VBS", L"1"); }

/**
 * KEYCASK_DOUBLE_BOOT plays restarts of the machine: a per-boot key opens only in the boot that
 * made it.
 */
DWORD current_boot(void) {
  WCHAR number[16];
  DWORD length = GetEnvironmentVariableW(L"KEYCASK_DOUBLE_BOOT", number, ARRAYSIZE(number));
  return length > 0 && length < ARRAYSIZE(number) ? (DWORD)wcstoul(number, NULL, 10) : 0;
}

const Property *key_property(const Key *key, const WCHAR *name) {
  const Property *own = property_find(key->own, name);
  return own ? own : property_find(key->persisted, name);
}

DWORD key_number(const Key *key, const WCHAR *name, DWORD otherwise) {
  const Property *property = key_property(key, name);
  DWORD number = otherwise;
  if (property && property->value.size == sizeof(number))
    memcpy(&number, property->value.data, sizeof(number));
  return number;
}

void key_take_file(Key *key, KeyFile *file) {
  memcpy(key->id, file->id, KEY_ID_SIZE);
  key->modified = file->modified;
  property_list_free(&key->persisted);
  key->persisted = file->properties;
  file->properties = NULL;
}

void key_refresh(Key *key) {
  KeyPlace place;
  KeyFile file;
  if (!key->name || !key->is_finalized || key->is_from_legacy_store) return;
  if (place_of_key(key->provider, key_is_machine(key), key->name, &place) != ERROR_SUCCESS) return;
  HANDLE lock = place_lock(&place);
  if (!lock) return;
  SECURITY_STATUS status = place_read(&place, &file);
  place_unlock(lock);
  if (status != ERROR_SUCCESS) return;
  if (memcmp(file.id, key->id, KEY_ID_SIZE) == 0) key_take_file(key, &file);
  key_file_free(&file);
}

SECURITY_STATUS key_check_use(const Key *key, DWORD usage, DWORD flags) {
  if (!key->is_finalized) return NTE_BAD_KEY_STATE;
  if (!key->is_private) return NTE_NO_KEY;
  if (!(key_number(key, NCRYPT_KEY_USAGE_PROPERTY, key->algorithm->usage) & usage)) return NTE_PERM;
  if ((key->flags & VBS_FLAGS) && !is_vbs_available()) return STATUS_VBS_UNAVAILABLE;
  if (!ui_policy_asks(key_property(key, NCRYPT_UI_POLICY_PROPERTY))) return ERROR_SUCCESS;
  /*
   * A person would be asked now. Nobody is here; KEYCASK_DOUBLE_UI=cancel plays the one who says
   * no.
   */
  if (flags & NCRYPT_SILENT_FLAG) return NTE_SILENT_CONTEXT;
  return has_setting(L"KEYCASK_DOUBLE_UI", L"cancel") ? STATUS_USER_CANCELLED : ERROR_SUCCESS;
}
