/** Listing the keys of a key storage provider, whoever made them. */
import type { ListedKey } from '../../../native-bindings/ncrypt-provider.ts';
import type { KeyScope, PersistedKeyInfo } from '../../contracts/provider.ts';
import { KeyStoreError } from '../../errors.ts';
import { isHashedName } from '../windows/native-name.ts';
import { requireWhole, type CngKeys } from './cng-keys.ts';
import { legacyKeySpecOf } from './cng-names.ts';

/** @returns For a key that cannot be read, the reason in its place. */
export function listKeys(keys: CngKeys, scope: KeyScope): (PersistedKeyInfo | KeyStoreError)[] {
  const listed = new Map<string, PersistedKeyInfo | KeyStoreError>();
  for (const entry of keys.listed(scope)) {
    const info = infoOf(keys, entry, scope);
    // A key and its copy in the legacy store are one.
    if (info) listed.set(KeyStoreError.is(info) ? `\0${entry.name}` : identityOf(info), info);
  }
  return [...listed.values()];
}

function infoOf(
  keys: CngKeys,
  entry: ListedKey,
  scope: KeyScope,
): PersistedKeyInfo | KeyStoreError | undefined {
  const legacyKeySpec = legacyKeySpecOf(entry.legacyKeySpec);
  try {
    const found = keys.openNative(entry.name, { scope, legacyKeySpec, silent: true });
    // Deleted meanwhile, or of an algorithm that keycask has not.
    if (!found) return undefined;
    keys.ncrypt.freeObject(found.handle);
    requireWhole(found);
    const { facts, algorithm, publicKey } = found;
    if (facts) {
      const { name, legacyKeySpec: spec } = facts;
      return { name, legacyKeySpec: spec, scope, algorithm, publicKey };
    }
    // What an interrupted making left.
    if (isHashedName(entry.name)) return undefined;
    return { name: entry.name, legacyKeySpec, scope, algorithm, publicKey };
  } catch (error) {
    if (KeyStoreError.is(error)) return error;
    throw error;
  }
}

function identityOf({ name, legacyKeySpec }: PersistedKeyInfo): string {
  return `${legacyKeySpec}\0${name}`;
}
