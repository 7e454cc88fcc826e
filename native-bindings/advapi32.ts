/** advapi32.dll: CryptoAPI, and one call of the registry. */
import { declareCryptHashes } from './advapi32-hash.ts';
import { declareCryptKeys } from './advapi32-key.ts';
import { declareCryptLists } from './advapi32-list.ts';
import { declareCryptProviders } from './advapi32-provider.ts';
import { nativeError } from './check-win32.ts';
import { loadKernel32, type Kernel32 } from './kernel32.ts';
import { remember } from './remember.ts';
import { HKEY_CURRENT_USER, HKEY_LOCAL_MACHINE, RRF_RT_REG_SZ } from './system-constants.ts';
import { openDll, PARAMETER, type WindowsDll } from './windows-dll.ts';
import { WINDOWS_STATUS } from './windows-status.ts';

export type Advapi32 = ReturnType<typeof declareAdvapi32>;

/** The bindings of advapi32.dll, loaded once. @throws KeyStoreError PROVIDER_UNAVAILABLE, MODULE_MISSING: see `openDll`. */
export const loadAdvapi32: () => Promise<Advapi32> = remember(async () =>
  declareAdvapi32(await openDll('advapi32.dll'), await loadKernel32()),
);

function declareAdvapi32(dll: WindowsDll, kernel32: Kernel32) {
  return {
    ...declareCryptProviders(dll),
    ...declareCryptLists(dll, kernel32),
    ...declareCryptKeys(dll),
    ...declareCryptHashes(dll),
    ...declareRegistry(dll),
  };
}

function declareRegistry(dll: WindowsDll) {
  const { BYTES, DWORD, HANDLE, INOUT_DWORD, WIDE_STRING } = PARAMETER;
  const parameters = [HANDLE, WIDE_STRING, WIDE_STRING, DWORD, BYTES, BYTES, INOUT_DWORD];
  const RegGetValueW = dll.plain('RegGetValueW', DWORD, parameters);

  return {
    /**
     * RegGetValue (winreg.h): a REG_SZ, or undefined where there is no such key or value.
     *
     * @param key - Path below the root, with backslashes.
     * @param value - Name of the value; empty for the key's own.
     * @throws KeyStoreError PERMISSION_DENIED (ERROR_ACCESS_DENIED), IO_FAILED (ERROR_UNSUPPORTED_TYPE: not a string; ERROR_MORE_DATA:
     *   longer than 1 MiB).
     */
    regGetString(root: keyof typeof ROOTS, key: string, value: string): string | undefined {
      let size = 512;
      for (;;) {
        const buffer = Buffer.alloc(size);
        const length = [size];
        const args = [ROOTS[root], key, value, RRF_RT_REG_SZ, null, buffer, length];
        const status = Number(RegGetValueW(...args));
        // The length counts the terminating null.
        if (status === 0) return buffer.toString('utf16le', 0, Math.max(0, length[0]! - 2));
        if (status === WINDOWS_STATUS.ERROR_FILE_NOT_FOUND) return undefined;
        if (status !== WINDOWS_STATUS.ERROR_MORE_DATA || size >= MAX_VALUE)
          throw nativeError('RegGetValue', 'win32', status);
        size *= 4;
      }
    },
  };
}

/** A LONG that winreg.h widens to a pointer, with its sign. */
const ROOTS = {
  HKCU: BigInt.asUintN(64, BigInt(HKEY_CURRENT_USER | 0)),
  HKLM: BigInt.asUintN(64, BigInt(HKEY_LOCAL_MACHINE | 0)),
} as const;
/** The longest value that Microsoft advises to keep in the registry, in bytes. */
const MAX_VALUE = 1 << 20;
