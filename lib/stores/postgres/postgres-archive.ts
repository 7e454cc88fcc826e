/** A store in PostgreSQL as an archive: records, log and map nodes change in one statement. */
import { toHex } from '../../bytes/octets.ts';
import { KeyStoreError } from '../../errors.ts';
import type { LogHead, LogStorage } from '../../signed-log/log-storage.ts';
import { checkNodeHashes, checkNodesToRead, checkRecordsToRead } from '../archive-bounds.ts';
import type { Archive } from '../archive.ts';
import type { Database, Row } from './database.ts';
import { LogStatements } from './log-statements.ts';
import { MapStatements } from './map-statements.ts';
import { PostgresLog } from './postgres-log.ts';
import { PostgresStore } from './postgres-store.ts';
import { RecordStatements } from './record-statements.ts';
import type { StoredRecord } from '../../contracts/store.ts';

/** Hashes that one statement gives, or removes. */
const PAGE = 1000;

export class PostgresArchive implements Archive {
  readonly name = 'postgres';
  readonly store: PostgresStore;
  readonly log: LogStorage;
  readonly #database: Database;
  readonly #statements: MapStatements;

  // oxlint-disable-next-line max-params -- where, and whose
  constructor(database: Database, schema: string, storeId: string) {
    this.#database = database;
    this.#statements = new MapStatements(schema, storeId);
    this.store = new PostgresStore(database, new RecordStatements(schema, storeId));
    this.log = new PostgresLog(database, new LogStatements(schema, storeId));
  }

  async readNodes(hashes: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    this.#database.assertOpen();
    checkNodesToRead(hashes);
    if (hashes.length === 0) return [];
    const rows = await this.#database.read(this.#statements.read(hashes));
    const found = new Map(rows.map((row) => [toHex(bytesOf(row, 'hash')), bytesOf(row, 'bytes')]));
    return hashes.map((hash) => {
      const bytes = found.get(toHex(hash));
      return bytes && new Uint8Array(bytes);
    });
  }

  async readRecords(ids: readonly string[]): Promise<(StoredRecord | undefined)[]> {
    checkRecordsToRead(ids);
    return this.store.getAll(ids);
  }

  async *listNodes(): AsyncGenerator<Uint8Array> {
    let after: Uint8Array | undefined = new Uint8Array(0);
    while (after) {
      this.#database.assertOpen();
      const rows = await this.#database.read(this.#statements.list(after, PAGE));
      const last = rows.at(-1);
      after = last && rows.length === PAGE ? new Uint8Array(bytesOf(last, 'hash')) : undefined;
      for (const row of rows) yield new Uint8Array(bytesOf(row, 'hash'));
    }
  }

  async removeNodes(hashes: readonly Uint8Array[], head: LogHead | undefined): Promise<void> {
    this.#database.assertOpen();
    checkNodeHashes(hashes);
    for (let at = 0; at === 0 || at < hashes.length; at += PAGE) {
      const page = hashes.slice(at, at + PAGE);
      // Sent again it removes nothing more.
      const rows = await this.#database.read(this.#statements.remove(page, head));
      if (rows.length === 0) throw new KeyStoreError('STORE_CONFLICT');
    }
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** In memory that pg cut it out of. */
function bytesOf(row: Row, column: string): Uint8Array {
  const value = row[column];
  return value instanceof Uint8Array ? value : new Uint8Array(0);
}
