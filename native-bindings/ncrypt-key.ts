/** CNG's persisted keys: made, opened, deleted, exported, imported. */
import { declareCngParameters, wideString } from './cng-parameters.ts';
import { NCRYPTBUFFER_PKCS_KEY_NAME } from './ncrypt-constants.ts';
import { readSized } from './sized-output.ts';
import { PARAMETER, toHandle, type Handle, type WindowsDll } from './windows-dll.ts';

/** What NCryptCreatePersistedKey is told beside the algorithm. */
export interface KeyToCreate {
  /** null: ephemeral. */
  readonly name: string | null;
  /** AT_KEYEXCHANGE or AT_SIGNATURE; 0 for a key that is CNG's alone. */
  readonly legacyKeySpec?: number;
  /** NCRYPT_MACHINE_KEY_FLAG, NCRYPT_OVERWRITE_KEY_FLAG, NCRYPT_REQUIRE_VBS_FLAG, … */
  readonly flags?: number;
}

export function declareNCryptKeys(dll: WindowsDll) {
  const { BYTES, DWORD, HANDLE, INOUT_DWORD, OUT_HANDLE, WIDE_STRING } = PARAMETER;
  const createParameters = [HANDLE, OUT_HANDLE, WIDE_STRING, WIDE_STRING, DWORD, DWORD];
  const NCryptCreatePersistedKey = dll.securityStatus('NCryptCreatePersistedKey', createParameters);
  const openParameters = [HANDLE, OUT_HANDLE, WIDE_STRING, DWORD, DWORD];
  const NCryptOpenKey = dll.securityStatus('NCryptOpenKey', openParameters);
  const NCryptFinalizeKey = dll.securityStatus('NCryptFinalizeKey', [HANDLE, DWORD]);
  const NCryptDeleteKey = dll.securityStatus('NCryptDeleteKey', [HANDLE, DWORD]);
  const exportParameters = [HANDLE, HANDLE, WIDE_STRING, BYTES, BYTES, DWORD, INOUT_DWORD, DWORD];
  const NCryptExportKey = dll.securityStatus('NCryptExportKey', exportParameters);
  const importParameters = [HANDLE, HANDLE, WIDE_STRING, BYTES, OUT_HANDLE, BYTES, DWORD, DWORD];
  const NCryptImportKey = dll.securityStatus('NCryptImportKey', importParameters);
  const parameters = declareCngParameters(dll.koffi);

  return {
    /**
     * NCryptCreatePersistedKey (ncrypt.h): begins a key, which `finalizeKey` ends.
     *
     * @returns A handle for `freeObject` or `deleteKey`.
     * @throws KeyStoreError CONTAINER_EXISTS (NTE_EXISTS 0x8009000F), NOT_SUPPORTED (NTE_NOT_SUPPORTED 0x80090029: the algorithm),
     *   FLAGS_INVALID (NTE_BAD_FLAGS 0x80090009), PARAMETER_INVALID (NTE_INVALID_PARAMETER 0x80090027), VBS_UNAVAILABLE (NTE_VBS_UNAVAILABLE
     *   0x80090045), HANDLE_INVALID, PERMISSION_DENIED.
     */
    createPersistedKey(provider: Handle, algorithm: string, key: KeyToCreate): Handle {
      const { name, legacyKeySpec = 0, flags = 0 } = key;
      const handle = [0n];
      NCryptCreatePersistedKey(provider, handle, algorithm, name, legacyKeySpec, flags);
      return toHandle(handle[0]);
    },

    /**
     * NCryptOpenKey (ncrypt.h): also a key pair of a CryptoAPI container of that name.
     *
     * @returns A handle for `freeObject` or `deleteKey`.
     * @throws KeyStoreError CONTAINER_NOT_FOUND (NTE_BAD_KEYSET 0x80090016), FLAGS_INVALID, HANDLE_INVALID, PERMISSION_DENIED, PASSWORD_REQUIRED
     *   (NTE_SILENT_CONTEXT 0x80090022), PARAMETER_INVALID.
     */
    openKey(provider: Handle, name: string, legacyKeySpec: number, flags: number): Handle {
      const handle = [0n];
      NCryptOpenKey(provider, handle, name, legacyKeySpec, flags);
      return toHandle(handle[0]);
    },

    /**
     * NCryptFinalizeKey (ncrypt.h): generates the key and, where it has a name, keeps it.
     *
     * @param flags - NCRYPT_WRITE_KEY_TO_LEGACY_STORE_FLAG, NCRYPT_SILENT_FLAG.
     * @throws KeyStoreError HANDLE_INVALID (NTE_INVALID_HANDLE: finalized before), FLAGS_INVALID, NOT_SUPPORTED, CONTAINER_EXISTS,
     *   PASSWORD_REQUIRED, VBS_UNAVAILABLE, CANCELLED, STORAGE_FULL.
     */
    finalizeKey(key: Handle, flags: number): Promise<void> {
      return NCryptFinalizeKey.async(key, flags);
    },

    /** NCryptDeleteKey (ncrypt.h): deletes the key where it is kept and, unless it throws, frees the handle. @throws KeyStoreError HANDLE_INVALID, FLAGS_INVALID, PERMISSION_DENIED (NTE_PERM). */
    deleteKey(key: Handle, flags: number): void {
      NCryptDeleteKey(key, flags);
    },

    /**
     * NCryptExportKey (ncrypt.h), not wrapped under another key.
     *
     * @param blobType - BCRYPT_RSAPUBLIC_BLOB, BCRYPT_RSAFULLPRIVATE_BLOB, NCRYPT_PKCS8_PRIVATE_KEY_BLOB, …
     * @param flags - NCRYPT_SILENT_FLAG.
     * @returns A fresh array; the caller wipes it where it holds the private half.
     * @throws KeyStoreError NOT_SUPPORTED (NTE_NOT_SUPPORTED 0x80090029: also what the export policy forbids), EXPORT_FORBIDDEN
     *   (NTE_BAD_KEY_STATE 0x8009000B), PERMISSION_DENIED (NTE_PERM), PARAMETER_INVALID (NTE_BAD_TYPE), HANDLE_INVALID, FLAGS_INVALID.
     */
    exportKey(key: Handle, blobType: string, flags = 0): Uint8Array {
      return readSized((buffer, length) =>
        NCryptExportKey(key, 0n, blobType, null, buffer, buffer?.length ?? 0, length, flags),
      );
    },

    /**
     * NCryptImportKey (ncrypt.h), of a blob that is not wrapped.
     *
     * @param options - `keyName` keeps the key under that name (NCRYPTBUFFER_PKCS_KEY_NAME); flags NCRYPT_MACHINE_KEY_FLAG,
     *   NCRYPT_OVERWRITE_KEY_FLAG, NCRYPT_DO_NOT_FINALIZE_FLAG, NCRYPT_SILENT_FLAG.
     * @returns A handle for `freeObject` or `deleteKey`.
     * @throws KeyStoreError CONTAINER_EXISTS (NTE_EXISTS), BLOB_MALFORMED (NTE_BAD_DATA 0x80090005), NOT_SUPPORTED, PARAMETER_INVALID,
     *   FLAGS_INVALID, HANDLE_INVALID, VBS_UNAVAILABLE.
     */
    importKey(
      provider: Handle,
      blobType: string,
      blob: Uint8Array,
      options: { readonly keyName?: string; readonly flags?: number } = {},
    ): Handle {
      const { keyName, flags = 0 } = options;
      const name = keyName === undefined ? undefined : wideString(keyName);
      const list = name && parameters.bufferList([[NCRYPTBUFFER_PKCS_KEY_NAME, name]]);
      const key = [0n];
      NCryptImportKey(provider, 0n, blobType, list ?? null, key, blob, blob.length, flags);
      return toHandle(key[0]);
    },
  };
}
