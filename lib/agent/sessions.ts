/**
 * Sessions: what a client has in the agent. Its handles, and its answers that it may ask for again.
 *
 * A session outlives its connection for a while: a client whose connection broke names it, and goes on with its handles.
 */
import { randomBytes } from 'node:crypto';
import type { PendingKey, PersistedKey, PersistedKeyInfo } from '../contracts/provider.ts';
import { toHex } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import type { KeyAlgorithm } from '../keys/key-algorithms.ts';
import type { AgentRight } from './options.ts';

/** A handle of a key that is finalized. */
export interface HeldKey {
  readonly type: 'key';
  readonly name: string | null;
  readonly legacyKeySpec: PersistedKey['legacyKeySpec'];
  readonly scope: PersistedKey['scope'];
  readonly algorithm: KeyAlgorithm;
  readonly publicKey: Uint8Array;
  readonly rights: ReadonlySet<AgentRight>;
  readonly silent: boolean;
  /** Closed when the agent was locked since; opened again with the first use. */
  key: Promise<PersistedKey> | PersistedKey;
  generation: number;
  /** Of an ephemeral key: what it was used for first, where the two do not go together. */
  boundTo: 'sign' | 'rsa-pkcs1' | undefined;
}

/** A handle of a key that is not finalized. */
export interface HeldPending {
  readonly type: 'pending';
  readonly name: string | null;
  readonly pending: PendingKey;
  readonly generation: number;
  readonly rights: ReadonlySet<AgentRight>;
}

/** What comes of a request that changes something; kept until its client has it. */
export type KeptAnswer = Promise<
  { readonly result: Readonly<Record<string, unknown>> } | { readonly error: unknown }
>;

export interface SessionLimits {
  readonly handles: number;
  readonly graceMs: number;
}

export class Session {
  readonly id: string;
  readonly user: number | undefined;
  readonly handles = new Map<number, HeldKey | HeldPending>();
  readonly answers = new Map<number, KeptAnswer>();
  /** Pages of listings that were not asked for yet. */
  readonly listings = new Map<
    number,
    { readonly keys: PersistedKeyInfo[]; readonly unreadable: unknown }
  >();
  lastListing = 0;
  /** The connection that it has now. */
  connection: { destroy(): void } | undefined;
  /** When its connection broke, in milliseconds of `performance.now()`; undefined while it has one. */
  leftAt: number | undefined;
  #lastHandle = 0;
  #isClosed = false;
  readonly #limit: number;
  readonly #share: UserShare;

  // oxlint-disable-next-line max-params -- whose it is, and what it may take
  constructor(id: string, user: number | undefined, limit: number, share: UserShare) {
    this.id = id;
    this.user = user;
    this.#limit = limit;
    this.#share = share;
  }

  /** @throws KeyStoreError AGENT_BUSY */
  requireRoom(): void {
    if (this.handles.size >= this.#limit)
      throw new KeyStoreError('AGENT_BUSY', `this client has ${this.#limit} open handles`, {
        hint: 'Close keys that are not used any more.',
      });
  }

  /**
   * A key that is not finalized holds its properties in this process's memory, up to 8 MiB of them.
   *
   * @throws KeyStoreError AGENT_BUSY
   */
  requireRoomForPending(): void {
    this.requireRoom();
    let pending = 0;
    for (const { type } of this.handles.values()) if (type === 'pending') pending++;
    if (pending >= MAX_PENDING)
      throw new KeyStoreError('AGENT_BUSY', `this client has ${MAX_PENDING} keys to finalize`);
  }

  add(held: HeldKey | HeldPending): number {
    const handle = ++this.#lastHandle;
    if (!this.#isClosed) this.handles.set(handle, held);
    // Its client said goodbye while the key was opened.
    else if (held.type === 'key') void closeQuietly(held.key);
    return handle;
  }

  /** @throws KeyStoreError HANDLE_INVALID */
  pending(handle: number): HeldPending {
    const held = this.handles.get(handle);
    if (held?.type !== 'pending') throw new KeyStoreError('HANDLE_INVALID');
    return held;
  }

  /** @throws KeyStoreError HANDLE_INVALID */
  key(handle: number): HeldKey {
    const held = this.handles.get(handle);
    if (held?.type !== 'key') throw new KeyStoreError('HANDLE_INVALID');
    return held;
  }

  /** @throws KeyStoreError AGENT_BUSY where the user's clients never say which answers they have. */
  requireRoomForAnswer(): void {
    if (this.#share.answers >= MAX_ANSWERS)
      throw new KeyStoreError('AGENT_BUSY', `this user leaves ${MAX_ANSWERS} answers unsettled`);
  }

  keep(id: number, answer: KeptAnswer): void {
    this.answers.set(id, answer);
    this.#share.answers++;
  }

  /** Answers below this request are with the client. */
  settle(below: number): void {
    for (const id of this.answers.keys()) {
      // In ascending order.
      if (id >= below) return;
      this.answers.delete(id);
      this.#share.answers--;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#share.answers -= this.answers.size;
    const handles = [...this.handles.values()];
    this.handles.clear();
    this.answers.clear();
    this.listings.clear();
    for (const held of handles) if (held.type === 'key') await closeQuietly(held.key);
  }
}

const MAX_PENDING = 64;
/** Of all sessions of a user; each holds about a kilobyte. */
const MAX_ANSWERS = 1 << 16;

/** What the sessions of one user take together, however many they are. */
interface UserShare {
  answers: number;
}

export class Sessions {
  /** Names this run of the agent. */
  readonly agent = new Uint8Array(randomBytes(16));
  readonly #sessions = new Map<string, Session>();
  /** By user; as many as users who may connect. */
  readonly #shares = new Map<number | undefined, UserShare>();
  readonly #limits: SessionLimits;

  constructor(limits: SessionLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /**
   * The session of that name, or a new one.
   *
   * @throws KeyStoreError AGENT_ACCESS_DENIED where another user made it.
   */
  enter(name: Uint8Array, user: number | undefined): { session: Session; resumed: boolean } {
    const id = toHex(name);
    const known = this.#sessions.get(id);
    if (known && known.user !== user)
      throw new KeyStoreError('AGENT_ACCESS_DENIED', 'this session is of another user');
    const session = known ?? new Session(id, user, this.#limits.handles, this.#shareOf(user));
    session.leftAt = undefined;
    this.#sessions.set(id, session);
    return { session, resumed: known !== undefined };
  }

  #shareOf(user: number | undefined): UserShare {
    const share = this.#shares.get(user) ?? { answers: 0 };
    this.#shares.set(user, share);
    return share;
  }

  /** Its connection broke. One without handles and answers is worth nothing. */
  leave(session: Session): void {
    session.leftAt = performance.now();
    if (session.handles.size === 0 && session.answers.size === 0) this.#sessions.delete(session.id);
  }

  async end(session: Session): Promise<void> {
    this.#sessions.delete(session.id);
    await session.close();
  }

  /** Closes what nobody came back for. */
  sweep(): void {
    const before = performance.now() - this.#limits.graceMs;
    for (const session of this.#sessions.values())
      if (session.leftAt !== undefined && session.leftAt < before) void this.end(session);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sessions.values()].map((session) => this.end(session)));
  }
}

/** A key that was deleted, or closed with its provider, is closed already. */
async function closeQuietly(key: Promise<PersistedKey> | PersistedKey): Promise<void> {
  try {
    await (await key).close();
  } catch (error) {
    if (!KeyStoreError.is(error)) throw error;
  }
}
