/** CryptoAPI's hashes: computed or given, signed, verified. */
import { readSized, takeExactly } from './sized-output.ts';
import { PARAMETER, toHandle, type Handle, type WindowsDll } from './windows-dll.ts';
import { hasStatus, WINDOWS_STATUS } from './windows-status.ts';

export function declareCryptHashes(dll: WindowsDll) {
  const { BYTES, DWORD, HANDLE, INOUT_DWORD, OUT_HANDLE, WIDE_STRING } = PARAMETER;
  const createParameters = [HANDLE, DWORD, HANDLE, DWORD, OUT_HANDLE];
  const CryptCreateHash = dll.win32('CryptCreateHash', createParameters);
  const CryptHashData = dll.win32('CryptHashData', [HANDLE, BYTES, DWORD, DWORD]);
  const getParameters = [HANDLE, DWORD, BYTES, INOUT_DWORD, DWORD];
  const CryptGetHashParam = dll.win32('CryptGetHashParam', getParameters);
  const CryptSetHashParam = dll.win32('CryptSetHashParam', [HANDLE, DWORD, BYTES, DWORD]);
  const signParameters = [HANDLE, DWORD, WIDE_STRING, DWORD, BYTES, INOUT_DWORD];
  const CryptSignHashW = dll.win32('CryptSignHashW', signParameters);
  const verifyParameters = [HANDLE, BYTES, DWORD, HANDLE, WIDE_STRING, DWORD];
  const CryptVerifySignatureW = dll.win32('CryptVerifySignatureW', verifyParameters);
  const CryptDestroyHash = dll.win32('CryptDestroyHash', [HANDLE]);

  return {
    /**
     * CryptCreateHash (wincrypt.h), of an algorithm without a key.
     *
     * @returns A handle for `cryptDestroyHash`.
     * @throws KeyStoreError ALGORITHM_UNSUPPORTED (NTE_BAD_ALGID 0x80090008), HANDLE_INVALID.
     */
    cryptCreateHash(provider: Handle, algId: number): Handle {
      const hash = [0n];
      CryptCreateHash(provider, algId, 0n, 0, hash);
      return toHandle(hash[0]);
    },

    /** CryptHashData (wincrypt.h). @throws KeyStoreError IO_FAILED (NTE_BAD_HASH_STATE 0x8009000C: it is finished), HANDLE_INVALID. */
    cryptHashData(hash: Handle, data: Uint8Array): void {
      CryptHashData(hash, data, data.length, 0);
    },

    /**
     * CryptGetHashParam (wincrypt.h): HP_HASHVAL finishes the hash.
     *
     * @returns A fresh array.
     * @throws KeyStoreError PARAMETER_INVALID (NTE_BAD_TYPE 0x8009000A), HANDLE_INVALID.
     */
    cryptGetHashParam(hash: Handle, param: number, flags = 0): Uint8Array {
      return readSized((buffer, length) => CryptGetHashParam(hash, param, buffer, length, flags));
    },

    /** CryptSetHashParam (wincrypt.h): HP_HASHVAL takes a finished hash's bytes. @throws KeyStoreError PARAMETER_INVALID (NTE_BAD_TYPE), HANDLE_INVALID. */
    cryptSetHashParam(hash: Handle, param: number, data: Uint8Array): void {
      CryptSetHashParam(hash, param, data, 0);
    },

    /**
     * CryptSignHash (wincrypt.h), without the description that old callers add to the hash.
     *
     * @param keySpec - AT_KEYEXCHANGE or AT_SIGNATURE of the hash's context.
     * @param flags - CRYPT_NOHASHOID.
     * @returns The signature, little-endian, a fresh array.
     * @throws KeyStoreError CONTAINER_NOT_FOUND (NTE_NO_KEY 0x8009000D), ALGORITHM_UNSUPPORTED (NTE_BAD_ALGID), PERMISSION_DENIED (NTE_PERM
     *   0x80090010), PASSWORD_REQUIRED (NTE_SILENT_CONTEXT 0x80090022), CANCELLED, HANDLE_INVALID.
     */
    async cryptSignHash(hash: Handle, keySpec: number, flags: number): Promise<Uint8Array> {
      // In one call: asking for the length first would ask some providers' users for their PIN twice.
      const signature = new Uint8Array(MAX_SIGNATURE);
      const length: [number] = [signature.length];
      await CryptSignHashW.async(hash, keySpec, null, flags, signature, length);
      return takeExactly(signature, length[0]);
    },

    /**
     * CryptVerifySignature (wincrypt.h).
     *
     * @param signature - Little-endian.
     * @returns false where the signature is not that of the hash and key (NTE_BAD_SIGNATURE 0x80090006).
     * @throws KeyStoreError FLAGS_INVALID, HANDLE_INVALID, PARAMETER_INVALID (NTE_BAD_KEY 0x80090003), IO_FAILED.
     */
    cryptVerifySignature(
      hash: Handle,
      signature: Uint8Array,
      publicKey: Handle,
      flags: number,
    ): boolean {
      try {
        CryptVerifySignatureW(hash, signature, signature.length, publicKey, null, flags);
        return true;
      } catch (error) {
        if (hasStatus(error, WINDOWS_STATUS.NTE_BAD_SIGNATURE)) return false;
        throw error;
      }
    },

    /** CryptDestroyHash (wincrypt.h). No call may be running with it. @throws KeyStoreError HANDLE_INVALID. */
    cryptDestroyHash(hash: Handle): void {
      CryptDestroyHash(hash);
    },
  };
}

/** Bytes of a signature by RSA-16384, the longest key that Microsoft's providers make. */
const MAX_SIGNATURE = 2048;
