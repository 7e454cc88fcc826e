/** What CNG's ECDH keys do: agree on a secret, and derive keys of it. */
import {
  type BCRYPT_KDF_HASH,
  KDF_HASH_ALGORITHM,
  KDF_SECRET_APPEND,
  KDF_SECRET_PREPEND,
} from './bcrypt-constants.ts';
import { declareCngParameters, wideString, type TypedBuffer } from './cng-parameters.ts';
import { takeExactly } from './sized-output.ts';
import { PARAMETER, toHandle, type Handle, type WindowsDll } from './windows-dll.ts';

/** BCRYPT_KDF_HASH (bcrypt.h): hash(prepend || secret || append), of one block. */
export interface HashDerivation {
  readonly hash: keyof typeof HASH_LENGTH;
  readonly prepend?: Uint8Array;
  readonly append?: Uint8Array;
}

export function declareNCryptAgreement(dll: WindowsDll) {
  const { BYTES, DWORD, HANDLE, INOUT_DWORD, OUT_HANDLE, WIDE_STRING } = PARAMETER;
  const agreeParameters = [HANDLE, HANDLE, OUT_HANDLE, DWORD];
  const NCryptSecretAgreement = dll.securityStatus('NCryptSecretAgreement', agreeParameters);
  const deriveParameters = [HANDLE, WIDE_STRING, BYTES, BYTES, DWORD, INOUT_DWORD, DWORD];
  const NCryptDeriveKey = dll.securityStatus('NCryptDeriveKey', deriveParameters);
  const parameters = declareCngParameters(dll.koffi);

  return {
    /**
     * NCryptSecretAgreement (ncrypt.h): elliptic-curve Diffie-Hellman, its result kept by CNG.
     *
     * @param publicKey - A handle of the same provider, from `importKey`.
     * @returns A handle for `deriveKey`, then `freeObject`.
     * @throws KeyStoreError PARAMETER_INVALID, NOT_SUPPORTED, PERMISSION_DENIED (NTE_PERM: the key's usage), PASSWORD_REQUIRED, CANCELLED,
     *   HANDLE_INVALID.
     */
    async secretAgreement(privateKey: Handle, publicKey: Handle, flags: number): Promise<Handle> {
      const secret = [0n];
      await NCryptSecretAgreement.async(privateKey, publicKey, secret, flags);
      return toHandle(secret[0]);
    },

    /**
     * NCryptDeriveKey (ncrypt.h) by BCRYPT_KDF_HASH. X9.63's derivation is this with its counter and shared info as `append`, a block a call.
     *
     * @param kdf - The only one that is bound.
     * @returns As long as the hash; a fresh array that the caller wipes.
     * @throws KeyStoreError NOT_SUPPORTED, PARAMETER_INVALID, HANDLE_INVALID.
     */
    async deriveKey(
      secret: Handle,
      kdf: typeof BCRYPT_KDF_HASH,
      derivation: HashDerivation,
    ): Promise<Uint8Array> {
      const { hash, prepend, append } = derivation;
      const buffers: TypedBuffer[] = [[KDF_HASH_ALGORITHM, wideString(hash)]];
      if (prepend) buffers.push([KDF_SECRET_PREPEND, prepend]);
      if (append) buffers.push([KDF_SECRET_APPEND, append]);
      const list = parameters.bufferList(buffers);
      const output = new Uint8Array(HASH_LENGTH[hash]);
      const length: [number] = [0];
      try {
        const args = [secret, kdf, list, output, output.length, length, 0];
        await NCryptDeriveKey.async(...args);
      } catch (error) {
        output.fill(0);
        throw error;
      }
      return takeExactly(output, length[0]);
    },
  };
}

/** Bytes. */
const HASH_LENGTH = { SHA1: 20, SHA256: 32, SHA384: 48, SHA512: 64 } as const;
