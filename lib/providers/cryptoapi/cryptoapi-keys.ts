/** CryptoApiKeys: finding keys in the containers of a CSP, whoever made them, and destroying them. */
import { nativeError } from '../../../native-bindings/check-win32.ts';
import type { Kernel32 } from '../../../native-bindings/kernel32.ts';
import type { Handle } from '../../../native-bindings/windows-dll.ts';
import { hasStatus, WINDOWS_STATUS } from '../../../native-bindings/windows-status.ts';
import { equalBytes } from '../../bytes/octets.ts';
import type { KeyScope } from '../../contracts/provider.ts';
import { KeyStoreError } from '../../errors.ts';
import type { KeyFacts } from '../key-files/key-facts.ts';
import type { KeyFiles } from '../key-files/key-files.ts';
import type { KeyName } from '../rules/key-storage.ts';
import { withNameLock } from '../windows/name-lock.ts';
import { isHashedName, nativeNameOf } from '../windows/native-name.ts';
import { whyDenied } from './container-access.ts';
import {
  containerNameOf,
  isContainerName,
  mayLieIn,
  readReference,
  sealedReference,
} from './container-name.ts';
import {
  emptySlot,
  readSlot,
  SLOTS,
  slotOf,
  specOf,
  type Slot,
  type SlotKey,
  type SlotPlace,
} from './container-slots.ts';
import type { ContextOptions, Csp } from './csp.ts';
import { releaseInWine } from './wine-release.ts';

/** A key pair in a slot. Whoever found it releases the context. */
export interface FoundPair extends SlotPlace, SlotKey {
  readonly context: Handle;
}

/** A key that was found. */
export interface FoundKey extends FoundPair {
  /** undefined: another application made it. */
  readonly facts: KeyFacts | undefined;
}

/** A key file to be written: what CryptoAPI does not keep of a key. */
export interface ReferringFile
  extends KeyName, Pick<KeyFacts, 'generation' | 'publicKey' | 'properties'> {
  readonly container: string;
  readonly silent: boolean;
}

/** Where the properties of keys lie. */
export type FilesByScope = Readonly<Record<KeyScope, KeyFiles>>;

export class CryptoApiKeys {
  readonly csp: Csp;
  readonly files: FilesByScope;
  readonly #kernel32: Kernel32;

  constructor(csp: Csp, kernel32: Kernel32, files: FilesByScope) {
    this.csp = csp;
    this.files = files;
    this.#kernel32 = kernel32;
  }

  /** Nobody else of keycask opens, makes, changes or deletes a key of that name meanwhile. All that follows runs under it. */
  withLock<Result>(
    { name, scope }: Pick<KeyName, 'name' | 'scope'>,
    work: () => Promise<Result>,
  ): Promise<Result> {
    return withNameLock(this.#kernel32, 'cryptoapi', { name, scope }, work);
  }

  /**
   * The key of that name: one that has a file first; then one whose file was lost, or that another application keeps in a container of
   * that very name.
   *
   * @returns What CryptoAPI said, where there is none.
   * @throws KeyStoreError PERMISSION_DENIED for a container that exists and may not be read; what opening the key file throws.
   */
  async find(
    name: KeyName,
    { silent }: Pick<ContextOptions, 'silent'>,
  ): Promise<FoundKey | KeyStoreError> {
    const place = { scope: name.scope, slot: slotOf(name.legacyKeySpec) };
    const facts = await this.#readFile(name, silent);
    if (facts && mayLieIn(name, facts.container)) {
      const pair = await this.look({ ...place, container: facts.container }, silent);
      if (!KeyStoreError.is(pair)) {
        if (equalBytes(pair.publicKey, facts.publicKey)) return { ...pair, facts };
        // Another application put another key there: what the file says is not said of that.
        this.csp.release(pair.context);
      }
    }
    const found = await this.look({ ...place, container: containerNameOf(name) }, silent);
    if (!KeyStoreError.is(found)) return { ...found, facts: undefined };
    if (!(await this.#mayBeForeign(name))) return found;
    const foreign = await this.look({ ...place, container: name.name }, silent);
    return KeyStoreError.is(foreign) ? foreign : { ...foreign, facts: undefined };
  }

  /** The key pair in a slot, or what CryptoAPI said. */
  async look(place: SlotPlace, silent: boolean): Promise<FoundPair | KeyStoreError> {
    const context = await this.openContainer(place, silent);
    if (KeyStoreError.is(context)) return context;
    try {
      const pair = readSlot(this.csp.api, context, place.slot);
      if (pair) return { ...place, ...pair, context };
    } catch (error) {
      this.csp.release(context);
      throw error;
    }
    this.csp.release(context);
    return noKey(place);
  }

  /** SPKI of each slot that has a key, or what CryptoAPI said. */
  async readSlots(
    place: Omit<SlotPlace, 'slot'>,
  ): Promise<ReadonlyMap<Slot, Uint8Array> | KeyStoreError> {
    const context = await this.openContainer(place, true);
    if (KeyStoreError.is(context)) return context;
    const slots = new Map<Slot, Uint8Array>();
    try {
      for (const slot of SLOTS) {
        const pair = readSlot(this.csp.api, context, slot);
        if (pair) slots.set(slot, pair.publicKey);
      }
    } finally {
      this.csp.release(context);
    }
    return slots;
  }

  /**
   * A context of a container, or what CryptoAPI said where there is none.
   *
   * @throws KeyStoreError PERMISSION_DENIED for one that exists and may not be read.
   */
  async openContainer(
    { container, scope }: Omit<SlotPlace, 'slot'>,
    silent: boolean,
  ): Promise<Handle | KeyStoreError> {
    try {
      return this.csp.open(container, { scope, silent });
    } catch (error) {
      if (!hasStatus(error, ...MAY_BE_DENIED)) throw error;
      const denied = await whyDenied(this.csp, { container, scope }, error.native);
      if (denied) throw denied;
      if (!hasStatus(error, WINDOWS_STATUS.NTE_BAD_KEYSET)) throw error;
      return error;
    }
  }

  /** Destroys the pair in a slot, with the container where nothing else is in it. */
  async destroy({ container, slot, scope }: SlotPlace, silent: boolean): Promise<void> {
    const options = { scope, silent };
    const context = this.csp.open(container, options);
    let isShared: boolean;
    try {
      isShared = SLOTS.some((s) => s !== slot && readSlot(this.csp.api, context, s));
      if (isShared) await emptySlot(this.csp.api, context, slot);
    } finally {
      this.csp.release(context);
    }
    if (!isShared) this.csp.deleteContainer(container, options);
  }

  /** @throws KeyStoreError CONTAINER_EXISTS where somebody wrote one meanwhile. */
  async writeFile(key: ReferringFile): Promise<void> {
    const { name, scope, legacyKeySpec, generation, publicKey, properties } = key;
    using reference = sealedReference(key.container);
    const names = { name, scope, legacyKeySpec };
    const facts = { ...names, generation, algorithm: 'RSA', publicKey, properties } as const;
    if (!(await this.files[scope].write(facts, reference, { silent: key.silent })))
      throw new KeyStoreError('CONTAINER_EXISTS');
  }

  /** Releases a context that was kept for long, and leaves the container as it is now. Takes the lock itself. */
  async releaseKept(context: Handle, place: SlotPlace & { readonly name: string }): Promise<void> {
    if (!this.csp.isWine) this.csp.release(context);
    else await this.withLock(place, () => releaseInWine(this.csp, context, place));
  }

  async #readFile(
    name: KeyName,
    silent: boolean,
  ): Promise<(KeyFacts & { readonly container: string }) | undefined> {
    const opened = await this.files[name.scope].open(name, { silent });
    if (!opened) return undefined;
    using reference = opened.privateKey;
    return { ...opened.facts, container: readReference(reference.bytes) };
  }

  /** Could another application keep it in a container of that very name? */
  async #mayBeForeign(name: KeyName): Promise<boolean> {
    const isTried = containerNameOf(name) === name.name;
    if (isTried || name.legacyKeySpec === 'none' || !isContainerName(name.name)) return false;
    // To CryptoAPI, names that differ in case are one: that container may be of our key of another name.
    const container = name.name.toLowerCase();
    const files = this.files[name.scope];
    if (container !== name.name) {
      const present = await files.present({ ...name, name: container });
      if (present && !present.isDeleted) return false;
    }
    if (!isHashedName(container)) return true;
    for await (const facts of files.list(name.scope))
      if (!KeyStoreError.is(facts) && nativeNameOf(facts).hashed === container) return false;
    return true;
  }
}

function noKey({ container, slot }: SlotPlace): KeyStoreError {
  const { message, native } = nativeError('CryptGetUserKey', 'win32', WINDOWS_STATUS.NTE_NO_KEY);
  return new KeyStoreError(
    'CONTAINER_NOT_FOUND',
    `${message}: the container ${JSON.stringify(container)} has no ${specOf(slot)} key`,
    { ...(native && { native }) },
  );
}

const MAY_BE_DENIED = [
  WINDOWS_STATUS.NTE_BAD_KEYSET,
  WINDOWS_STATUS.NTE_PERM,
  WINDOWS_STATUS.ERROR_ACCESS_DENIED,
];
