/** SharedWork: one process's part in a job whose items are rows of a PostgreSQL database. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import process from 'node:process';
import type {
  WorkFailure,
  WorkItem,
  WorkKind,
  WorkList,
  WorkProgress,
  WorkRequest,
  WorkResult,
  WorkState,
} from '../../contracts/work-list.ts';
import { ERROR_CODES } from '../../error-codes.ts';
import { KeyStoreError, type KeyStoreErrorCode } from '../../errors.ts';
import { hasEnded, thisProcess, type ProcessLife } from '../../platform/process-life.ts';
import { checkClaim } from '../work-bounds.ts';
import type { Database, Row } from './database.ts';
import { idOfUuid } from './statement.ts';
import type { Participant, WorkStatements } from './work-statements.ts';

export interface SharedWorkParts {
  /** Closed with the list. */
  readonly database: Database;
  readonly statements: WorkStatements;
  readonly request: WorkRequest;
  readonly job: string;
  readonly leaseMs: number;
}

export class SharedWork implements WorkList {
  readonly job: string;
  readonly #database: Database;
  readonly #statements: WorkStatements;
  readonly #request: WorkRequest;
  readonly #self: Participant;
  /** Claimed and not finished, as far as this process was answered. */
  readonly #held = new Set<string>();
  readonly #pulse: NodeJS.Timeout;
  /** Claims follow each other: of two at once neither could tell which rows are its own after a lost answer. */
  #lastClaim: Promise<unknown> = Promise.resolve();
  /** Whether a claim may have been made of which nothing is known here. */
  #isUncertain = false;
  #closing: Promise<void> | undefined;

  private constructor({ database, statements, request, job, leaseMs }: SharedWorkParts) {
    this.job = job;
    this.#database = database;
    this.#statements = statements;
    this.#request = request;
    const name = `${hostname()} ${process.pid}`;
    this.#self = { machine: randomUUID(), name, life: thisProcess(), leaseMs };
    this.#pulse = setInterval(() => void this.#renew(), leaseMs / PULSES_PER_LEASE);
    this.#pulse.unref();
  }

  /** Takes part; lists the items where nobody does. */
  static async join(parts: SharedWorkParts): Promise<SharedWork> {
    const work = new SharedWork(parts);
    try {
      await work.#database.change(work.#statements.join(work.job, work.#self));
      await work.#listIfNobodyDoes();
    } catch (error) {
      await work.close();
      throw error;
    }
    return work;
  }

  async claim(limit: number): Promise<readonly WorkItem[] | undefined> {
    this.#assertOpen();
    checkClaim(limit);
    const claim = this.#lastClaim.then(() => this.#claimOrLookAround(limit));
    this.#lastClaim = claim.catch(() => undefined);
    return claim;
  }

  async finish(results: readonly WorkResult[]): Promise<readonly string[]> {
    this.#assertOpen();
    if (results.length === 0) return [];
    const statement = this.#statements.finish(this.job, this.#self, results);
    const { rows, isRepeated } = await this.#database.change(statement);
    const ids = results.map(({ id }) => id);
    const { machine } = this.#self;
    // A machine finishes only what it claimed, and each once: what is finished under its name, it finished by this or an earlier try of this.
    const finished = isRepeated
      ? await this.#database.read(this.#statements.finished(this.job, machine, ids))
      : rows;
    for (const id of ids) this.#held.delete(id);
    return finished.map((row) => idOfUuid(row['id']));
  }

  async release(ids: readonly string[]): Promise<void> {
    this.#assertOpen();
    await this.#release(ids);
  }

  async progress(): Promise<WorkProgress> {
    this.#assertOpen();
    return progressOf(this.job, await this.#database.read(this.#statements.progress(this.job)));
  }

  async *failures(): AsyncGenerator<WorkFailure> {
    let after = NO_ID;
    for (;;) {
      this.#assertOpen();
      const rows = await this.#database.read(
        this.#statements.failures(this.job, after, FAILURES_PAGE),
      );
      for (const row of rows) {
        after = idOfUuid(row['id']);
        const code = codeOf(row['outcome']);
        yield { id: after, version: Number(row['version']), code, machine: row['name'] as string };
      }
      if (rows.length < FAILURES_PAGE) return;
    }
  }

  async cancel(): Promise<void> {
    this.#assertOpen();
    await this.#database.change(this.#statements.cancel(this.job));
  }

  close(): Promise<void> {
    this.#closing ??= this.#leave();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The end of the lease gives back everything, also what this process does not know that it has. */
  async #leave(): Promise<void> {
    clearInterval(this.#pulse);
    try {
      await this.#database.change(this.#statements.renew(this.job, this.#self.machine, 0));
    } catch (error) {
      // Where the server is away, the lease ends by itself.
      if (!KeyStoreError.is(error)) throw error;
    } finally {
      await this.#database.close();
    }
  }

  async #claimOrLookAround(limit: number): Promise<readonly WorkItem[] | undefined> {
    const items = await this.#claim(limit);
    if (items.length > 0) return items;
    const [row] = await this.#database.read(this.#statements.end(this.job));
    const state = row?.['state'] as WorkState | undefined;
    if (state !== 'open' && state !== 'listing') return undefined;
    if (state === 'listing') await this.#listIfNobodyDoes();
    else await this.#buryEnded();
    return this.#claim(limit);
  }

  async #claim(limit: number): Promise<readonly WorkItem[]> {
    const { machine } = this.#self;
    const wasUncertain = this.#isUncertain;
    this.#isUncertain = true;
    const statement = this.#statements.claim(this.job, this.#self, limit);
    const { rows, isRepeated } = await this.#database.change(statement);
    // Each try that was never answered may have claimed others.
    const own =
      wasUncertain || isRepeated
        ? await this.#database.read(this.#statements.claimed(this.job, machine))
        : rows;
    this.#isUncertain = false;
    const items = own
      .map((row) => ({ id: idOfUuid(row['id']), version: Number(row['version']) }))
      .filter(({ id }) => !this.#held.has(id));
    for (const { id } of items) this.#held.add(id);
    return items;
  }

  async #release(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    await this.#database.change(this.#statements.release(this.job, this.#self.machine, ids));
    for (const id of ids) this.#held.delete(id);
  }

  /** A lease ends by itself; of a process that ran on this machine one can see that it has ended. */
  async #buryEnded(): Promise<void> {
    for (const row of await this.#database.read(this.#statements.lives(this.job)))
      if (isLife(row['life']) && hasEnded(row['life']))
        await this.#database.change(this.#statements.bury(this.job, row['machine'] as string));
  }

  async #listIfNobodyDoes(): Promise<void> {
    await this.#buryEnded();
    const { machine } = this.#self;
    const become = this.#statements.becomeLister(this.job, machine);
    const { rows } = await this.#database.change(become);
    if (rows.length === 0) return;
    let page: WorkItem[] = [];
    for await (const item of this.#request.items()) {
      if (this.#request.signal?.aborted) throw new KeyStoreError('CANCELLED');
      page.push(item);
      if (page.length < LISTING_PAGE) continue;
      await this.#database.change(this.#statements.add(this.job, page));
      page = [];
    }
    if (page.length > 0) await this.#database.change(this.#statements.add(this.job, page));
    await this.#database.change(this.#statements.listed(this.job));
  }

  async #renew(): Promise<void> {
    try {
      const { machine, leaseMs } = this.#self;
      await this.#database.change(this.#statements.renew(this.job, machine, leaseMs));
    } catch (error) {
      // Whoever claims or finishes next is told; and without a server nobody takes the lease away.
      if (!KeyStoreError.is(error)) throw error;
    }
  }

  #assertOpen(): void {
    if (this.#closing) throw new KeyStoreError('HANDLE_INVALID', 'the work list was closed');
  }
}

/** @param rows - Of {@link WorkStatements.progress}. */
export function progressOf(job: string, rows: readonly Row[]): WorkProgress {
  const [first] = rows;
  if (!first) throw new KeyStoreError('WORK_NOT_FOUND', `job ${job} is not there any more`);
  const machines = rows.flatMap((row) => {
    if (row['name'] === null) return [];
    const counts = countsOf(row);
    const seen = row['seen'] as Date;
    return [{ name: row['name'] as string, ...counts, seen, isAtWork: row['is_at_work'] === true }];
  });
  const sum = (count: 'done' | 'unchanged' | 'failed'): number =>
    machines.reduce((total, machine) => total + machine[count], 0);
  return {
    job,
    kind: first['kind'] as WorkKind,
    state: first['state'] as WorkState,
    total: first['total'] === null ? undefined : Number(first['total']),
    done: sum('done'),
    unchanged: sum('unchanged'),
    failed: sum('failed'),
    machines,
  };
}

function countsOf(row: Row): { done: number; unchanged: number; failed: number } {
  return {
    done: Number(row['done']),
    unchanged: Number(row['unchanged']),
    failed: Number(row['failed']),
  };
}

/** Others write that column too: what is no code of this release tells no more than that something is wrong. */
function codeOf(outcome: unknown): KeyStoreErrorCode {
  return typeof outcome === 'string' && Object.hasOwn(ERROR_CODES, outcome)
    ? (outcome as KeyStoreErrorCode)
    : 'STORE_DAMAGED';
}

/** Others write that column too: what is no process is not looked for. */
function isLife(value: unknown): value is ProcessLife {
  if (typeof value !== 'object' || value === null) return false;
  const { place, pid, began } = value as Partial<Record<keyof ProcessLife, unknown>>;
  return typeof place === 'string' && Number.isInteger(pid) && typeof began === 'string';
}

const PULSES_PER_LEASE = 3;
const LISTING_PAGE = 1000;
const FAILURES_PAGE = 1000;
/** No record has it: it is before every id but itself. */
const NO_ID = '0'.repeat(32);
