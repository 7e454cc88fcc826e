/*
 * A key as a file: "KCD1", fields, properties, and the SHA-256 of it all. The private key in it is
 * not protected.
 *
 *     magic(4) id(16) legacySpec(4) flags(4) boot(4)
 *     algorithm(bytes) name(bytes) material(bytes)
 *     count(4) { name(bytes) value(bytes) } ...
 *     sha256(32)
 *
 * bytes is length(4), then that many; numbers are little-endian, text is UTF-16LE.
 */
#include "double.h"

#define MAGIC 0x3144434b
#define DIGEST 32

typedef struct Cursor {
  BYTE *data;
  DWORD size;
  DWORD at;
  BOOL is_broken;
} Cursor;

/** Without data it only counts. */
static void put(Cursor *cursor, const void *data, DWORD size) {
  if (cursor->data && size > 0) memcpy(cursor->data + cursor->at, data, size);
  cursor->at += size;
}

static void put_number(Cursor *cursor, DWORD number) { put(cursor, &number, sizeof(number)); }

static void put_bytes(Cursor *cursor, const void *data, DWORD size) {
  put_number(cursor, size);
  put(cursor, data, size);
}

static void put_text(Cursor *cursor, const WCHAR *text) {
  put_bytes(cursor, text, (DWORD)wcslen(text) * sizeof(WCHAR));
}

static void put_file(Cursor *cursor, const KeyFile *file) {
  DWORD count = 0;
  put_number(cursor, MAGIC);
  put(cursor, file->id, KEY_ID_SIZE);
  put_number(cursor, file->legacy_spec);
  put_number(cursor, file->flags);
  put_number(cursor, file->boot);
  put_text(cursor, file->algorithm->name);
  put_text(cursor, file->name);
  put_bytes(cursor, file->material.data, file->material.size);
  for (const Property *property = file->properties; property; property = property->next) count += 1;
  put_number(cursor, count);
  for (const Property *property = file->properties; property; property = property->next) {
    put_text(cursor, property->name);
    put_bytes(cursor, property->value.data, property->value.size);
  }
}

BOOL key_file_encode(const KeyFile *file, Bytes *encoded) {
  Cursor cursor = {0};
  put_file(&cursor, file);
  if (!bytes_reserve(encoded, cursor.at + DIGEST)) return FALSE;
  cursor = (Cursor){encoded->data, encoded->size, 0, FALSE};
  put_file(&cursor, file);
  Bytes body = {encoded->data, cursor.at};
  if (hash_parts(BCRYPT_SHA256_ALGORITHM, NULL, &body, 1, encoded->data + cursor.at)) return TRUE;
  bytes_free(encoded);
  return FALSE;
}

static const BYTE *get(Cursor *cursor, DWORD size) {
  if (cursor->is_broken || size > cursor->size - cursor->at) {
    cursor->is_broken = TRUE;
    return NULL;
  }
  cursor->at += size;
  return cursor->data + cursor->at - size;
}

static DWORD get_number(Cursor *cursor) {
  DWORD number = 0;
  const BYTE *data = get(cursor, sizeof(number));
  if (data) memcpy(&number, data, sizeof(number));
  return number;
}

static Bytes get_bytes(Cursor *cursor) {
  DWORD size = get_number(cursor);
  const BYTE *data = get(cursor, size);
  return (Bytes){(BYTE *)data, data ? size : 0};
}

static BOOL get_text(Cursor *cursor, WCHAR *text, DWORD capacity) {
  Bytes bytes = get_bytes(cursor);
  if (!bytes.data || bytes.size % sizeof(WCHAR) != 0 || bytes.size / sizeof(WCHAR) >= capacity)
    return FALSE;
  memcpy(text, bytes.data, bytes.size);
  text[bytes.size / sizeof(WCHAR)] = 0;
  return TRUE;
}

static BOOL get_file(Cursor *cursor, KeyFile *file) {
  WCHAR text[NCRYPT_MAX_KEY_NAME_LENGTH + 1];
  if (get_number(cursor) != MAGIC) return FALSE;
  const BYTE *id = get(cursor, KEY_ID_SIZE);
  if (!id) return FALSE;
  memcpy(file->id, id, KEY_ID_SIZE);
  file->legacy_spec = get_number(cursor);
  file->flags = get_number(cursor);
  file->boot = get_number(cursor);
  if (!get_text(cursor, text, ARRAYSIZE(text)) || !(file->algorithm = algorithm_named(text)))
    return FALSE;
  if (!get_text(cursor, text, ARRAYSIZE(text)) || !(file->name = text_copy(text))) return FALSE;
  Bytes material = get_bytes(cursor);
  if (!material.data || !bytes_copy(&file->material, material.data, material.size)) return FALSE;
  for (DWORD count = get_number(cursor); count > 0; count -= 1) {
    if (!get_text(cursor, text, NCRYPT_MAX_PROPERTY_NAME + 1)) return FALSE;
    Bytes value = get_bytes(cursor);
    if (!value.data || !property_put(&file->properties, text, value.data, value.size, TRUE))
      return FALSE;
  }
  return !cursor->is_broken && cursor->at == cursor->size;
}

SECURITY_STATUS key_file_decode(const Bytes *encoded, KeyFile *file) {
  BYTE digest[MAX_HASH_BYTES];
  memset(file, 0, sizeof(*file));
  if (encoded->size < DIGEST) return NTE_KEYSET_ENTRY_BAD;
  Bytes body = {encoded->data, encoded->size - DIGEST};
  if (!hash_parts(BCRYPT_SHA256_ALGORITHM, NULL, &body, 1, digest)) return NTE_INTERNAL_ERROR;
  if (memcmp(digest, encoded->data + body.size, DIGEST) != 0) return NTE_KEYSET_ENTRY_BAD;
  Cursor cursor = {body.data, body.size, 0, FALSE};
  if (get_file(&cursor, file)) return ERROR_SUCCESS;
  key_file_free(file);
  return NTE_KEYSET_ENTRY_BAD;
}

void key_file_free(KeyFile *file) {
  if (file->name) HeapFree(GetProcessHeap(), 0, file->name);
  file->name = NULL;
  bytes_free(&file->material);
  property_list_free(&file->properties);
}
