/* The process's side of the double: start, settings, and what only tests call. */
#include "double.h"

#define DOUBLE_VERSION 1

BOOL WINAPI DllMain(HINSTANCE instance, DWORD reason, LPVOID reserved) {
  (void)reserved;
  if (reason == DLL_PROCESS_ATTACH) {
    DisableThreadLibraryCalls(instance);
    handles_start();
  }
  return TRUE;
}

BOOL has_setting(const WCHAR *name, const WCHAR *value) {
  WCHAR found[32];
  DWORD length = GetEnvironmentVariableW(name, found, ARRAYSIZE(found));
  return length > 0 && length < ARRAYSIZE(found) && wcscmp(found, value) == 0;
}

/** How many providers, keys and secrets are open in this process. */
DWORD WINAPI KeycaskDoubleOpenHandles(void) { return handles_count(); }

/** By its being there a program knows that this is the double. */
DWORD WINAPI KeycaskDoubleVersion(void) { return DOUBLE_VERSION; }

/** Every entry that the double does not have: it says so and never ends the process. */
SECURITY_STATUS WINAPI not_supported(void) { return NTE_NOT_SUPPORTED; }
