/**
 * The lmdb store: millions of records in one file, for the processes of one machine.
 *
 *   <path>        the file of LMDB: id to version and bytes (lmdb/stored-value.ts)
 *   <path>-lock   LMDB's lock: who writes, who reads; holds nothing that is kept
 *
 * A write is a transaction of LMDB, in which the version is compared; it resolves after the disk has it. Readers wait for nobody. A process
 * that is killed leaves the old state or the new one, and its lock is taken over. docs/decisions/lmdb-store.md says why each step is there.
 */
import { dirname, resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { RootDatabase } from 'lmdb';
import type {
  NewStoredRecord,
  Store,
  StoredRecord,
  StoredRecordId,
  StoreListOptions,
} from '../contracts/store.ts';
import { KeyStoreError } from '../errors.ts';
import { syncDirectory } from '../platform/durable-file.ts';
import { withFsErrors } from '../platform/fs-error.ts';
import { makeFolder } from '../platform/make-folder.ts';
import { listStart } from './list-start.ts';
import { checkLmdbFile, completeLmdbFile } from './lmdb/check-file.ts';
import { lmdbError } from './lmdb/lmdb-error.ts';
import { findLmdb, loadLmdb } from './lmdb/load-lmdb.ts';
import { decodeStoredValue, encodeStoredValue } from './lmdb/stored-value.ts';
import { WriterThread, type Swap } from './lmdb/writer-thread.ts';
import { checkBytes, checkId, checkLimit, checkVersion } from './stored-bytes.ts';

/**
 * Opens an lmdb store; makes the file, 0600, and its folder, 0700, where they are not there.
 *
 * @param path - Of the file, on a file system of this machine: LMDB does not work over a network.
 * @throws KeyStoreError MODULE_MISSING without the package lmdb, FILE_WRONG_TYPE, STORE_DAMAGED where it is no file of LMDB, or was cut,
 *   PERMISSION_DENIED, STORAGE_FULL, STORAGE_READ_ONLY, IO_FAILED.
 */
export async function openLmdbStore(path: string): Promise<Store> {
  const file = resolve(path);
  const lmdb = await loadLmdb();
  const folder = dirname(file);
  await withFsErrors(folder, () => makeFolder(folder, 0o700));
  const found = checkLmdbFile(file);
  let database: RootDatabase<Buffer, Buffer>;
  try {
    database = lmdb.open<Buffer, Buffer>(file, OPEN_OPTIONS);
    // In a transaction: nobody else writes meanwhile.
    if (found === 'short') database.transactionSync(() => completeLmdbFile(file));
  } catch (error) {
    throw lmdbError(error, file, 'open');
  }
  // LMDB syncs the file, not the folder that names it.
  if (found === 'absent') await withFsErrors(folder, () => syncDirectory(folder));
  return new LmdbStore(database, file);
}

/** `permissionsMode` is not in the declarations of the package; env.cpp reads it. */
const OPEN_OPTIONS = {
  noSubdir: true,
  encoding: 'binary',
  keyEncoding: 'binary',
  cache: false,
  // A commit is durable when it returns, as LMDB was made; the package's own way is to tell of that later.
  overlappingSync: false,
  maxDbs: 1,
  maxReaders: 1024,
  permissionsMode: 0o600,
} as const;

const NOTHING = new Uint8Array(0);
/** Ids that list() takes in one look. A look that lasted would keep LMDB from using freed pages again. */
const LIST_PAGE = 512;
const GETS_IN_A_ROW = 64;

class LmdbStore implements Store {
  readonly name = 'lmdb';
  readonly #database: RootDatabase<Buffer, Buffer>;
  readonly #path: string;
  readonly #writer: WriterThread;
  #closing: Promise<void> | undefined;
  #getsInARow = 0;

  constructor(database: RootDatabase<Buffer, Buffer>, path: string) {
    this.#database = database;
    this.#path = path;
    this.#writer = new WriterThread({ lmdb: findLmdb(), path, open: OPEN_OPTIONS });
  }

  async get(id: string): Promise<StoredRecord | undefined> {
    this.#assertOpen();
    checkId(id);
    if (++this.#getsInARow >= GETS_IN_A_ROW) await this.#breathe();
    const value = this.#read(() => this.#database.getBinary(Buffer.from(id, 'hex')));
    return value && decodeStoredValue(value);
  }

  async put(id: string, version: number, bytes: Uint8Array): Promise<void> {
    checkBytes(bytes);
    await this.#swap(id, version, bytes);
  }

  async createAll(records: readonly NewStoredRecord[]): Promise<boolean[]> {
    this.#assertOpen();
    for (const { id, bytes } of records) {
      checkId(id);
      checkBytes(bytes);
    }
    const won: boolean[] = [];
    for (let at = 0; at < records.length; at += CREATE_PAGE) {
      const page = records.slice(at, at + CREATE_PAGE);
      won.push(...(await this.#writer.write(page.map(({ id, bytes }) => swapOf(id, 1, bytes)))));
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
    this.#assertOpen();
    checkLimit(limit);
    const first = listStart(after);
    let left = limit;
    let start: Buffer | undefined = first && Buffer.from(first.id, 'hex');
    let exclusiveStart = first?.isIncluded === false;
    while (start && left > 0) {
      this.#assertOpen();
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
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await this.#writer.close();
    await this.#database.close();
  }

  async #swap(id: string, version: number, bytes: Uint8Array): Promise<void> {
    this.#assertOpen();
    checkId(id);
    checkVersion(version);
    const [isWon] = await this.#writer.write([swapOf(id, version, bytes)]);
    if (isWon !== true) throw new KeyStoreError('STORE_CONFLICT');
  }

  /** @returns `last` is the last key that was looked at, where there may be more. */
  #page(
    start: Buffer,
    exclusiveStart: boolean,
  ): { readonly records: StoredRecordId[]; readonly last: Buffer | undefined } {
    return this.#read(() => {
      const records: StoredRecordId[] = [];
      let last: Buffer | undefined;
      let seen = 0;
      for (const { key, value } of this.#database.getRange({
        start,
        exclusiveStart,
        limit: LIST_PAGE,
      })) {
        seen++;
        last = key;
        const record = decodeStoredValue(value);
        if (record) records.push({ id: key.toString('hex'), version: record.version });
      }
      return { records, last: seen < LIST_PAGE ? undefined : last };
    });
  }

  /** A loop of reads, none of which waits for anything, would keep the event loop from everything else, the answers of writes too. */
  async #breathe(): Promise<void> {
    this.#getsInARow = 0;
    await setImmediate();
    this.#assertOpen();
  }

  /** What is there now: the package reads what was there when this turn of the event loop first read. */
  #read<T>(read: () => T): T {
    try {
      this.#database.resetReadTxn();
      return read();
    } catch (error) {
      throw lmdbError(error, this.#path, 'read');
    }
  }

  #assertOpen(): void {
    if (this.#closing) throw new KeyStoreError('HANDLE_INVALID', 'the store was closed');
  }
}

function swapOf(id: string, version: number, bytes: Uint8Array): Swap {
  return { key: new Uint8Array(Buffer.from(id, 'hex')), value: encodeStoredValue(version, bytes) };
}

/** Records of createAll that share a transaction. */
const CREATE_PAGE = 2048;
