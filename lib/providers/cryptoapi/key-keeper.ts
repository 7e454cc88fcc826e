/** KeyKeeper: what a handle of a key does to the container and the key file that everybody shares. */
import type { Handle } from '../../../native-bindings/windows-dll.ts';
import { equalBytes } from '../../bytes/octets.ts';
import { KeyStoreError } from '../../errors.ts';
import type { StoredProperties } from '../rules/key-properties.ts';
import type { KeyName } from '../rules/key-storage.ts';
import type { SlotPlace } from './container-slots.ts';
import type { Csp } from './csp.ts';
import type { CryptoApiKeys } from './cryptoapi-keys.ts';
import { foreignProperties } from './foreign-properties.ts';

/** Each takes the lock of the name itself. */
export interface KeyKeeper {
  /** @returns undefined where the key was deleted or replaced. */
  change(
    change: (present: StoredProperties) => StoredProperties,
  ): Promise<StoredProperties | undefined>;
  /** Deletes the key, unless another took its place. */
  delete(): Promise<void>;
  /** Releases the context of a handle. */
  release(context: Handle): Promise<void>;
}

/** The key that a handle is of. */
export interface KeptKey extends KeyName, SlotPlace {
  readonly publicKey: Uint8Array;
  readonly silent: boolean;
}

export function keeperOf(keys: CryptoApiKeys, key: KeptKey): KeyKeeper {
  return {
    change: (change) => keys.withLock(key, () => changeProperties(keys, key, change)),
    delete: () => keys.withLock(key, () => deleteKey(keys, key)),
    release: (context) => keys.releaseKept(context, key),
  };
}

/** Of a key that nobody else can have. */
export function ephemeralKeeper(csp: Csp): KeyKeeper {
  return {
    change: () => Promise.resolve(undefined),
    delete: () => Promise.resolve(),
    release: (context) => {
      csp.release(context);
      return Promise.resolve();
    },
  };
}

async function changeProperties(
  keys: CryptoApiKeys,
  key: KeptKey,
  change: (present: StoredProperties) => StoredProperties,
): Promise<StoredProperties | undefined> {
  const found = await keys.find(key, key);
  if (KeyStoreError.is(found)) return undefined;
  keys.csp.release(found.context);
  const { publicKey, facts } = found;
  if (!equalBytes(publicKey, key.publicKey)) return undefined;
  const files = keys.files[key.scope];
  if (facts) {
    const { name, scope, legacyKeySpec, silent } = key;
    const changed = await files.update(
      { name, scope, legacyKeySpec, publicKey },
      (present) => ({ ...present, properties: change(present.properties) }),
      { silent },
    );
    return changed?.properties;
  }
  // The first change of a key that another application made.
  const properties = change(await foreignProperties(keys.csp, key, found));
  const generation = ((await files.present(key))?.generation ?? 0) + 1;
  await keys.writeFile({ ...key, container: found.container, generation, properties });
  return properties;
}

async function deleteKey(keys: CryptoApiKeys, key: KeptKey): Promise<void> {
  const pair = await keys.look(key, key.silent);
  if (!KeyStoreError.is(pair)) {
    keys.csp.release(pair.context);
    if (equalBytes(pair.publicKey, key.publicKey)) await keys.destroy(key, key.silent);
  }
  const { name, scope, legacyKeySpec, publicKey } = key;
  await keys.files[scope].remove({ name, scope, legacyKeySpec, publicKey });
}
