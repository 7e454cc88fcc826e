/** CryptoAPI's keys: made, found, exported, imported, used to encrypt and decrypt. */
import { readSized, takeExactly } from './sized-output.ts';
import { PARAMETER, toHandle, type Handle, type WindowsDll } from './windows-dll.ts';

export function declareCryptKeys(dll: WindowsDll) {
  const { BOOL, BYTES, DWORD, HANDLE, INOUT_DWORD, OUT_HANDLE } = PARAMETER;
  const CryptGenKey = dll.win32('CryptGenKey', [HANDLE, DWORD, DWORD, OUT_HANDLE]);
  const CryptGetUserKey = dll.win32('CryptGetUserKey', [HANDLE, DWORD, OUT_HANDLE]);
  const CryptDestroyKey = dll.win32('CryptDestroyKey', [HANDLE]);
  const exportParameters = [HANDLE, HANDLE, DWORD, DWORD, BYTES, INOUT_DWORD];
  const CryptExportKey = dll.win32('CryptExportKey', exportParameters);
  const importParameters = [HANDLE, BYTES, DWORD, HANDLE, DWORD, OUT_HANDLE];
  const CryptImportKey = dll.win32('CryptImportKey', importParameters);
  const encryptParameters = [HANDLE, HANDLE, BOOL, DWORD, BYTES, INOUT_DWORD, DWORD];
  const CryptEncrypt = dll.win32('CryptEncrypt', encryptParameters);
  const decryptParameters = [HANDLE, HANDLE, BOOL, DWORD, BYTES, INOUT_DWORD];
  const CryptDecrypt = dll.win32('CryptDecrypt', decryptParameters);
  const getParameters = [HANDLE, DWORD, BYTES, INOUT_DWORD, DWORD];
  const CryptGetKeyParam = dll.win32('CryptGetKeyParam', getParameters);
  const CryptSetKeyParam = dll.win32('CryptSetKeyParam', [HANDLE, DWORD, BYTES, DWORD]);

  return {
    /**
     * CryptGenKey (wincrypt.h): a session key, or a key pair of the container, which it replaces there.
     *
     * @param algId - An ALG_ID, AT_KEYEXCHANGE or AT_SIGNATURE.
     * @param flags - CRYPT_EXPORTABLE and the like; the length in bits in the upper 16, 0 for the provider's default.
     * @returns A handle for `cryptDestroyKey`.
     * @throws KeyStoreError ALGORITHM_UNSUPPORTED (NTE_BAD_ALGID 0x80090008), FLAGS_INVALID (NTE_BAD_FLAGS 0x80090009), HANDLE_INVALID
     *   (NTE_BAD_UID 0x80090001), PERMISSION_DENIED (NTE_PERM 0x80090010), PASSWORD_REQUIRED (NTE_SILENT_CONTEXT 0x80090022), STORAGE_FULL
     *   (NTE_TOKEN_KEYSET_STORAGE_FULL 0x80090023), CANCELLED.
     */
    async cryptGenKey(provider: Handle, algId: number, flags: number): Promise<Handle> {
      const key = [0n];
      await CryptGenKey.async(provider, algId, flags, key);
      return toHandle(key[0]);
    },

    /**
     * CryptGetUserKey (wincrypt.h): a key pair of the container.
     *
     * @param keySpec - AT_KEYEXCHANGE or AT_SIGNATURE.
     * @returns A handle for `cryptDestroyKey`, which destroys the handle and not the pair.
     * @throws KeyStoreError CONTAINER_NOT_FOUND (NTE_NO_KEY 0x8009000D), PARAMETER_INVALID (NTE_BAD_KEY 0x80090003), HANDLE_INVALID.
     */
    cryptGetUserKey(provider: Handle, keySpec: number): Handle {
      const key = [0n];
      CryptGetUserKey(provider, keySpec, key);
      return toHandle(key[0]);
    },

    /** CryptDestroyKey (wincrypt.h). No call may be running with it. @throws KeyStoreError HANDLE_INVALID. */
    cryptDestroyKey(key: Handle): void {
      CryptDestroyKey(key);
    },

    /**
     * CryptExportKey (wincrypt.h): a key blob.
     *
     * @param exportKey - The public key that a SIMPLEBLOB is wrapped under; 0n for a blob that is not wrapped.
     * @param blobType - SIMPLEBLOB, PUBLICKEYBLOB, PRIVATEKEYBLOB, PLAINTEXTKEYBLOB.
     * @param flags - CRYPT_OAEP, CRYPT_BLOB_VER3.
     * @returns A fresh array; the caller wipes it.
     * @throws KeyStoreError EXPORT_FORBIDDEN (NTE_BAD_KEY_STATE 0x8009000B), PARAMETER_INVALID (NTE_BAD_TYPE 0x8009000A), CONTAINER_NOT_FOUND
     *   (NTE_NO_KEY 0x8009000D: exportKey is missing), FLAGS_INVALID, HANDLE_INVALID, BLOB_MALFORMED (NTE_BAD_DATA 0x80090005).
     */
    cryptExportKey(key: Handle, exportKey: Handle, blobType: number, flags: number): Uint8Array {
      return readSized((buffer, length) =>
        CryptExportKey(key, exportKey, blobType, flags, buffer, length),
      );
    },

    /**
     * CryptImportKey (wincrypt.h): a key from a blob. A PRIVATEKEYBLOB becomes a key pair of the container.
     *
     * @param blob - Read in place until the promise settles.
     * @param publicKey - The key pair that opens a SIMPLEBLOB, or signed the blob; 0n for none.
     * @param flags - CRYPT_EXPORTABLE, CRYPT_USER_PROTECTED, CRYPT_OAEP, CRYPT_NO_SALT, CRYPT_IPSEC_HMAC_KEY.
     * @returns A handle for `cryptDestroyKey`.
     * @throws KeyStoreError BLOB_MALFORMED (NTE_BAD_DATA 0x80090005; also a SIMPLEBLOB of another key), BLOB_VERSION_UNSUPPORTED (NTE_BAD_VER
     *   0x80090007), ALGORITHM_UNSUPPORTED (NTE_BAD_ALGID), PARAMETER_INVALID (NTE_BAD_TYPE), PERMISSION_DENIED (NTE_PERM), FLAGS_INVALID,
     *   HANDLE_INVALID, PASSWORD_REQUIRED, CANCELLED.
     */
    async cryptImportKey(
      provider: Handle,
      blob: Uint8Array,
      publicKey: Handle,
      flags: number,
    ): Promise<Handle> {
      const key = [0n];
      await CryptImportKey.async(provider, blob, blob.length, publicKey, flags, key);
      return toHandle(key[0]);
    },

    /**
     * CryptEncrypt (wincrypt.h) of all the data at once, without a hash.
     *
     * @param flags - CRYPT_OAEP with an RSA key.
     * @returns A fresh array, as CryptoAPI writes it: an RSA ciphertext is little-endian.
     * @throws KeyStoreError PARAMETER_INVALID (NTE_BAD_LEN 0x80090004: too long for the key; NTE_BAD_KEY 0x80090003), HANDLE_INVALID, FLAGS_INVALID.
     */
    cryptEncrypt(key: Handle, data: Uint8Array, flags: number): Uint8Array {
      const needed: [number] = [data.length];
      CryptEncrypt(key, 0n, FINAL, flags, null, needed, 0);
      const buffer = new Uint8Array(Math.max(needed[0], data.length));
      buffer.set(data);
      const length: [number] = [data.length];
      try {
        CryptEncrypt(key, 0n, FINAL, flags, buffer, length, buffer.length);
      } catch (error) {
        buffer.fill(0);
        throw error;
      }
      return takeExactly(buffer, length[0]);
    },

    /**
     * CryptDecrypt (wincrypt.h) of all the data at once, without a hash.
     *
     * @param data - Not changed. An RSA ciphertext is little-endian.
     * @param flags - CRYPT_OAEP with an RSA key.
     * @returns A fresh array; the caller wipes it.
     * @throws KeyStoreError BLOB_MALFORMED (NTE_BAD_DATA 0x80090005: padding or length), PARAMETER_INVALID (NTE_BAD_LEN, NTE_BAD_KEY),
     *   PERMISSION_DENIED (NTE_PERM), HANDLE_INVALID, FLAGS_INVALID, PASSWORD_REQUIRED, CANCELLED.
     */
    async cryptDecrypt(key: Handle, data: Uint8Array, flags: number): Promise<Uint8Array> {
      const buffer = Uint8Array.from(data);
      const length: [number] = [buffer.length];
      try {
        await CryptDecrypt.async(key, 0n, FINAL, flags, buffer, length);
      } catch (error) {
        buffer.fill(0);
        throw error;
      }
      return takeExactly(buffer, length[0]);
    },

    /**
     * CryptGetKeyParam (wincrypt.h): KP_ALGID and the like; numbers are little-endian.
     *
     * @returns A fresh array.
     * @throws KeyStoreError PARAMETER_INVALID (NTE_BAD_TYPE 0x8009000A), HANDLE_INVALID, FLAGS_INVALID.
     */
    cryptGetKeyParam(key: Handle, param: number, flags = 0): Uint8Array {
      return readSized((buffer, length) => CryptGetKeyParam(key, param, buffer, length, flags));
    },

    /** CryptSetKeyParam (wincrypt.h). @throws KeyStoreError PARAMETER_INVALID (NTE_BAD_TYPE), HANDLE_INVALID, FLAGS_INVALID, BLOB_MALFORMED (NTE_BAD_DATA). */
    cryptSetKeyParam(key: Handle, param: number, data: Uint8Array, flags = 0): void {
      CryptSetKeyParam(key, param, data, flags);
    },
  };
}

/** The data is the last of its message. */
const FINAL = 1;
