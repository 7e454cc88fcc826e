/** Pkcs11Storage: keys on a PKCS #11 token. */
import { equalBytes } from '../../bytes/octets.ts';
import type { KeyScope, PersistedKeyInfo, ProviderCapabilities } from '../../contracts/provider.ts';
import { KeyStoreError } from '../../errors.ts';
import type {
  KeyName,
  KeyRequest,
  KeyStorage,
  KeyToMake,
  StoredKey,
} from '../rules/key-storage.ts';
import { refuseVbs } from '../rules/key-request.ts';
import type { TokenAbilities } from './capabilities.ts';
import { makeEphemeral, type EphemeralMaker } from './ephemeral-key.ts';
import { findKey, type FoundKey } from './find-key.ts';
import type { FoundToken } from './find-token.ts';
import { KeptKey } from './held-key.ts';
import { isKeptId, newKeyId } from './key-id.ts';
import { uriOf } from './key-name.ts';
import type { KeyObject } from './key-objects.ts';
import { listKeys, listPublic } from './list-keys.ts';
import { destroyPair, makeKeyPair } from './make-key.ts';
import { Pkcs11Key, type Pkcs11KeyParts } from './pkcs11-key.ts';
import { postureOf } from './posture.ts';
import { writeFacts } from './token-facts.ts';
import type { TokenLock } from './token-lock.ts';
import type { TokenSession, TokenSessions } from './token-sessions.ts';

export interface Pkcs11StorageOptions {
  readonly sessions: TokenSessions;
  readonly lock: TokenLock;
  readonly token: FoundToken;
  readonly abilities: TokenAbilities;
  readonly clock: () => Date;
}

/** What lay under the name. */
export interface Pkcs11Place {
  readonly publicKey: Uint8Array;
  readonly generation: number;
}

type NamedKey = KeyToMake<Pkcs11Place | undefined> & KeyName;

export class Pkcs11Storage implements KeyStorage<Pkcs11Place | undefined> {
  readonly name = 'pkcs11';
  readonly capabilities: ProviderCapabilities;
  readonly clock: () => Date;
  readonly #options: Pkcs11StorageOptions;
  readonly #maker: EphemeralMaker;
  /** Shared by all keys: what one finds out of the token is so for the others. */
  readonly #derivation = { hasX963: true };

  constructor(options: Pkcs11StorageOptions) {
    const { sessions, abilities, clock } = options;
    this.capabilities = abilities.capabilities;
    this.clock = clock;
    this.#options = options;
    const { decryptsRsa } = abilities;
    this.#maker = { sessions, decryptsRsa, takesRefusals: true, hasSessionKeys: true };
  }

  async place(request: KeyRequest & KeyName): Promise<Pkcs11Place | undefined> {
    this.#requirePossible(request);
    const { silent } = request;
    const { sessions } = this.#options;
    const place = await sessions.use((session) => placeOf(session, request), { silent });
    if (place && !request.overwrite) throw new KeyStoreError('CONTAINER_EXISTS');
    return place;
  }

  async make(key: KeyToMake<Pkcs11Place | undefined>): Promise<StoredKey> {
    this.#requirePossible(key);
    const { name, silent } = key;
    if (name === null) return this.#makeEphemeral(key);
    const named = { ...key, name };
    const { lock, sessions } = this.#options;
    return lock.hold(name, () =>
      sessions.use(async (session) => this.#keptKey(named, await this.#makeKept(session, named)), {
        silent,
      }),
    );
  }

  async open(
    name: KeyName,
    { silent }: { readonly silent: boolean },
  ): Promise<StoredKey | undefined> {
    const { sessions } = this.#options;
    const found = await sessions.use((session) => findKey(session, name), { silent });
    return found && this.#keptKey({ ...name, silent }, found);
  }

  /** Listed in one go: the provider may be closed before the next one is asked for. Without a PIN, what anybody can see. */
  async *list(scope: KeyScope): AsyncIterable<PersistedKeyInfo | KeyStoreError> {
    if (scope !== 'user') return;
    const { sessions } = this.#options;
    if (sessions.hasPin) yield* await sessions.use(listKeys);
    else yield* await sessions.usePublic(listPublic);
  }

  close(): Promise<void> {
    return this.#options.sessions.close();
  }

  async #makeEphemeral(key: KeyToMake<unknown>): Promise<StoredKey> {
    const { made, held } = await makeEphemeral(this.#maker, key);
    const { publicKey } = made;
    return this.#keyOf(key, { publicKey, held, isEphemeral: true, uniqueName: '' });
  }

  async #makeKept(session: TokenSession, key: NamedKey): Promise<FoundKey> {
    const { name, scope, legacyKeySpec, algorithm, properties } = key;
    const before = await findKey(session, key);
    if (!isSamePlace(before, key.place)) throw new KeyStoreError('CONTAINER_EXISTS');
    const id = newKeyId(legacyKeySpec);
    const place = { isKept: true, label: name, id };
    const { privateKey, publicKey } = await makeKeyPair(session, key, place, this.#maker);
    const generation = (before?.generation ?? 0) + 1;
    try {
      const facts = { name, scope, legacyKeySpec, algorithm, publicKey, properties, generation };
      await writeFacts(session, id, facts);
    } catch (error) {
      await destroyPair(session, id).catch(() => undefined);
      throw error;
    }
    // One of another program's under that label is not keycask's to destroy: from now on it is found by its id.
    if (before && isKeptId(before.privateKey.id)) await destroyPair(session, before.privateKey.id);
    return { privateKey, algorithm, publicKey, generation, properties };
  }

  #keptKey(
    { name, scope, legacyKeySpec, silent }: KeyName & Pick<KeyRequest, 'silent'>,
    { privateKey, algorithm, publicKey, properties }: FoundKey,
  ): StoredKey {
    const { sessions, lock } = this.#options;
    const names = { name, scope, legacyKeySpec };
    const held = new KeptKey({
      sessions,
      lock,
      name: names,
      privateKey,
      publicKey,
      login: { silent },
    });
    const uniqueName = this.#uniqueName(privateKey);
    const key = { name, legacyKeySpec, algorithm, properties };
    return this.#keyOf(key, { publicKey, held, isEphemeral: false, uniqueName });
  }

  #keyOf(
    {
      name,
      legacyKeySpec,
      algorithm,
      properties,
    }: Pick<KeyToMake<unknown>, 'name' | 'legacyKeySpec' | 'algorithm' | 'properties'>,
    {
      isEphemeral,
      ...parts
    }: Pick<Pkcs11KeyParts, 'publicKey' | 'held' | 'uniqueName'> & {
      readonly isEphemeral: boolean;
    },
  ): StoredKey {
    const { abilities, token } = this.#options;
    const facts = { isEphemeral, isHardware: abilities.isHardware, token: token.info };
    return new Pkcs11Key({
      ...parts,
      name,
      legacyKeySpec,
      algorithm,
      properties,
      abilities,
      derivation: this.#derivation,
      posture: (now) => postureOf(facts, now),
    });
  }

  /** RFC 7512. */
  #uniqueName(key: KeyObject): string {
    const { serial } = this.#options.token.info;
    const named = uriOf(key);
    return serial === '' ? named : `${named};serial=${encodeURIComponent(serial)}`;
  }

  #requirePossible(request: KeyRequest): void {
    refuseVbs(request, this.capabilities.protectionLevel);
    if (request.perBoot)
      throw new KeyStoreError('NOT_SUPPORTED', 'a token has no keys that end with the boot');
    if (request.scope === 'machine')
      throw new KeyStoreError('NOT_SUPPORTED', "a token has one set of keys: its user's", {
        hint: 'Leave the scope out.',
      });
  }
}

async function placeOf(session: TokenSession, name: KeyName): Promise<Pkcs11Place | undefined> {
  const found = await findKey(session, name);
  return found && { publicKey: found.publicKey, generation: found.generation };
}

function isSamePlace(present: FoundKey | undefined, wanted: Pkcs11Place | undefined): boolean {
  if (!present || !wanted) return present === wanted;
  return (
    present.generation === wanted.generation && equalBytes(present.publicKey, wanted.publicKey)
  );
}
