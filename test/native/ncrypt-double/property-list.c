/* Named values, in the order in which they were set. */
#include "double.h"

Property *property_find(Property *list, const WCHAR *name) {
  for (Property *property = list; property; property = property->next) {
    if (wcscmp(property->name, name) == 0) return property;
  }
  return NULL;
}

BOOL property_put(Property **list, const WCHAR *name, const void *value, DWORD size,
                  BOOL is_persisted) {
  Bytes copy;
  if (!bytes_copy(&copy, value, size)) return FALSE;
  Property *property = property_find(*list, name);
  if (!property) {
    property = HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, sizeof(*property));
    if (!property) {
      bytes_free(&copy);
      return FALSE;
    }
    memcpy(property->name, name, wcslen(name) * sizeof(WCHAR));
    Property **end = list;
    while (*end) end = &(*end)->next;
    *end = property;
  }
  bytes_free(&property->value);
  property->value = copy;
  property->is_persisted = is_persisted;
  return TRUE;
}

void property_remove(Property **list, const WCHAR *name) {
  for (Property **link = list; *link; link = &(*link)->next) {
    Property *property = *link;
    if (wcscmp(property->name, name) != 0) continue;
    *link = property->next;
    bytes_free(&property->value);
    HeapFree(GetProcessHeap(), 0, property);
    return;
  }
}

void property_list_free(Property **list) {
  while (*list) property_remove(list, (*list)->name);
}

BOOL property_list_copy(Property **copy, const Property *list) {
  for (; list; list = list->next) {
    if (!property_put(copy, list->name, list->value.data, list->value.size, list->is_persisted))
      return FALSE;
  }
  return TRUE;
}
