/** Properties of CNG's providers and keys. */
import { NCRYPT_UI_POLICY_PROPERTY } from './ncrypt-constants.ts';
import { readSized } from './sized-output.ts';
import * as structs from './structs.ts';
import { PARAMETER, type Handle, type WindowsDll } from './windows-dll.ts';

/** NCRYPT_UI_POLICY (ncrypt.h). */
export interface UiPolicy {
  /** NCRYPT_UI_PROTECT_KEY_FLAG, NCRYPT_UI_FORCE_HIGH_PROTECTION_FLAG. */
  readonly flags: number;
  readonly creationTitle: string | null;
  readonly friendlyName: string | null;
  readonly description: string | null;
}

export function declareNCryptProperties(dll: WindowsDll) {
  const { BYTES, DWORD, HANDLE, INOUT_DWORD, WIDE_STRING } = PARAMETER;
  const getParameters = [HANDLE, WIDE_STRING, BYTES, DWORD, INOUT_DWORD, DWORD];
  const NCryptGetProperty = dll.securityStatus('NCryptGetProperty', getParameters);
  const setParameters = [HANDLE, WIDE_STRING, BYTES, DWORD, DWORD];
  const NCryptSetProperty = dll.securityStatus('NCryptSetProperty', setParameters);
  const UiPolicyStruct = dll.koffi.struct(structs.NCRYPT_UI_POLICY);
  const UiPolicyPointer = dll.koffi.pointer(UiPolicyStruct);

  return {
    /**
     * NCryptGetProperty (ncrypt.h), of a provider or key. Not for properties whose bytes hold addresses: see `getUiPolicy`.
     *
     * @param name - NCRYPT_LENGTH_PROPERTY and the like, or the name of a custom property.
     * @returns A fresh array; numbers are little-endian, strings UTF-16LE with a null.
     * @throws KeyStoreError CONTAINER_NOT_FOUND (NTE_NOT_FOUND 0x80090011: no such property), NOT_SUPPORTED, HANDLE_INVALID, FLAGS_INVALID,
     *   PARAMETER_INVALID.
     */
    getProperty(handle: Handle, name: string, flags = 0): Uint8Array {
      return readSized((buffer, length) =>
        NCryptGetProperty(handle, name, buffer, buffer?.length ?? 0, length, flags),
      );
    },

    /**
     * NCryptSetProperty (ncrypt.h).
     *
     * @param flags - NCRYPT_PERSIST_FLAG, NCRYPT_PERSIST_ONLY_FLAG, NCRYPT_SILENT_FLAG.
     * @throws KeyStoreError NOT_SUPPORTED (NTE_NOT_SUPPORTED 0x80090029), PARAMETER_INVALID (NTE_INVALID_PARAMETER), FLAGS_INVALID,
     *   HANDLE_INVALID, PERMISSION_DENIED (NTE_PERM: cannot be changed any more).
     */
    setProperty(handle: Handle, name: string, value: Uint8Array, flags: number): void {
      NCryptSetProperty(handle, name, value, value.length, flags);
    },

    /** NCRYPT_UI_POLICY_PROPERTY (ncrypt.h), its strings read before the structure that points at them is gone. @throws KeyStoreError as `getProperty`. */
    getUiPolicy(key: Handle): UiPolicy {
      const length = [0];
      NCryptGetProperty(key, NCRYPT_UI_POLICY_PROPERTY, null, 0, length, 0);
      const buffer = new Uint8Array(Math.max(length[0]!, dll.koffi.sizeof(UiPolicyStruct)));
      NCryptGetProperty(key, NCRYPT_UI_POLICY_PROPERTY, buffer, buffer.length, length, 0);
      const policy: UiPolicyEntry = dll.koffi.decode(buffer, UiPolicyStruct);
      return {
        flags: policy.dwFlags,
        creationTitle: policy.pszCreationTitle,
        friendlyName: policy.pszFriendlyName,
        description: policy.pszDescription,
      };
    },

    /** NCRYPT_UI_POLICY_PROPERTY (ncrypt.h), before the key is finalized. @throws KeyStoreError as `setProperty`. */
    setUiPolicy(key: Handle, policy: UiPolicy): void {
      const value: UiPolicyEntry = {
        dwVersion: UI_POLICY_VERSION,
        dwFlags: policy.flags,
        pszCreationTitle: policy.creationTitle,
        pszFriendlyName: policy.friendlyName,
        pszDescription: policy.description,
      };
      const pointer = dll.koffi.as(value, UiPolicyPointer);
      const size = dll.koffi.sizeof(UiPolicyStruct);
      NCryptSetProperty(key, NCRYPT_UI_POLICY_PROPERTY, pointer, size, 0);
    },
  };
}

interface UiPolicyEntry {
  readonly dwVersion: number;
  readonly dwFlags: number;
  readonly pszCreationTitle: string | null;
  readonly pszFriendlyName: string | null;
  readonly pszDescription: string | null;
}

/** ncrypt.h, NCRYPT_UI_POLICY: dwVersion is reserved and must be 1. */
const UI_POLICY_VERSION = 1;
