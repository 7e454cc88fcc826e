/** Proof, for keys whose commitment is not comparable, that a record holds the key that was put in. */
import { timingSafeEqual } from 'node:crypto';
import { KeyStoreError } from '../errors.ts';
import { sessionKeySecret } from '../keys/session-key.ts';
import type { SecretBytes } from '../keys/secret-bytes.ts';
import type { SessionKeyStore } from '../session-key-store.ts';

/**
 * Opens the record as anybody would who uses it, and compares.
 *
 * @throws KeyStoreError KEY_COMMITMENT_MISMATCH for another key, and what opening a record throws.
 */
export async function provedByOpening(
  store: SessionKeyStore,
  id: string,
  secret: SecretBytes,
): Promise<'opened'> {
  using key = await store.openKey(id);
  const { bytes } = sessionKeySecret(key);
  if (bytes.length !== secret.length || !timingSafeEqual(bytes, secret.bytes))
    throw new KeyStoreError('KEY_COMMITMENT_MISMATCH');
  return 'opened';
}
