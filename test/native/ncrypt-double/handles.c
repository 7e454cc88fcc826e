/* The table of handles: a freed or made-up handle is refused and never followed. */
#include "double.h"

#define MAX_HANDLES 65536
/* Above 32 bits, so that a handle that was cut to a DWORD is noticed. */
#define HANDLE_MARK ((NCRYPT_HANDLE)0x6b63 << 48)

typedef struct Slot {
  Object *object;
  DWORD generation;
} Slot;

static CRITICAL_SECTION table_lock;
static Slot table[MAX_HANDLES];
static DWORD slots_used;
static DWORD open_count;

void handles_start(void) { InitializeCriticalSection(&table_lock); }

/** mark (16 bits), generation (24), index and 4 low zero bits, as real handles are aligned. */
static NCRYPT_HANDLE handle_of(DWORD index) {
  return HANDLE_MARK | ((NCRYPT_HANDLE)(table[index].generation & 0xffffff) << 24) |
         ((NCRYPT_HANDLE)index << 4);
}

static Slot *slot_of(NCRYPT_HANDLE handle) {
  DWORD index = (DWORD)(handle >> 4) & (MAX_HANDLES - 1);
  if (!table[index].object || handle_of(index) != handle) return NULL;
  return &table[index];
}

SECURITY_STATUS handle_open(Object *object, NCRYPT_HANDLE *handle) {
  SECURITY_STATUS status = NTE_NO_MEMORY;
  EnterCriticalSection(&table_lock);
  for (DWORD step = 0; step < MAX_HANDLES; step += 1) {
    DWORD index = slots_used < MAX_HANDLES ? slots_used : step;
    if (table[index].object) continue;
    if (slots_used < MAX_HANDLES) slots_used += 1;
    table[index].object = object;
    table[index].generation += 1;
    open_count += 1;
    *handle = handle_of(index);
    status = ERROR_SUCCESS;
    break;
  }
  LeaveCriticalSection(&table_lock);
  if (status != ERROR_SUCCESS) object_release(object);
  return status;
}

Object *handle_acquire(NCRYPT_HANDLE handle, ObjectKind kinds) {
  EnterCriticalSection(&table_lock);
  Slot *slot = slot_of(handle);
  Object *object = slot && (slot->object->kind & kinds) ? slot->object : NULL;
  if (object) InterlockedIncrement(&object->references);
  LeaveCriticalSection(&table_lock);
  return object;
}

BOOL handle_close(NCRYPT_HANDLE handle, ObjectKind kinds) {
  EnterCriticalSection(&table_lock);
  Slot *slot = slot_of(handle);
  Object *object = slot && (slot->object->kind & kinds) ? slot->object : NULL;
  if (object) {
    slot->object = NULL;
    open_count -= 1;
  }
  LeaveCriticalSection(&table_lock);
  if (object) object_release(object);
  return object != NULL;
}

void object_release(Object *object) {
  if (InterlockedDecrement(&object->references) == 0) object->destroy(object);
}

DWORD handles_count(void) {
  EnterCriticalSection(&table_lock);
  DWORD count = open_count;
  LeaveCriticalSection(&table_lock);
  return count;
}

SECURITY_STATUS WINAPI NCryptFreeObject(NCRYPT_HANDLE handle) {
  return handle_close(handle, ANY_OBJECT) ? ERROR_SUCCESS : NTE_INVALID_HANDLE;
}

BOOL WINAPI NCryptIsKeyHandle(NCRYPT_KEY_HANDLE handle) {
  Object *object = handle_acquire(handle, KEY_OBJECT);
  if (object) object_release(object);
  return object != NULL;
}
