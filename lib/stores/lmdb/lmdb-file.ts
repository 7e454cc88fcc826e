/** An open file of LMDB: reads in this thread, writes in one of its own. What lies in which table is the business of those who use it. */
import { dirname, resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Database, RootDatabase } from 'lmdb';
import { KeyStoreError } from '../../errors.ts';
import { syncDirectory } from '../../platform/durable-file.ts';
import { withFsErrors } from '../../platform/fs-error.ts';
import { makeFolder } from '../../platform/make-folder.ts';
import { checkLmdbFile, completeLmdbFile } from './check-file.ts';
import { lmdbError } from './lmdb-error.ts';
import { findLmdb, loadLmdb } from './load-lmdb.ts';
import { TABLE_NAMES, type TableName } from './tables.ts';
import { WriterThread } from './writer-thread.ts';

/** `permissionsMode` is not in the declarations of the package; env.cpp reads it. */
const OPEN_OPTIONS = {
  noSubdir: true,
  encoding: 'binary',
  keyEncoding: 'binary',
  cache: false,
  // A commit is durable when it returns, as LMDB was made; the package's own way is to tell of that later.
  overlappingSync: false,
  maxDbs: TABLE_NAMES.length,
  maxReaders: 1024,
  permissionsMode: 0o600,
} as const;

const READS_IN_A_ROW = 64;

type Tables = Readonly<Record<TableName, Database<Buffer, Buffer>>>;

export class LmdbFile {
  readonly #database: RootDatabase<Buffer, Buffer>;
  readonly #path: string;
  readonly writer: WriterThread;
  #tables: Tables | undefined;
  #closing: Promise<void> | undefined;
  #readsInARow = 0;

  /**
   * Opens a file; makes it, 0600, and its folder, 0700, where they are not there.
   *
   * @throws KeyStoreError MODULE_MISSING, FILE_WRONG_TYPE, STORE_DAMAGED, PERMISSION_DENIED, STORAGE_FULL, STORAGE_READ_ONLY, IO_FAILED.
   */
  static async open(path: string): Promise<LmdbFile> {
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
    return new LmdbFile(database, file);
  }

  private constructor(database: RootDatabase<Buffer, Buffer>, path: string) {
    this.#database = database;
    this.#path = path;
    this.writer = new WriterThread({ lmdb: findLmdb(), path, open: OPEN_OPTIONS });
  }

  /** What is in LMDB's main table: records. */
  get records(): Database<Buffer, Buffer> {
    return this.#database;
  }

  /** The tables beside it. */
  get tables(): Tables {
    if (!this.#tables) throw new KeyStoreError('INTERNAL', 'the tables were not opened');
    return this.#tables;
  }

  /**
   * Opens the tables of a log and its map; makes those that are not there.
   *
   * @throws KeyStoreError as {@link LmdbFile.open}
   */
  openTables(): void {
    try {
      this.#tables = this.#database.transactionSync(
        () =>
          Object.fromEntries(
            TABLE_NAMES.map((name) => [name, this.#database.openDB(name, OPEN_OPTIONS)]),
          ) as unknown as Tables,
      );
    } catch (error) {
      throw lmdbError(error, this.#path, 'open');
    }
  }

  /**
   * Reads what is there now: the package reads what was there when this turn of the event loop first read. All that `read` reads is of
   * one moment.
   */
  read<T>(read: () => T): T {
    this.assertOpen();
    try {
      this.#database.resetReadTxn();
      return read();
    } catch (error) {
      throw lmdbError(error, this.#path, 'read');
    }
  }

  /**
   * A loop of reads, none of which waits for anything, would keep the event loop from everything else, the answers of writes too.
   *
   * @returns What to wait for now and then; most of the time nothing, since to wait for it would take as long as the read.
   */
  breathe(): Promise<void> | undefined {
    if (++this.#readsInARow < READS_IN_A_ROW) return undefined;
    this.#readsInARow = 0;
    return setImmediate();
  }

  /** @throws KeyStoreError HANDLE_INVALID */
  assertOpen(): void {
    if (this.#closing) throw new KeyStoreError('HANDLE_INVALID', 'the store was closed');
  }

  /** Idempotent; after what is being written. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.writer.close();
    await this.#database.close();
  }
}
