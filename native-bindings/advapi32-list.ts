/** CryptoAPI's lists: containers and algorithms of a provider, providers of the machine. */
import type { Kernel32 } from './kernel32.ts';
import { PROV_ENUMALGS_EX } from './structs.ts';
import { CRYPT_FIRST, CRYPT_NEXT, PP_ENUMALGS_EX, PP_ENUMCONTAINERS } from './wincrypt.ts';
import { PARAMETER, type Handle, type WindowsDll } from './windows-dll.ts';
import { hasStatus, WINDOWS_STATUS } from './windows-status.ts';

/** An algorithm of a provider: PROV_ENUMALGS_EX (wincrypt.h). Lengths in bits. */
export interface ProviderAlgorithm {
  readonly algId: number;
  readonly defaultLength: number;
  readonly minLength: number;
  readonly maxLength: number;
  /** The provider's own name: `AES 256`. */
  readonly name: string;
}

export function declareCryptLists(dll: WindowsDll, kernel32: Kernel32) {
  const { BYTES, DWORD, HANDLE, INOUT_DWORD } = PARAMETER;
  const getParameters = [HANDLE, DWORD, BYTES, INOUT_DWORD, DWORD];
  const CryptGetProvParam = dll.win32('CryptGetProvParam', getParameters);
  const enumParameters = [DWORD, BYTES, DWORD, INOUT_DWORD, BYTES, INOUT_DWORD];
  const CryptEnumProvidersW = dll.win32('CryptEnumProvidersW', enumParameters);

  const Algorithm = dll.koffi.struct(PROV_ENUMALGS_EX);
  const offsetOf = (member: keyof typeof PROV_ENUMALGS_EX): number =>
    dll.koffi.offsetof(Algorithm, member);

  /** Every entry of a list that CryptGetProvParam gives one at a time. */
  function enumerate(provider: Handle, param: number): Uint8Array[] {
    const entries: Uint8Array[] = [];
    // Without a buffer it says how long the longest entry is.
    const longest: [number] = [0];
    try {
      CryptGetProvParam(provider, param, null, longest, CRYPT_FIRST);
      for (let flags = CRYPT_FIRST; ; flags = CRYPT_NEXT) {
        const entry = new Uint8Array(longest[0]);
        const length: [number] = [entry.length];
        CryptGetProvParam(provider, param, entry, length, flags);
        entries.push(entry.subarray(0, length[0]));
      }
    } catch (error) {
      if (!hasStatus(error, WINDOWS_STATUS.ERROR_NO_MORE_ITEMS)) throw error;
      return entries;
    }
  }

  function ansi(bytes: Uint8Array): string {
    const end = bytes.indexOf(0);
    return kernel32.decodeAnsi(end === -1 ? bytes : bytes.subarray(0, end));
  }

  return {
    /**
     * CryptGetProvParam PP_ENUMCONTAINERS (wincrypt.h): names of the containers of the account, or of the machine where the context was
     * acquired with CRYPT_MACHINE_KEYSET.
     *
     * CryptoAPI gives them in the ANSI code page: a character that it does not have is `?`, and that name opens nothing.
     *
     * @throws KeyStoreError HANDLE_INVALID (NTE_BAD_UID 0x80090001), PERMISSION_DENIED, NOT_SUPPORTED or PARAMETER_INVALID (NTE_BAD_TYPE
     *   0x8009000A) by a provider that has no such list.
     */
    enumContainers(provider: Handle): string[] {
      return enumerate(provider, PP_ENUMCONTAINERS).map((entry) => ansi(entry));
    },

    /** CryptGetProvParam PP_ENUMALGS_EX (wincrypt.h): what the provider can do. @throws KeyStoreError as `enumContainers`. */
    enumAlgorithms(provider: Handle): ProviderAlgorithm[] {
      return enumerate(provider, PP_ENUMALGS_EX).map((entry) => {
        const view = new DataView(entry.buffer, entry.byteOffset, entry.byteLength);
        return {
          algId: view.getUint32(offsetOf('aiAlgid'), true),
          defaultLength: view.getUint32(offsetOf('dwDefaultLen'), true),
          minLength: view.getUint32(offsetOf('dwMinLen'), true),
          maxLength: view.getUint32(offsetOf('dwMaxLen'), true),
          name: ansi(entry.subarray(offsetOf('szName'), offsetOf('dwLongNameLen'))),
        };
      });
    },

    /** CryptEnumProviders (wincrypt.h): the providers that are registered, in the order of the registry. */
    enumProviders(): { type: number; name: string }[] {
      const found: { type: number; name: string }[] = [];
      try {
        for (let index = 0; ; index++) {
          const [type, length] = [[0], [0]] as [[number], [number]];
          CryptEnumProvidersW(index, null, 0, type, null, length);
          const name = Buffer.alloc(length[0]);
          CryptEnumProvidersW(index, null, 0, type, name, length);
          // The length, in bytes, counts the terminating null.
          found.push({ type: type[0], name: name.toString('utf16le', 0, length[0] - 2) });
        }
      } catch (error) {
        if (!hasStatus(error, WINDOWS_STATUS.ERROR_NO_MORE_ITEMS)) throw error;
        return found;
      }
    },
  };
}
