/** Statements to a PostgreSQL server that may go away: repeated while that is safe, and told apart by what is known of their outcome. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool, PoolClient, PoolConfig } from 'pg';
import { KeyStoreError } from '../../errors.ts';
import { failureOf, type Failure } from './pg-error.ts';
import type { Pg } from './load-pg.ts';
import type { Statement } from './statement.ts';
import { Turns } from './turns.ts';

export type Row = Readonly<Record<string, unknown>>;

export interface DatabaseOptions {
  readonly pool: PoolConfig;
  /** Connections at once. */
  readonly connections: number;
  /** How long a statement is tried again where the server is away. */
  readonly retryMs: number;
}

/** What is known of a change: what it returned, or that it may have been made by an earlier try. */
export interface ChangeResult {
  readonly rows: readonly Row[];
  /** Whether an earlier try was sent and never answered. */
  readonly isRepeated: boolean;
}

export class Database {
  readonly #pool: Pool;
  readonly #turns: Turns;
  readonly #retryMs: number;
  readonly #closing = new AbortController();
  #closed: Promise<void> | undefined;

  constructor(pg: Pg, options: DatabaseOptions) {
    this.#retryMs = options.retryMs;
    this.#turns = new Turns(options.connections);
    this.#pool = new pg.Pool({ ...options.pool, max: options.connections });
    // Whoever waits for an answer is told by its promise; a connection that is lost while idle is nobody's failure.
    this.#pool.on('error', () => undefined);
    this.#pool.on('connect', (client) => client.on('error', () => undefined));
  }

  /**
   * A statement that may be sent more than once.
   *
   * @throws KeyStoreError STORE_UNAVAILABLE, STORE_ACCESS_DENIED, STORE_DAMAGED, IO_FAILED.
   */
  async read(statement: Statement): Promise<readonly Row[]> {
    return this.repeat((client) => send(client, statement));
  }

  /**
   * A statement that does nothing when it is sent again after it was done, and returns rows only when it does something.
   *
   * @throws KeyStoreError as {@link Database.read}, and STORAGE_FULL, STORAGE_READ_ONLY: nothing was changed. STORE_OUTCOME_UNKNOWN: it may have been.
   */
  async change(statement: Statement): Promise<ChangeResult> {
    let isUnknown = false;
    try {
      const rows = await this.repeat(
        (client) => send(client, statement),
        (failure) => {
          if (!failure.isAnswered) isUnknown = true;
        },
      );
      return { rows, isRepeated: isUnknown };
    } catch (error) {
      if (!isUnknown || !KeyStoreError.is(error)) throw error;
      throw mayHaveBeenMade(error);
    }
  }

  /**
   * Work on one connection, which is done again from its beginning where that is lost.
   *
   * @param onLost - Told of each try that failed after it had a connection.
   */
  async repeat<T>(
    work: (client: PoolClient) => Promise<T>,
    onLost: (failure: Failure) => void = () => undefined,
  ): Promise<T> {
    return this.#turns.take(async () => {
      const end = performance.now() + this.#retryMs;
      for (let tries = 0; ; tries++) {
        const { result, failure, wasSent } = await this.#try(work);
        if (!failure) return result as T;
        if (wasSent) onLost(failure);
        const wait = waitBefore(tries);
        const isTooLate = performance.now() + wait > end || this.#closing.signal.aborted;
        if (!failure.isPassing || isTooLate) throw failure.error;
        await this.#sleep(wait);
      }
    });
  }

  /** @throws KeyStoreError HANDLE_INVALID */
  assertOpen(): void {
    if (this.#closed) throw new KeyStoreError('HANDLE_INVALID', 'the store was closed');
  }

  /** Idempotent; waits for what is under way, but for no server that is away. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    await this.#turns.end();
    await this.#pool.end();
  }

  async #try<T>(work: (client: PoolClient) => Promise<T>): Promise<{
    readonly result?: T;
    readonly failure?: Failure;
    readonly wasSent: boolean;
  }> {
    let client: PoolClient;
    try {
      client = await this.#pool.connect();
    } catch (error) {
      return { failure: failureOf(error), wasSent: false };
    }
    try {
      const result = await work(client);
      client.release();
      return { result, wasSent: true };
    } catch (error) {
      const failure = failureOf(error);
      // What the server still says on a connection that we gave up must not be taken for the next answer.
      client.release(true);
      return { failure, wasSent: true };
    }
  }

  async #sleep(milliseconds: number): Promise<void> {
    try {
      await sleep(milliseconds, undefined, { signal: this.#closing.signal });
    } catch {
      // Closed meanwhile: one more try, and the last.
    }
  }
}

/** Of a change whose outcome nobody can tell any more, since `error` happened. */
export function mayHaveBeenMade(error: unknown): KeyStoreError {
  return new KeyStoreError(
    'STORE_OUTCOME_UNKNOWN',
    `the change may have been made; then ${KeyStoreError.is(error) ? error.message : 'it failed'}`,
  );
}

async function send(client: PoolClient, { text, values }: Statement): Promise<readonly Row[]> {
  const { rows } = await client.query<Row>(text, [...values]);
  return rows;
}

/** Twice as long each time, and half of it by chance: those that lost one server do not come back to it all at once. */
function waitBefore(tries: number): number {
  const longest = Math.min(FIRST_WAIT_MS * 2 ** tries, LONGEST_WAIT_MS);
  return longest / 2 + (Math.random() * longest) / 2;
}

const FIRST_WAIT_MS = 20;
const LONGEST_WAIT_MS = 2000;
