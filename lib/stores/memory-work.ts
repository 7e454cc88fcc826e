/** Work lists in this process: for stores that one process works through alone. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import process from 'node:process';
import type {
  OpenWork,
  WorkFailure,
  WorkItem,
  WorkList,
  WorkProgress,
  WorkRequest,
  WorkResult,
} from '../contracts/work-list.ts';
import { KeyStoreError, type KeyStoreErrorCode } from '../errors.ts';
import { checkClaim, checkRequest } from './work-bounds.ts';

/** Begins a job that nobody else takes part in, and that ends with this process: what was done is seen from the records. */
export const openMemoryWork: OpenWork = async (request) => {
  checkRequest(request);
  const items: WorkItem[] = [];
  for await (const item of request.items()) {
    if (request.signal?.aborted) throw new KeyStoreError('CANCELLED');
    items.push(item);
  }
  return new MemoryWork(request.kind, items);
};

class MemoryWork implements WorkList {
  readonly job = randomBytes(16).toString('hex');
  readonly #kind: WorkRequest['kind'];
  readonly #total: number;
  /** Not claimed, the next one last. */
  readonly #waiting: WorkItem[];
  readonly #claimed = new Map<string, WorkItem>();
  readonly #failed: WorkFailure[] = [];
  readonly #name = `${hostname()} ${process.pid}`;
  #done = 0;
  #unchanged = 0;
  #seen = new Date();
  #isCancelled = false;
  #isClosed = false;

  constructor(kind: WorkRequest['kind'], items: readonly WorkItem[]) {
    this.#kind = kind;
    this.#total = items.length;
    this.#waiting = items.toReversed();
  }

  async claim(limit: number): Promise<readonly WorkItem[] | undefined> {
    this.#assertOpen();
    checkClaim(limit);
    if (this.#isCancelled) return undefined;
    const items = this.#waiting.splice(-limit).toReversed();
    for (const item of items) this.#claimed.set(item.id, item);
    return items.length > 0 || this.#claimed.size > 0 ? items : undefined;
  }

  async finish(results: readonly WorkResult[]): Promise<readonly string[]> {
    this.#assertOpen();
    const finished: string[] = [];
    for (const { id, outcome } of results) {
      const item = this.#claimed.get(id);
      if (!item) continue;
      this.#claimed.delete(id);
      finished.push(id);
      if (outcome === 'done') this.#done++;
      else if (outcome === 'unchanged') this.#unchanged++;
      else this.#fail(item, outcome);
    }
    this.#seen = new Date();
    return finished;
  }

  async release(ids: readonly string[]): Promise<void> {
    this.#assertOpen();
    for (const id of ids) {
      const item = this.#claimed.get(id);
      if (!item) continue;
      this.#claimed.delete(id);
      this.#waiting.push(item);
    }
  }

  async progress(): Promise<WorkProgress> {
    this.#assertOpen();
    const isDone = this.#waiting.length + this.#claimed.size === 0;
    const counts = { done: this.#done, unchanged: this.#unchanged, failed: this.#failed.length };
    return {
      job: this.job,
      kind: this.#kind,
      state: this.#isCancelled ? 'cancelled' : isDone ? 'done' : 'open',
      total: this.#total,
      ...counts,
      machines: [{ name: this.#name, ...counts, seen: this.#seen, isAtWork: true }],
    };
  }

  async *failures(): AsyncGenerator<WorkFailure> {
    this.#assertOpen();
    yield* this.#failed.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  async cancel(): Promise<void> {
    this.#assertOpen();
    this.#isCancelled = true;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#waiting.length = 0;
    this.#claimed.clear();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #fail(item: WorkItem, code: KeyStoreErrorCode): void {
    this.#failed.push({ ...item, code, machine: this.#name });
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new KeyStoreError('HANDLE_INVALID', 'the work list was closed');
  }
}
