/** CryptoAPI's providers: contexts of key containers, their parameters, random bytes. */
import { readSized } from './sized-output.ts';
import { PARAMETER, toHandle, type Handle, type WindowsDll } from './windows-dll.ts';

export function declareCryptProviders(dll: WindowsDll) {
  const { BYTES, DWORD, HANDLE, INOUT_DWORD, OUT_HANDLE, WIDE_STRING } = PARAMETER;
  const acquireParameters = [OUT_HANDLE, WIDE_STRING, WIDE_STRING, DWORD, DWORD];
  const CryptAcquireContextW = dll.win32('CryptAcquireContextW', acquireParameters);
  const CryptReleaseContext = dll.win32('CryptReleaseContext', [HANDLE, DWORD]);
  const getParameters = [HANDLE, DWORD, BYTES, INOUT_DWORD, DWORD];
  const CryptGetProvParam = dll.win32('CryptGetProvParam', getParameters);
  const CryptGenRandom = dll.win32('CryptGenRandom', [HANDLE, DWORD, BYTES]);

  return {
    /**
     * CryptAcquireContextW (wincrypt.h): opens, makes or deletes a key container.
     *
     * @param container - null for none (CRYPT_VERIFYCONTEXT) or the account's default.
     * @param provider - null for the default provider of the type.
     * @param type - {@link PROV_RSA_AES} and the like.
     * @param flags - CRYPT_NEWKEYSET, CRYPT_DELETEKEYSET, CRYPT_MACHINE_KEYSET, CRYPT_SILENT, CRYPT_VERIFYCONTEXT.
     * @returns A handle for `cryptReleaseContext`; nothing usable with CRYPT_DELETEKEYSET.
     * @throws KeyStoreError CONTAINER_NOT_FOUND (NTE_BAD_KEYSET 0x80090016; also where it may not be opened), CONTAINER_EXISTS (NTE_EXISTS
     *   0x8009000F), FLAGS_INVALID (NTE_BAD_FLAGS 0x80090009), PERMISSION_DENIED, PROVIDER_UNAVAILABLE (NTE_KEYSET_NOT_DEF 0x80090019,
     *   NTE_PROV_TYPE_NOT_DEF 0x80090017, NTE_PROV_TYPE_NO_MATCH 0x8009001B), PASSWORD_REQUIRED (NTE_SILENT_CONTEXT 0x80090022).
     */
    cryptAcquireContext(
      container: string | null,
      provider: string | null,
      type: number,
      flags: number,
    ): Handle {
      const handle = [0n];
      CryptAcquireContextW(handle, container, provider, type, flags);
      return toHandle(handle[0]);
    },

    /** CryptReleaseContext (wincrypt.h). Its keys and hashes have to be destroyed before. @throws KeyStoreError HANDLE_INVALID (NTE_BAD_UID 0x80090001). */
    cryptReleaseContext(provider: Handle): void {
      CryptReleaseContext(provider, 0);
    },

    /**
     * CryptGetProvParam (wincrypt.h): one parameter's bytes, little-endian; names are ANSI and end with a null.
     *
     * @returns A fresh array.
     * @throws KeyStoreError PARAMETER_INVALID (NTE_BAD_TYPE 0x8009000A), HANDLE_INVALID, PERMISSION_DENIED, FLAGS_INVALID.
     */
    cryptGetProvParam(provider: Handle, param: number, flags = 0): Uint8Array {
      return readSized((buffer, length) =>
        CryptGetProvParam(provider, param, buffer, length, flags),
      );
    },

    /**
     * CryptGenRandom (wincrypt.h).
     *
     * @param length - Bytes.
     * @returns A fresh array; the caller wipes it where it becomes a secret.
     * @throws KeyStoreError HANDLE_INVALID (NTE_BAD_UID 0x80090001), IO_FAILED (NTE_FAIL 0x80090020).
     */
    cryptGenRandom(provider: Handle, length: number): Uint8Array {
      const bytes = new Uint8Array(length);
      CryptGenRandom(provider, length, bytes);
      return bytes;
    },
  };
}
