/** HandleTable: the keys behind the handles of sessions, opened again after the agent was locked. */
import { equalBytes } from '../bytes/octets.ts';
import type { PendingKey, PersistedKey } from '../contracts/provider.ts';
import { KeyStoreError } from '../errors.ts';
import type { AccessList } from './access-list.ts';
import type { Caller } from './caller.ts';
import type { OpenedProvider, ProviderKeeper } from './provider-keeper.ts';
import type { HeldKey, HeldPending, Session } from './sessions.ts';

export class HandleTable {
  readonly #keeper: ProviderKeeper;
  readonly #access: AccessList;

  constructor({
    keeper,
    access,
  }: {
    readonly keeper: ProviderKeeper;
    readonly access: AccessList;
  }) {
    this.#keeper = keeper;
    this.#access = access;
  }

  addPending(name: string | null, pending: PendingKey, { session, peer }: Caller): number {
    const { generation } = this.#keeper.current;
    const rights = this.#access.rightsOf(peer.uid, name);
    return session.add({ type: 'pending', name, pending, generation, rights });
  }

  addKey(
    key: PersistedKey,
    { silent }: { readonly silent: boolean },
    { session, peer }: Caller,
  ): number {
    const { name, legacyKeySpec, scope, algorithm, publicKey } = key;
    return session.add({
      type: 'key',
      name,
      legacyKeySpec,
      scope,
      algorithm,
      publicKey,
      silent,
      rights: this.#access.rightsOf(peer.uid, name),
      key,
      generation: this.#keeper.current.generation,
      boundTo: undefined,
    });
  }

  /** @throws KeyStoreError HANDLE_INVALID, AGENT_LOCKED; AGENT_KEY_GONE where the agent was locked since. */
  pending(session: Session, handle: number): HeldPending {
    const held = session.pending(handle);
    if (held.generation !== this.#keeper.current.generation)
      throw new KeyStoreError('AGENT_KEY_GONE');
    return held;
  }

  /** @throws KeyStoreError AGENT_LOCKED, AGENT_KEY_GONE, and what opening a key throws. */
  key(held: HeldKey): Promise<PersistedKey> | PersistedKey {
    const opened = this.#keeper.current;
    if (held.generation === opened.generation) return held.key;
    held.generation = opened.generation;
    const key = reopen(held, opened);
    held.key = key;
    key.catch(() => {
      // Tried again with the next use.
      held.generation = NEVER;
    });
    return key;
  }

  /** Frees a handle. One that is free already, and one whose provider is locked, is no error. */
  async close(session: Session, handle: number): Promise<void> {
    const held = session.handles.get(handle);
    session.handles.delete(handle);
    if (held?.type !== 'key') return;
    try {
      await (await held.key).close();
    } catch (error) {
      if (!KeyStoreError.is(error)) throw error;
    }
  }
}

async function reopen(held: HeldKey, { provider }: OpenedProvider): Promise<PersistedKey> {
  const { name, legacyKeySpec, scope, silent } = held;
  if (name === null) throw new KeyStoreError('AGENT_KEY_GONE');
  const key = await provider.openKey(name, legacyKeySpec, { scope, silent });
  if (equalBytes(key.publicKey, held.publicKey)) return key;
  await key.close();
  throw new KeyStoreError('AGENT_KEY_GONE', 'another key has the name of this one now');
}

const NEVER = -1;
