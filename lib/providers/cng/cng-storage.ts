/** CngStorage: keys in a key storage provider of Windows. */
import { NCRYPT_UNIQUE_NAME_PROPERTY } from '../../../native-bindings/ncrypt-constants.ts';
import type { Handle } from '../../../native-bindings/windows-dll.ts';
import { equalBytes } from '../../bytes/octets.ts';
import type { KeyScope, PersistedKeyInfo, ProviderCapabilities } from '../../contracts/provider.ts';
import { KeyStoreError } from '../../errors.ts';
import type { StoredProperties } from '../rules/key-properties.ts';
import type {
  KeyName,
  KeyRequest,
  KeyStorage,
  KeyToMake,
  StoredKey,
} from '../rules/key-storage.ts';
import { publicKeyOf } from '../rules/private-key.ts';
import { isHashedName } from '../windows/native-name.ts';
import { denied, whyAbsent } from './cng-absence.ts';
import { CngKeeper, deleteNative } from './cng-keeper.ts';
import { CngKey } from './cng-key.ts';
import { requireWhole, type CngKeys, type FoundKey } from './cng-keys.ts';
import { listKeys } from './cng-list.ts';
import { exportPolicyOf, makeKey, type NativeKeyName } from './cng-making.ts';
import { cngNameOf } from './cng-names.ts';
import {
  isInLegacyStore,
  isIsolated,
  isPerBoot,
  markLegacyStore,
  nativeProperties,
  readProperty,
  readText,
  writeCustom,
  writeFacts,
} from './cng-properties.ts';
import { postureOf } from './posture.ts';

export interface CngStorageOptions {
  readonly keys: CngKeys;
  /** Name of the storage provider. */
  readonly storageProvider: string;
  readonly capabilities: ProviderCapabilities;
  readonly clock: () => Date;
}

/** What lay under the name. */
export interface CngPlace {
  readonly nativeName: string;
  readonly publicKey: Uint8Array;
  readonly generation: number;
}

type AskedKey = Pick<KeyToMake<unknown>, 'name' | 'scope' | 'legacyKeySpec' | 'silent'>;

export class CngStorage implements KeyStorage<CngPlace | undefined> {
  readonly name = 'cng';
  readonly capabilities: ProviderCapabilities;
  readonly clock: () => Date;
  readonly #keys: CngKeys;
  readonly #storageProvider: string;

  constructor({ keys, storageProvider, capabilities, clock }: CngStorageOptions) {
    this.capabilities = capabilities;
    this.clock = clock;
    this.#keys = keys;
    this.#storageProvider = storageProvider;
  }

  async place(request: KeyRequest & KeyName): Promise<CngPlace | undefined> {
    const place = this.#placeOf(request);
    if (place && !request.overwrite) throw new KeyStoreError('CONTAINER_EXISTS');
    return place;
  }

  async make(key: KeyToMake<CngPlace | undefined>): Promise<StoredKey> {
    const { name } = key;
    if (name === null) return this.#make(key, { name: null });
    const named = { ...key, name };
    return this.#keys.withLock(named, async () => {
      const present = this.#placeOf(named);
      if (!isSamePlace(present, key.place)) throw new KeyStoreError('CONTAINER_EXISTS');
      return this.#make(key, this.#nativeName(named, present), present?.generation);
    });
  }

  async open(name: KeyName, { silent }: { readonly silent: boolean }): Promise<StoredKey> {
    if (!this.#keys.keepsKeys) throw new KeyStoreError('CONTAINER_NOT_FOUND');
    const found = this.#find(name, silent);
    if (!found) throw whyAbsent(this.#keys, name);
    const { ncrypt } = this.#keys;
    const { facts, handle } = found;
    try {
      requireWhole(found);
      const properties =
        facts?.properties ?? nativeProperties(ncrypt, handle, { ...name, ...found });
      return this.#keyOf({ ...name, silent }, found, { properties, isForeign: !facts });
    } catch (error) {
      ncrypt.freeObject(handle);
      throw error;
    }
  }

  /** Listed in one go: the provider may be closed before the next one is asked for. */
  async *list(scope: KeyScope): AsyncIterable<PersistedKeyInfo | KeyStoreError> {
    if (this.#keys.keepsKeys) yield* listKeys(this.#keys, scope);
  }

  close(): Promise<void> {
    return this.#keys.close();
  }

  #find(name: KeyName, silent: boolean): FoundKey | undefined {
    try {
      return this.#keys.find(name, { silent });
    } catch (error) {
      if (KeyStoreError.is(error) && error.code === 'PERMISSION_DENIED' && error.native)
        throw denied(name, error.native);
      throw error;
    }
  }

  #placeOf(name: KeyName & Pick<KeyRequest, 'silent'>): CngPlace | undefined {
    const found = this.#find(name, name.silent);
    if (!found) return undefined;
    this.#keys.ncrypt.freeObject(found.handle);
    const { nativeName, publicKey, facts } = found;
    return { nativeName, publicKey, generation: facts?.generation ?? 0 };
  }

  /** That of the key that it replaces, else the first of its names that nothing else bears. */
  #nativeName(name: KeyName & KeyRequest, present: CngPlace | undefined): NativeKeyName {
    if (present) return { name: present.nativeName, overwrite: true };
    const { plain, hashed } = cngNameOf(name);
    for (const nativeName of [plain, hashed]) {
      if (nativeName === undefined) continue;
      const found = this.#keys.openNative(nativeName, name);
      if (!found) return { name: nativeName, overwrite: false };
      this.#keys.ncrypt.freeObject(found.handle);
      // What an interrupted making left.
      if (isHashedName(nativeName) && !found.facts) return { name: nativeName, overwrite: true };
    }
    throw new KeyStoreError('CONTAINER_EXISTS');
  }

  async #make(
    key: KeyToMake<unknown>,
    native: NativeKeyName,
    lastGeneration = 0,
  ): Promise<StoredKey> {
    const handle = await makeKey(this.#keys, key, native);
    try {
      const { algorithm, publicKey } = this.#inspect(key, handle);
      const exportPolicy = exportPolicyOf(this.#keys, key, handle);
      const properties = { ...key.properties, exportPolicy };
      const nativeName = native.name ?? '';
      const made = { handle, nativeName, algorithm, publicKey, facts: undefined, isDamaged: false };
      if (key.name !== null)
        this.#describe({ ...key, name: key.name, properties }, made, lastGeneration + 1);
      return this.#keyOf(key, made, { properties, isForeign: false });
    } catch (error) {
      this.#discard(handle, key);
      throw error;
    }
  }

  /** Is it what was asked for? @throws KeyStoreError VBS_UNAVAILABLE, INTERNAL. */
  #inspect(key: KeyToMake<unknown>, handle: Handle): Pick<FoundKey, 'algorithm' | 'publicKey'> {
    const { ncrypt, isHardware } = this.#keys;
    if (key.isolation === 'require-vbs' && !isHardware && !isIsolated(ncrypt, handle))
      throw new KeyStoreError('VBS_UNAVAILABLE');
    const made = this.#keys.publicKeyOf(handle);
    const isIt = !key.imported || (made && equalBytes(made.publicKey, publicKeyOf(key.imported)));
    if (!made || !isIt) throw new KeyStoreError('INTERNAL', 'another key was made');
    return made;
  }

  /** Keeps with a key what CNG does not know of it. */
  #describe(
    key: KeyToMake<unknown> & KeyName,
    { handle, algorithm, publicKey }: FoundKey,
    generation: number,
  ): void {
    const { ncrypt } = this.#keys;
    const { name, scope, legacyKeySpec } = key;
    for (const [property, value] of key.properties.custom)
      writeCustom(ncrypt, handle, property, value);
    if (key.writeToLegacyStore) markLegacyStore(ncrypt, handle);
    const properties = { ...key.properties, custom: new Map<string, Uint8Array>() };
    const described = { name, scope, legacyKeySpec, algorithm, publicKey, properties };
    // Last: a key with facts is finished.
    writeFacts(ncrypt, handle, { ...described, generation, content: 'reference' });
  }

  /** Whatever fails here, what failed before is told. */
  #discard(handle: Handle, key: AskedKey): void {
    const { ncrypt } = this.#keys;
    try {
      if (key.name === null) ncrypt.freeObject(handle);
      else deleteNative(ncrypt, handle, key);
    } catch (error) {
      if (!KeyStoreError.is(error)) throw error;
    }
  }

  #keyOf(
    { name, scope, legacyKeySpec, silent }: AskedKey,
    { handle, nativeName, algorithm, publicKey }: FoundKey,
    {
      properties,
      isForeign,
    }: { readonly properties: StoredProperties; readonly isForeign: boolean },
  ): StoredKey {
    const keys = this.#keys;
    const { ncrypt } = keys;
    const held = {
      isPersisted: name !== null,
      scope,
      level: this.capabilities.protectionLevel,
      storageProvider: this.#storageProvider,
      isVirtuallyIsolated: isIsolated(ncrypt, handle),
      perBoot: isPerBoot(ncrypt, handle),
      inLegacyStore: isInLegacyStore(ncrypt, handle),
      // NCryptOpenKey opens CryptoAPI's containers like its own keys.
      mayBeLegacy: isForeign && algorithm === 'RSA' && legacyKeySpec !== 'none',
    };
    const unique =
      name === null ? undefined : readProperty(ncrypt, handle, NCRYPT_UNIQUE_NAME_PROPERTY);
    const kept = { scope, legacyKeySpec, nativeName, publicKey, silent };
    return new CngKey({
      keys,
      handle,
      keeper: name === null ? undefined : new CngKeeper(keys, { ...kept, name }),
      name,
      scope,
      legacyKeySpec,
      algorithm,
      publicKey,
      properties,
      silent,
      uniqueName: unique ? readText(unique) : nativeName,
      posture: (now) => postureOf(held, now),
    });
  }
}

function isSamePlace(present: CngPlace | undefined, wanted: CngPlace | undefined): boolean {
  if (!present || !wanted) return present === wanted;
  return equalBytes(present.publicKey, wanted.publicKey);
}
