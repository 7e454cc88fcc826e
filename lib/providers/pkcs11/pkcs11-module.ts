/** Pkcs11Module: a PKCS #11 module, loaded once in this process and initialised while providers use it, however many. */
import { loadPkcs11, type Pkcs11 } from '../../../native-bindings/pkcs11.ts';
import { KeyStoreError } from '../../errors.ts';
import type { OaepHash } from '../../contracts/wrapped-key.ts';

export class Pkcs11Module {
  readonly api: Pkcs11;
  /** By token; asked once in a process. */
  readonly oaepHashes = new Map<string, OaepHash[]>();
  #users = 0;
  #isInitialized = false;
  /** Did we initialise it? Then we also end it. */
  #isOurs = false;
  #restarts = 0;
  #isDistrusted = false;
  #running = 0;
  #onIdle: (() => void) | undefined;
  /** What is to be done while no call is running. */
  #alone: Promise<void> | undefined;

  private constructor(api: Pkcs11) {
    this.api = api;
  }

  /**
   * The module of a path, initialised. Whoever asked gives it back by {@link release}.
   *
   * @throws KeyStoreError PROVIDER_UNAVAILABLE, MODULE_MISSING, what C_Initialize fails with.
   */
  static async open(path: string): Promise<Pkcs11Module> {
    let loading = MODULES.get(path);
    if (!loading) {
      loading = loadPkcs11(path).then((api) => new Pkcs11Module(api));
      MODULES.set(path, loading);
      // What failed may be there the next time.
      loading.catch(() => MODULES.delete(path));
    }
    const module = await loading;
    module.#users++;
    try {
      await module.#doAlone(() => module.#start());
    } catch (error) {
      module.#users--;
      throw error;
    }
    return module;
  }

  /** C_Finalize after the last user: what a module forgot to take out of the memory of a TPM goes with it. */
  async release(): Promise<void> {
    if (--this.#users > 0) return;
    await this.#doAlone(() => {
      if (this.#users === 0) this.#stop();
    });
  }

  /** Does nobody else in this process mind when it begins anew? */
  get hasOneUser(): boolean {
    return this.#users === 1;
  }

  /** How often it was begun anew: handles of before are none any more. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Should it begin anew before it is used again? */
  get isDistrusted(): boolean {
    return this.#isDistrusted;
  }

  distrust(): void {
    this.#isDistrusted = true;
  }

  /** Runs calls of the module, which is neither ended nor begun anew meanwhile. `work` does not come back to this. */
  async run<Result>(work: (api: Pkcs11) => Promise<Result>): Promise<Result> {
    while (this.#alone) await this.#alone.catch(() => undefined);
    this.#running++;
    try {
      return await work(this.api);
    } finally {
      if (--this.#running === 0) this.#onIdle?.();
    }
  }

  /**
   * C_Finalize and C_Initialize, once no call is running: some modules find a token that was gone in no other way. Where another part of this
   * process initialised the module, it is left as it is.
   *
   * @param restarts - What it was when the caller's handles were good: of several callers one does it.
   */
  restart(restarts: number): Promise<void> {
    return this.#doAlone(() => {
      if (this.#restarts !== restarts) return;
      this.#restarts++;
      this.#isDistrusted = false;
      this.#stop();
      this.#start();
    });
  }

  #doAlone(work: () => void): Promise<void> {
    const before = this.#alone;
    const turn = (async () => {
      await before?.catch(() => undefined);
      if (this.#running > 0)
        await new Promise<void>((resolve) => {
          this.#onIdle = resolve;
        });
      this.#onIdle = undefined;
      work();
    })().finally(() => {
      if (this.#alone === turn) this.#alone = undefined;
    });
    this.#alone = turn;
    return turn;
  }

  #start(): void {
    if (this.#isInitialized) return;
    this.#isOurs = this.api.initialize();
    this.#isInitialized = true;
    // Its calls that ask for a slot or a token use the TPM without a lock (1.9), and a thread in the middle of another call crashes.
    if (this.api.libraryDescription().startsWith('TPM2')) this.api.takeTurns();
  }

  /** It may have been ended by somebody else, or fail with its token: either way the next start says what is the matter. */
  #stop(): void {
    this.#isInitialized = false;
    if (!this.#isOurs) return;
    try {
      this.api.finalize();
    } catch (error) {
      if (!KeyStoreError.is(error)) throw error;
    }
  }
}

const MODULES = new Map<string, Promise<Pkcs11Module>>();
