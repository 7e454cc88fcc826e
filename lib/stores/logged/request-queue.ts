/** Gathers changes while the archive is busy, so that many share one checkpoint and one transaction. */
import { KeyStoreError } from '../../errors.ts';
import type { SigningIdentity } from '../../messages/sign-message.ts';
import type { ManifestChange, WrittenRecord } from '../manifest/manifest-change.ts';

/** A record that is to be written, with what the log says of it. */
export interface RecordToLog extends WrittenRecord {
  readonly bytes: Uint8Array;
}

/** A change that somebody asked for, and who signs it. */
export interface LogRequest {
  readonly change:
    | { readonly kind: 'put'; readonly records: readonly RecordToLog[] }
    | Extract<ManifestChange, { readonly kind: 'delete' | 'trust' }>;
  readonly identity: SigningIdentity;
  readonly clock: () => Date;
}

/** For each record of a request, or for the request, why it was not appended. */
export type Problems = readonly (string | undefined)[];

interface Waiting {
  readonly request: LogRequest;
  readonly resolve: (problems: Problems) => void;
  readonly reject: (error: unknown) => void;
}

/** What one append takes: with its map nodes it is within what an archive takes along. */
const MOST = { records: 512, bytes: 8 << 20 };

export class RequestQueue {
  readonly #write: (requests: readonly LogRequest[]) => Promise<readonly Problems[]>;
  #waiting: Waiting[] = [];
  #isRunning = false;
  #run: Promise<void> = Promise.resolve();

  constructor(write: (requests: readonly LogRequest[]) => Promise<readonly Problems[]>) {
    this.#write = write;
  }

  /** @throws KeyStoreError what writing throws. */
  add(request: LogRequest): Promise<Problems> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, resolve, reject });
      if (!this.#isRunning) this.#run = this.#empty();
    });
  }

  /** After what is under way. What still waits is refused. */
  async close(): Promise<void> {
    const closed = new KeyStoreError('HANDLE_INVALID', 'the records were closed');
    for (const { reject } of this.#waiting.splice(0)) reject(closed);
    await this.#run;
  }

  async #empty(): Promise<void> {
    this.#isRunning = true;
    // What is asked for in this turn of the event loop goes together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const together = this.#waiting.splice(0, this.#countTogether());
      try {
        const problems = await this.#write(together.map(({ request }) => request));
        for (const [i, { resolve }] of together.entries()) resolve(problems[i]!);
      } catch (error) {
        for (const { reject } of together) reject(error);
      }
    }
    this.#isRunning = false;
  }

  /** The oldest, and those after it by the same author that fit. A change of trust is the last: the next leaf may be by another signer. */
  #countTogether(): number {
    const author = this.#waiting[0]!.request.identity;
    let records = 0;
    let bytes = 0;
    for (const [i, { request }] of this.#waiting.entries()) {
      const { change, identity } = request;
      const put = change.kind === 'put' ? change.records : [];
      records += Math.max(1, put.length);
      bytes += put.reduce((sum, record) => sum + record.bytes.length, 0);
      if (i > 0 && (identity !== author || records > MOST.records || bytes > MOST.bytes)) return i;
      if (change.kind === 'trust') return i + 1;
    }
    return this.#waiting.length;
  }
}

/** Splits what is put together into what fits one append. */
export function portionsOf(records: readonly RecordToLog[]): RecordToLog[][] {
  const portions: RecordToLog[][] = [];
  let bytes = 0;
  for (const record of records) {
    const last = portions.at(-1);
    bytes += record.bytes.length;
    if (last && last.length < MOST.records && bytes <= MOST.bytes) last.push(record);
    else {
      portions.push([record]);
      bytes = record.bytes.length;
    }
  }
  return portions;
}
