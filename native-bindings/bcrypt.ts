/** bcrypt.dll: CNG's primitives, as far as what keycask makes is compared with them. */
import {
  BCRYPT_AES_ALGORITHM,
  BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO_VERSION,
  BCRYPT_CHAIN_MODE_GCM,
  BCRYPT_CHAINING_MODE,
} from './bcrypt-constants.ts';
import { declareCngParameters, wideString, type SignaturePadding } from './cng-parameters.ts';
import { remember } from './remember.ts';
import { BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO } from './structs.ts';
import { openDll, PARAMETER, toHandle, type Handle, type WindowsDll } from './windows-dll.ts';
import { hasStatus, WINDOWS_STATUS } from './windows-status.ts';

export type BCrypt = ReturnType<typeof declareBCrypt>;

/** What AES-GCM needs beside the data. */
interface GcmParameters {
  /** 16, 24 or 32 bytes. */
  readonly key: Uint8Array;
  /** 12 bytes. */
  readonly nonce: Uint8Array;
  readonly associatedData: Uint8Array;
}

/** The bindings of bcrypt.dll, loaded once. @throws KeyStoreError PROVIDER_UNAVAILABLE, MODULE_MISSING: see `openDll`. */
export const loadBCrypt: () => Promise<BCrypt> = remember(async () =>
  declareBCrypt(await openDll('bcrypt.dll')),
);

function declareBCrypt(dll: WindowsDll) {
  return { ...declareAlgorithms(dll), ...declareKeys(dll), ...declareGcm(dll) };
}

function declareAlgorithms(dll: WindowsDll) {
  const { BYTES, DWORD, HANDLE, OUT_HANDLE, WIDE_STRING } = PARAMETER;
  const openParameters = [OUT_HANDLE, WIDE_STRING, WIDE_STRING, DWORD];
  const BCryptOpenAlgorithmProvider = dll.ntStatus('BCryptOpenAlgorithmProvider', openParameters);
  const closeParameters = [HANDLE, DWORD];
  const BCryptCloseAlgorithmProvider = dll.ntStatus(
    'BCryptCloseAlgorithmProvider',
    closeParameters,
  );
  const BCryptGetFipsAlgorithmMode = dll.ntStatus('BCryptGetFipsAlgorithmMode', [BYTES]);

  return {
    /**
     * BCryptOpenAlgorithmProvider (bcrypt.h), of the default implementation.
     *
     * @returns A handle for `closeAlgorithmProvider`.
     * @throws KeyStoreError NOT_SUPPORTED (STATUS_NOT_IMPLEMENTED 0xC0000002), IO_FAILED (STATUS_NOT_FOUND 0xC0000225), PARAMETER_INVALID
     *   (STATUS_INVALID_PARAMETER 0xC000000D).
     */
    openAlgorithmProvider(algorithm: string, flags = 0): Handle {
      const handle = [0n];
      BCryptOpenAlgorithmProvider(handle, algorithm, null, flags);
      return toHandle(handle[0]);
    },

    /** BCryptCloseAlgorithmProvider (bcrypt.h). @throws KeyStoreError HANDLE_INVALID (STATUS_INVALID_HANDLE 0xC0000008). */
    closeAlgorithmProvider(algorithm: Handle): void {
      BCryptCloseAlgorithmProvider(algorithm, 0);
    },

    /** BCryptGetFipsAlgorithmMode (bcrypt.h): whether this Windows is to use FIPS algorithms only; undefined where it does not say. */
    fipsMode(): boolean | undefined {
      if (!dll.has('BCryptGetFipsAlgorithmMode')) return undefined;
      const enabled = new Uint8Array(1);
      BCryptGetFipsAlgorithmMode(enabled);
      return enabled[0] !== 0;
    },
  };
}

function declareKeys(dll: WindowsDll) {
  const { BYTES, DWORD, HANDLE, OUT_HANDLE, WIDE_STRING } = PARAMETER;
  const importParameters = [HANDLE, HANDLE, WIDE_STRING, OUT_HANDLE, BYTES, DWORD, DWORD];
  const BCryptImportKeyPair = dll.ntStatus('BCryptImportKeyPair', importParameters);
  const BCryptDestroyKey = dll.ntStatus('BCryptDestroyKey', [HANDLE]);
  const verifyParameters = [HANDLE, BYTES, BYTES, DWORD, BYTES, DWORD, DWORD];
  const BCryptVerifySignature = dll.ntStatus('BCryptVerifySignature', verifyParameters);
  const parameters = declareCngParameters(dll.koffi);

  return {
    /**
     * BCryptImportKeyPair (bcrypt.h).
     *
     * @param blobType - BCRYPT_RSAPUBLIC_BLOB, BCRYPT_ECCPUBLIC_BLOB, …
     * @returns A handle for `destroyKey`.
     * @throws KeyStoreError PARAMETER_INVALID (STATUS_INVALID_PARAMETER), NOT_SUPPORTED (STATUS_NOT_SUPPORTED 0xC00000BB), HANDLE_INVALID.
     */
    importKeyPair(algorithm: Handle, blobType: string, blob: Uint8Array): Handle {
      const key = [0n];
      BCryptImportKeyPair(algorithm, 0n, blobType, key, blob, blob.length, 0);
      return toHandle(key[0]);
    },

    /** BCryptDestroyKey (bcrypt.h). @throws KeyStoreError HANDLE_INVALID. */
    destroyKey(key: Handle): void {
      BCryptDestroyKey(key);
    },

    /**
     * BCryptVerifySignature (bcrypt.h).
     *
     * @param padding - Of an RSA key; undefined with ECDSA.
     * @returns false where the signature is not that of the hash and key (STATUS_INVALID_SIGNATURE 0xC000A000).
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
        BCryptVerifySignature(key, info, hash, hash.length, signature, signature.length, flag);
        return true;
      } catch (error) {
        if (hasStatus(error, WINDOWS_STATUS.STATUS_INVALID_SIGNATURE)) return false;
        throw error;
      }
    },
  };
}

function declareGcm(dll: WindowsDll) {
  const { BYTES, DWORD, HANDLE, INOUT_DWORD, OUT_HANDLE, WIDE_STRING } = PARAMETER;
  const algorithms = declareAlgorithms(dll);
  const setParameters = [HANDLE, WIDE_STRING, BYTES, DWORD, DWORD];
  const BCryptSetProperty = dll.ntStatus('BCryptSetProperty', setParameters);
  const keyParameters = [HANDLE, OUT_HANDLE, BYTES, DWORD, BYTES, DWORD, DWORD];
  const BCryptGenerateSymmetricKey = dll.ntStatus('BCryptGenerateSymmetricKey', keyParameters);
  const BCryptDestroyKey = dll.ntStatus('BCryptDestroyKey', [HANDLE]);
  const [input, iv, output] = [
    [BYTES, DWORD],
    [BYTES, DWORD],
    [BYTES, DWORD],
  ];
  const cryptParameters = [HANDLE, ...input, BYTES, ...iv, ...output, INOUT_DWORD, DWORD];
  const BCryptEncrypt = dll.ntStatus('BCryptEncrypt', cryptParameters);
  const BCryptDecrypt = dll.ntStatus('BCryptDecrypt', cryptParameters);
  const ModeInfo = dll.koffi.struct(BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO);
  const ModeInfoPointer = dll.koffi.pointer(ModeInfo);

  return {
    /**
     * BCryptEncrypt (bcrypt.h) by AES-GCM.
     *
     * @returns Ciphertext and tag of 16 bytes, fresh arrays.
     * @throws KeyStoreError PARAMETER_INVALID (STATUS_INVALID_PARAMETER: lengths).
     */
    encryptGcm(data: Uint8Array, gcm: GcmParameters): { ciphertext: Uint8Array; tag: Uint8Array } {
      const ciphertext = new Uint8Array(data.length);
      const tag = new Uint8Array(TAG_LENGTH);
      run(BCryptEncrypt, gcm, { input: data, output: ciphertext, tag });
      return { ciphertext, tag };
    },

    /**
     * BCryptDecrypt (bcrypt.h) by AES-GCM.
     *
     * @returns A fresh array; the caller wipes it.
     * @throws KeyStoreError KEY_UNWRAP_FAILED (STATUS_AUTH_TAG_MISMATCH 0xC000A002), PARAMETER_INVALID.
     */
    decryptGcm(ciphertext: Uint8Array, tag: Uint8Array, gcm: GcmParameters): Uint8Array {
      const output = new Uint8Array(ciphertext.length);
      try {
        run(BCryptDecrypt, gcm, { input: ciphertext, output, tag });
      } catch (error) {
        // Nobody may see what did not verify.
        output.fill(0);
        throw error;
      }
      return output;
    },
  };

  function run(
    crypt: typeof BCryptEncrypt,
    gcm: GcmParameters,
    { input, output, tag }: Record<'input' | 'output' | 'tag', Uint8Array>,
  ): void {
    const info = dll.koffi.as(modeInfo(gcm, tag), ModeInfoPointer);
    withKey(gcm.key, (key) =>
      crypt(key, input, input.length, info, null, 0, output, output.length, [0], 0),
    );
  }

  function withKey(secret: Uint8Array, work: (key: Handle) => void): void {
    const algorithm = algorithms.openAlgorithmProvider(BCRYPT_AES_ALGORITHM);
    try {
      const mode = wideString(BCRYPT_CHAIN_MODE_GCM);
      BCryptSetProperty(algorithm, BCRYPT_CHAINING_MODE, mode, mode.length, 0);
      const key = [0n];
      BCryptGenerateSymmetricKey(algorithm, key, null, 0, secret, secret.length, 0);
      try {
        work(toHandle(key[0]));
      } finally {
        BCryptDestroyKey(key[0]);
      }
    } finally {
      algorithms.closeAlgorithmProvider(algorithm);
    }
  }

  function modeInfo({ nonce, associatedData }: GcmParameters, tag: Uint8Array) {
    return {
      cbSize: dll.koffi.sizeof(ModeInfo),
      dwInfoVersion: BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO_VERSION,
      pbNonce: nonce,
      cbNonce: nonce.length,
      pbAuthData: associatedData,
      cbAuthData: associatedData.length,
      pbTag: tag,
      cbTag: tag.length,
      pbMacContext: null,
      cbMacContext: 0,
      cbAAD: 0,
      cbData: 0,
      dwFlags: 0,
    };
  }
}

const TAG_LENGTH = 16;
