/** What rooms above may do with a store that its callers may not: no subpath exports it. */
import type { SecretBytes } from '../keys/secret-bytes.ts';
import type { SessionKey } from '../keys/session-key.ts';
import { homeOf, type SessionKeyStore } from '../session-key-store.ts';
import { importForeignKeys, type ForeignKey, type StoredForeignKey } from './foreign-keys.ts';
import { importSecret } from './keys.ts';
import { sealReport, verifyReport, type VerifiedReport } from './report.ts';

/**
 * For `lib/migration` alone: stores keys that came from elsewhere, all of them or none that is not said. A key whose id is there already is not stored again.
 *
 * @param keys - Their secrets are read, not kept.
 * @returns For each, in order, its record as the store has it now, and whether it was there before.
 */
export function storeForeignKeys(
  store: SessionKeyStore,
  keys: readonly ForeignKey[],
): Promise<StoredForeignKey[]> {
  return importForeignKeys(homeOf(store), keys);
}

/** For `lib/migration` alone: signs a report with the signature key of the home's container. */
export function signReport(store: SessionKeyStore, content: Uint8Array): Promise<Uint8Array> {
  return sealReport(homeOf(store), content);
}

/** For `lib/migration` alone: the content of a report that a trusted signer signed. */
export function openReport(store: SessionKeyStore, signed: Uint8Array): VerifiedReport {
  return verifyReport(homeOf(store), signed);
}

/** For `keycask/insecure` alone: stores a key that was made elsewhere; it decrypts only, until somebody adopts it. */
export async function storeRawKey(
  store: SessionKeyStore,
  label: string,
  raw: SecretBytes,
): Promise<SessionKey> {
  return (await importSecret(homeOf(store), raw, { label })).key;
}
