/* Bytes that are wiped when freed, the protocol of two calls, and buffers that callers free. */
#include "double.h"

typedef struct Buffer {
  struct Buffer *next;
  SIZE_T size;
  BYTE data[];
} Buffer;

static SRWLOCK buffers_lock = SRWLOCK_INIT;
static Buffer *buffers;

BOOL bytes_reserve(Bytes *bytes, DWORD size) {
  bytes->data = HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, size > 0 ? size : 1);
  bytes->size = bytes->data ? size : 0;
  return bytes->data != NULL;
}

BOOL bytes_copy(Bytes *bytes, const void *data, DWORD size) {
  if (!bytes_reserve(bytes, size)) return FALSE;
  if (size > 0) memcpy(bytes->data, data, size);
  return TRUE;
}

void bytes_free(Bytes *bytes) {
  if (!bytes->data) return;
  SecureZeroMemory(bytes->data, bytes->size);
  HeapFree(GetProcessHeap(), 0, bytes->data);
  bytes->data = NULL;
  bytes->size = 0;
}

WCHAR *text_copy(const WCHAR *text) {
  SIZE_T size = (wcslen(text) + 1) * sizeof(WCHAR);
  WCHAR *copy = HeapAlloc(GetProcessHeap(), 0, size);
  if (copy) memcpy(copy, text, size);
  return copy;
}

SECURITY_STATUS give_bytes(const void *data, DWORD size, BYTE *output, DWORD capacity,
                           DWORD *result) {
  if (!result) return NTE_INVALID_PARAMETER;
  *result = size;
  if (!output) return ERROR_SUCCESS;
  if (capacity < size) return NTE_BUFFER_TOO_SMALL;
  /* The same buffer may be input and output. */
  if (size > 0) memmove(output, data, size);
  return ERROR_SUCCESS;
}

void *buffer_allocate(SIZE_T size) {
  Buffer *buffer = HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, sizeof(Buffer) + size);
  if (!buffer) return NULL;
  buffer->size = size;
  AcquireSRWLockExclusive(&buffers_lock);
  buffer->next = buffers;
  buffers = buffer;
  ReleaseSRWLockExclusive(&buffers_lock);
  return buffer->data;
}

BOOL buffer_is_ours(const void *pointer) {
  AcquireSRWLockShared(&buffers_lock);
  const Buffer *buffer = buffers;
  while (buffer && buffer->data != pointer) buffer = buffer->next;
  ReleaseSRWLockShared(&buffers_lock);
  return buffer != NULL;
}

SECURITY_STATUS WINAPI NCryptFreeBuffer(PVOID pointer) {
  SECURITY_STATUS status = NTE_INVALID_PARAMETER;
  AcquireSRWLockExclusive(&buffers_lock);
  for (Buffer **link = &buffers; *link; link = &(*link)->next) {
    Buffer *buffer = *link;
    if (buffer->data != pointer) continue;
    *link = buffer->next;
    SecureZeroMemory(buffer->data, buffer->size);
    HeapFree(GetProcessHeap(), 0, buffer);
    status = ERROR_SUCCESS;
    break;
  }
  ReleaseSRWLockExclusive(&buffers_lock);
  return status;
}

/** How many buffers wait for NCryptFreeBuffer. */
DWORD WINAPI KeycaskDoubleOpenBuffers(void) {
  DWORD count = 0;
  AcquireSRWLockShared(&buffers_lock);
  for (const Buffer *buffer = buffers; buffer; buffer = buffer->next) count += 1;
  ReleaseSRWLockShared(&buffers_lock);
  return count;
}
