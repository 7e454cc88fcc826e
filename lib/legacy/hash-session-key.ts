/** CryptHashSessionKey: hashes the bytes of a session key. Source: MS "CryptHashSessionKey"; answers of Wine. */
import { SecretBytes } from '../keys/secret-bytes.ts';
import type { CapiKey } from './capi-key.ts';
import { capiHash } from './hash.ts';

export interface HashSessionKeyOptions {
  /** CRYPT_LITTLE_ENDIAN: the key's bytes in their own order. Default false: reversed. */
  readonly littleEndian?: boolean;
  /** What CryptHashData was given before the key, in its order. */
  readonly before?: readonly Uint8Array[];
  /** And after it. */
  readonly after?: readonly Uint8Array[];
}

/**
 * Hashes a session key, and what else the hash object was given, as CryptHashSessionKey does.
 *
 * @param hashAlgId - Of the hash object: see `capiHash`.
 * @param key - Its bytes are hashed, its salt is not. Read, not kept.
 * @returns The hash, a fresh array that the caller owns.
 * @throws KeyStoreError HANDLE_INVALID for a key that was disposed of; and what `capiHash` throws.
 * @example
 * ```ts
 * const hash = await hashSessionKey(ALG_ID.CALG_SHA1, key, { littleEndian: true });
 * ```
 */
export async function hashSessionKey(
  hashAlgId: number,
  key: CapiKey,
  options: HashSessionKeyOptions = {},
): Promise<Uint8Array> {
  const { littleEndian = false, before = [], after = [] } = options;
  using bytes = SecretBytes.copy(key.key.bytes);
  if (!littleEndian) bytes.bytes.reverse();
  return await capiHash(hashAlgId, ...before, bytes.bytes, ...after);
}
