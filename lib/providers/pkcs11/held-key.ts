/** HeldKey: what a handle of a key does to the token: the one that it keeps for everybody, and an ephemeral one. */
import { CKA, CKO } from '../../../native-bindings/pkcs11-constants.ts';
import { equalBytes } from '../../bytes/octets.ts';
import { KeyStoreError } from '../../errors.ts';
import type { StoredProperties } from '../rules/key-properties.ts';
import type { KeyName } from '../rules/key-storage.ts';
import { findById, findKey } from './find-key.ts';
import { isKeptId } from './key-id.ts';
import { destroyObjects, findPrivateKeys, type KeyObject } from './key-objects.ts';
import { destroyPair, narrowUsage } from './make-key.ts';
import { removeFacts, writeFacts } from './token-facts.ts';
import type { TokenSession, TokenSessions } from './token-sessions.ts';
import type { TokenLock } from './token-lock.ts';
import type { LoginOptions } from './login.ts';

export interface HeldKey {
  use<Result>(work: (session: TokenSession) => Promise<Result>): Promise<Result>;
  /** The private key, as its handle is in that session. @throws KeyStoreError HANDLE_INVALID where it was deleted or replaced. */
  find(session: TokenSession): Promise<KeyObject>;
  /** It has to be looked for again. */
  forget(): void;
  /** @returns undefined where the key was deleted or replaced. */
  change(
    change: (present: StoredProperties) => StoredProperties,
  ): Promise<StoredProperties | undefined>;
  delete(): Promise<void>;
  close(): Promise<void>;
}

export interface KeptKeyParts {
  readonly sessions: TokenSessions;
  readonly lock: TokenLock;
  readonly name: KeyName;
  readonly privateKey: KeyObject;
  readonly publicKey: Uint8Array;
  readonly login: LoginOptions;
}

/** A key that the token keeps. */
export class KeptKey implements HeldKey {
  readonly #parts: KeptKeyParts;
  /** By connection: handles of another one are none. */
  #found: { readonly connection: object; readonly key: KeyObject } | undefined;

  constructor(parts: KeptKeyParts) {
    this.#parts = parts;
  }

  use<Result>(work: (session: TokenSession) => Promise<Result>): Promise<Result> {
    return this.#parts.sessions.use(work, this.#parts.login);
  }

  async find(session: TokenSession): Promise<KeyObject> {
    const { connection } = session;
    if (this.#found?.connection === connection) return this.#found.key;
    const { privateKey, publicKey } = this.#parts;
    const key = await this.#again(session, privateKey, publicKey);
    if (!key)
      throw new KeyStoreError('HANDLE_INVALID', 'the key was deleted or replaced meanwhile');
    this.#found = { connection, key };
    return key;
  }

  forget(): void {
    this.#found = undefined;
  }

  change(
    change: (present: StoredProperties) => StoredProperties,
  ): Promise<StoredProperties | undefined> {
    const { lock, name, publicKey } = this.#parts;
    return lock.hold(name.name, () =>
      this.use(async (session) => {
        const found = await findKey(session, name);
        if (!found || !equalBytes(found.publicKey, publicKey)) return undefined;
        const { privateKey, algorithm, generation } = found;
        if (privateKey.id.length === 0)
          throw new KeyStoreError(
            'NOT_SUPPORTED',
            'this key of another program has no CKA_ID, by which what is kept of it could be told to be its own',
          );
        const properties = change(found.properties);
        const facts = { ...name, algorithm, publicKey, properties, generation: generation + 1 };
        await writeFacts(session, privateKey.id, facts);
        await narrowUsage(session, privateKey, properties.keyUsage);
        return properties;
      }),
    );
  }

  delete(): Promise<void> {
    const { lock, name, publicKey } = this.#parts;
    return lock.hold(name.name, () =>
      this.use(async (session) => {
        const found = await findKey(session, name);
        if (!found || !equalBytes(found.publicKey, publicKey)) return;
        await destroyKey(session, found.privateKey);
        await removeFacts(session, name);
      }),
    );
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** By its id; one of another program's without an id by its name. */
  async #again(
    session: TokenSession,
    { id }: KeyObject,
    publicKey: Uint8Array,
  ): Promise<KeyObject | undefined> {
    if (id.length > 0) return findById(session, id, publicKey);
    const found = await findKey(session, this.#parts.name);
    return found && equalBytes(found.publicKey, publicKey) ? found.privateKey : undefined;
  }
}

/** Of another program's key the public half goes with it, unless that is another private key's too. */
async function destroyKey(session: TokenSession, { id, handle }: KeyObject): Promise<void> {
  if (isKeptId(id)) return destroyPair(session, id);
  await session.api.destroyObject(session.handle, handle);
  const same = [CKA.ID, id] as const;
  if (id.length === 0 || (await findPrivateKeys(session, [same])).length > 0) return;
  await destroyObjects(session, CKO.PUBLIC_KEY, [same]);
}
