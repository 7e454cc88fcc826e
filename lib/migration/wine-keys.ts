/** The private keys of a Wine prefix: Wine keeps containers in its registry, under nothing but the name of the account. */
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { KeyStoreError } from '../errors.ts';
import { importLegacyPrivateKey } from '../legacy/legacy-key.ts';
import { openWineContainer } from '../legacy/wine/wine-container.ts';
import { readSmallFile } from '../platform/read-small-file.ts';
import { readWineRegistry, type WineContainer } from '../windows-files/wine-registry.ts';
import { keyAtHand, type KeyAtHand } from './key-at-hand.ts';
import type { LegacySecrets } from './legacy-secrets.ts';

/** Private keys of a registry, and what there is of containers that stay closed. */
export interface WineKeys {
  readonly keys: readonly KeyAtHand[];
  /** Why, one for each container. */
  readonly closed: readonly KeyStoreError[];
}

/**
 * Opens the containers of a user.reg or system.reg; one that stays closed does not stop the others.
 *
 * @throws KeyStoreError for a registry that cannot be read.
 */
export async function openWineKeys(
  path: string,
  { wineUser }: Pick<LegacySecrets, 'wineUser'>,
): Promise<WineKeys> {
  const bytes = (await readSmallFile(path, MAX_REGISTRY)) ?? new Uint8Array(0);
  const users = wineUser === undefined ? await usersOf(dirname(path)) : [wineUser];
  const keys: KeyAtHand[] = [];
  const closed: KeyStoreError[] = [];
  for (const container of readWineRegistry(bytes)) {
    try {
      keys.push(...(await keysOf(container, path, users)));
    } catch (error) {
      if (!KeyStoreError.is(error)) throw error;
      closed.push(error);
    }
  }
  return { keys, closed };
}

async function keysOf(
  entry: WineContainer,
  path: string,
  users: readonly string[],
): Promise<readonly KeyAtHand[]> {
  // DSS keys sign and wrap nothing.
  if (entry.kind !== 'RSA') return [];
  for (const user of users) {
    const keys = await keysUnder(user, entry, path);
    if (keys) return keys;
  }
  throw new KeyStoreError(
    'KEY_UNWRAP_FAILED',
    `the container ${JSON.stringify(entry.name)} was made by another Wine account`,
    { hint: 'Say which: the name of the user that Wine ran as (--wine-user).' },
  );
}

/** Undefined where another account made the container. */
async function keysUnder(
  user: string,
  entry: WineContainer,
  path: string,
): Promise<KeyAtHand[] | undefined> {
  const scope = /^system\.reg$/iu.test(basename(path)) ? 'machine' : 'user';
  try {
    using container = await openWineContainer(entry, user);
    return (['exchange', 'signature'] as const).flatMap((slot) => {
      const key = container[slot];
      if (!key) return [];
      const privateKey = importLegacyPrivateKey(key.privateKeyBlob.bytes);
      return keyAtHand(privateKey, { path, container: container.name, slot, scope });
    });
  } catch (error) {
    if (KeyStoreError.is(error) && error.code === 'KEY_UNWRAP_FAILED') return undefined;
    throw error;
  }
}

/** Accounts that the prefix has folders of. */
async function usersOf(prefix: string): Promise<string[]> {
  try {
    return (await readdir(join(prefix, 'drive_c', 'users'))).filter((name) => name !== 'Public');
  } catch {
    return [];
  }
}

/** What readWineRegistry takes. */
const MAX_REGISTRY = 256 << 20;
