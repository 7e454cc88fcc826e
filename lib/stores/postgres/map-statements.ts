/** The statements of the map nodes in PostgreSQL. Each is a transaction of its own. */
import type { LogHead } from '../../signed-log/log-storage.ts';
import { ARCHIVE_LIMITS } from '../archive.ts';
import { bounded, quoteName, type Statement } from './statement.ts';

export class MapStatements {
  readonly #schema: string;
  readonly #store: string;

  /** @param store - Id of the store whose map it is. */
  constructor(schema: string, store: string) {
    this.#schema = quoteName(schema);
    this.#store = store;
  }

  read(hashes: readonly Uint8Array[]): Statement {
    return {
      text: `SELECT hash, ${bounded('bytes', ARCHIVE_LIMITS.nodeBytes)} FROM ${this.#schema}.map_nodes WHERE store = $1 AND hash = ANY ($2::bytea[])`,
      values: [this.#store, hashes.map((hash) => Buffer.from(hash))],
    };
  }

  list(after: Uint8Array, limit: number): Statement {
    return {
      text: `SELECT hash FROM ${this.#schema}.map_nodes WHERE store = $1 AND hash > $2 ORDER BY hash LIMIT $3`,
      values: [this.#store, Buffer.from(after), limit],
    };
  }

  /** Returns a row where the head is the expected one. Its row is locked: nobody appends meanwhile. */
  remove(hashes: readonly Uint8Array[], head: LogHead | undefined): Statement {
    const heads = `${this.#schema}.log_heads`;
    const expected = head
      ? `SELECT FROM ${heads} WHERE store = $1 AND size = $3 AND checkpoint = $4 FOR SHARE`
      : `SELECT WHERE NOT EXISTS (SELECT FROM ${heads} WHERE store = $1)`;
    return {
      text: `WITH head AS (${expected}), gone AS (
          DELETE FROM ${this.#schema}.map_nodes WHERE store = $1 AND hash = ANY ($2::bytea[]) AND EXISTS (SELECT FROM head)
        ) SELECT true AS is_head FROM head`,
      values: [
        this.#store,
        hashes.map((hash) => Buffer.from(hash)),
        ...(head ? [head.size, Buffer.from(head.checkpoint)] : []),
      ],
    };
  }
}
