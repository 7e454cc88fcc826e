/* NCryptEnumKeys: the names of the key files of one scope, as they were when the enumeration began.
 */
#include "double.h"

typedef struct Enumeration {
  DWORD count;
  DWORD next;
  WCHAR files[][MAX_PATH];
} Enumeration;

static BOOL is_key_file(const WIN32_FIND_DATAW *found) {
  const WCHAR *dot = wcsrchr(found->cFileName, L'.');
  return !(found->dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) &&
         (!dot || wcscmp(dot, L".new") != 0);
}

/** Counts, or fills what was counted. */
static DWORD list_files(const WCHAR *folder, Enumeration *enumeration, DWORD capacity) {
  WCHAR pattern[MAX_PATH * 2 + 4];
  WIN32_FIND_DATAW found;
  DWORD count = 0;
  wcscpy(pattern, folder);
  wcscat(pattern, L"\\*");
  HANDLE search = FindFirstFileW(pattern, &found);
  if (search == INVALID_HANDLE_VALUE) return 0;
  do {
    if (!is_key_file(&found)) continue;
    if (enumeration) {
      if (count == capacity) break;
      wcscpy(enumeration->files[count], found.cFileName);
    }
    count += 1;
  } while (FindNextFileW(search, &found));
  FindClose(search);
  return count;
}

static Enumeration *begin(const WCHAR *folder) {
  DWORD capacity = list_files(folder, NULL, 0);
  Enumeration *enumeration =
      buffer_allocate(sizeof(*enumeration) + capacity * sizeof(enumeration->files[0]));
  if (enumeration) enumeration->count = list_files(folder, enumeration, capacity);
  return enumeration;
}

/** One buffer holds the structure and both names. */
static NCryptKeyName *name_of(const KeyFile *file) {
  SIZE_T name_size = (wcslen(file->name) + 1) * sizeof(WCHAR),
         algorithm_size = (wcslen(file->algorithm->name) + 1) * sizeof(WCHAR);
  NCryptKeyName *name = buffer_allocate(sizeof(*name) + name_size + algorithm_size);
  if (!name) return NULL;
  name->pszName = (LPWSTR)(name + 1);
  name->pszAlgid = (LPWSTR)((BYTE *)(name + 1) + name_size);
  memcpy(name->pszName, file->name, name_size);
  memcpy(name->pszAlgid, file->algorithm->name, algorithm_size);
  name->dwLegacyKeySpec = file->legacy_spec;
  name->dwFlags = file->flags & NCRYPT_MACHINE_KEY_FLAG;
  return name;
}

SECURITY_STATUS WINAPI NCryptEnumKeys(NCRYPT_PROV_HANDLE provider_handle, LPCWSTR scope,
                                      NCryptKeyName **result, PVOID *state, DWORD flags) {
  WCHAR folder[MAX_PATH * 2];
  if (!result || !state || scope) return NTE_INVALID_PARAMETER;
  *result = NULL;
  Provider *provider = (Provider *)handle_acquire(provider_handle, PROVIDER_OBJECT);
  if (!provider) return NTE_INVALID_HANDLE;
  const ProviderKind *kind = provider->kind;
  object_release(&provider->object);
  if (flags & ~(DWORD)(NCRYPT_MACHINE_KEY_FLAG | NCRYPT_SILENT_FLAG)) return NTE_BAD_FLAGS;
  SECURITY_STATUS status =
      folder_of_keys(kind, (flags & NCRYPT_MACHINE_KEY_FLAG) != 0, folder, ARRAYSIZE(folder));
  if (status != ERROR_SUCCESS) return status;
  Enumeration *enumeration = *state;
  if (enumeration && !buffer_is_ours(enumeration)) return NTE_INVALID_PARAMETER;
  if (!enumeration && !(*state = enumeration = begin(folder))) return NTE_NO_MEMORY;
  while (enumeration->next < enumeration->count) {
    WCHAR path[MAX_PATH * 3 + 2];
    KeyFile file;
    wcscpy(path, folder);
    wcscat(path, L"\\");
    wcscat(path, enumeration->files[enumeration->next]);
    enumeration->next += 1;
    /* Deleted meanwhile, damaged, or not ours: not listed. */
    if (read_key_file(path, &file) != ERROR_SUCCESS) continue;
    *result = name_of(&file);
    key_file_free(&file);
    return *result ? ERROR_SUCCESS : NTE_NO_MEMORY;
  }
  return NTE_NO_MORE_ITEMS;
}
