/** CNG's key storage providers: opened, listed, asked what they have. */
import * as structs from './structs.ts';
import { PARAMETER, toHandle, type Handle, type WindowsDll } from './windows-dll.ts';
import { hasStatus, WINDOWS_STATUS } from './windows-status.ts';

/** A key as NCryptEnumKeys lists it: NCryptKeyName (ncrypt.h). */
export interface ListedKey {
  readonly name: string;
  /** `RSA`, `ECDSA_P256`, … */
  readonly algorithm: string;
  /** AT_KEYEXCHANGE or AT_SIGNATURE of a CryptoAPI container; 0 for none. */
  readonly legacyKeySpec: number;
  /** NCRYPT_MACHINE_KEY_FLAG or 0. */
  readonly flags: number;
}

export function declareNCryptProviders(dll: WindowsDll) {
  const { DWORD, HANDLE, INOUT_DWORD, OUT_HANDLE, OUT_POINTER, WIDE_STRING } = PARAMETER;
  const openParameters = [OUT_HANDLE, WIDE_STRING, DWORD];
  const NCryptOpenStorageProvider = dll.securityStatus('NCryptOpenStorageProvider', openParameters);
  const NCryptFreeObject = dll.securityStatus('NCryptFreeObject', [HANDLE]);
  const NCryptFreeBuffer = dll.securityStatus('NCryptFreeBuffer', [HANDLE]);
  const isParameters = [HANDLE, WIDE_STRING, DWORD];
  const NCryptIsAlgSupported = dll.securityStatus('NCryptIsAlgSupported', isParameters);
  const enumParameters = [HANDLE, WIDE_STRING, OUT_POINTER, '_Inout_ void **', DWORD];
  const NCryptEnumKeys = dll.securityStatus('NCryptEnumKeys', enumParameters);
  const listParameters = [INOUT_DWORD, OUT_POINTER, DWORD];
  const NCryptEnumStorageProviders = dll.securityStatus(
    'NCryptEnumStorageProviders',
    listParameters,
  );
  const KeyName = dll.koffi.struct(structs.NCryptKeyName);
  const ProviderName = dll.koffi.struct(structs.NCryptProviderName);

  return {
    /**
     * NCryptOpenStorageProvider (ncrypt.h).
     *
     * @param name - MS_KEY_STORAGE_PROVIDER and the like.
     * @returns A handle for `freeObject`.
     * @throws KeyStoreError PARAMETER_INVALID (NTE_INVALID_PARAMETER 0x80090027), FLAGS_INVALID (NTE_BAD_FLAGS), PROVIDER_UNAVAILABLE
     *   (NTE_DEVICE_NOT_READY 0x80090030), CONTAINER_NOT_FOUND (NTE_NOT_FOUND 0x80090011: no provider of that name).
     */
    openStorageProvider(name: string): Handle {
      const provider = [0n];
      NCryptOpenStorageProvider(provider, name, 0);
      return toHandle(provider[0]);
    },

    /** NCryptFreeObject (ncrypt.h): frees a provider, key or secret. No call may be running with it. @throws KeyStoreError HANDLE_INVALID (NTE_INVALID_HANDLE 0x80090026). */
    freeObject(handle: Handle): void {
      NCryptFreeObject(handle);
    },

    /** NCryptIsAlgSupported (ncrypt.h). @returns false for NTE_NOT_SUPPORTED. @throws KeyStoreError HANDLE_INVALID. */
    isAlgSupported(provider: Handle, algorithm: string): boolean {
      try {
        NCryptIsAlgSupported(provider, algorithm, 0);
        return true;
      } catch (error) {
        if (hasStatus(error, WINDOWS_STATUS.NTE_NOT_SUPPORTED)) return false;
        throw error;
      }
    },

    /**
     * NCryptEnumKeys (ncrypt.h): the keys of the account, or of the machine.
     *
     * @param flags - NCRYPT_MACHINE_KEY_FLAG, NCRYPT_SILENT_FLAG.
     * @throws KeyStoreError HANDLE_INVALID, FLAGS_INVALID, PASSWORD_REQUIRED (NTE_SILENT_CONTEXT).
     */
    enumKeys(provider: Handle, flags: number): ListedKey[] {
      const keys: ListedKey[] = [];
      const state: [bigint | null] = [null];
      try {
        for (;;) {
          const found: [bigint | null] = [null];
          NCryptEnumKeys(provider, null, found, state, flags);
          keys.push(takeKeyName(found[0]));
        }
      } catch (error) {
        if (!hasStatus(error, WINDOWS_STATUS.NTE_NO_MORE_ITEMS)) throw error;
        return keys;
      } finally {
        if (state[0]) NCryptFreeBuffer(state[0]);
      }
    },

    /** NCryptEnumStorageProviders (ncrypt.h): the providers that are registered. */
    enumStorageProviders(): { name: string; comment: string }[] {
      const [count, list] = [[0], [null]] as [[number], [bigint | null]];
      NCryptEnumStorageProviders(count, list, 0);
      try {
        return Array.from({ length: count[0] }, (_, index) => {
          const at = index * dll.koffi.sizeof(ProviderName);
          const entry: ProviderEntry = dll.koffi.decode(list[0], at, ProviderName);
          return { name: entry.pszName, comment: entry.pszComment ?? '' };
        });
      } finally {
        if (list[0]) NCryptFreeBuffer(list[0]);
      }
    },
  };

  /** Reads an entry that Windows allocated, and frees it. */
  function takeKeyName(pointer: bigint | null): ListedKey {
    try {
      const { pszName, pszAlgid, dwLegacyKeySpec, dwFlags }: KeyEntry = dll.koffi.decode(
        pointer,
        KeyName,
      );
      return { name: pszName, algorithm: pszAlgid, legacyKeySpec: dwLegacyKeySpec, flags: dwFlags };
    } finally {
      if (pointer) NCryptFreeBuffer(pointer);
    }
  }
}

interface KeyEntry {
  readonly pszName: string;
  readonly pszAlgid: string;
  readonly dwLegacyKeySpec: number;
  readonly dwFlags: number;
}

interface ProviderEntry {
  readonly pszName: string;
  readonly pszComment: string | null;
}
