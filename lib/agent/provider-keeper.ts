/** ProviderKeeper: the agent's provider while it is unlocked, and nothing of it while it is locked. */
import type { Provider } from '../contracts/provider.ts';
import { KeyStoreError } from '../errors.ts';
import type { RsaThreads } from '../keys/rsa-threads.ts';
import type { SecretBytes } from '../keys/secret-bytes.ts';
import { SecretBytes as Secret } from '../keys/secret-bytes.ts';
import type { OpenAgentProvider } from './options.ts';

export interface ProviderKeeperOptions {
  readonly openProvider: OpenAgentProvider;
  readonly passphrase?: SecretBytes | undefined;
  readonly rsaThreads: RsaThreads;
  /** undefined: never. */
  readonly idleLockMs?: number | undefined;
}

/** A provider, and which one of those that were opened one after the other. */
export interface OpenedProvider {
  readonly provider: Provider;
  /** Handles of another one are closed. */
  readonly generation: number;
}

export class ProviderKeeper {
  readonly #options: ProviderKeeperOptions;
  #passphrase: SecretBytes | undefined;
  #opened: OpenedProvider | undefined;
  #generation = 0;
  /** Locking, unlocking and opening, one after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  #idleTimer: NodeJS.Timeout | undefined;
  #isLocked = false;
  #lastUse = 0;
  /** Uses of private keys that are not done yet. */
  #inUse = 0;

  private constructor(options: ProviderKeeperOptions) {
    this.#options = options;
    this.#passphrase = options.passphrase;
  }

  /** Opens the provider; a wrong passphrase is told now. */
  static async start(options: ProviderKeeperOptions): Promise<ProviderKeeper> {
    const keeper = new ProviderKeeper(options);
    try {
      await keeper.#open();
    } catch (error) {
      keeper.#passphrase?.dispose();
      throw error;
    }
    return keeper;
  }

  get isLocked(): boolean {
    return this.#isLocked;
  }

  get idleLockMs(): number | undefined {
    return this.#options.idleLockMs;
  }

  /** @throws KeyStoreError AGENT_LOCKED. */
  get current(): OpenedProvider {
    if (!this.#opened) throw new KeyStoreError('AGENT_LOCKED');
    return this.#opened;
  }

  /** Counts a use of a private key as activity, from its begin to its end. */
  async using<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#inUse++;
    try {
      return await work();
    } finally {
      this.#inUse--;
      this.#lastUse = performance.now();
    }
  }

  lock(): Promise<void> {
    return this.#inTurn(async () => {
      this.#isLocked = true;
      clearTimeout(this.#idleTimer);
      this.#passphrase?.dispose();
      this.#passphrase = undefined;
      const opened = this.#opened;
      this.#opened = undefined;
      await opened?.provider.close();
    });
  }

  /**
   * @param passphrase - Wiped when it turns out to be wrong, or with the next lock.
   * @throws KeyStoreError PASSWORD_WRONG.
   */
  unlock(passphrase: SecretBytes): Promise<void> {
    return this.#inTurn(async () => {
      if (!this.#isLocked) {
        passphrase.dispose();
        return;
      }
      this.#passphrase = passphrase;
      try {
        await this.#open();
        this.#isLocked = false;
      } catch (error) {
        passphrase.dispose();
        this.#passphrase = undefined;
        throw error;
      }
    });
  }

  close(): Promise<void> {
    return this.lock();
  }

  async #open(): Promise<void> {
    const provider = await this.#options.openProvider({
      rsaThreads: this.#options.rsaThreads,
      passphrase: () =>
        this.#passphrase
          ? Promise.resolve(Secret.copy(this.#passphrase.bytes))
          : Promise.reject(new KeyStoreError('PASSWORD_REQUIRED')),
    });
    try {
      await tryOneKey(provider);
    } catch (error) {
      await provider.close();
      throw error;
    }
    this.#opened = { provider, generation: ++this.#generation };
    this.#lastUse = performance.now();
    this.#watchIdle();
  }

  #watchIdle(): void {
    const { idleLockMs } = this.#options;
    if (idleLockMs === undefined) return;
    const left = this.#inUse > 0 ? idleLockMs : this.#lastUse + idleLockMs - performance.now();
    if (left <= 0) {
      void this.lock();
      return;
    }
    this.#idleTimer = setTimeout(() => this.#watchIdle(), Math.min(left, MAX_TIMER_MS));
    this.#idleTimer.unref();
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}

/** A passphrase is right when it opens a key. Other keys that cannot be opened do not keep the agent from starting. */
async function tryOneKey(provider: Provider): Promise<void> {
  if (!provider.capabilities.persisted) return;
  for await (const { name, legacyKeySpec, scope } of readable(provider)) {
    const key = await provider.openKey(name, legacyKeySpec, { scope });
    await key.close();
    return;
  }
}

/** A key that cannot even be listed is told when somebody lists. */
async function* readable(provider: Provider): ReturnType<Provider['listKeys']> {
  try {
    yield* provider.listKeys();
  } catch (error) {
    if (!KeyStoreError.is(error) || error.code !== 'KEY_FILE_DAMAGED') throw error;
  }
}

/** setTimeout takes 31 bits. */
const MAX_TIMER_MS = 0x7fffffff;
