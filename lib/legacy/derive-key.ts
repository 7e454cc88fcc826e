/**
 * CryptDeriveKey: session keys made of a password's hash; and BCryptDeriveKeyCapi, which is the same in CNG.
 *
 *   n = bytes of the key, h = finished hash, H = its algorithm
 *   key = h[0:n]                                                     where h is long enough, but for AES-128 of a hash that is not SHA-2
 *   key = ( H(h ⊕ 36 × 64) ‖ H(h ⊕ 5C × 64) )[0:n]                   else, h padded with zeros to 64 bytes
 *   salt = h[n:16] with CRYPT_CREATE_SALT
 *
 * Sources: MS "CryptDeriveKey", "BCryptDeriveKeyCapi"; answers of Windows and Wine: FORMATS section 3.
 */
import { ALG_ID, describeAlgId } from '../blobs/alg-id.ts';
import { KeyStoreError } from '../errors.ts';
import { SecretBytes } from '../keys/secret-bytes.ts';
import { makeCapiKey, saltOf, takesSalt, type CapiKey } from './capi-key.ts';
import { capiHash, checkHashValue, type CapiHashValue } from './hash.ts';
import { checkProviderHash, sessionKeyBits, type CapiProvider } from './provider-algorithms.ts';

export interface CryptDeriveKeyOptions {
  /** CALG_RC2, CALG_RC4, CALG_DES, CALG_3DES, CALG_3DES_112, CALG_AES_128, CALG_AES_192 or CALG_AES_256. */
  readonly algId: number;
  /**
   * The high word of dwFlags; 0, the default, is the provider's default length: 40 bits of RC2 and RC4 with `base`, 128 with the others. DES
   * and 3DES may be asked for with or without their parity.
   */
  readonly keyBits?: number;
  /**
   * Of RC2 and RC4 keys. `default`, no flag: 11 zero bytes with a key of 40 bits, else none. `none`: CRYPT_NO_SALT. `create`:
   * CRYPT_CREATE_SALT, the bytes of the hash from the key to 16; none of a key of 40 bits with provider `enhanced`.
   */
  readonly salt?: 'default' | 'none' | 'create';
  /**
   * Of DES keys. `odd`, the default: each byte gets odd parity, as on Windows. `as-is`: what Wine does. The cipher does not look at these
   * bits; they matter where the key's own bytes do: exported, hashed, wrapped.
   */
  readonly parity?: 'odd' | 'as-is';
  /** Which provider's algorithms, lengths and defaults. Default `aes`, which has all algorithms. */
  readonly provider?: CapiProvider;
}

/**
 * Derives a session key from a finished hash, as CryptDeriveKey does.
 *
 * .NET's PasswordDeriveBytes.CryptDeriveKey is this over the hash of the password in UTF-8: its salt and iteration count are not used.
 *
 * @param hash - What CryptHashData made of the password: see `capiHash`. The caller still owns, and wipes, it.
 * @returns The key with its salt and effective length; the caller disposes of it.
 * @throws KeyStoreError ALGORITHM_UNSUPPORTED (NTE_BAD_ALGID) for a cipher or hash that the provider does not have, CALG_AES and
 *   CALG_SSL3_SHAMD5 among them (the latter makes Schannel's keys, in another way); FLAGS_INVALID (NTE_BAD_FLAGS) for a DES or 3DES key of
 *   another length; LEGACY_KEY_LENGTH_REFUSED (NTE_BAD_DATA) for an RC2, RC4 or AES key of another length; PARAMETER_INVALID where the hash
 *   is not as long as its algorithm's are. MD4 needs what `capiHash` says.
 * @example
 * ```ts
 * const value = await capiHash(ALG_ID.CALG_SHA1, passwordBytes);
 * using key = await cryptDeriveKey({ hashAlgId: ALG_ID.CALG_SHA1, value }, { algId: ALG_ID.CALG_3DES });
 * ```
 */
export async function cryptDeriveKey(
  hash: CapiHashValue,
  options: CryptDeriveKeyOptions,
): Promise<CapiKey> {
  const { algId, keyBits = 0, salt = 'default', parity = 'odd', provider = 'aes' } = options;
  checkProviderHash(provider, hash.hashAlgId);
  checkDerivingHash(hash);
  const effectiveBits = sessionKeyBits(provider, algId, keyBits);
  const length = effectiveBits / 8;
  const key = await deriveBytes(hash, length, algId === ALG_ID.CALG_AES_128);
  if (parity === 'odd' && DES_ALGORITHMS.has(algId)) setOddParity(key.bytes);
  const keySalt = takesSalt(algId) ? derivedSalt() : new Uint8Array(0);
  return makeCapiKey({ algId, key, salt: keySalt, effectiveBits });

  function derivedSalt(): Uint8Array {
    if (salt !== 'create') return saltOf(salt, length);
    // A quirk that Wine's tests, run on Windows, assert.
    if (provider === 'enhanced' && effectiveBits === 40) return new Uint8Array(0);
    // Keys with salt are no longer than the shortest hash, so the hash is never expanded here.
    return Uint8Array.from(hash.value.subarray(length, KEY_AND_SALT_LENGTH));
  }
}

export interface BCryptDeriveKeyCapiOptions {
  /** `AES` where hTargetAlg is an AES handle; without it, 16 bytes of MD5 or SHA-1 are not expanded. */
  readonly target?: 'AES';
}

/**
 * Derives key bytes from a finished hash, as BCryptDeriveKeyCapi (bcrypt.h) does.
 *
 * @param hash - The hash; the caller still owns, and wipes, it.
 * @param length - cbDerivedKey: 1 to twice the length of the hash.
 * @returns The caller disposes of it. Nothing is done about parity.
 * @throws KeyStoreError PARAMETER_INVALID (STATUS_INVALID_PARAMETER) for another length, ALGORITHM_UNSUPPORTED for what is no hash. MD4 needs
 *   what `capiHash` says.
 * @example
 * ```ts
 * using key = await bcryptDeriveKeyCapi({ hashAlgId: ALG_ID.CALG_SHA1, value }, 32);
 * ```
 */
export async function bcryptDeriveKeyCapi(
  hash: CapiHashValue,
  length: number,
  options: BCryptDeriveKeyCapiOptions = {},
): Promise<SecretBytes> {
  checkDerivingHash(hash);
  const most = 2 * hash.value.length;
  if (!Number.isInteger(length) || length < 1 || length > most)
    throw new KeyStoreError(
      'PARAMETER_INVALID',
      `this hash makes keys of 1 to ${most} bytes, not ${length}`,
    );
  return await deriveBytes(hash, length, options.target === 'AES' && length === AES_128_LENGTH);
}

/** @param isAes128 - MS words it "AES, and a hash that is not SHA-2"; AES-192 and AES-256 are longer than those hashes anyway. */
async function deriveBytes(
  hash: CapiHashValue,
  length: number,
  isAes128: boolean,
): Promise<SecretBytes> {
  const isShort = hash.value.length < length;
  const expands = isShort || (isAes128 && !SHA_2.has(hash.hashAlgId));
  const key = new SecretBytes(length);
  try {
    if (expands) await expandInto(key.bytes, hash);
    else key.bytes.set(hash.value.subarray(0, length));
    return key;
  } catch (error) {
    key.dispose();
    throw error;
  }
}

async function expandInto(key: Uint8Array, { hashAlgId, value }: CapiHashValue): Promise<void> {
  let at = 0;
  for (const pad of [0x36, 0x5c]) {
    const block = new Uint8Array(EXPANSION_BLOCK).fill(pad);
    for (let i = 0; i < value.length; i++) block[i]! ^= value[i]!;
    const half = await capiHash(hashAlgId, block);
    block.fill(0);
    key.set(half.subarray(0, key.length - at), at);
    at = Math.min(at + half.length, key.length);
    half.fill(0);
  }
}

function checkDerivingHash(hash: CapiHashValue): void {
  checkHashValue(hash);
  if (hash.hashAlgId === ALG_ID.CALG_SSL3_SHAMD5)
    throw new KeyStoreError(
      'ALGORITHM_UNSUPPORTED',
      `${describeAlgId(hash.hashAlgId)} makes Schannel's keys, which are derived in another way`,
    );
}

/** Each byte gets an odd number of ones by its lowest bit. */
function setOddParity(key: Uint8Array): void {
  for (let i = 0; i < key.length; i++) {
    let ones = key[i]! >>> 1;
    ones ^= ones >>> 4;
    ones ^= ones >>> 2;
    ones ^= ones >>> 1;
    key[i] = (key[i]! & 0xfe) | (~ones & 1);
  }
}

/** The zero-padded hash, whatever the block of its algorithm is. */
const EXPANSION_BLOCK = 64;
const AES_128_LENGTH = 16;
/** Key and created salt together. */
const KEY_AND_SALT_LENGTH = 16;

const SHA_2: ReadonlySet<number> = new Set([
  ALG_ID.CALG_SHA_256,
  ALG_ID.CALG_SHA_384,
  ALG_ID.CALG_SHA_512,
]);
const DES_ALGORITHMS: ReadonlySet<number> = new Set([
  ALG_ID.CALG_DES,
  ALG_ID.CALG_3DES,
  ALG_ID.CALG_3DES_112,
]);
