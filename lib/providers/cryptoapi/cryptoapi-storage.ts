/** CryptoApiStorage: keys in the key containers of a CSP; what CryptoAPI does not keep of them lies in key files. */
import { PP_UNIQUE_CONTAINER } from '../../../native-bindings/wincrypt.ts';
import type { Handle } from '../../../native-bindings/windows-dll.ts';
import { equalBytes } from '../../bytes/octets.ts';
import type { KeyScope, PersistedKeyInfo, ProviderCapabilities } from '../../contracts/provider.ts';
import { KeyStoreError, type KeyStoreErrorCode } from '../../errors.ts';
import type { SecretBytes } from '../../keys/secret-bytes.ts';
import type { StoredProperties } from '../rules/key-properties.ts';
import { refuseVbs } from '../rules/key-request.ts';
import type {
  KeyName,
  KeyRequest,
  KeyStorage,
  KeyToMake,
  StoredKey,
} from '../rules/key-storage.ts';
import { containerNameOf } from './container-name.ts';
import { readSlot, slotOf, type SlotPlace } from './container-slots.ts';
import { CryptoApiKey } from './cryptoapi-key.ts';
import type { CryptoApiKeys, FoundPair } from './cryptoapi-keys.ts';
import { listKeys } from './cryptoapi-list.ts';
import { fillSlot, refuseSilentProtection } from './cryptoapi-making.ts';
import { foreignProperties } from './foreign-properties.ts';
import { ephemeralKeeper, keeperOf, type KeyKeeper } from './key-keeper.ts';
import { postureOf } from './posture.ts';

export interface CryptoApiStorageOptions {
  readonly keys: CryptoApiKeys;
  readonly capabilities: ProviderCapabilities;
  readonly isHardware: boolean;
  readonly clock: () => Date;
}

/** What lay under the name. */
export interface CryptoApiPlace {
  /** Of the key file: 0 for none. */
  readonly generation: number;
  readonly isTaken: boolean;
  /** Of the pair that a new one would replace. */
  readonly publicKey?: Uint8Array;
  /** Where the key lay. */
  readonly container?: string;
}

type NamedKey = KeyToMake<CryptoApiPlace> & KeyName;

/** A pair that a handle is made of. */
interface OpenedPair extends Omit<FoundPair, 'container'> {
  readonly container: string | undefined;
  readonly properties: StoredProperties;
  readonly keeper: KeyKeeper;
  readonly archive?: SecretBytes | undefined;
}

export class CryptoApiStorage implements KeyStorage<CryptoApiPlace> {
  readonly name = 'cryptoapi';
  readonly capabilities: ProviderCapabilities;
  readonly clock: () => Date;
  readonly #keys: CryptoApiKeys;
  readonly #isHardware: boolean;

  constructor({ keys, capabilities, isHardware, clock }: CryptoApiStorageOptions) {
    this.capabilities = capabilities;
    this.clock = clock;
    this.#keys = keys;
    this.#isHardware = isHardware;
  }

  async place(request: KeyRequest & KeyName): Promise<CryptoApiPlace> {
    requirePossible(request, this.capabilities);
    const place = await this.#keys.withLock(request, () => this.#placeOf(request));
    if (place.isTaken && !request.overwrite) throw new KeyStoreError('CONTAINER_EXISTS');
    return place;
  }

  async make(key: KeyToMake<CryptoApiPlace>): Promise<StoredKey> {
    requirePossible(key, this.capabilities);
    refuseSilentProtection(key);
    const { name } = key;
    if (name === null) return this.#makeEphemeral(key);
    const named = { ...key, name };
    return this.#keys.withLock(named, () => this.#makeNamed(named));
  }

  async open(name: KeyName, { silent }: { readonly silent: boolean }): Promise<StoredKey> {
    const opened = await this.#keys.withLock(name, async () => {
      const found = await this.#keys.find(name, { silent });
      if (KeyStoreError.is(found)) return found;
      const keeper = keeperOf(this.#keys, { ...name, ...found, silent });
      return this.#orRelease(found.context, async () => {
        const { facts } = found;
        const properties =
          facts?.properties ?? (await foreignProperties(this.#keys.csp, name, found));
        return this.#keyOf(name, { ...found, properties, keeper });
      });
    });
    if (KeyStoreError.is(opened)) throw await this.#absence(name, opened);
    return opened;
  }

  /** Listed in one go: the provider may be closed before the next one is asked for. */
  async *list(scope: KeyScope): AsyncIterable<PersistedKeyInfo | KeyStoreError> {
    yield* await listKeys(this.#keys, scope);
  }

  close(): Promise<void> {
    for (const files of Object.values(this.#keys.files)) files.lock();
    return Promise.resolve();
  }

  async #placeOf(name: KeyName & { readonly silent: boolean }): Promise<CryptoApiPlace> {
    const present = await this.#keys.files[name.scope].present(name);
    const generation = present?.generation ?? 0;
    let isUnreadable = false;
    const found = await this.#keys.find(name, name).catch((error: unknown) => {
      if (!KeyStoreError.is(error) || !UNREADABLE_FILE.has(error.code)) throw error;
      // Its name is taken, and may be overwritten: what can be replaced is what a new key would get.
      isUnreadable = true;
      const place = { container: containerNameOf(name), slot: slotOf(name.legacyKeySpec) };
      return this.#keys.look({ ...place, scope: name.scope }, name.silent);
    });
    if (KeyStoreError.is(found)) return { generation, isTaken: isUnreadable };
    const { context, publicKey, container } = found;
    this.#keys.csp.release(context);
    return { generation, isTaken: true, publicKey, container };
  }

  async #makeEphemeral(key: KeyToMake<CryptoApiPlace>): Promise<StoredKey> {
    const { csp } = this.#keys;
    const context = csp.openEphemeral(key);
    return this.#orRelease(context, async () => {
      const archive = await fillSlot(csp, context, key);
      try {
        const slot = slotOf(key.legacyKeySpec);
        const pair = readSlot(csp.api, context, slot);
        if (!pair) throw new KeyStoreError('INTERNAL', 'the key that was made is not there');
        const { scope, properties } = key;
        const place = { container: undefined, scope, slot };
        const keeper = ephemeralKeeper(csp);
        return this.#keyOf(key, { ...place, ...pair, context, properties, keeper, archive });
      } catch (error) {
        archive?.dispose();
        throw error;
      }
    });
  }

  async #makeNamed(key: NamedKey): Promise<StoredKey> {
    const present = await this.#placeOf(key);
    if (!isSamePlace(present, key.place)) throw new KeyStoreError('CONTAINER_EXISTS');
    const { scope } = key;
    const container = present.container ?? containerNameOf(key);
    const place = { container, scope, slot: slotOf(key.legacyKeySpec) };
    const archive = await this.#fill(place, key);
    try {
      const generation = present.generation + 1;
      return await this.#describe(key, { ...place, generation, archive });
    } catch (error) {
      archive?.dispose();
      // What it overwrote is gone: then a key without its file is better than none.
      if (!present.publicKey) await this.#keys.destroy(place, key.silent);
      throw error;
    }
  }

  /** Makes the pair, and the container where there is none; what fails leaves no container behind. */
  async #fill(place: SlotPlace, key: NamedKey): Promise<SecretBytes | undefined> {
    const { csp } = this.#keys;
    const present = await this.#keys.openContainer(place, key.silent);
    const isNew = KeyStoreError.is(present);
    const context = isNew ? csp.create(place.container, key) : present;
    try {
      const archive = await fillSlot(csp, context, key);
      // Wine writes it now.
      csp.release(context);
      return archive;
    } catch (error) {
      csp.release(context);
      if (isNew) csp.deleteContainer(place.container, key);
      throw error;
    }
  }

  /** Writes the key file of a pair that was made, and opens the key. */
  async #describe(
    key: NamedKey,
    made: SlotPlace & { readonly generation: number; readonly archive: SecretBytes | undefined },
  ): Promise<StoredKey> {
    const pair = await this.#keys.look(made, key.silent);
    if (KeyStoreError.is(pair)) throw pair;
    const { publicKey } = pair;
    return this.#orRelease(pair.context, async () => {
      await this.#keys.writeFile({ ...key, ...made, publicKey });
      const keeper = keeperOf(this.#keys, { ...key, ...made, publicKey });
      const { properties } = key;
      return this.#keyOf(key, { ...pair, properties, keeper, archive: made.archive });
    });
  }

  async #orRelease<Result>(context: Handle, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      this.#keys.csp.release(context);
      throw error;
    }
  }

  #keyOf(
    { name, scope, legacyKeySpec }: Pick<KeyToMake<unknown>, 'name' | 'scope' | 'legacyKeySpec'>,
    pair: OpenedPair,
  ): StoredKey {
    const { csp } = this.#keys;
    const { context, slot, publicKey, properties, keeper, archive } = pair;
    const { container, isExportable } = pair;
    const isHardware = this.#isHardware;
    const held = { cspName: csp.name, isHardware, container, scope, publicKey, isExportable };
    return new CryptoApiKey({
      api: csp.api,
      context,
      slot,
      keeper,
      name,
      scope,
      legacyKeySpec,
      publicKey,
      properties,
      uniqueName: container === undefined ? '' : this.#uniqueName(context, container),
      posture: (now) => postureOf(held, now),
      makesSessionKeys: this.capabilities.sessionKeyBlobs,
      archive,
    });
  }

  /** On Windows the name of the key file. */
  #uniqueName(context: Handle, container: string): string {
    const bytes = this.#keys.csp.api.cryptGetProvParam(context, PP_UNIQUE_CONTAINER);
    return Buffer.from(bytes).toString('latin1').replace(/\0.*$/s, '') || container;
  }

  /** Why a key is not found, as far as it can be told. */
  async #absence(name: KeyName, missing: KeyStoreError): Promise<KeyStoreError> {
    const scope = name.scope === 'user' ? 'machine' : 'user';
    if (!(await this.#isThere({ ...name, scope }))) return missing;
    return new KeyStoreError('CONTAINER_NOT_FOUND', missing.message, {
      ...(missing.native && { native: missing.native }),
      hint: `There is one of that name with scope ${scope}.`,
    });
  }

  async #isThere(name: KeyName): Promise<boolean> {
    const look = () => this.#placeOf({ ...name, silent: true });
    try {
      return (await this.#keys.withLock(name, look)).isTaken;
    } catch (error) {
      // It is only asked for a hint: of what failed, this alone says yes.
      return KeyStoreError.is(error) && error.native?.api === 'CryptAcquireContext';
    }
  }
}

function requirePossible(request: KeyRequest, { protectionLevel }: ProviderCapabilities): void {
  refuseVbs(request, protectionLevel);
  if (request.perBoot)
    throw new KeyStoreError('NOT_SUPPORTED', 'CryptoAPI has no keys that end with the boot');
}

/** What a key file fails with that cannot be opened any more. */
const UNREADABLE_FILE: ReadonlySet<KeyStoreErrorCode> = new Set([
  'KEY_FILE_DAMAGED',
  'BLOB_VERSION_UNSUPPORTED',
  'PROTECTOR_UNAVAILABLE',
]);

function isSamePlace(present: CryptoApiPlace, wanted: CryptoApiPlace | undefined): boolean {
  if (present.generation !== wanted?.generation) return false;
  if (!present.publicKey || !wanted.publicKey) return present.publicKey === wanted.publicKey;
  return equalBytes(present.publicKey, wanted.publicKey);
}
