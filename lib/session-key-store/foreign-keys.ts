/** Keys that were made elsewhere, many at once: a migration brings them in. */
import { toHex } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import type { SecretBytes } from '../keys/secret-bytes.ts';
import type { Home } from './home.ts';
import { importSecret, openStored, type ForeignKeyFacts } from './keys.ts';

/** A key that was made elsewhere, under the id that it is to have: whoever brings it twice gets one record. */
export interface ForeignKey extends ForeignKeyFacts {
  readonly recordId: Uint8Array;
  /** Read, not kept. */
  readonly secret: SecretBytes;
}

/** What became of one. */
export interface StoredForeignKey {
  /** Record id in hex. */
  readonly id: string;
  /** False where the store had it already. */
  readonly isNew: boolean;
  /** 32 bytes: proves, without telling the key, which one the record holds. */
  readonly commitment: Uint8Array | undefined;
}

/** Stores keys; those whose id the store has are looked at and left alone. */
export async function importForeignKeys(
  home: Home,
  keys: readonly ForeignKey[],
): Promise<StoredForeignKey[]> {
  await home.refresh();
  const stored: StoredForeignKey[] = [];
  for (const key of keys) stored.push(await importForeignKey(home, key));
  return stored;
}

async function importForeignKey(home: Home, key: ForeignKey): Promise<StoredForeignKey> {
  const id = toHex(key.recordId);
  if (home.shelf.find(id)) return present(home, id);
  try {
    const made = await importSecret(home, key.secret, key);
    using sessionKey = made.key;
    return { id, isNew: true, commitment: sessionKey.commitment };
  } catch (error) {
    if (!KeyStoreError.is(error) || error.code !== 'STORE_CONFLICT' || !home.shelf.find(id))
      throw error;
    return present(home, id);
  }
}

async function present(home: Home, id: string): Promise<StoredForeignKey> {
  const made = await openStored(home, id);
  using sessionKey = made.key;
  return { id, isNew: false, commitment: sessionKey.commitment };
}
