/** Listing keys: those that have a key file, and those that other applications keep in containers; each once. */
import { equalBytes } from '../../bytes/octets.ts';
import type { KeyScope, PersistedKeyInfo } from '../../contracts/provider.ts';
import { KeyStoreError } from '../../errors.ts';
import type { KeyFacts } from '../key-files/key-facts.ts';
import { nativeNameOf } from '../windows/native-name.ts';
import { isContainerName } from './container-name.ts';
import { SLOTS, slotOf, specOf, type Slot } from './container-slots.ts';
import type { CryptoApiKeys } from './cryptoapi-keys.ts';

type Listed = PersistedKeyInfo | KeyStoreError;

/** SPKI of each slot that has a key, or why the container cannot be read. */
type Contents = ReadonlyMap<Slot, Uint8Array> | KeyStoreError;

export async function listKeys(keys: CryptoApiKeys, scope: KeyScope): Promise<Listed[]> {
  const containers = new Containers(keys, scope);
  const listed: Listed[] = [];
  const names = new Set<string>();
  for await (const facts of keys.files[scope].list(scope)) {
    if (KeyStoreError.is(facts)) listed.push(facts);
    else if (await containers.take(facts)) {
      names.add(identityOf(facts));
      const { name, legacyKeySpec, algorithm, publicKey } = facts;
      listed.push({ name, legacyKeySpec, algorithm, scope, publicKey });
    }
  }
  for await (const foreign of containers.left())
    // One that a key file hides cannot be opened by its name.
    if (KeyStoreError.is(foreign) || !names.has(identityOf(foreign))) listed.push(foreign);
  return listed;
}

/** The containers of a scope, each read once. */
class Containers {
  readonly #keys: CryptoApiKeys;
  readonly #scope: KeyScope;
  readonly #contents = new Map<string, Contents>();
  /** Slots of which a key file tells. */
  readonly #taken = new Set<string>();

  constructor(keys: CryptoApiKeys, scope: KeyScope) {
    this.#keys = keys;
    this.#scope = scope;
  }

  /** Is the key of a key file there? Then it is no longer {@link left}. The file's seal, which says in which container, stays closed. */
  async take(facts: KeyFacts): Promise<boolean> {
    const { plain, hashed } = nativeNameOf(facts);
    const slot = slotOf(facts.legacyKeySpec);
    for (const container of new Set([plain, hashed, facts.name])) {
      if (container === undefined || !isContainerName(container)) continue;
      const contents = await this.#read(container, facts.name);
      const publicKey = KeyStoreError.is(contents) ? undefined : contents.get(slot);
      const isDenied = KeyStoreError.is(contents) && contents.code === 'PERMISSION_DENIED';
      // What may not be read may well be it: opening the key says so.
      if (!isDenied && !(publicKey && equalBytes(publicKey, facts.publicKey))) continue;
      this.#taken.add(placeOf(container, slot));
      return true;
    }
    return false;
  }

  /** The keys of other applications. */
  async *left(): AsyncIterable<Listed> {
    for (const container of this.#keys.csp.containers(this.#scope)) {
      const contents = isContainerName(container) ? await this.#read(container, container) : [];
      if (KeyStoreError.is(contents)) {
        // Deleted since it was listed, or one that a key file tells of.
        const isTaken = SLOTS.some((slot) => this.#taken.has(placeOf(container, slot)));
        if (contents.code !== 'CONTAINER_NOT_FOUND' && !isTaken) yield contents;
        continue;
      }
      for (const [slot, publicKey] of contents) {
        if (this.#taken.has(placeOf(container, slot))) continue;
        const legacyKeySpec = specOf(slot);
        const scope = this.#scope;
        yield { name: container, legacyKeySpec, algorithm: 'RSA', scope, publicKey };
      }
    }
  }

  /** Under the lock of the key's name. */
  async #read(container: string, name: string): Promise<Contents> {
    const id = container.toLowerCase();
    const known = this.#contents.get(id);
    if (known) return known;
    const contents = await this.#readNow(container, name);
    this.#contents.set(id, contents);
    return contents;
  }

  /** One whose lock somebody else keeps does not hide the others. */
  async #readNow(container: string, name: string): Promise<Contents> {
    const scope = this.#scope;
    try {
      return await this.#keys.withLock({ name, scope }, () =>
        this.#keys.readSlots({ container, scope }),
      );
    } catch (error) {
      if (KeyStoreError.is(error)) return error;
      throw error;
    }
  }
}

/** To CryptoAPI, names that differ in case are one. */
function placeOf(container: string, slot: Slot): string {
  return `${slot}\0${container.toLowerCase()}`;
}

function identityOf({ name, legacyKeySpec }: PersistedKeyInfo | KeyFacts): string {
  return `${legacyKeySpec}\0${name}`;
}
