/** What CNG's RSA and ECDSA keys do: encrypt, decrypt, sign, verify. */
import {
  declareCngParameters,
  type EncryptionPadding,
  type SignaturePadding,
} from './cng-parameters.ts';
import { takeExactly } from './sized-output.ts';
import { PARAMETER, type Handle, type WindowsDll } from './windows-dll.ts';
import { hasStatus, WINDOWS_STATUS } from './windows-status.ts';

export function declareNCryptUses(dll: WindowsDll) {
  const { BYTES, DWORD, HANDLE, INOUT_DWORD } = PARAMETER;
  const cryptParameters = [HANDLE, BYTES, DWORD, BYTES, BYTES, DWORD, INOUT_DWORD, DWORD];
  const NCryptEncrypt = dll.securityStatus('NCryptEncrypt', cryptParameters);
  const NCryptDecrypt = dll.securityStatus('NCryptDecrypt', cryptParameters);
  const signParameters = [HANDLE, BYTES, BYTES, DWORD, BYTES, DWORD, INOUT_DWORD, DWORD];
  const NCryptSignHash = dll.securityStatus('NCryptSignHash', signParameters);
  const verifyParameters = [HANDLE, BYTES, BYTES, DWORD, BYTES, DWORD, DWORD];
  const NCryptVerifySignature = dll.securityStatus('NCryptVerifySignature', verifyParameters);
  const parameters = declareCngParameters(dll.koffi);

  return {
    /**
     * NCryptEncrypt (ncrypt.h), by the public half of an RSA key.
     *
     * @returns As long as the modulus, big-endian; a fresh array.
     * @throws KeyStoreError PARAMETER_INVALID (NTE_INVALID_PARAMETER, NTE_BAD_LEN: too long for the key), NOT_SUPPORTED, HANDLE_INVALID.
     */
    encrypt(key: Handle, data: Uint8Array, padding: EncryptionPadding): Uint8Array {
      const { info, flag } = parameters.encryptionPadding(padding);
      const output = new Uint8Array(MAX_MODULUS);
      const length: [number] = [0];
      NCryptEncrypt(key, data, data.length, info, output, output.length, length, flag);
      return takeExactly(output, length[0]);
    },

    /**
     * NCryptDecrypt (ncrypt.h), by a private RSA key.
     *
     * @param data - As long as the modulus, big-endian; read in place until the promise settles.
     * @param flags - NCRYPT_SILENT_FLAG.
     * @returns A fresh array; the caller wipes it.
     * @throws KeyStoreError IO_FAILED, BLOB_MALFORMED (NTE_BAD_DATA 0x80090005), KEY_UNWRAP_FAILED (NTE_DECRYPTION_FAILURE 0x8009002C) or
     *   PARAMETER_INVALID (NTE_INVALID_PARAMETER): providers disagree about what wrong padding is; PERMISSION_DENIED (NTE_PERM: the key's
     *   usage), PASSWORD_REQUIRED, CANCELLED, HANDLE_INVALID, NOT_SUPPORTED.
     */
    async decrypt(
      key: Handle,
      data: Uint8Array,
      padding: EncryptionPadding,
      flags = 0,
    ): Promise<Uint8Array> {
      const { info, flag } = parameters.encryptionPadding(padding);
      // In one call: asking for the length first would decrypt, or ask a person, twice. What was padded is shorter than the ciphertext.
      const output = new Uint8Array(data.length);
      const length: [number] = [0];
      try {
        const args = [key, data, data.length, info, output, output.length, length, flag | flags];
        await NCryptDecrypt.async(...args);
      } catch (error) {
        output.fill(0);
        throw error;
      }
      return takeExactly(output, length[0]);
    },

    /**
     * NCryptSignHash (ncrypt.h).
     *
     * @param hash - Read in place until the promise settles.
     * @param padding - Of an RSA key; undefined with ECDSA.
     * @param flags - NCRYPT_SILENT_FLAG.
     * @returns A fresh array. RSA: as long as the modulus, big-endian. ECDSA: r, then s, each as long as the curve's order.
     * @throws KeyStoreError PERMISSION_DENIED (NTE_PERM: the key's usage), PASSWORD_REQUIRED (NTE_SILENT_CONTEXT 0x80090022), CANCELLED,
     *   PARAMETER_INVALID, NOT_SUPPORTED, HANDLE_INVALID, FLAGS_INVALID.
     */
    async signHash(
      key: Handle,
      hash: Uint8Array,
      padding: SignaturePadding | undefined,
      flags: number,
    ): Promise<Uint8Array> {
      const { info, flag } = parameters.signaturePadding(padding);
      const output = new Uint8Array(MAX_MODULUS);
      const length: [number] = [0];
      const args = [key, info, hash, hash.length, output, output.length, length, flag | flags];
      await NCryptSignHash.async(...args);
      return takeExactly(output, length[0]);
    },

    /**
     * NCryptVerifySignature (ncrypt.h).
     *
     * @returns false where the signature is not that of the hash and key (NTE_BAD_SIGNATURE 0x80090006).
     * @throws KeyStoreError PARAMETER_INVALID, HANDLE_INVALID, NOT_SUPPORTED.
     */
    verifySignature(
      key: Handle,
      hash: Uint8Array,
      signature: Uint8Array,
      padding?: SignaturePadding,
    ): boolean {
      const { info, flag } = parameters.signaturePadding(padding);
      try {
        NCryptVerifySignature(key, info, hash, hash.length, signature, signature.length, flag);
        return true;
      } catch (error) {
        if (hasStatus(error, WINDOWS_STATUS.NTE_BAD_SIGNATURE)) return false;
        throw error;
      }
    },
  };
}

/** Bytes of the modulus of RSA-16384, the longest key that Microsoft's providers make. */
const MAX_MODULUS = 2048;
