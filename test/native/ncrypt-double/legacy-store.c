/*
 * CryptoAPI's containers, through advapi32. A key that may not be exported is read where Wine's
 * rsaenh keeps it.
 */
#include "double.h"

#define PROVIDER L"Microsoft Enhanced RSA and AES Cryptographic Provider"
#define WINE_CONTAINERS L"Software\\Wine\\Crypto\\RSA\\"

/** Without asking: nobody is here to answer. */
static DWORD container_flags(BOOL is_machine) {
  return CRYPT_SILENT | (is_machine ? CRYPT_MACHINE_KEYSET : 0);
}

static SECURITY_STATUS last_status(void) {
  DWORD error = GetLastError();
  if (error == ERROR_ACCESS_DENIED) return NTE_PERM;
  return error >> 16 == 0x8009 ? (SECURITY_STATUS)error : NTE_FAIL;
}

static SECURITY_STATUS acquire(const WCHAR *container, BOOL is_machine, DWORD flags,
                               HCRYPTPROV *provider) {
  if (CryptAcquireContextW(provider, container, PROVIDER, PROV_RSA_AES,
                           container_flags(is_machine) | flags))
    return ERROR_SUCCESS;
  return last_status();
}

static BOOL has_slot(HCRYPTPROV provider, DWORD legacy_spec) {
  HCRYPTKEY key;
  if (!CryptGetUserKey(provider, legacy_spec, &key)) return FALSE;
  CryptDestroyKey(key);
  return TRUE;
}

SECURITY_STATUS legacy_write(const WCHAR *container, BOOL is_machine, DWORD legacy_spec,
                             BOOL may_replace, BOOL is_exportable, const Bytes *material) {
  HCRYPTPROV provider;
  HCRYPTKEY key;
  Bytes blob;
  /* A key without a slot goes where keys for any purpose go. */
  DWORD slot = legacy_spec == 0 ? AT_KEYEXCHANGE : legacy_spec;
  SECURITY_STATUS status = capi_blob_export(material, TRUE, slot, &blob);
  if (status != ERROR_SUCCESS) return status;
  status = acquire(container, is_machine, CRYPT_NEWKEYSET, &provider);
  BOOL is_new = status == ERROR_SUCCESS;
  if (status == NTE_EXISTS) status = acquire(container, is_machine, 0, &provider);
  if (status == ERROR_SUCCESS) {
    if (!may_replace && has_slot(provider, slot)) {
      status = NTE_EXISTS;
    } else if (CryptImportKey(provider, blob.data, blob.size, 0,
                              is_exportable ? CRYPT_EXPORTABLE : 0, &key)) {
      CryptDestroyKey(key);
    } else {
      status = last_status();
    }
    CryptReleaseContext(provider, 0);
    if (status != ERROR_SUCCESS && is_new)
      acquire(container, is_machine, CRYPT_DELETEKEYSET, &provider);
  }
  bytes_free(&blob);
  return status;
}

static const WCHAR *slot_value(DWORD legacy_spec) {
  return legacy_spec == AT_SIGNATURE ? L"SignatureKeyPair" : L"KeyExchangeKeyPair";
}

static HKEY open_wine_container(const WCHAR *container, BOOL is_machine, REGSAM access) {
  WCHAR path[MAX_PATH + NCRYPT_MAX_KEY_NAME_LENGTH];
  HKEY key;
  wcscpy(path, WINE_CONTAINERS);
  wcscat(path, container);
  return RegOpenKeyExW(is_machine ? HKEY_LOCAL_MACHINE : HKEY_CURRENT_USER, path, 0, access, &key)
             ? NULL
             : key;
}

static SECURITY_STATUS read_wine_slot(const WCHAR *container, BOOL is_machine, DWORD legacy_spec,
                                      Bytes *blob) {
  DWORD size = 0;
  DATA_BLOB sealed = {0}, opened = {0};
  SECURITY_STATUS status = NTE_BAD_KEY_STATE;
  HKEY key = open_wine_container(container, is_machine, KEY_READ);
  if (!key) return status;
  if (!RegQueryValueExW(key, slot_value(legacy_spec), NULL, NULL, NULL, &size) &&
      (sealed.pbData = HeapAlloc(GetProcessHeap(), 0, size))) {
    sealed.cbData = size;
    if (!RegQueryValueExW(key, slot_value(legacy_spec), NULL, NULL, sealed.pbData, &size) &&
        CryptUnprotectData(&sealed, NULL, NULL, NULL, NULL,
                           is_machine ? CRYPTPROTECT_LOCAL_MACHINE : 0, &opened)) {
      status = bytes_copy(blob, opened.pbData, opened.cbData) ? ERROR_SUCCESS : NTE_NO_MEMORY;
      SecureZeroMemory(opened.pbData, opened.cbData);
      LocalFree(opened.pbData);
    }
    HeapFree(GetProcessHeap(), 0, sealed.pbData);
  }
  RegCloseKey(key);
  return status;
}

static BOOL export_slot(HCRYPTKEY key, Bytes *blob) {
  DWORD size;
  if (!CryptExportKey(key, 0, PRIVATEKEYBLOB, 0, NULL, &size) || !bytes_reserve(blob, size))
    return FALSE;
  if (CryptExportKey(key, 0, PRIVATEKEYBLOB, 0, blob->data, &size)) {
    blob->size = size;
    return TRUE;
  }
  bytes_free(blob);
  return FALSE;
}

SECURITY_STATUS legacy_read(const WCHAR *container, BOOL is_machine, DWORD *legacy_spec,
                            BOOL *is_exportable, Bytes *material) {
  HCRYPTPROV provider;
  HCRYPTKEY key;
  Bytes blob = {0};
  BOOL is_private;
  DWORD spec = *legacy_spec == 0 ? AT_KEYEXCHANGE : *legacy_spec;
  if (wcslen(container) >= MAX_PATH) return NTE_BAD_KEYSET;
  SECURITY_STATUS status = acquire(container, is_machine, 0, &provider);
  /* Whatever CryptoAPI has against the name: there is no such key. */
  if (status != ERROR_SUCCESS) return status == NTE_PERM ? NTE_PERM : NTE_BAD_KEYSET;
  BOOL found = CryptGetUserKey(provider, spec, &key);
  if (!found && *legacy_spec == 0) found = CryptGetUserKey(provider, spec = AT_SIGNATURE, &key);
  status = NTE_BAD_KEYSET;
  if (found) {
    *is_exportable = export_slot(key, &blob);
    status = *is_exportable ? ERROR_SUCCESS : read_wine_slot(container, is_machine, spec, &blob);
    CryptDestroyKey(key);
  }
  CryptReleaseContext(provider, 0);
  DWORD told;
  if (status == ERROR_SUCCESS)
    status = capi_blob_import(blob.data, blob.size, FALSE, material, &is_private, &told);
  bytes_free(&blob);
  *legacy_spec = spec;
  return status;
}

SECURITY_STATUS legacy_delete(const WCHAR *container, BOOL is_machine, DWORD legacy_spec) {
  HCRYPTPROV provider;
  SECURITY_STATUS status = acquire(container, is_machine, 0, &provider);
  if (status != ERROR_SUCCESS) return status;
  BOOL is_shared = has_slot(provider, legacy_spec == AT_SIGNATURE ? AT_KEYEXCHANGE : AT_SIGNATURE);
  CryptReleaseContext(provider, 0);
  if (!is_shared) return acquire(container, is_machine, CRYPT_DELETEKEYSET, &provider);
  /* CryptoAPI deletes whole containers; the other key stays. */
  HKEY key = open_wine_container(container, is_machine, KEY_SET_VALUE);
  if (!key) return NTE_NOT_SUPPORTED;
  LSTATUS deleted = RegDeleteValueW(key, slot_value(legacy_spec));
  RegCloseKey(key);
  return deleted == ERROR_SUCCESS ? ERROR_SUCCESS : NTE_FAIL;
}
