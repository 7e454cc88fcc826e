/** The statements of the postgres store. Each is a transaction of its own. */
import { MAX_STORED_BYTES } from '../stored-bytes.ts';
import { bounded, quoteName, type Statement } from './statement.ts';
import { Values } from './values.ts';

/** One compare-and-set. */
export interface RecordChange {
  readonly id: string;
  readonly version: number;
  /** Null for a tombstone. */
  readonly bytes: Buffer | null;
  /** Who writes: random, the same for every try. */
  readonly attempt: string;
}

/** What a page of a listing begins with. */
export interface PageStart {
  readonly id: string;
  readonly isIncluded: boolean;
}

const BYTES = bounded('bytes', MAX_STORED_BYTES);
/** So many versions back a record remembers who wrote them. */
export const ATTEMPTS_KEPT = 8;

export class RecordStatements {
  readonly #table: string;
  readonly #store: string;

  /** @param store - Id of the store whose records these are. */
  constructor(schema: string, store: string) {
    this.#table = `${quoteName(schema)}.records`;
    this.#store = store;
  }

  get(id: string): Statement {
    return {
      text: `SELECT version, ${BYTES} FROM ${this.#table} WHERE store = $1 AND id = $2`,
      values: [this.#store, id],
    };
  }

  /** Rows of those that are there, tombstones too, in any order. */
  getAll(ids: readonly string[]): Statement {
    return {
      text: `SELECT id, version, ${BYTES} FROM ${this.#table} WHERE store = $1 AND id = ANY ($2::uuid[])`,
      values: [this.#store, ids],
    };
  }

  /** Returns a row where it was written. */
  change({ id, version, bytes, attempt }: RecordChange): Statement {
    if (version === 1)
      return {
        text: `INSERT INTO ${this.#table} (store, id, version, bytes, attempts)
          VALUES ($1, $2, 1, $3, ARRAY[$4::uuid]) ON CONFLICT DO NOTHING RETURNING ${DURABLE}`,
        values: [this.#store, id, bytes, attempt],
      };
    return {
      text: `UPDATE ${this.#table}
        SET version = $3::bigint, bytes = $4, attempts = (ARRAY[$5::uuid] || attempts)[1:${ATTEMPTS_KEPT}]
        WHERE store = $1 AND id = $2 AND version = $3::bigint - 1 RETURNING ${DURABLE}`,
      values: [this.#store, id, version, bytes, attempt],
    };
  }

  /** Returns the ids that were written. In the order of ids, or two of these could wait for each other. */
  createAll(
    records: readonly { readonly id: string; readonly bytes: Uint8Array }[],
    attempt: string,
  ): Statement {
    const sorted = records.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    const values = new Values();
    const store = values.add(this.#store);
    const ids = values.add(sorted.map(({ id }) => id));
    const bytes = values.addParts(sorted.map((record) => record.bytes));
    return {
      text: `INSERT INTO ${this.#table} (store, id, version, bytes, attempts)
        SELECT ${store}, new.id, 1, ${bytes.part}, ARRAY[${values.add(attempt)}::uuid]
        FROM unnest(${ids}::uuid[], ${bytes.places}) AS new (id, at, length)
        ON CONFLICT DO NOTHING RETURNING id, ${DURABLE}`,
      values: values.all,
    };
  }

  /** Of these ids: the present version, and whether `version` was written by `attempt`; null where that is forgotten. */
  attempted(ids: readonly string[], version: number, attempt: string): Statement {
    return {
      text: `SELECT id, version, CASE WHEN version - $3::bigint < ${ATTEMPTS_KEPT}
          THEN coalesce(attempts[(version - $3::bigint + 1)::integer] = $4::uuid, false) END AS mine
        FROM ${this.#table} WHERE store = $1 AND id = ANY ($2::uuid[])`,
      values: [this.#store, ids, version, attempt],
    };
  }

  list({ id, isIncluded }: PageStart, limit: number): Statement {
    return {
      text: `SELECT id, version FROM ${this.#table}
        WHERE store = $1 AND id ${isIncluded ? '>=' : '>'} $2 AND bytes IS NOT NULL ORDER BY id LIMIT $3`,
      values: [this.#store, id, limit],
    };
  }
}

/**
 * Makes the commit of a statement that wrote a row wait for the disk, whatever the server, the database or the user is set to. For this
 * transaction only, so a pooler may give the connection to somebody else after it. What waits for more than the disk stays.
 */
export const DURABLE = `set_config('synchronous_commit', CASE current_setting('synchronous_commit')
  WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, true) AS durable`;
