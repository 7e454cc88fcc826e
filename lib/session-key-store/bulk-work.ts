/** Working through all records of a home: alone, or with other processes that take part in the same job. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkItem, WorkKind, WorkList, WorkResult } from '../contracts/work-list.ts';
import { toHex } from '../bytes/octets.ts';
import { KeyStoreError, type KeyStoreErrorCode } from '../errors.ts';
import type { Home } from './home.ts';
import type { BulkOptions, BulkSummary } from './types.ts';

/** What is done with records. */
export interface BulkTask {
  readonly kind: WorkKind;
  /** Equal for equal work: of processes with equal ones each record is worked on by one. */
  readonly aim: string;
  /** Records that are worked on, and written, together: at most so many. */
  readonly atOnce: number;
  /** Does it; whatever was done before must be noticed, since whoever did it may have been killed before it could say so. */
  readonly work: (items: readonly WorkItem[]) => Promise<readonly WorkResult[]>;
  /** Told of each item that this process finished. */
  readonly onResult?: (result: WorkResult, progress: BulkProgress) => void;
}

/** Of all processes, as of the last time that the job was looked at, and of this one's results since. */
export interface BulkProgress {
  readonly done: number;
  /** Undefined while items are still being listed. */
  readonly total: number | undefined;
}

/**
 * Works until the job has ended, whoever takes part in it.
 *
 * @returns What became of all items, and what of it was this process's doing.
 * @throws KeyStoreError CANCELLED; what `task.work` and the list throw. Then this process has left the job, which others, or the next run, go on with.
 */
export async function workThrough(
  home: Home,
  task: BulkTask,
  { signal, isJoining = false }: Pick<BulkOptions, 'signal' | 'isJoining'> = {},
): Promise<BulkSummary> {
  await using list = await home.openWork({
    kind: task.kind,
    storeId: toHex(home.storeId),
    aim: task.aim,
    items: () => home.shelf.list(),
    isJoining,
    ...(signal && { signal }),
  });
  const run = new BulkRun(list, task, signal);
  await run.toTheEnd();
  const failures = [];
  for await (const failure of list.failures()) failures.push(failure);
  return { ...(await list.progress()), own: run.own, failures };
}

class BulkRun {
  readonly own = { done: 0, unchanged: 0, failed: 0 };
  readonly #list: WorkList;
  readonly #task: BulkTask;
  readonly #signal: AbortSignal | undefined;
  /** The first error of any lane: the others end with it. */
  #error: unknown;
  #hasFailed = false;
  /** By all processes, as of the last look at the job and what this one did since. */
  #done = 0;
  #total: number | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** Items of the next claim. */
  #size: number;

  constructor(list: WorkList, task: BulkTask, signal: AbortSignal | undefined) {
    this.#list = list;
    this.#task = task;
    this.#signal = signal;
    this.#size = Math.min(FIRST_CLAIM, task.atOnce);
  }

  /** Where many are worked on at once there are two lanes: while one waits for the store, the other computes. */
  async toTheEnd(): Promise<void> {
    const lanes = this.#task.atOnce > 1 ? [this.#lane(), this.#lane()] : [this.#lane()];
    await Promise.all(lanes);
    if (this.#hasFailed) throw this.#error;
  }

  async #lane(): Promise<void> {
    try {
      while (!this.#hasFailed) {
        if (this.#signal?.aborted) throw new KeyStoreError('CANCELLED');
        const items = await this.#list.claim(this.#size);
        if (!items) return;
        if (items.length === 0) await sleep(LOOK_AGAIN_MS);
        else await this.#timed(items);
      }
    } catch (error) {
      this.#error ??= error;
      this.#hasFailed = true;
    }
  }

  /** Of what is under way when a process is killed nothing is left: so a claim is not for longer than a moment, on a slow machine too. */
  async #timed(items: readonly WorkItem[]): Promise<void> {
    const begin = performance.now();
    await this.#work(items);
    const fitting = (items.length * CLAIM_MS) / (performance.now() - begin);
    const size = Math.min(fitting, 2 * this.#size, this.#task.atOnce);
    this.#size = Math.max(Math.floor(size), Math.min(LEAST_CLAIM, this.#task.atOnce));
  }

  async #work(items: readonly WorkItem[]): Promise<void> {
    const results = await this.#task.work(items);
    const ids = new Set(await this.#list.finish(results));
    const finished = results.filter(({ id }) => ids.has(id));
    if (this.#task.onResult) await this.#look(finished.length);
    for (const result of finished) {
      if (result.outcome === 'done' || result.outcome === 'unchanged') this.own[result.outcome]++;
      else this.own.failed++;
      this.#done++;
      this.#task.onResult?.(result, { done: this.#done, total: this.#total });
    }
  }

  /** @param untold - Items that are finished, and will be told one by one. */
  async #look(untold: number): Promise<void> {
    const now = performance.now();
    if (now - this.#lookedAt < LOOK_EVERY_MS) return;
    this.#lookedAt = now;
    const { done, unchanged, failed, total } = await this.#list.progress();
    this.#done = done + unchanged + failed - untold;
    this.#total = total;
  }
}

/**
 * What is wrong with one record and not with the rest of the store: the work goes on without it. Everything else, such as a server that went
 * away, ends this process's part.
 *
 * @throws what is none of these.
 */
export function codeOfRecord(error: unknown): KeyStoreErrorCode {
  if (!KeyStoreError.is(error) || !OF_ONE_RECORD.has(error.code)) throw error;
  return error.code;
}

const OF_ONE_RECORD: ReadonlySet<KeyStoreErrorCode> = new Set([
  'BLOB_MALFORMED',
  'BLOB_TOO_LARGE',
  'BLOB_VERSION_UNSUPPORTED',
  'BLOB_ALGORITHM_UNSUPPORTED',
  'BLOB_SIGNER_NOT_TRUSTED',
  'BLOB_SIGNATURE_INVALID',
  'RECORD_MISPLACED',
  'RECORD_ROLLED_BACK',
  'RECORD_MISSING',
  'KEY_NOT_FOUND',
  'KEY_UNWRAP_FAILED',
  'KEY_COMMITMENT_MISMATCH',
  'NO_RECIPIENT',
  'PASSWORD_REQUIRED',
  'PASSWORD_WRONG',
  'PARAMETER_INVALID',
  'ALGORITHM_UNSUPPORTED',
  'MANIFEST_ROLLED_BACK',
]);
/** Others work on what is left, and one of them may end. */
const LOOK_AGAIN_MS = 100;
const LOOK_EVERY_MS = 500;
/** How long a claim is to take, with what waits for the other lane. */
const CLAIM_MS = 3000;
/** Items of the first claim, of which nobody knows how long it takes. */
const FIRST_CLAIM = 32;
/** Fewer, and the append costs as much as the work. */
const LEAST_CLAIM = 32;
