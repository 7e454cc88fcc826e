/** SessionPool: sessions with one token, each used by one piece of work at a time. */
import type { Pkcs11, SessionHandle } from '../../../native-bindings/pkcs11.ts';
import { CKR, ckrError, hasCkr } from '../../../native-bindings/pkcs11-status.ts';
import type { FoundToken } from './find-token.ts';

export interface SessionPoolOptions {
  /** Sessions at once, or fewer where the token has fewer. */
  readonly most: number;
  /** Does a session stay where something failed in it? Session objects need that. */
  readonly outlivesFailures?: boolean;
}

export class SessionPool {
  readonly #api: Pkcs11;
  readonly #token: FoundToken;
  readonly #most: number;
  readonly #outlivesFailures: boolean;
  readonly #idle: SessionHandle[] = [];
  readonly #known = new Set<SessionHandle>();
  readonly #waiting: (() => void)[] = [];
  /** Idle ones, used ones, and those that are being opened. */
  #open = 0;
  #used = 0;
  #isClosed = false;
  #onUnused: (() => void) | undefined;

  constructor(api: Pkcs11, token: FoundToken, { most, outlivesFailures }: SessionPoolOptions) {
    this.#api = api;
    this.#token = token;
    const { maxSessions } = token.info;
    this.#outlivesFailures = outlivesFailures ?? false;
    this.#most = maxSessions > 0 ? Math.min(most, maxSessions) : most;
  }

  async use<Result>(work: (session: SessionHandle) => Promise<Result>): Promise<Result> {
    const session = await this.#take();
    this.#used++;
    let isDone = false;
    try {
      const result = await work(session);
      isDone = true;
      return result;
    } finally {
      await this.#giveBack(session, isDone || this.#outlivesFailures);
    }
  }

  /** Waits for what runs, then closes every session. */
  async close(): Promise<void> {
    await this.abandon();
    for (const session of this.#idle.splice(0)) await this.#closeSession(session);
  }

  /**
   * Waits for what runs, and forgets the sessions, which the token or its module has closed: their handles may be those of others by now.
   */
  async abandon(): Promise<void> {
    this.#isClosed = true;
    for (const wake of this.#waiting.splice(0)) wake();
    if (this.#used > 0)
      await new Promise<void>((resolve) => {
        const before = this.#onUnused;
        this.#onUnused = () => {
          before?.();
          resolve();
        };
      });
  }

  async #take(): Promise<SessionHandle> {
    for (;;) {
      if (this.#isClosed) throw ckrError('C_OpenSession', CKR.SESSION_CLOSED);
      const idle = this.#idle.pop();
      if (idle !== undefined) return idle;
      const opened = this.#open < this.#most ? await this.#openSession() : undefined;
      if (opened !== undefined) return opened;
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
  }

  /** @returns undefined where the token has no more, and one of ours will be free. */
  async #openSession(): Promise<SessionHandle | undefined> {
    this.#open++;
    try {
      const session = await this.#api.openSession(this.#token.slot);
      // Somebody else began the module anew, and it gives out again what we still have.
      if (this.#known.has(session)) throw ckrError('C_OpenSession', CKR.SESSION_HANDLE_INVALID);
      this.#known.add(session);
      return session;
    } catch (error) {
      this.#open--;
      if (hasCkr(error, CKR.SESSION_COUNT) && this.#used > 0) return undefined;
      throw error;
    }
  }

  /** One that something failed in may have an operation left in it, which ends with it. */
  async #giveBack(session: SessionHandle, isGood: boolean): Promise<void> {
    if (isGood || this.#isClosed) this.#idle.push(session);
    else await this.#closeSession(session);
    this.#used--;
    this.#waiting.shift()?.();
    if (this.#used === 0) this.#onUnused?.();
  }

  async #closeSession(session: SessionHandle): Promise<void> {
    // It may be gone with its token.
    await this.#api.closeSession(session).catch(() => undefined);
    this.#known.delete(session);
    this.#open--;
  }
}
