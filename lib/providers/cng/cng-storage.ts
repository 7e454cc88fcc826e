/** CngStorage: keys in a key storage provider of Windows. */
import type { Kernel32 } from '../../../native-bindings/kernel32.ts';
import {
  NCRYPT_UNIQUE_NAME_PROPERTY,
  NCRYPT_USE_PER_BOOT_KEY_PROPERTY,
  NCRYPT_USE_VIRTUAL_ISOLATION_PROPERTY,
} from '../../../native-bindings/ncrypt-constants.ts';
import type { ListedKey } from '../../../native-bindings/ncrypt-provider.ts';
import type { NCrypt } from '../../../native-bindings/ncrypt.ts';
import type { Handle } from '../../../native-bindings/windows-dll.ts';
import { WINDOWS_STATUS } from '../../../native-bindings/windows-status.ts';
import { equalBytes } from '../../bytes/octets.ts';
import type { KeyScope, PersistedKeyInfo, ProviderCapabilities } from '../../contracts/provider.ts';
import { KeyStoreError } from '../../errors.ts';
import type { KeyFacts } from '../key-files/key-facts.ts';
import type { StoredProperties } from '../rules/key-properties.ts';
import type {
  KeyName,
  KeyRequest,
  KeyStorage,
  KeyToMake,
  StoredKey,
} from '../rules/key-storage.ts';
import { NativeHandle } from '../windows/native-handle.ts';
import { CngKey, deleteNative } from './cng-key.ts';
import { CngKeys, readText, type FoundKey } from './cng-keys.ts';
import { isHashedName } from '../windows/native-name.ts';
import { cngNameOf, legacyKeySpecOf } from './cng-names.ts';
import { beginKey, type NativeKeyName } from './cng-making.ts';
import {
  isInLegacyStore,
  markLegacyStore,
  nativeProperties,
  readDword,
  readProperty,
  writeCustom,
  writeFacts,
} from './cng-properties.ts';
import { postureOf } from './posture.ts';

export interface CngStorageOptions {
  readonly ncrypt: NCrypt;
  readonly kernel32: Kernel32;
  /** Freed when the storage is closed. */
  readonly provider: Handle;
  /** Its name. */
  readonly storageProvider: string;
  readonly capabilities: ProviderCapabilities;
  readonly clock: () => Date;
}

/** What lay under the name. */
interface CngPlace {
  readonly publicKey: Uint8Array;
  readonly generation: number;
}

/** A key that is finalized and, if it has a name, kept. */
interface MadeKey extends Pick<FoundKey, 'algorithm' | 'publicKey' | 'nativeName'> {
  readonly handle: Handle;
}

export class CngStorage implements KeyStorage<CngPlace | undefined> {
  readonly name = 'cng';
  readonly capabilities: ProviderCapabilities;
  readonly clock: () => Date;
  readonly #keys: CngKeys;
  readonly #storageProvider: string;

  constructor(options: CngStorageOptions) {
    this.capabilities = options.capabilities;
    this.clock = options.clock;
    this.#keys = new CngKeys(options.ncrypt, options.kernel32, options.provider);
    this.#storageProvider = options.storageProvider;
  }

  async place(request: KeyRequest & KeyName): Promise<CngPlace | undefined> {
    const place = this.#placeOf(request, request.silent);
    if (place && !request.overwrite) throw new KeyStoreError('CONTAINER_EXISTS');
    return place;
  }

  async make(key: KeyToMake<CngPlace | undefined>): Promise<StoredKey> {
    const { name } = key;
    if (name === null) return this.#keyOf(key, await this.#finalized(key, { name: null }));
    return this.#keys.withLock({ ...key, name }, async () => {
      const named = { ...key, name };
      const present = this.#placeOf(named, key.silent);
      if (!isSamePlace(present, key.place)) throw new KeyStoreError('CONTAINER_EXISTS');
      const made = await this.#finalized(key, this.#nativeName(named, present !== undefined));
      try {
        this.#describe(named, made, (present?.generation ?? 0) + 1);
      } catch (error) {
        deleteNative(this.#keys, made);
        throw error;
      }
      return this.#keyOf(key, made);
    });
  }

  async open(name: KeyName, { silent }: { readonly silent: boolean }): Promise<StoredKey> {
    if (!this.capabilities.persisted) throw new KeyStoreError('CONTAINER_NOT_FOUND');
    const found = this.#keys.find(name, { silent });
    if (!found) throw this.#absence(name);
    const { facts, handle } = found;
    const properties =
      facts?.properties ?? nativeProperties(this.#keys.ncrypt, handle, { ...name, ...found });
    return this.#keyOf({ ...name, silent, properties }, found);
  }

  /** Listed in one go: the provider may be closed before the next one is asked for. */
  async *list(scope: KeyScope): AsyncIterable<PersistedKeyInfo | KeyStoreError> {
    if (!this.capabilities.persisted) return;
    const listed = new Map<string, PersistedKeyInfo | KeyStoreError>();
    for (const entry of this.#keys.listed(scope)) {
      const info = this.#infoOf(entry, scope);
      // A key and its copy in the legacy store are one.
      if (info) listed.set(KeyStoreError.is(info) ? `\0${entry.name}` : identityOf(info), info);
    }
    yield* listed.values();
  }

  close(): Promise<void> {
    return this.#keys.close();
  }

  #placeOf(name: KeyName, silent: boolean): CngPlace | undefined {
    const found = this.#keys.find(name, { silent });
    if (!found) return undefined;
    this.#keys.ncrypt.freeObject(found.handle);
    return { publicKey: found.publicKey, generation: found.facts?.generation ?? 0 };
  }

  /** The plain name, unless something else bears it. */
  #nativeName(name: KeyName & KeyRequest, overwrites: boolean): NativeKeyName {
    const { plain, hashed } = cngNameOf(name);
    const { silent } = name;
    for (const nativeName of [plain, hashed]) {
      if (nativeName === undefined) continue;
      const found = this.#keys.openNative(nativeName, name, silent);
      if (!found) return { name: nativeName, overwrite: false };
      this.#keys.ncrypt.freeObject(found.handle);
      // Without facts a hashed name is what an interrupted making left.
      const isLeftOver = nativeName === hashed && !found.facts;
      const isIt = found.facts?.name === name.name || (!found.facts && nativeName === name.name);
      if (isLeftOver || (overwrites && isIt)) return { name: nativeName, overwrite: true };
    }
    throw new KeyStoreError('CONTAINER_EXISTS');
  }

  /** Creates, sets and finalizes (NCryptCreatePersistedKey to NCryptFinalizeKey). */
  async #finalized(
    key: KeyToMake<CngPlace | undefined>,
    nativeName: NativeKeyName,
  ): Promise<MadeKey> {
    const { ncrypt } = this.#keys;
    const begun = beginKey(this.#keys, key, nativeName);
    const { handle } = begun;
    try {
      await begun.finalize();
      if (
        key.isolation === 'require-vbs' &&
        !this.#isFlagSet(handle, NCRYPT_USE_VIRTUAL_ISOLATION_PROPERTY)
      )
        throw new KeyStoreError('VBS_UNAVAILABLE');
      const made = this.#keys.publicKeyOf(handle);
      if (!made) throw new KeyStoreError('INTERNAL', 'the key that was made has no public half');
      return { handle, nativeName: nativeName.name ?? '', ...made, algorithm: key.algorithm };
    } catch (error) {
      ncrypt.freeObject(handle);
      throw error;
    }
  }

  /** What CNG does not know of a key is kept with it. */
  // oxlint-disable-next-line max-params -- a key, twice: as it was asked for, and as it was made
  #describe(
    key: KeyToMake<CngPlace | undefined> & KeyName,
    { handle, algorithm, publicKey }: MadeKey,
    generation: number,
  ): void {
    const { ncrypt } = this.#keys;
    const { name, scope, legacyKeySpec } = key;
    const properties = { ...key.properties, custom: new Map<string, Uint8Array>() };
    const facts: KeyFacts = {
      generation,
      content: 'reference',
      name,
      scope,
      legacyKeySpec,
      algorithm,
      publicKey,
      properties,
    };
    for (const [property, value] of key.properties.custom)
      writeCustom(ncrypt, handle, property, value);
    if (key.writeToLegacyStore) markLegacyStore(ncrypt, handle);
    // Last: a key with facts is finished.
    writeFacts(ncrypt, handle, facts);
  }

  #keyOf(
    key: Pick<KeyToMake<unknown>, 'name' | 'scope' | 'legacyKeySpec' | 'silent'> & {
      readonly properties: StoredProperties;
    },
    { handle, nativeName, algorithm, publicKey }: MadeKey,
  ): StoredKey {
    const { ncrypt } = this.#keys;
    const { name, scope, legacyKeySpec, silent, properties } = key;
    const unique =
      name === null ? undefined : readProperty(ncrypt, handle, NCRYPT_UNIQUE_NAME_PROPERTY);
    const facts = {
      isPersisted: name !== null,
      scope,
      level: this.capabilities.protectionLevel,
      storageProvider: this.#storageProvider,
      isVirtuallyIsolated: this.#isFlagSet(handle, NCRYPT_USE_VIRTUAL_ISOLATION_PROPERTY),
      perBoot: this.#isFlagSet(handle, NCRYPT_USE_PER_BOOT_KEY_PROPERTY),
      inLegacyStore: isInLegacyStore(ncrypt, handle),
    };
    return new CngKey({
      keys: this.#keys,
      handle: new NativeHandle(handle, (free) => ncrypt.freeObject(free)),
      name,
      nativeName,
      scope,
      legacyKeySpec,
      algorithm,
      publicKey,
      properties,
      silent,
      uniqueName: name === null ? '' : unique ? readText(unique) : nativeName,
      posture: (now) => postureOf(facts, now),
    });
  }

  #infoOf(entry: ListedKey, scope: KeyScope): PersistedKeyInfo | KeyStoreError | undefined {
    const legacyKeySpec = legacyKeySpecOf(entry.legacyKeySpec);
    try {
      const found = this.#keys.openNative(entry.name, { scope, legacyKeySpec }, true);
      // Deleted meanwhile, or of an algorithm that keycask has not.
      if (!found) return undefined;
      this.#keys.ncrypt.freeObject(found.handle);
      const { facts, algorithm, publicKey } = found;
      if (facts && equalBytes(facts.publicKey, publicKey))
        return { ...nameOf(facts), algorithm, publicKey };
      // What an interrupted making left.
      if (isHashedName(entry.name)) return undefined;
      return { name: entry.name, legacyKeySpec, scope, algorithm, publicKey };
    } catch (error) {
      if (KeyStoreError.is(error)) return error;
      throw error;
    }
  }

  /** Why a key is not found, as far as it can be told. */
  #absence({ name, scope, legacyKeySpec }: KeyName): KeyStoreError {
    const native = {
      api: 'NCryptOpenKey',
      family: 'hresult',
      value: WINDOWS_STATUS.NTE_BAD_KEYSET,
      name: 'NTE_BAD_KEYSET',
    } as const;
    const { plain, hashed } = cngNameOf({ name, scope, legacyKeySpec });
    const candidates = [plain, hashed, name].map((candidate) => candidate?.toLowerCase());
    const isThere = this.#keys
      .listed(scope)
      .some((key) => candidates.includes(key.name.toLowerCase()) && !this.#canOpen(key, scope));
    if (isThere)
      return new KeyStoreError(
        'PERMISSION_DENIED',
        `the key ${JSON.stringify(name)} exists, but this account may not read it`,
        { native, hint: 'Ask whoever made it, or an administrator, to let this account use it.' },
      );
    const other = scope === 'user' ? 'machine' : 'user';
    const isElsewhere = this.#placeOf({ name, scope: other, legacyKeySpec }, true) !== undefined;
    return new KeyStoreError('CONTAINER_NOT_FOUND', undefined, {
      native,
      ...(isElsewhere && { hint: `There is one of that name with scope ${other}.` }),
    });
  }

  #canOpen({ name, legacyKeySpec }: ListedKey, scope: KeyScope): boolean {
    const spec = legacyKeySpecOf(legacyKeySpec);
    const found = this.#keys.openNative(name, { scope, legacyKeySpec: spec }, true);
    if (found) this.#keys.ncrypt.freeObject(found.handle);
    return found !== undefined;
  }

  #isFlagSet(handle: Handle, property: string): boolean {
    return (readDword(readProperty(this.#keys.ncrypt, handle, property)) ?? 0) !== 0;
  }
}

function isSamePlace(present: CngPlace | undefined, wanted: CngPlace | undefined): boolean {
  if (!present || !wanted) return present === wanted;
  return equalBytes(present.publicKey, wanted.publicKey);
}

function nameOf({ name, legacyKeySpec, scope }: KeyName): KeyName {
  return { name, legacyKeySpec, scope };
}

function identityOf({ name, legacyKeySpec }: PersistedKeyInfo): string {
  return `${legacyKeySpec}\0${name}`;
}
