/** ProviderKeeper: the agent's provider while it is unlocked, and nothing of it while it is locked. */
import type { Provider } from '../contracts/provider.ts';
import type { KeyStoreErrorCode } from '../error-codes.ts';
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
  /** Wrong passphrases since the last right one. */
  #refusals = 0;
  #notBefore = 0;
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
   * @throws KeyStoreError PASSWORD_WRONG; AGENT_BUSY where that was answered too often before.
   */
  unlock(passphrase: SecretBytes): Promise<void> {
    return this.#inTurn(async () => {
      if (!this.#isLocked) {
        passphrase.dispose();
        return;
      }
      this.#passphrase = passphrase;
      try {
        this.#requirePatience();
        await this.#open();
        this.#isLocked = false;
        this.#refusals = 0;
      } catch (error) {
        passphrase.dispose();
        this.#passphrase = undefined;
        if (KeyStoreError.is(error) && error.code === 'PASSWORD_WRONG') this.#refused();
        throw error;
      }
    });
  }

  /** Whoever tries passphrases, or the PIN of a token that counts, has to wait longer each time, over whichever connection. */
  #refused(): void {
    this.#refusals++;
    const seconds = Math.min(LONGEST_WAIT_S, 2 ** (this.#refusals - TRIES_AT_ONCE));
    if (this.#refusals >= TRIES_AT_ONCE) this.#notBefore = performance.now() + 1000 * seconds;
  }

  #requirePatience(): void {
    const left = Math.ceil((this.#notBefore - performance.now()) / 1000);
    if (left > 0)
      throw new KeyStoreError(
        'AGENT_BUSY',
        `${this.#refusals} passphrases were wrong; the next one is tried in ${left} s`,
      );
  }

  close(): Promise<void> {
    return this.lock();
  }

  async #open(): Promise<void> {
    const passphrase = new AskedPassphrase(this.#passphrase);
    const provider = await this.#options.openProvider({
      rsaThreads: this.#options.rsaThreads,
      passphrase: () => passphrase.ask(),
    });
    try {
      await tryKeys(provider, passphrase);
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

/** The passphrase, and whether anything wanted it. */
class AskedPassphrase {
  readonly #passphrase: SecretBytes | undefined;
  /** Did something ask, or is there nothing to ask for? */
  wasAsked: boolean;

  constructor(passphrase: SecretBytes | undefined) {
    this.#passphrase = passphrase;
    this.wasAsked = passphrase === undefined || passphrase.length === 0;
  }

  ask(): Promise<SecretBytes> {
    if (!this.#passphrase) return Promise.reject(new KeyStoreError('PASSWORD_REQUIRED'));
    this.wasAsked = true;
    return Promise.resolve(Secret.copy(this.#passphrase.bytes));
  }
}

/**
 * A passphrase is right when it opens a key. Keys that cannot be opened, or open without it, prove nothing, and keep the agent from starting
 * only where no other key does.
 */
async function tryKeys(provider: Provider, passphrase: AskedPassphrase): Promise<void> {
  if (!provider.capabilities.persisted) return;
  let failure: KeyStoreError | undefined;
  for await (const { name, legacyKeySpec, scope } of readable(provider)) {
    try {
      const key = await provider.openKey(name, legacyKeySpec, { scope });
      await key.close();
      if (passphrase.wasAsked) return;
    } catch (error) {
      if (!KeyStoreError.is(error) || !OF_ONE_KEY.has(error.code)) throw error;
      failure ??= error;
    }
  }
  if (failure) throw failure;
}

/** A key of a boot that is over, one that is damaged, one that somebody deleted just now. */
const OF_ONE_KEY: ReadonlySet<string> = new Set<KeyStoreErrorCode>([
  'KEY_PER_BOOT_GONE',
  'KEY_FILE_DAMAGED',
  'CONTAINER_NOT_FOUND',
]);

/** A key that cannot even be listed is told when somebody lists. */
async function* readable(provider: Provider): ReturnType<Provider['listKeys']> {
  try {
    yield* provider.listKeys();
  } catch (error) {
    if (!KeyStoreError.is(error) || error.code !== 'KEY_FILE_DAMAGED') throw error;
  }
}

/** Wrong passphrases that cost no time: a slip of the finger, and another one. */
const TRIES_AT_ONCE = 3;
const LONGEST_WAIT_S = 60;
/** setTimeout takes 31 bits. */
const MAX_TIMER_MS = 0x7fffffff;
