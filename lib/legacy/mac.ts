/**
 * CryptoAPI's keyed hashes: CALG_MAC, a CBC-MAC by a session key, and CALG_HMAC.
 *
 *   MAC     last block of CBC(key, IV of zeros, message padded by PKCS#5)                       Windows 8 and later
 *   HMAC    H( outer ⊕ K ‖ H( inner ⊕ K ‖ message ) )    inner 36 … 36, outer 5C … 5C, one block each; K hashed where longer than that
 *
 * Sources: MS "CryptCreateHash", "HMAC_INFO", "CryptSetHashParam" (HP_HMAC_INFO); RFC 2104; FORMATS section 2.
 */
import { describeAlgId } from '../blobs/alg-id.ts';
import { KeyStoreError } from '../errors.ts';
import type { CapiKey } from './capi-key.ts';
import { openCapiEncryptor } from './cipher.ts';
import { capiHash, hmacBlockLength } from './hash.ts';
import { blockLengthOf } from './raw-cipher.ts';

/**
 * Makes a CALG_MAC: the value of a hash that CryptCreateHash made with a session key.
 *
 * @param key - Of a block cipher: RC2 (its salt and effective length count), DES, 3DES, 3DES_112 or AES. Read, not kept.
 * @param parts - What CryptHashData was given, in its order.
 * @returns One block, 8 bytes or with AES 16; a fresh array.
 * @throws KeyStoreError ALGORITHM_UNSUPPORTED (NTE_BAD_ALGID) for a key of a stream cipher, and with RC2 where `capiDecrypt` says so too;
 *   MODULE_MISSING and PROVIDER_UNAVAILABLE likewise; HANDLE_INVALID for a key that was disposed of.
 * @remarks Windows before version 8 made another last block; no answers of it were found.
 * @example
 * ```ts
 * const mac = await capiCbcMac(key, message);
 * ```
 */
export async function capiCbcMac(
  key: CapiKey,
  ...parts: readonly Uint8Array[]
): Promise<Uint8Array> {
  const blockLength = blockLengthOf(key.algId);
  if (blockLength === 0)
    throw new KeyStoreError(
      'ALGORITHM_UNSUPPORTED',
      `${describeAlgId(key.algId)} has no blocks, so it makes no MAC`,
    );
  using encryptor = await openCapiEncryptor(key, { mode: 'cbc' });
  for (const part of parts)
    for (let at = 0; at < part.length; at += PIECE) encryptor.update(part.subarray(at, at + PIECE));
  return encryptor.final().slice(-blockLength);
}

/** HMAC_INFO's strings, where HP_HMAC_INFO had other ones than the default. */
export interface CapiHmacOptions {
  /** pbInnerString. Default: bytes 0x36, as many as a block of the hash has (64; 128 with SHA-384 and SHA-512). Empty is the default too. */
  readonly innerString?: Uint8Array;
  /** pbOuterString. Default: bytes 0x5c. */
  readonly outerString?: Uint8Array;
}

/**
 * Makes a CALG_HMAC.
 *
 * @param hashAlgId - HMAC_INFO's HashAlgid.
 * @param key - The bytes of the session key, any number (CRYPT_IPSEC_HMAC_KEY); a key's salt does not count. Read, not kept.
 * @param message - What CryptHashData was given: one array, or several in its order.
 * @returns As long as the hash; a fresh array.
 * @throws KeyStoreError ALGORITHM_UNSUPPORTED (NTE_BAD_ALGID) for what is no hash; with MD4 what `capiHash` says.
 * @remarks Wine uses blocks of 64 bytes with SHA-384 and SHA-512 too, so its values differ from these.
 * @example
 * ```ts
 * const mac = await capiHmac(ALG_ID.CALG_SHA1, key.key.bytes, message);
 * ```
 */
export async function capiHmac(
  hashAlgId: number,
  key: Uint8Array,
  message: Uint8Array | readonly Uint8Array[],
  options: CapiHmacOptions = {},
): Promise<Uint8Array> {
  const blockLength = hmacBlockLength(hashAlgId);
  const isLong = key.length > blockLength;
  const shortKey = isLong ? await capiHash(hashAlgId, key) : key;
  const inner = keyedString(options.innerString, 0x36);
  const outer = keyedString(options.outerString, 0x5c);
  try {
    const parts = message instanceof Uint8Array ? [message] : message;
    return await capiHash(hashAlgId, outer, await capiHash(hashAlgId, inner, ...parts));
  } finally {
    inner.fill(0);
    outer.fill(0);
    if (isLong) shortKey.fill(0);
  }

  function keyedString(string: Uint8Array | undefined, byte: number): Uint8Array {
    const keyed =
      string === undefined || string.length === 0
        ? new Uint8Array(blockLength).fill(byte)
        : Uint8Array.from(string);
    for (let i = 0; i < Math.min(shortKey.length, keyed.length); i++) keyed[i]! ^= shortKey[i]!;
    return keyed;
  }
}

const PIECE = 1 << 20;
