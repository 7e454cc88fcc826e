/**
 * keycask/insecure: the only exports that hand out or take raw key bytes.
 *
 * A subpath of its own, so that a search for `keycask/insecure` finds every place of a program where a key leaves keycask's care.
 */
import type { SessionKeyStore } from '../session-key-store.ts';
import { storeRawKey } from '../session-key-store/inside.ts';
import { KeyStoreError } from '../errors.ts';
import { SecretBytes } from '../keys/secret-bytes.ts';
import { sessionKeySecret, type SessionKey } from '../keys/session-key.ts';

/**
 * The raw bytes of a session key.
 *
 * @returns A copy that the caller owns, and wipes.
 * @throws KeyStoreError HANDLE_INVALID (NTE_INVALID_HANDLE) where the key was disposed of.
 * @example
 * ```ts
 * const raw = exportRawKey(key);
 * try { legacySystem.setKey(raw); } finally { raw.fill(0); }
 * ```
 */
export function exportRawKey(key: SessionKey): Uint8Array {
  const copy = new Uint8Array(new ArrayBuffer(sessionKeySecret(key).length));
  copy.set(sessionKeySecret(key).bytes);
  return copy;
}

/**
 * Stores a key that was made elsewhere. Nobody vouches for it: it decrypts only, until `adopt`.
 *
 * @param raw - 16, 24 or 32 bytes of an AES key. The caller still owns, and wipes, them.
 * @returns The opened key, which the caller disposes of.
 * @throws KeyStoreError PARAMETER_INVALID (NTE_INVALID_PARAMETER) for another length.
 */
export async function importRawKey(
  store: SessionKeyStore,
  label: string,
  raw: Uint8Array,
): Promise<SessionKey> {
  if (![16, 24, 32].includes(raw.length))
    throw new KeyStoreError('PARAMETER_INVALID', 'an AES key has 16, 24 or 32 bytes');
  using secret = SecretBytes.copy(raw);
  return await storeRawKey(store, label, secret);
}
