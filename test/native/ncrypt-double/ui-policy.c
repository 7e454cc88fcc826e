/*
 * NCRYPT_UI_POLICY: kept without pointers as version, flags, and three strings, each with its
 * length in characters.
 */
#include "double.h"

#define ABSENT 0xffffffff
#define FLAGS (NCRYPT_UI_PROTECT_KEY_FLAG | NCRYPT_UI_FORCE_HIGH_PROTECTION_FLAG)

SECURITY_STATUS ui_policy_pack(const BYTE *input, DWORD size, Bytes *packed) {
  NCRYPT_UI_POLICY policy;
  if (size < sizeof(policy)) return NTE_INVALID_PARAMETER;
  memcpy(&policy, input, sizeof(policy));
  if (policy.dwVersion != 1 || (policy.dwFlags & ~(DWORD)FLAGS)) return NTE_INVALID_PARAMETER;
  const WCHAR *texts[] = {policy.pszCreationTitle, policy.pszFriendlyName, policy.pszDescription};
  DWORD total = 2 * sizeof(DWORD);
  for (int i = 0; i < 3; i += 1)
    total += sizeof(DWORD) + (texts[i] ? (DWORD)wcslen(texts[i]) * sizeof(WCHAR) : 0);
  if (!bytes_reserve(packed, total)) return NTE_NO_MEMORY;
  memcpy(packed->data, &policy, 2 * sizeof(DWORD));
  DWORD at = 2 * sizeof(DWORD);
  for (int i = 0; i < 3; i += 1) {
    DWORD length = texts[i] ? (DWORD)wcslen(texts[i]) : ABSENT;
    memcpy(packed->data + at, &length, sizeof(length));
    at += sizeof(length);
    if (!texts[i]) continue;
    memcpy(packed->data + at, texts[i], length * sizeof(WCHAR));
    at += length * sizeof(WCHAR);
  }
  return ERROR_SUCCESS;
}

/** The structure, then the strings that it points to, all in the caller's buffer. */
SECURITY_STATUS ui_policy_give(const Bytes *packed, BYTE *output, DWORD capacity, DWORD *result) {
  NCRYPT_UI_POLICY policy = {0};
  const WCHAR *texts[3] = {NULL, NULL, NULL};
  DWORD lengths[3], size = sizeof(policy), at = 2 * sizeof(DWORD);
  memcpy(&policy, packed->data, at);
  for (int i = 0; i < 3; i += 1) {
    memcpy(&lengths[i], packed->data + at, sizeof(DWORD));
    at += sizeof(DWORD);
    if (lengths[i] == ABSENT) continue;
    texts[i] = (const WCHAR *)(packed->data + at);
    at += lengths[i] * sizeof(WCHAR);
    size += (lengths[i] + 1) * sizeof(WCHAR);
  }
  if (!result) return NTE_INVALID_PARAMETER;
  *result = size;
  if (!output) return ERROR_SUCCESS;
  if (capacity < size) return NTE_BUFFER_TOO_SMALL;
  LPCWSTR *pointers[] = {&policy.pszCreationTitle, &policy.pszFriendlyName, &policy.pszDescription};
  BYTE *text = output + sizeof(policy);
  memset(output, 0, size);
  for (int i = 0; i < 3; i += 1) {
    if (!texts[i]) continue;
    memcpy(text, texts[i], lengths[i] * sizeof(WCHAR));
    *pointers[i] = (LPCWSTR)text;
    text += (lengths[i] + 1) * sizeof(WCHAR);
  }
  memcpy(output, &policy, sizeof(policy));
  return ERROR_SUCCESS;
}

BOOL ui_policy_asks(const Property *packed) {
  DWORD flags = 0;
  if (packed && packed->value.size >= 2 * sizeof(DWORD))
    memcpy(&flags, packed->value.data + sizeof(DWORD), sizeof(flags));
  return (flags & FLAGS) != 0;
}
