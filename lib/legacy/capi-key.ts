/**
 * CapiKey: a session key with the salt and the effective length that CryptoAPI uses it with.
 *
 *   RC2, RC4    key ‖ salt goes into the key schedule; RC2's has an effective length in bits too (T1 of RFC 2268)
 *   others      the key as it is
 *
 * Source: MS "Salt Value Functionality", CryptGenKey, CryptSetKeyParam (KP_SALT_EX, KP_EFFECTIVE_KEYLEN).
 */
import { ALG_ID, describeAlgId, plausibleKeyLengths } from '../blobs/alg-id.ts';
import { copyBytes } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import { SecretBytes } from '../keys/secret-bytes.ts';
import type { CapiProvider } from './provider-algorithms.ts';

/** A session key as CryptImportKey or CryptDeriveKey holds it. Disposing of it wipes the key. */
export interface CapiKey extends Disposable {
  /** ALG_ID of its cipher. */
  readonly algId: number;
  /** KP_KEYVAL: the key bytes in natural order, parity bits included, salt not. */
  readonly key: SecretBytes;
  /** KP_SALT: what follows the key in the key schedule of RC2 and RC4; empty with other ciphers. CryptoAPI does not keep it secret. */
  readonly salt: Uint8Array;
  /** KP_EFFECTIVE_KEYLEN of RC2, 1 to 1024; with other ciphers as many bits as the key has. */
  readonly effectiveBits: number;
}

/** KP_SALT: the provider's rule, none (CRYPT_NO_SALT), or up to 24 bytes (KP_SALT_EX). */
export type CapiSalt = 'default' | 'none' | Uint8Array;

export interface ImportCapiKeyOptions {
  /**
   * Of RC2 and RC4 keys. Default `default`: a key of 40 bits has 11 zero bytes of salt, a longer one none. `none` is CRYPT_NO_SALT, which is
   * what other software than CryptoAPI means by RC2-40 and RC4-40. Bytes are what KP_SALT or KP_SALT_EX was set to: 0 to 24. Salt is in no
   * key blob: who wrote the data knows it.
   */
  readonly salt?: CapiSalt;
  /**
   * KP_EFFECTIVE_KEYLEN of an RC2 key, 1 to 1024. Default: the bits of the key without its salt; 40 with provider `base`, whatever the
   * key's length.
   */
  readonly effectiveBits?: number;
  /** Only `base` differs: it refuses any effective length but 40 bits. Default `aes`. */
  readonly provider?: CapiProvider;
}

/**
 * Makes a session key of its bytes, as CryptImportKey does of those in a SIMPLEBLOB or PLAINTEXTKEYBLOB.
 *
 * @param algId - CALG_RC2, CALG_RC4, CALG_DES, CALG_3DES, CALG_3DES_112, CALG_AES_128, CALG_AES_192, CALG_AES_256 or CALG_AES.
 * @param key - 8 bytes for DES, 16 for 3DES_112, 24 for 3DES (parity bits included, of any value), 16, 24 or 32 for AES, 5 to 16 for RC4, 5
 *   to 128 for RC2. Copied; the caller still owns, and wipes, it.
 * @returns The caller disposes of it.
 * @throws KeyStoreError ALGORITHM_UNSUPPORTED (NTE_BAD_ALGID) for an algorithm without session keys that keycask reads,
 *   LEGACY_KEY_LENGTH_REFUSED (NTE_BAD_DATA) for another length of key, or another effective length,
 *   PARAMETER_INVALID for a salt that is longer, or that this cipher does not take.
 * @example
 * An RC4 key of 40 bits that was exported from the Base Provider.
 * ```ts
 * using key = importCapiKey(ALG_ID.CALG_RC4, keyBytes);
 * key.salt.length; // 11
 * ```
 */
export function importCapiKey(
  algId: number,
  key: Uint8Array,
  options: ImportCapiKeyOptions = {},
): CapiKey {
  checkKeyLength(algId, key.length);
  const salted = takesSalt(algId);
  const salt = salted ? saltOf(options.salt ?? 'default', key.length) : noSalt(algId, options.salt);
  return makeCapiKey({ algId, key: SecretBytes.copy(key), salt, effectiveBits: effective() });

  function effective(): number {
    const { effectiveBits, provider } = options;
    if (algId !== ALG_ID.CALG_RC2) {
      if (effectiveBits !== undefined && effectiveBits !== key.length * 8)
        throw new KeyStoreError('PARAMETER_INVALID', 'only RC2 has an effective key length');
      return key.length * 8;
    }
    const isBase = provider === 'base';
    const bits = effectiveBits ?? (isBase ? BASE_EFFECTIVE_BITS : key.length * 8);
    const isRefused = isBase ? bits !== BASE_EFFECTIVE_BITS : bits < 1 || bits > MAX_EFFECTIVE_BITS;
    if (isRefused || !Number.isInteger(bits))
      throw new KeyStoreError(
        'LEGACY_KEY_LENGTH_REFUSED',
        `an effective length of ${bits} bits is not one that this provider takes`,
      );
    return bits;
  }
}

/** A CapiKey of parts that were checked; it owns them. */
export function makeCapiKey(parts: Omit<CapiKey, keyof Disposable>): CapiKey {
  return { ...parts, [Symbol.dispose]: () => parts.key.dispose() };
}

/** Whether keys of this algorithm have a salt. */
export function takesSalt(algId: number): boolean {
  return algId === ALG_ID.CALG_RC2 || algId === ALG_ID.CALG_RC4;
}

/** The salt of an RC2 or RC4 key of so many bytes. */
export function saltOf(salt: CapiSalt, keyLength: number): Uint8Array {
  if (salt === 'none') return new Uint8Array(0);
  if (salt === 'default')
    return new Uint8Array(keyLength === EXPORT_KEY_LENGTH ? DEFAULT_SALT_LENGTH : 0);
  if (salt.length > MAX_SALT_LENGTH)
    throw new KeyStoreError(
      'PARAMETER_INVALID',
      `a salt has at most ${MAX_SALT_LENGTH} bytes, this one ${salt.length}`,
    );
  return copyBytes(salt);
}

/** What is not RC2 or RC4 has no salt; `default` and `none` both say so. */
function noSalt(algId: number, salt: CapiSalt | undefined): Uint8Array {
  if (salt instanceof Uint8Array && salt.length > 0)
    throw new KeyStoreError('PARAMETER_INVALID', `keys of ${describeAlgId(algId)} have no salt`);
  return new Uint8Array(0);
}

function checkKeyLength(algId: number, length: number): void {
  const lengths = plausibleKeyLengths(algId);
  if (lengths.length === 0)
    throw new KeyStoreError(
      'ALGORITHM_UNSUPPORTED',
      `${describeAlgId(algId)} is no cipher of CryptoAPI's that keycask reads`,
    );
  const isLongRc2 = algId === ALG_ID.CALG_RC2 && length > 16 && length <= MAX_RC2_KEY_LENGTH;
  if (!lengths.includes(length) && !isLongRc2)
    throw new KeyStoreError(
      'LEGACY_KEY_LENGTH_REFUSED',
      `a key of ${describeAlgId(algId)} does not have ${length} bytes`,
    );
}

/** 40 bits, what could be exported from the United States. */
const EXPORT_KEY_LENGTH = 5;
/** Together with the key 16 bytes. */
const DEFAULT_SALT_LENGTH = 11;
/** What KP_SALT_EX takes: wine-capi-rc2-effective-salt.json. */
const MAX_SALT_LENGTH = 24;
/** RFC 2268 section 2. Imported longer than 16 bytes, the key decrypts and makes MACs. */
const MAX_RC2_KEY_LENGTH = 128;
/** KP_EFFECTIVE_KEYLEN. */
const MAX_EFFECTIVE_BITS = 1024;
const BASE_EFFECTIVE_BITS = 40;
