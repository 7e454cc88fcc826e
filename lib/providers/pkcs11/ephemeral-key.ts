/** Ephemeral keys: a session's where the token has such; else the token keeps them while they are open. */
import { KeyStoreError } from '../../errors.ts';
import type { KeyToMake } from '../rules/key-storage.ts';
import type { HeldKey } from './held-key.ts';
import { findById } from './find-key.ts';
import type { LoginOptions } from './login.ts';
import { isAbandoned, newEphemeralId } from './key-id.ts';
import { findPrivateKeys, labelled, type KeyObject } from './key-objects.ts';
import {
  destroyPair,
  hasNoSessionKeys,
  makeKeyPair,
  type MadeKey,
  type MakerFacts,
} from './make-key.ts';
import type { TokenSession, TokenSessions } from './token-sessions.ts';

export interface EphemeralMaker extends MakerFacts {
  readonly sessions: TokenSessions;
  /** Found out when the first one is made. */
  hasSessionKeys: boolean;
}

/** Makes a key that nobody finds, and that is gone when it is closed. */
export async function makeEphemeral(
  maker: EphemeralMaker,
  key: KeyToMake<unknown>,
): Promise<{ readonly made: MadeKey; readonly held: HeldKey }> {
  const { sessions } = maker;
  const { silent } = key;
  const id = newEphemeralId();
  const make = async (isKept: boolean) =>
    sessions.useForObjects(
      async (session) => {
        if (isKept) await deleteAbandoned(session);
        const place = { isKept, label: LABEL, id };
        const made = await makeKeyPair(session, key, place, maker);
        return {
          made,
          held: new EphemeralKey({ sessions, connection: session.connection, made, isKept }),
        };
      },
      { silent },
    );
  if (maker.hasSessionKeys) {
    try {
      return await make(false);
    } catch (error) {
      if (!hasNoSessionKeys(error)) throw error;
    }
    const made = await make(true);
    // Only now: what failed before may have been the algorithm.
    maker.hasSessionKeys = false;
    return made;
  }
  return make(true);
}

interface EphemeralParts {
  readonly sessions: TokenSessions;
  readonly connection: object;
  readonly made: MadeKey;
  readonly isKept: boolean;
}

class EphemeralKey implements HeldKey {
  readonly #parts: EphemeralParts;

  constructor(parts: EphemeralParts) {
    this.#parts = parts;
  }

  use<Result>(
    work: (session: TokenSession) => Promise<Result>,
    login: LoginOptions = {},
  ): Promise<Result> {
    return this.#parts.sessions.use(work, login);
  }

  async find(session: TokenSession): Promise<KeyObject> {
    const { connection, isKept, made } = this.#parts;
    if (session.connection === connection) return made.privateKey;
    const { privateKey, publicKey } = made;
    const again = isKept ? await findById(session, privateKey.id, publicKey) : undefined;
    if (again) return again;
    throw new KeyStoreError('HANDLE_INVALID', 'the ephemeral key went with the token');
  }

  forget(): void {
    // It has no other handle.
  }

  change(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  delete(): Promise<void> {
    return Promise.resolve();
  }

  /** Nobody is asked for a PIN. Where the token is gone, a session's key is too, and another is deleted by whoever makes the next one. */
  async close(): Promise<void> {
    const { connection, isKept, made } = this.#parts;
    const { privateKey, publicHandle } = made;
    try {
      await this.use(async (session) => {
        if (isKept) return destroyPair(session, privateKey.id);
        if (session.connection !== connection) return;
        await session.api.destroyObject(session.handle, privateKey.handle);
        await session.api.destroyObject(session.handle, publicHandle);
      }, SILENTLY);
    } catch (error) {
      if (!KeyStoreError.is(error)) throw error;
    }
  }
}

/** Those of processes of this machine that ended without closing them. */
async function deleteAbandoned(session: TokenSession): Promise<void> {
  for (const { id } of await findPrivateKeys(session, [labelled(LABEL)]))
    if (isAbandoned(id)) await destroyPair(session, id);
}

const SILENTLY: LoginOptions = { silent: true };
const LABEL = 'keycask ephemeral';
