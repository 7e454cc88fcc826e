/* The key storage providers that can be opened, and their properties. */
#include "double.h"

static const ProviderKind SOFTWARE = {MS_KEY_STORAGE_PROVIDER,
                                      L"Test double of the software key storage provider", L"",
                                      NCRYPT_IMPL_SOFTWARE_FLAG};
static const ProviderKind PLATFORM = {MS_PLATFORM_KEY_STORAGE_PROVIDER,
                                      L"Test double of the platform crypto provider", L"platform",
                                      NCRYPT_IMPL_HARDWARE_FLAG};

/** The platform provider needs a TPM; KEYCASK_DOUBLE_TPM=1 plays that there is one. */
static BOOL has_platform(void) { return has_setting(L"KEYCASK_DOUBLE_TPM", L"1"); }

static void destroy_provider(Object *object) { HeapFree(GetProcessHeap(), 0, object); }

SECURITY_STATUS provider_open(const ProviderKind *kind, NCRYPT_HANDLE *handle) {
  Provider *provider = HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, sizeof(*provider));
  if (!provider) return NTE_NO_MEMORY;
  provider->object = (Object){PROVIDER_OBJECT, 1, destroy_provider};
  provider->kind = kind;
  return handle_open(&provider->object, handle);
}

SECURITY_STATUS WINAPI NCryptOpenStorageProvider(NCRYPT_PROV_HANDLE *handle, LPCWSTR name,
                                                 DWORD flags) {
  if (!handle) return NTE_INVALID_PARAMETER;
  *handle = 0;
  if (flags & ~(DWORD)NCRYPT_SILENT_FLAG) return NTE_BAD_FLAGS;
  if (!name || wcscmp(name, SOFTWARE.name) == 0) return provider_open(&SOFTWARE, handle);
  if (wcscmp(name, PLATFORM.name) != 0) return NTE_PROV_DLL_NOT_FOUND;
  return has_platform() ? provider_open(&PLATFORM, handle) : NTE_DEVICE_NOT_READY;
}

SECURITY_STATUS WINAPI NCryptEnumStorageProviders(DWORD *count, NCryptProviderName **list,
                                                  DWORD flags) {
  if (!count || !list) return NTE_INVALID_PARAMETER;
  if (flags & ~(DWORD)NCRYPT_SILENT_FLAG) return NTE_BAD_FLAGS;
  const ProviderKind *kinds[] = {&SOFTWARE, &PLATFORM};
  DWORD found = has_platform() ? 2 : 1;
  NCryptProviderName *names = buffer_allocate(sizeof(*names) * found);
  if (!names) return NTE_NO_MEMORY;
  for (DWORD i = 0; i < found; i += 1) {
    names[i].pszName = (LPWSTR)kinds[i]->name;
    names[i].pszComment = (LPWSTR)kinds[i]->comment;
  }
  *count = found;
  *list = names;
  return ERROR_SUCCESS;
}

SECURITY_STATUS provider_property(const Provider *provider, const WCHAR *name, Bytes *value) {
  const ProviderKind *kind = provider->kind;
  DWORD number;
  if (wcscmp(name, NCRYPT_NAME_PROPERTY) == 0) {
    DWORD size = (DWORD)(wcslen(kind->name) + 1) * sizeof(WCHAR);
    return bytes_copy(value, kind->name, size) ? ERROR_SUCCESS : NTE_NO_MEMORY;
  }
  if (wcscmp(name, NCRYPT_IMPL_TYPE_PROPERTY) == 0) {
    number = kind->implementation | (is_vbs_available() ? NCRYPT_IMPL_VIRTUAL_ISOLATION_FLAG : 0);
  } else if (wcscmp(name, NCRYPT_VERSION_PROPERTY) == 0) {
    number = 0x00010000;
  } else if (wcscmp(name, NCRYPT_MAX_NAME_LENGTH_PROPERTY) == 0) {
    number = NCRYPT_MAX_KEY_NAME_LENGTH;
  } else if (wcscmp(name, NCRYPT_SECURITY_DESCR_SUPPORT_PROPERTY) == 0) {
    number = 1;
  } else {
    return NTE_NOT_SUPPORTED;
  }
  return bytes_copy(value, &number, sizeof(number)) ? ERROR_SUCCESS : NTE_NO_MEMORY;
}
