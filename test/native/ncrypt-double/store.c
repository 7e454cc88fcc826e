/*
 * Where key files lie, and how several processes share them: a mutex for each file, and files that
 * are replaced whole.
 */
#include "double.h"

#define TRIES 50
#define WAIT_MS 20
/*
 * Nobody holds a lock for longer than a key takes to be written: whoever does hangs, and a test
 * shall fail.
 */
#define LOCK_MS 60000

static SECURITY_STATUS status_of_error(DWORD error) {
  switch (error) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
      return NTE_BAD_KEYSET;
    case ERROR_FILE_EXISTS:
    case ERROR_ALREADY_EXISTS:
      return NTE_EXISTS;
    case ERROR_ACCESS_DENIED:
    case ERROR_SHARING_VIOLATION:
      return NTE_PERM;
    case ERROR_DISK_FULL:
    case ERROR_HANDLE_DISK_FULL:
      return STATUS_STORAGE_FULL;
    case ERROR_NOT_ENOUGH_MEMORY:
      return NTE_NO_MEMORY;
    default:
      return NTE_FAIL;
  }
}

static BOOL append(WCHAR *path, DWORD capacity, const WCHAR *part) {
  if (wcslen(path) + wcslen(part) + 1 > capacity) return FALSE;
  wcscat(path, part);
  return TRUE;
}

SECURITY_STATUS folder_of_keys(const ProviderKind *kind, BOOL is_machine, WCHAR *folder,
                               DWORD capacity) {
  DWORD length = GetEnvironmentVariableW(L"KEYCASK_DOUBLE_FOLDER", folder, capacity);
  if (length >= capacity) return NTE_FAIL;
  if (length == 0) {
    length = GetEnvironmentVariableW(L"APPDATA", folder, capacity);
    if (length == 0 || length >= capacity || !append(folder, capacity, L"\\keycask-ncrypt-double"))
      return NTE_FAIL;
  }
  for (WCHAR *at = folder; *at; at += 1) {
    if (*at == L'/') *at = L'\\';
  }
  if (kind->folder[0] &&
      (!append(folder, capacity, L"\\") || !append(folder, capacity, kind->folder)))
    return NTE_FAIL;
  return append(folder, capacity, is_machine ? L"\\machine" : L"\\user") ? ERROR_SUCCESS : NTE_FAIL;
}

/** Makes a folder and those above it. */
static SECURITY_STATUS make_folders(const WCHAR *folder) {
  WCHAR part[MAX_PATH * 2];
  for (DWORD i = 0; folder[i]; i += 1) {
    part[i] = folder[i];
    BOOL is_end = folder[i + 1] == L'\\' || folder[i + 1] == 0;
    /* The drive itself is there already. */
    if (!is_end || folder[i] == L':') continue;
    part[i + 1] = 0;
    if (CreateDirectoryW(part, NULL) || GetLastError() == ERROR_ALREADY_EXISTS) continue;
    DWORD error = GetLastError();
    if (GetFileAttributesW(part) == INVALID_FILE_ATTRIBUTES) return status_of_error(error);
  }
  return ERROR_SUCCESS;
}

/**
 * As on Windows a hash of the lower-cased name and a GUID of the machine; names differ in more than
 * letters' case.
 */
static BOOL unique_name_of(const WCHAR *name, WCHAR *unique, DWORD capacity) {
  static const WCHAR DIGITS[] = L"0123456789abcdef";
  WCHAR lower[NCRYPT_MAX_KEY_NAME_LENGTH + 1];
  BYTE digest[MAX_HASH_BYTES];
  int length = LCMapStringW(LOCALE_INVARIANT, LCMAP_LOWERCASE, name, -1, lower, ARRAYSIZE(lower));
  Bytes text = {(BYTE *)lower, (DWORD)length * sizeof(WCHAR)};
  if (length == 0 || !hash_parts(BCRYPT_SHA256_ALGORITHM, NULL, &text, 1, digest)) return FALSE;
  for (DWORD i = 0; i < 16; i += 1) {
    unique[2 * i] = DIGITS[digest[i] >> 4];
    unique[2 * i + 1] = DIGITS[digest[i] & 15];
  }
  unique[32] = 0;
  return append(unique, capacity, L"_6b657963-6173-6b20-646f-75626c652e31");
}

SECURITY_STATUS place_of_key(const ProviderKind *kind, BOOL is_machine, const WCHAR *name,
                             KeyPlace *place) {
  SECURITY_STATUS status = folder_of_keys(kind, is_machine, place->path, ARRAYSIZE(place->path));
  if (status != ERROR_SUCCESS) return status;
  if (!unique_name_of(name, place->unique_name, ARRAYSIZE(place->unique_name))) return NTE_FAIL;
  if (!append(place->path, ARRAYSIZE(place->path), L"\\")) return NTE_FAIL;
  if (!append(place->path, ARRAYSIZE(place->path), place->unique_name)) return NTE_FAIL;
  wcscpy(place->mutex_name,
         is_machine ? L"keycask-ncrypt-double-machine-" : L"keycask-ncrypt-double-user-");
  wcscat(place->mutex_name, place->unique_name);
  return ERROR_SUCCESS;
}

HANDLE place_lock(const KeyPlace *place) {
  HANDLE mutex = CreateMutexW(NULL, FALSE, place->mutex_name);
  if (!mutex) return NULL;
  DWORD waited = WaitForSingleObject(mutex, LOCK_MS);
  /* Whoever died with it left a whole file, old or new. */
  if (waited == WAIT_OBJECT_0 || waited == WAIT_ABANDONED) return mutex;
  CloseHandle(mutex);
  return NULL;
}

void place_unlock(HANDLE mutex) {
  ReleaseMutex(mutex);
  CloseHandle(mutex);
}

BOOL place_is_taken(const KeyPlace *place) {
  return GetFileAttributesW(place->path) != INVALID_FILE_ATTRIBUTES;
}

SECURITY_STATUS read_key_file(const WCHAR *path, KeyFile *file) {
  Bytes encoded = {0};
  DWORD done = 0;
  HANDLE handle =
      CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                  OPEN_EXISTING, 0, NULL);
  memset(file, 0, sizeof(*file));
  if (handle == INVALID_HANDLE_VALUE) return status_of_error(GetLastError());
  DWORD size = GetFileSize(handle, NULL);
  SECURITY_STATUS status = NTE_FAIL;
  FILETIME modified = {0};
  GetFileTime(handle, NULL, NULL, &modified);
  if (size != INVALID_FILE_SIZE && bytes_reserve(&encoded, size) &&
      ReadFile(handle, encoded.data, size, &done, NULL) && done == size) {
    status = key_file_decode(&encoded, file);
    file->modified = modified;
  }
  CloseHandle(handle);
  bytes_free(&encoded);
  return status;
}

SECURITY_STATUS place_read(const KeyPlace *place, KeyFile *file) {
  return read_key_file(place->path, file);
}

static SECURITY_STATUS write_whole(const WCHAR *path, const Bytes *encoded) {
  DWORD done = 0;
  HANDLE handle =
      CreateFileW(path, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);
  if (handle == INVALID_HANDLE_VALUE) return status_of_error(GetLastError());
  BOOL written = WriteFile(handle, encoded->data, encoded->size, &done, NULL) &&
                 done == encoded->size && FlushFileBuffers(handle);
  DWORD error = GetLastError();
  CloseHandle(handle);
  return written ? ERROR_SUCCESS : status_of_error(error);
}

/**
 * Moves the finished file to its place; somebody who reads the old one may be in the way for a
 * moment.
 */
static SECURITY_STATUS move_into_place(const WCHAR *from, const WCHAR *to, BOOL may_replace) {
  SECURITY_STATUS status = ERROR_SUCCESS;
  for (int i = 0; i < TRIES; i += 1) {
    if (MoveFileExW(from, to, may_replace ? MOVEFILE_REPLACE_EXISTING : 0)) return ERROR_SUCCESS;
    status = status_of_error(GetLastError());
    if (status != NTE_PERM) return status;
    Sleep(WAIT_MS);
  }
  return status;
}

SECURITY_STATUS place_write(const KeyPlace *place, const KeyFile *file, BOOL may_replace) {
  WCHAR folder[ARRAYSIZE(place->path)], aside[ARRAYSIZE(place->path) + 8];
  Bytes encoded;
  if (has_setting(L"KEYCASK_DOUBLE_FAULT", L"disk-full")) return STATUS_STORAGE_FULL;
  wcscpy(folder, place->path);
  *wcsrchr(folder, L'\\') = 0;
  SECURITY_STATUS status = make_folders(folder);
  if (status != ERROR_SUCCESS) return status;
  /* The lock is held, so this name is ours; what a killed process left there is overwritten. */
  wcscpy(aside, place->path);
  wcscat(aside, L".new");
  if (!key_file_encode(file, &encoded)) return NTE_NO_MEMORY;
  status = write_whole(aside, &encoded);
  bytes_free(&encoded);
  if (status == ERROR_SUCCESS) status = move_into_place(aside, place->path, may_replace);
  if (status != ERROR_SUCCESS) DeleteFileW(aside);
  return status;
}

SECURITY_STATUS place_delete(const KeyPlace *place) {
  return DeleteFileW(place->path) ? ERROR_SUCCESS : status_of_error(GetLastError());
}
