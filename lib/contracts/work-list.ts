/** WorkList: records that several processes, on one machine or on many, work through together, each of them once. */
import type { KeyStoreErrorCode } from '../errors.ts';

/** `rewrap` of every record, `rotate` to the present container, `verify`. */
export type WorkKind = 'rewrap' | 'rotate' | 'verify';

/** A record, and the version that it was at when the job began: whoever finds a later one can tell that it was done. */
export interface WorkItem {
  /** 32 lower-case hex digits. */
  readonly id: string;
  readonly version: number;
}

/** What became of an item. */
export interface WorkResult {
  readonly id: string;
  /** `done`, `unchanged` where nothing was to be done, or the code of what is wrong with the record. */
  readonly outcome: 'done' | 'unchanged' | KeyStoreErrorCode;
}

export interface WorkFailure extends WorkItem {
  readonly code: KeyStoreErrorCode;
  /** Who found it. */
  readonly machine: string;
}

/** One process that takes part. */
export interface WorkMachine {
  /** As it calls itself: host name and process id. */
  readonly name: string;
  readonly done: number;
  readonly unchanged: number;
  readonly failed: number;
  /** When it was last heard of. */
  readonly seen: Date;
  /** False where it ended, or nothing was heard of it for a lease: what it had claimed is anybody's. */
  readonly isAtWork: boolean;
}

export interface WorkProgress {
  /** 32 lower-case hex digits. */
  readonly job: string;
  readonly kind: WorkKind;
  readonly state: WorkState;
  /** Unknown while the items are being listed. */
  readonly total: number | undefined;
  /** Sums over all machines. */
  readonly done: number;
  readonly unchanged: number;
  readonly failed: number;
  /** In the order in which they came. */
  readonly machines: readonly WorkMachine[];
}

/** `listing`: items are still added, and may be worked on already. */
export type WorkState = 'listing' | 'open' | 'done' | 'cancelled';

/** What a job is. Whoever asks for the same while one is under way takes part in it. */
export interface WorkRequest {
  readonly kind: WorkKind;
  /** 32 lower-case hex digits: whose records. */
  readonly storeId: string;
  /** What is to be done with each, in any words: equal for equal work. At most 256 bytes. */
  readonly aim: string;
  /** All items, each id once. Called by one of those that take part; again by another where that one ended before it had listed all. */
  readonly items: () => AsyncIterable<WorkItem> | Iterable<WorkItem>;
  /**
   * Take part only: in the job that is under way, or, where the newest of its kind and aim has ended, in none that is left of it. So whoever is
   * started again does not begin everything anew.
   */
  readonly isJoining?: boolean;
  /** Ends the listing. */
  readonly signal?: AbortSignal;
}

/**
 * Takes part in a job that is under way, or begins one.
 *
 * @throws KeyStoreError PARAMETER_INVALID, WORK_NOT_FOUND where one is only joining and there is none, and what the place where it lies throws.
 */
export type OpenWork = (request: WorkRequest) => Promise<WorkList>;

/**
 * One process's part in a job.
 *
 * What a process claims is its own until it finishes or releases it, or until it has ended: then others claim it again. So the *work* may
 * be begun twice, and whoever does it looks whether it was done; an item is *finished* once. After `close` every call throws HANDLE_INVALID
 * (NTE_INVALID_HANDLE).
 */
export interface WorkList extends AsyncDisposable {
  /** 32 lower-case hex digits. */
  readonly job: string;

  /**
   * Claims items that nobody works on.
   *
   * @param limit - At most so many; 1 to 1024.
   * @returns None where others work on all that are left, one of whom may yet end; undefined where the job has ended.
   */
  claim(limit: number): Promise<readonly WorkItem[] | undefined>;

  /**
   * Says what became of items that were claimed.
   *
   * @returns Those for which it counts: not those that somebody else claimed meanwhile, since this process was not heard of.
   */
  finish(results: readonly WorkResult[]): Promise<readonly string[]>;

  /** Gives back what was claimed and is not finished. */
  release(ids: readonly string[]): Promise<void>;

  progress(): Promise<WorkProgress>;

  /** Items that failed, by ascending id. */
  failures(): AsyncIterable<WorkFailure>;

  /** Ends the job for everybody; what is under way may still be finished. */
  cancel(): Promise<void>;

  /** Gives back what is not finished. The job goes on without this process. Idempotent. */
  close(): Promise<void>;
}
