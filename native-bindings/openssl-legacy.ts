/**
 * OpenSSL's legacy provider: RC2, RC4, DES and MD4, which node:crypto refuses.
 *
 * It is loaded into a library context of its own (OSSL_LIB_CTX, crypto.h), so the default one, which node:crypto and TLS use, stays as
 * it is. The context and the algorithms that were fetched live as long as the process.
 */
import { KeyStoreError } from '../lib/errors.ts';
import { openOpenSsl, OPENSSL_PARAMETER, type OpenSsl } from './openssl.ts';
import { remember } from './remember.ts';
import { toHandle, type Handle } from './windows-dll.ts';

/** Names of the ciphers in OpenSSL-provider-legacy(7). */
export type LegacyCipherName = 'RC2-CBC' | 'RC2-ECB' | 'RC4' | 'DES-CBC' | 'DES-ECB' | 'DES-CFB8';

export interface LegacyCipherOptions {
  /** Read before the call returns. OpenSSL keeps its schedule, and wipes that when the cipher is freed. */
  readonly key: Uint8Array;
  /** As long as a block; left out with ECB and RC4. */
  readonly iv?: Uint8Array;
  readonly encrypt: boolean;
  /** RC2's T1 (RFC 2268), 1 to 1024. */
  readonly rc2EffectiveBits?: number;
}

/** A cipher at work, without padding. */
export interface LegacyCipher extends Disposable {
  /**
   * EVP_CipherUpdate.
   *
   * @param output - At least a block longer than `input`; another array than it.
   * @returns How many bytes were written there.
   * @throws KeyStoreError PARAMETER_INVALID where `output` is too short.
   */
  update(input: Uint8Array, output: Uint8Array): number;
  /** EVP_CipherFinal_ex: writes nothing. @throws KeyStoreError PARAMETER_INVALID where a part of a block is left. */
  final(): void;
  /** EVP_CIPHER_CTX_free; again it does nothing. */
  [Symbol.dispose](): void;
}

export type OpenSslLegacy = ReturnType<typeof declareLegacy>;

/**
 * The bindings, loaded once.
 *
 * @throws KeyStoreError MODULE_MISSING without koffi, PROVIDER_UNAVAILABLE where the runtime has no OpenSSL to call, ALGORITHM_UNSUPPORTED
 *   where its OpenSSL has no legacy provider.
 */
export const loadOpenSslLegacy: () => Promise<OpenSslLegacy> = remember(async () =>
  declareLegacy(await openOpenSsl()),
);

function declareLegacy(openssl: OpenSsl) {
  const { HANDLE, STRING } = OPENSSL_PARAMETER;
  const OSSL_LIB_CTX_new = openssl.plain('OSSL_LIB_CTX_new', HANDLE, []);
  const OSSL_LIB_CTX_free = openssl.plain('OSSL_LIB_CTX_free', 'void', [HANDLE]);
  const OSSL_PROVIDER_load = openssl.plain('OSSL_PROVIDER_load', HANDLE, [HANDLE, STRING]);
  // Declared before anything is allocated, so that a function that is missing leaves nothing behind.
  const openCipher = declareCiphers(openssl);
  const digest = declareDigests(openssl);

  const context = toHandle(OSSL_LIB_CTX_new());
  if (toHandle(OSSL_PROVIDER_load(context, 'legacy')) === 0n) {
    OSSL_LIB_CTX_free(context);
    throw new KeyStoreError(
      'ALGORITHM_UNSUPPORTED',
      'the OpenSSL of this runtime has no legacy provider, which RC2, RC4 and MD4 are in',
      {
        hint: "Install it (Debian: `apt-get install openssl-provider-legacy`), or use nodejs.org's Node, which has it inside.",
      },
    );
  }
  return {
    /**
     * Starts a cipher: EVP_CIPHER_fetch, EVP_CipherInit_ex2 (evp.h).
     *
     * @throws KeyStoreError ALGORITHM_UNSUPPORTED for a name that the legacy provider does not have, PARAMETER_INVALID for a key or IV of a
     *   wrong length.
     */
    openCipher: (name: LegacyCipherName, options: LegacyCipherOptions): LegacyCipher =>
      openCipher(context, name, options),

    /**
     * EVP_Digest of the parts, one after the other.
     *
     * @returns A fresh array.
     * @throws KeyStoreError ALGORITHM_UNSUPPORTED for a name that the legacy provider does not have.
     */
    digest: (name: 'MD4', parts: readonly Uint8Array[]): Uint8Array => digest(context, name, parts),
  };
}

function declareCiphers(openssl: OpenSsl) {
  const { BYTES, HANDLE, INT, STRING } = OPENSSL_PARAMETER;
  const fetch = declareFetch(openssl, 'EVP_CIPHER_fetch', [HANDLE, STRING, STRING]);
  const EVP_CIPHER_CTX_new = openssl.plain('EVP_CIPHER_CTX_new', HANDLE, []);
  const EVP_CIPHER_CTX_free = openssl.plain('EVP_CIPHER_CTX_free', 'void', [HANDLE]);
  const initParameters = [HANDLE, HANDLE, BYTES, BYTES, INT, BYTES];
  const EVP_CipherInit_ex2 = openssl.checked('EVP_CipherInit_ex2', initParameters);
  const setKeyLength = openssl.checked('EVP_CIPHER_CTX_set_key_length', [HANDLE, INT]);
  const setPadding = openssl.checked('EVP_CIPHER_CTX_set_padding', [HANDLE, INT]);
  const EVP_CIPHER_CTX_ctrl = openssl.checked('EVP_CIPHER_CTX_ctrl', [HANDLE, INT, INT, BYTES]);
  const ivLengthOf = openssl.plain('EVP_CIPHER_CTX_get_iv_length', INT, [HANDLE]);
  const blockLengthOf = openssl.plain('EVP_CIPHER_CTX_get_block_size', INT, [HANDLE]);
  const updateParameters = [HANDLE, BYTES, BYTES, BYTES, INT];
  const EVP_CipherUpdate = openssl.checked('EVP_CipherUpdate', updateParameters);
  const EVP_CipherFinal_ex = openssl.checked('EVP_CipherFinal_ex', [HANDLE, BYTES, BYTES]);

  return (context: Handle, name: string, options: LegacyCipherOptions): LegacyCipher => {
    const cipher = fetch(context, name);
    const state = new CipherState(toHandle(EVP_CIPHER_CTX_new()), (at) => EVP_CIPHER_CTX_free(at));
    try {
      start(state.handle, cipher, options);
    } catch (error) {
      state[Symbol.dispose]();
      throw error;
    }
    const blockLength = Number(blockLengthOf(state.handle));
    const written = new Int32Array(1);
    return {
      update(input, output) {
        if (output.length < input.length + blockLength)
          throw new KeyStoreError('PARAMETER_INVALID', 'the output has no room for another block');
        let total = 0;
        // Lengths are ints there; a piece of 1 MiB also leaves other work of this thread its turn between two pieces of a caller.
        for (let at = 0; at < input.length; at += MAX_PIECE) {
          const piece = input.subarray(at, at + MAX_PIECE);
          const room = output.subarray(total);
          EVP_CipherUpdate(state.handle, room, written, piece, piece.length);
          total += written[0]!;
        }
        return total;
      },
      final: () => EVP_CipherFinal_ex(state.handle, new Uint8Array(MAX_BLOCK), written),
      [Symbol.dispose]: () => state[Symbol.dispose](),
    };
  };

  function start(at: Handle, cipher: Handle, options: LegacyCipherOptions): void {
    const { key, iv, encrypt, rc2EffectiveBits } = options;
    const direction = encrypt ? 1 : 0;
    // The lengths first: only then is it known how much of the key is read.
    EVP_CipherInit_ex2(at, cipher, null, null, direction, null);
    setKeyLength(at, key.length);
    if (rc2EffectiveBits !== undefined)
      EVP_CIPHER_CTX_ctrl(at, EVP_CTRL_SET_RC2_KEY_BITS, rc2EffectiveBits, null);
    const ivLength = Number(ivLengthOf(at));
    if ((iv?.length ?? 0) !== ivLength)
      throw new KeyStoreError('PARAMETER_INVALID', `this cipher takes an IV of ${ivLength} bytes`);
    EVP_CipherInit_ex2(at, 0n, key, iv ?? null, direction, null);
    setPadding(at, 0);
  }
}

function declareDigests(openssl: OpenSsl) {
  const { BYTES, HANDLE, SIZE, STRING } = OPENSSL_PARAMETER;
  const fetch = declareFetch(openssl, 'EVP_MD_fetch', [HANDLE, STRING, STRING]);
  const EVP_MD_CTX_new = openssl.plain('EVP_MD_CTX_new', HANDLE, []);
  const EVP_MD_CTX_free = openssl.plain('EVP_MD_CTX_free', 'void', [HANDLE]);
  const EVP_DigestInit_ex2 = openssl.checked('EVP_DigestInit_ex2', [HANDLE, HANDLE, BYTES]);
  const EVP_DigestUpdate = openssl.checked('EVP_DigestUpdate', [HANDLE, BYTES, SIZE]);
  const EVP_DigestFinal_ex = openssl.checked('EVP_DigestFinal_ex', [HANDLE, BYTES, BYTES]);

  return (context: Handle, name: string, parts: readonly Uint8Array[]): Uint8Array => {
    const digest = fetch(context, name);
    const at = toHandle(EVP_MD_CTX_new());
    try {
      EVP_DigestInit_ex2(at, digest, null);
      for (const part of parts) EVP_DigestUpdate(at, part, part.length);
      const out = new Uint8Array(MAX_DIGEST);
      const length = new Uint32Array(1);
      EVP_DigestFinal_ex(at, out, length);
      const value = out.slice(0, length[0]);
      out.fill(0);
      return value;
    } finally {
      EVP_MD_CTX_free(at);
    }
  };
}

/** A fetch that is done once for each name: it searches the provider, and what it returns counts references. */
function declareFetch(openssl: OpenSsl, name: string, parameters: readonly string[]) {
  const fetch = openssl.plain(name, OPENSSL_PARAMETER.HANDLE, parameters);
  const fetched = new Map<string, Handle>();
  return (context: Handle, algorithm: string): Handle => {
    const known = fetched.get(algorithm);
    if (known !== undefined) return known;
    const found = toHandle(fetch(context, algorithm, null));
    if (found === 0n)
      throw new KeyStoreError(
        'ALGORITHM_UNSUPPORTED',
        `OpenSSL's legacy provider has no ${algorithm}`,
      );
    fetched.set(algorithm, found);
    return found;
  };
}

/** An EVP_CIPHER_CTX, freed once. */
class CipherState implements Disposable {
  #handle: Handle | undefined;
  readonly #free: (handle: Handle) => void;

  constructor(handle: Handle, free: (handle: Handle) => void) {
    this.#handle = handle;
    this.#free = free;
  }

  get handle(): Handle {
    if (this.#handle === undefined)
      throw new KeyStoreError('HANDLE_INVALID', 'this cipher was disposed of');
    return this.#handle;
  }

  [Symbol.dispose](): void {
    if (this.#handle !== undefined) this.#free(this.#handle);
    this.#handle = undefined;
  }
}

/** evp.h */
const EVP_CTRL_SET_RC2_KEY_BITS = 0x3;
/** evp.h: EVP_MAX_BLOCK_LENGTH, EVP_MAX_MD_SIZE. */
const MAX_BLOCK = 32;
const MAX_DIGEST = 64;
const MAX_PIECE = 1 << 20;
