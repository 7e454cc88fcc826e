/** The records of an LMDB file, as a store. */
import { setImmediate } from 'node:timers/promises';
import type {
  NewStoredRecord,
  Store,
  StoredRecord,
  StoredRecordId,
  StoreListOptions,
} from '../../contracts/store.ts';
import { KeyStoreError } from '../../errors.ts';
import { listStart } from '../list-start.ts';
import { checkBytes, checkId, checkLimit, checkVersion } from '../stored-bytes.ts';
import type { LmdbFile } from './lmdb-file.ts';
import { decodeStoredValue, encodeStoredValue } from './stored-value.ts';
import type { Swap } from './writer-thread.ts';

const NOTHING = new Uint8Array(0);
const ID_LENGTH = 16;
/** Ids that list() takes in one look. A look that lasted would keep LMDB from using freed pages again. */
const LIST_PAGE = 512;
/** Records of createAll that share a transaction. */
const CREATE_PAGE = 2048;

export class LmdbStore implements Store {
  readonly name = 'lmdb';
  readonly #file: LmdbFile;

  constructor(file: LmdbFile) {
    this.#file = file;
  }

  async get(id: string): Promise<StoredRecord | undefined> {
    this.#file.assertOpen();
    checkId(id);
    const breath = this.#file.breathe();
    if (breath) await breath;
    const value = this.#file.read(() => this.#file.records.getBinary(Buffer.from(id, 'hex')));
    return value && decodeStoredValue(value);
  }

  async put(id: string, version: number, bytes: Uint8Array): Promise<void> {
    checkBytes(bytes);
    await this.#swap(id, version, bytes);
  }

  async createAll(records: readonly NewStoredRecord[]): Promise<boolean[]> {
    this.#file.assertOpen();
    for (const { id, bytes } of records) {
      checkId(id);
      checkBytes(bytes);
    }
    const won: boolean[] = [];
    for (let at = 0; at < records.length; at += CREATE_PAGE) {
      const page = records.slice(at, at + CREATE_PAGE);
      const swaps = page.map(({ id, bytes }) => swapOf(id, 1, bytes));
      won.push(...(await this.#file.writer.swap(swaps)));
    }
    return won;
  }

  async delete(id: string, version: number): Promise<void> {
    await this.#swap(id, version, NOTHING);
  }

  async *list({
    after = '',
    limit = Number.POSITIVE_INFINITY,
  }: StoreListOptions = {}): AsyncGenerator<StoredRecordId> {
    this.#file.assertOpen();
    checkLimit(limit);
    const first = listStart(after);
    let left = limit;
    let start: Buffer | undefined = first && Buffer.from(first.id, 'hex');
    let exclusiveStart = first?.isIncluded === false;
    while (start && left > 0) {
      const page = this.#page(start, exclusiveStart);
      for (const record of page.records) {
        if (left <= 0) return;
        left--;
        yield record;
      }
      start = page.last;
      exclusiveStart = true;
      await setImmediate();
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #swap(id: string, version: number, bytes: Uint8Array): Promise<void> {
    this.#file.assertOpen();
    checkId(id);
    checkVersion(version);
    const [isWon] = await this.#file.writer.swap([swapOf(id, version, bytes)]);
    if (isWon !== true) throw new KeyStoreError('STORE_CONFLICT');
  }

  /** @returns `last` is the last key that was looked at, where there may be more. */
  #page(
    start: Buffer,
    exclusiveStart: boolean,
  ): { readonly records: StoredRecordId[]; readonly last: Buffer | undefined } {
    const { records: table } = this.#file;
    return this.#file.read(() => {
      const records: StoredRecordId[] = [];
      let last: Buffer | undefined;
      let seen = 0;
      for (const { key, value } of table.getRange({ start, exclusiveStart, limit: LIST_PAGE })) {
        seen++;
        last = key;
        // The name of a table is no id.
        if (key.length !== ID_LENGTH) continue;
        const record = decodeStoredValue(value);
        if (record) records.push({ id: key.toString('hex'), version: record.version });
      }
      return { records, last: seen < LIST_PAGE ? undefined : last };
    });
  }
}

function swapOf(id: string, version: number, bytes: Uint8Array): Swap {
  return { key: new Uint8Array(Buffer.from(id, 'hex')), value: encodeStoredValue(version, bytes) };
}
