/**
 * TokenSessions: sessions with a token, some at once, logged in.
 *
 * A token can go and come back: whatever shows that it did is answered by new sessions, a new login and one more try. A PIN that the
 * token refused is not tried again: three times would lock it.
 */
import type {
  Attribute,
  ObjectHandle,
  Pkcs11,
  SessionHandle,
} from '../../../native-bindings/pkcs11.ts';
import { CKA } from '../../../native-bindings/pkcs11-constants.ts';
import { CKR, ckrError, hasCkr } from '../../../native-bindings/pkcs11-status.ts';
import { KeyStoreError, type KeyStoreErrorCode } from '../../errors.ts';
import type { SecretBytes } from '../../keys/secret-bytes.ts';
import { findToken, type FoundToken, type TokenName } from './find-token.ts';
import type { Pkcs11Module } from './pkcs11-module.ts';
import { requireLogin, type LoginOptions } from './login.ts';
import { SessionPool } from './session-pool.ts';
import type { TokenLock } from './token-lock.ts';

/** Asked whenever the token wants its PIN. Whoever asked disposes of the answer. */
export type AskPin = () => Promise<SecretBytes>;

export interface TokenSessionsOptions {
  readonly module: Pkcs11Module;
  readonly token: TokenName;
  readonly pin?: AskPin | undefined;
  readonly lock: TokenLock;
  readonly maxSessions: number;
}

/** What a piece of work has. Its handles are good until it settles. */
export interface TokenSession {
  readonly api: Pkcs11;
  readonly handle: SessionHandle;
  /** Object handles that were found in another connection are none in this one. */
  readonly connection: object;
  /**
   * The objects that have these attributes.
   *
   * @throws KeyStoreError which has the work done once more: where there is none, we may have been logged out; and where nothing at all is on a
   *   token that had something, it was taken away behind its module's back.
   */
  readonly find: (attributes: readonly Attribute[]) => Promise<ObjectHandle[]>;
  /** Something is on the token from now on. */
  readonly noteMade: () => void;
}

/** A login that was begun. */
interface Login {
  readonly to: Connection;
  readonly silent: boolean;
  readonly done: Promise<boolean>;
}

/** A session that a piece of work is given, and whether it was logged in when that began. */
interface OpenSession extends Pick<TokenSession, 'api' | 'handle'> {
  readonly isLoggedIn: boolean;
}

/** What is to be made anew: the login, the sessions, or all that the module knows. */
type Loss = 'login' | 'sessions' | 'module';

/** What comes before a piece of work, and which failures of it say that the token is lost. */
interface Preparation {
  /** @returns Whether the token knows us from then on. */
  readonly prepare: (connection: Connection) => Promise<boolean>;
  readonly lost: readonly number[];
  readonly pool?: 'pool' | 'objects';
}

/** One run of sessions, from when the token was found to when it was lost. */
interface Connection {
  readonly token: FoundToken;
  readonly pool: SessionPool;
  /** One session, which session objects are made in. */
  readonly objects: SessionPool;
  /** Of the module. */
  readonly restarts: number;
  /** Did we ever find anything on the token? */
  hasObjects: boolean;
}

export class TokenSessions {
  readonly #options: TokenSessionsOptions;
  #connecting: Promise<Connection> | undefined;
  /** undefined while another one is on its way. */
  #current: Connection | undefined;
  #wasConnected = false;
  /** Of the token that was found first. */
  #serial: string | undefined;
  #login: Login | undefined;
  /** What the token answered to its PIN, where that was no. */
  #refusal: KeyStoreError | undefined;
  #isClosed = false;

  constructor(options: TokenSessionsOptions) {
    this.#options = options;
  }

  /** Can it log in without a caller's help? */
  get hasPin(): boolean {
    return this.#options.pin !== undefined;
  }

  /** The token as it was found last. */
  async token(): Promise<FoundToken> {
    return (await this.#connection()).token;
  }

  /**
   * Runs `work` with a session that is logged in, once more where the token was gone meanwhile: it has to be something that can be done twice.
   *
   * @throws KeyStoreError PASSWORD_REQUIRED, PASSWORD_WRONG, PIN_LOCKED; PROVIDER_UNAVAILABLE where the token does not come back; what
   *   `work` throws.
   */
  use<Result>(
    work: (session: TokenSession) => Promise<Result>,
    options: LoginOptions = {},
  ): Promise<Result> {
    return this.#use(work, {
      prepare: (connection) => this.#logIn(connection, options),
      lost: [...LOST, CKR.USER_NOT_LOGGED_IN],
    });
  }

  /** Runs `work` with a session that may not be logged in: it sees what is public. */
  usePublic<Result>(work: (session: TokenSession) => Promise<Result>): Promise<Result> {
    return this.#use(work, { prepare: () => Promise.resolve(false), lost: LOST });
  }

  /** Runs `work` with the session that session objects are made in: they are gone with it, and it stays as long as the token does. */
  useForObjects<Result>(
    work: (session: TokenSession) => Promise<Result>,
    options: LoginOptions = {},
  ): Promise<Result> {
    return this.#use(work, {
      prepare: (connection) => this.#logIn(connection, options),
      lost: [...LOST, CKR.USER_NOT_LOGGED_IN],
      pool: 'objects',
    });
  }

  /** No work begins from here on; settles when the sessions are closed, and the module is given back. Once only. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const connection = await this.#connecting?.catch(() => undefined);
    this.#connecting = undefined;
    if (connection) await this.#disconnect(connection);
    await this.#options.module.release();
  }

  #disconnect({ pool, objects }: Connection): Promise<void> {
    return this.#options.module.run(async () => {
      await pool.close();
      await objects.close();
    });
  }

  async #use<Result>(
    work: (session: TokenSession) => Promise<Result>,
    { prepare, lost, pool = 'pool' }: Preparation,
  ): Promise<Result> {
    for (let attempt = 1; ; attempt++) {
      let connection: Connection | undefined;
      try {
        connection = await this.#connection();
        const at = connection;
        const isLoggedIn = await prepare(at);
        return await this.#options.module.run((api) =>
          at[pool].use((handle) => work(this.#sessionOf(at, { api, handle, isLoggedIn }))),
        );
      } catch (error) {
        const loss = await this.#lossOf(error, connection, lost);
        if (!loss) throw error;
        if (attempt === ATTEMPTS) throw this.#gone(error);
        // First new sessions may be enough; then the module has to look for its tokens again.
        this.#leave(connection, attempt > 1 && loss === 'sessions' ? 'module' : loss);
      }
    }
  }

  #sessionOf(connection: Connection, { api, handle, isLoggedIn }: OpenSession): TokenSession {
    const { module } = this.#options;
    // Handles of before may be those of others by now.
    if (connection.restarts !== module.restarts)
      throw ckrError('C_OpenSession', CKR.SESSION_HANDLE_INVALID);
    const noteMade = (): void => {
      connection.hasObjects = true;
    };
    const find = async (attributes: readonly Attribute[]): Promise<ObjectHandle[]> => {
      let found = await api.findObjects(handle, attributes);
      if (found.length === 0) {
        await requireSight({ api, handle, isLoggedIn }, connection.hasObjects);
        // Another piece of work may have logged in since.
        found = await api.findObjects(handle, attributes);
      }
      if (found.length > 0) noteMade();
      return found;
    };
    return { api, handle, connection, find, noteMade };
  }

  #connection(): Promise<Connection> {
    if (this.#isClosed) throw new KeyStoreError('HANDLE_INVALID');
    return (this.#connecting ??= this.#keep(this.#connect()));
  }

  /** What fails is tried again by whoever asks next. */
  #keep(connecting: Promise<Connection>): Promise<Connection> {
    connecting.catch(() => {
      if (this.#connecting === connecting) this.#connecting = undefined;
      // Some modules look for tokens only when they are initialised.
      if (this.#wasConnected) this.#options.module.distrust();
    });
    return connecting;
  }

  async #connect(): Promise<Connection> {
    const { module, token: name, maxSessions } = this.#options;
    if (module.isDistrusted) await this.#restart(module.restarts);
    // One that comes back is the one that went: another one of its label gets no PIN.
    const token = await this.#findToken({ ...name, serial: name.serial ?? this.#serial });
    if (token.info.serial !== '') this.#serial = token.info.serial;
    return module.run((api) => {
      const { restarts } = module;
      const pool = new SessionPool(api, token, { most: maxSessions });
      this.#wasConnected = true;
      const objects = new SessionPool(api, token, { most: 1, outlivesFailures: true });
      this.#current = { token, restarts, pool, objects, hasObjects: false };
      return Promise.resolve(this.#current);
    });
  }

  /** SoftHSM overlooks a token that another process logs in to while the module is initialised. */
  async #findToken(name: TokenName): Promise<FoundToken> {
    const { module } = this.#options;
    for (let looks = 1; ; looks++) {
      try {
        return await module.run((api) => findToken(api, name));
      } catch (error) {
        const mayBeOverlooked = KeyStoreError.is(error) && !error.native && module.hasOneUser;
        if (!mayBeOverlooked || looks === LOOKS) throw error;
        await this.#restart(module.restarts);
      }
    }
  }

  /** Once for all who wait for it. */
  async #logIn(connection: Connection, options: LoginOptions): Promise<boolean> {
    if (this.#refusal) throw this.#refusal;
    const { silent = false } = options;
    if (this.#login?.to === connection) {
      // One that asks nobody does not speak for those who may ask.
      if (silent || !this.#login.silent) return this.#login.done;
      const isLoggedIn = await this.#login.done.catch(() => undefined);
      return isLoggedIn ?? this.#logIn(connection, options);
    }
    const { module, pin, lock } = this.#options;
    const alone = <Result>(work: () => Promise<Result>): Promise<Result> => lock.holdLogin(work);
    const done = module.run((api) =>
      connection.pool.use((handle) =>
        requireLogin({ api, handle, token: connection.token, pin, alone, ...options }),
      ),
    );
    this.#login = { to: connection, silent, done };
    try {
      return await done;
    } catch (error) {
      if (this.#login.done === done) this.#login = undefined;
      if (KeyStoreError.is(error) && REFUSALS.has(error.code)) this.#refusal = error;
      // It said nothing of the PIN. Whoever tries again does so with a module that begins anew; by itself nothing is tried.
      else if (hasCkr(error, ...SUSPICIOUS)) module.distrust();
      throw error;
    }
  }

  /** What a failure says to be lost, if anything. */
  async #lossOf(
    error: unknown,
    connection: Connection | undefined,
    lost: readonly number[],
  ): Promise<Loss | undefined> {
    if (this.#isClosed) return undefined;
    if (hasCkr(error, ...lost)) return hasCkr(error, CKR.USER_NOT_LOGGED_IN) ? 'login' : 'sessions';
    if (hasCkr(error, CKR.TOKEN_NOT_PRESENT, CKR.CRYPTOKI_NOT_INITIALIZED)) return 'module';
    if (!hasCkr(error, ...SUSPICIOUS) || !connection || error.native?.api === 'C_Login')
      return undefined;
    if (NOT_OF_A_SECRET.has(error.native?.api ?? '')) return 'module';
    // These say anything, wrong padding included. A token that still answers was not lost.
    const { module } = this.#options;
    try {
      await module.run((api) => connection.pool.use((handle) => api.askForRandom(handle)));
      return undefined;
    } catch (failure) {
      return hasCkr(failure, CKR.FUNCTION_NOT_SUPPORTED) ? undefined : 'module';
    }
  }

  /** The next connection begins when nobody uses the handles of this one any more: the module may give them out again. */
  #leave(connection: Connection | undefined, loss: Loss): void {
    if (loss === 'login') {
      if (connection && this.#login?.to === connection) this.#login = undefined;
      return;
    }
    if (!connection || this.#current !== connection || this.#isClosed) return;
    this.#current = undefined;
    this.#connecting = this.#keep(
      (async () => {
        await connection.pool.abandon();
        await connection.objects.abandon();
        if (loss === 'module') await this.#restart(connection.restarts);
        return this.#connect();
      })(),
    );
  }

  async #restart(restarts: number): Promise<void> {
    try {
      await this.#options.module.restart(restarts);
    } catch (error) {
      // What a module answers that finds nothing of its tokens.
      throw KeyStoreError.is(error) ? this.#gone(error) : error;
    }
  }

  #gone(error: unknown): KeyStoreError {
    const native = KeyStoreError.is(error) ? error.native : undefined;
    const { label } = this.#options.token;
    return new KeyStoreError(
      'PROVIDER_UNAVAILABLE',
      `the token ${JSON.stringify(label)} does not answer`,
      {
        hint: 'Is it plugged in, and is what its module talks to running? Try again then; nothing is lost.',
        ...(native && { native }),
      },
    );
  }
}

/** Do we see what is on the token? */
async function requireSight(
  { api, handle, isLoggedIn }: OpenSession,
  hasObjects: boolean,
): Promise<void> {
  // Whoever is logged out sees less, and is not told.
  if (isLoggedIn && !(await api.isLoggedIn(handle)))
    throw ckrError('C_FindObjects', CKR.USER_NOT_LOGGED_IN);
  if (hasObjects && (await api.findObjects(handle, ON_TOKEN)).length === 0)
    throw ckrError('C_FindObjects', CKR.TOKEN_NOT_PRESENT);
}

/** Session objects are of this process, and there whatever becomes of the token. */
const ON_TOKEN = [[CKA.TOKEN, true]] as const;
/** The first, with new sessions, with the module begun anew. */
const ATTEMPTS = 3;
/** For a token; a login of another process takes less than two. */
const LOOKS = 3;
const REFUSALS: ReadonlySet<KeyStoreErrorCode> = new Set(['PASSWORD_WRONG', 'PIN_LOCKED']);

/** The token was taken out, or the module, or somebody else in this process, ended our sessions or our login. */
const LOST = [
  CKR.DEVICE_REMOVED,
  CKR.TOKEN_NOT_RECOGNIZED,
  CKR.SLOT_ID_INVALID,
  CKR.SESSION_HANDLE_INVALID,
  CKR.SESSION_CLOSED,
];
/**
 * What fails here, fails for the token's sake: the memory of a TPM is full of keys that its module forgot to take out, and is empty when the
 * module begins anew; another user's process logs in to a token of SoftHSM.
 */
const NOT_OF_A_SECRET: ReadonlySet<string> = new Set([
  'C_GenerateKeyPair',
  'C_CreateObject',
  'C_GetTokenInfo',
]);
/** What modules answer to a token that is gone, and to much else. */
const SUSPICIOUS = [
  CKR.GENERAL_ERROR,
  CKR.FUNCTION_FAILED,
  CKR.DEVICE_ERROR,
  CKR.HOST_MEMORY,
  CKR.OPERATION_NOT_INITIALIZED,
];
