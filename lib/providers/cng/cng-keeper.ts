/** CngKeeper: what a handle of a key does to the key as it lies with its storage provider, which everybody shares. */
import {
  NCRYPT_EXPORT_POLICY_PROPERTY,
  NCRYPT_KEY_USAGE_PROPERTY,
  NCRYPT_PERSIST_FLAG,
  NCRYPT_SILENT_FLAG,
} from '../../../native-bindings/ncrypt-constants.ts';
import type { NCrypt } from '../../../native-bindings/ncrypt.ts';
import type { Handle } from '../../../native-bindings/windows-dll.ts';
import { equalBytes } from '../../bytes/octets.ts';
import { KeyStoreError } from '../../errors.ts';
import type { StoredProperties } from '../rules/key-properties.ts';
import type { CustomProperties, KeyName } from '../rules/key-storage.ts';
import { requireWhole, type CngKeys, type FoundKey } from './cng-keys.ts';
import {
  exportPolicyDword,
  keyUsageDword,
  nativeProperties,
  readCustom,
  writeCustom,
  writeFacts,
} from './cng-properties.ts';

/** A key that has a name, as the handle knows it. */
export interface KeptKey extends KeyName {
  readonly nativeName: string;
  readonly publicKey: Uint8Array;
  readonly silent: boolean;
}

/** Each call takes the lock of the name, and a handle of its own: what another handle changed, the key's may not see. */
export class CngKeeper implements CustomProperties {
  readonly #keys: CngKeys;
  readonly #key: KeptKey;

  constructor(keys: CngKeys, key: KeptKey) {
    this.#keys = keys;
    this.#key = key;
  }

  /** A custom property. */
  get(name: string): Promise<Uint8Array | undefined> {
    const { ncrypt } = this.#keys;
    return this.#withKey(({ handle }) => readCustom(ncrypt, handle, name));
  }

  /** A custom property. @returns false where the key was deleted or replaced. */
  async set(name: string, value: Uint8Array | undefined): Promise<boolean> {
    const isThere = await this.#withKey(({ handle }) => {
      writeCustom(this.#keys.ncrypt, handle, name, value);
      return true;
    });
    return isThere ?? false;
  }

  /** @returns undefined where the key was deleted or replaced. */
  change(
    change: (present: StoredProperties) => StoredProperties,
  ): Promise<StoredProperties | undefined> {
    const { ncrypt } = this.#keys;
    const { name, scope, legacyKeySpec } = this.#key;
    return this.#withKey((found) => {
      requireWhole(found);
      const { facts, handle, publicKey, algorithm } = found;
      const kind = { algorithm, legacyKeySpec };
      const present = facts?.properties ?? nativeProperties(ncrypt, handle, kind);
      const properties = { ...change(present), custom: NO_CUSTOM };
      const generation = (facts?.generation ?? 0) + 1;
      const described = { name, scope, ...kind, publicKey, properties, generation };
      writeFacts(ncrypt, handle, { ...described, content: 'reference' });
      narrow(ncrypt, handle, properties);
      return properties;
    });
  }

  /** Deletes the key and its copy in the legacy store, unless another took its place. */
  delete(): Promise<void> {
    return this.#keys.withLock(this.#key, async () => {
      for (let copies = 0; copies < MAX_COPIES; copies++) {
        const found = this.#find();
        if (!found) return;
        deleteNative(this.#keys.ncrypt, found.handle, this.#key);
      }
    });
  }

  #withKey<Result>(work: (found: FoundKey) => Result): Promise<Result | undefined> {
    return this.#keys.withLock(this.#key, async () => {
      const found = this.#find();
      if (!found) return undefined;
      try {
        return work(found);
      } finally {
        this.#keys.ncrypt.freeObject(found.handle);
      }
    });
  }

  /** The same key: not one that bears its name now. */
  #find(): FoundKey | undefined {
    const found = this.#keys.openNative(this.#key.nativeName, this.#key);
    if (!found || equalBytes(found.publicKey, this.#key.publicKey)) return found;
    this.#keys.ncrypt.freeObject(found.handle);
    return undefined;
  }
}

/** NCryptDeleteKey frees the handle; where it fails, it did not. */
export function deleteNative(
  ncrypt: NCrypt,
  handle: Handle,
  { silent }: Pick<KeptKey, 'silent'>,
): void {
  try {
    ncrypt.deleteKey(handle, silent ? NCRYPT_SILENT_FLAG : 0);
  } catch (error) {
    ncrypt.freeObject(handle);
    throw error;
  }
}

/** Has Windows refuse too what the properties do not allow. It may not let us: ours, which every use asks, are narrower by then. */
function narrow(
  ncrypt: NCrypt,
  handle: Handle,
  { exportPolicy, keyUsage }: StoredProperties,
): void {
  const values = [
    [NCRYPT_EXPORT_POLICY_PROPERTY, exportPolicyDword(exportPolicy)],
    [NCRYPT_KEY_USAGE_PROPERTY, keyUsageDword(keyUsage)],
  ] as const;
  for (const [property, value] of values) {
    try {
      ncrypt.setProperty(handle, property, value, NCRYPT_PERSIST_FLAG);
    } catch (error) {
      if (!KeyStoreError.is(error)) throw error;
    }
  }
}

/** Custom properties are properties of the key, one by one. */
const NO_CUSTOM: ReadonlyMap<string, Uint8Array> = new Map();
const MAX_COPIES = 2;
