/** The statements of the log in PostgreSQL. Each is a transaction of its own; the append too, with all that goes along. */
import { nodesAt } from '../../signed-log/log-bounds.ts';
import {
  LOG_LIMITS,
  TILE_WIDTH,
  type LogAppend,
  type LogHead,
} from '../../signed-log/log-storage.ts';
import { HASH_LENGTH } from '../../signed-log/merkle-hash.ts';
import { ATTEMPTS_KEPT, DURABLE } from './record-statements.ts';
import { bounded, quoteName, type Statement } from './statement.ts';
import { partOf, Values } from './values.ts';

/** An append, and who tries it. */
export interface LogChange {
  readonly append: LogAppend;
  /** Leaves after it. */
  readonly size: number;
  /** Random, the same for every try. */
  readonly attempt: string;
}

export class LogStatements {
  readonly #schema: string;
  readonly #store: string;

  /** @param store - Id of the store whose log it is. */
  constructor(schema: string, store: string) {
    this.#schema = quoteName(schema);
    this.#store = store;
  }

  head(): Statement {
    return {
      text: `SELECT size, ${bounded('checkpoint', LOG_LIMITS.checkpointBytes)} FROM ${this.#schema}.log_heads WHERE store = $1`,
      values: [this.#store],
    };
  }

  /**
   * Returns a row where it was appended. The head is changed first, where it is the expected one; all else is inserted for the row that this
   * returns, so for none where somebody else was first. Of two at once, the second waits for the head's row and sees what the first left.
   */
  append({ append, size, attempt }: LogChange): Statement {
    const { along, checkpoint } = append;
    const values = new Values();
    const store = values.add(this.#store);
    const parts = [
      `head AS (${this.#moveHead(append.after, { size, checkpoint }, values)} RETURNING ${DURABLE})`,
      `leaves AS (${this.#addLeaves(append, attempt, values)})`,
    ];
    const first = append.after?.size ?? 0;
    if (append.nodes.slice(1).some(({ length }) => length > 0))
      parts.push(`hashes AS (${this.#addHashes(append.nodes, first, values)})`);
    if (along && along.records.length > 0)
      parts.push(`records AS (${this.#setRecords(along.records, attempt, values)})`);
    if (along && along.mapNodes.length > 0)
      parts.push(`nodes AS (${this.#addNodes(along.mapNodes, values)})`);
    return {
      text: `WITH ${parts.join(', ').replaceAll(STORE, store)} SELECT durable FROM head`,
      values: values.all,
    };
  }

  /** Who appended a leaf. */
  attemptAt(index: number): Statement {
    return {
      text: `SELECT attempt FROM ${this.#schema}.log_leaves WHERE store = $1 AND index = $2`,
      values: [this.#store, index],
    };
  }

  /** Up to the leaf that makes the page long, and to the first that is missing. */
  leaves(first: number, count: number): Statement {
    return {
      text: `SELECT leaf FROM (
          SELECT index, ${bounded('leaf', LOG_LIMITS.leafBytes)}, row_number() OVER places - 1 AS place,
            sum(octet_length(leaf)) OVER places - octet_length(leaf) AS before
          FROM ${this.#schema}.log_leaves WHERE store = $1 AND index >= $2::bigint AND index < $2::bigint + $3::bigint
          WINDOW places AS (ORDER BY index ROWS UNBOUNDED PRECEDING)
        ) AS page
        WHERE index - $2::bigint = place AND before < ${LOG_LIMITS.pageBytes} ORDER BY index`,
      values: [this.#store, first, count],
    };
  }

  /** The hashes of a tile up to the first that is missing, joined. */
  tile(level: number, index: number): Statement {
    const isOfLeaves = level === 0;
    return {
      text: `SELECT string_agg(hash, '' ORDER BY index) AS hashes FROM (
          SELECT index, ${bounded('hash', HASH_LENGTH)}, row_number() OVER (ORDER BY index) - 1 AS place
          FROM ${this.#schema}.${isOfLeaves ? 'log_leaves' : 'log_hashes'}
          WHERE store = $1 AND index >= $2::bigint AND index < $2::bigint + ${TILE_WIDTH}${isOfLeaves ? '' : ' AND level = $3'}
        ) AS tile
        WHERE index - $2::bigint = place`,
      values: [this.#store, index * TILE_WIDTH, ...(isOfLeaves ? [] : [level])],
    };
  }

  // oxlint-disable-next-line max-params -- from where to where
  #moveHead(after: LogHead | undefined, to: LogHead, values: Values): string {
    const table = `${this.#schema}.log_heads`;
    const size = values.add(to.size);
    const checkpoint = values.add(Buffer.from(to.checkpoint));
    if (!after)
      return `INSERT INTO ${table} (store, size, checkpoint) VALUES (${STORE}, ${size}, ${checkpoint}) ON CONFLICT DO NOTHING`;
    return `UPDATE ${table} SET size = ${size}, checkpoint = ${checkpoint}
      WHERE store = ${STORE} AND size = ${values.add(after.size)} AND checkpoint = ${values.add(Buffer.from(after.checkpoint))}`;
  }

  // oxlint-disable-next-line max-params -- what is added, by whom, and where its values go
  #addLeaves({ after, leaves, nodes }: LogAppend, attempt: string, values: Values): string {
    const leaf = values.addParts(leaves);
    const hashes = values.add(bufferOf(nodes[0]!));
    return `INSERT INTO ${this.#schema}.log_leaves (store, index, leaf, hash, attempt)
      SELECT ${STORE}, ${values.add(after?.size ?? 0)}::bigint + place - 1, ${leaf.part},
        ${partOf(hashes, `(place - 1)::integer * ${HASH_LENGTH} + 1`, HASH_LENGTH)}, ${values.add(attempt)}::uuid
      FROM head, unnest(${leaf.places}) WITH ORDINALITY AS new (at, length, place)`;
  }

  // oxlint-disable-next-line max-params -- what is added, where, and where its values go
  #addHashes(nodes: readonly Uint8Array[], first: number, values: Values): string {
    const rows = nodes.flatMap((joined, level) =>
      level === 0
        ? []
        : hashesOf(joined).map((hash, i) => ({ level, index: nodesAt(first, level) + i, hash })),
    );
    const [levels, indexes, hashes] = [
      rows.map(({ level }) => level),
      rows.map(({ index }) => index),
      rows.map(({ hash }) => hash),
    ].map((column) => values.add(column));
    return `INSERT INTO ${this.#schema}.log_hashes (store, level, index, hash) SELECT ${STORE}, new.* FROM head,
      unnest(${levels}::smallint[], ${indexes}::bigint[], ${hashes}::bytea[]) AS new`;
  }

  /** In the order of ids, as every other statement that writes several. */
  // oxlint-disable-next-line max-params -- what is set, by whom, and where its values go
  #setRecords(
    records: NonNullable<LogAppend['along']>['records'],
    attempt: string,
    values: Values,
  ): string {
    const sorted = records.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    const ids = values.add(sorted.map(({ id }) => id));
    const versions = values.add(sorted.map(({ version }) => version));
    const bytes = values.addParts(sorted.map((record) => record.bytes));
    return `INSERT INTO ${this.#schema}.records AS old (store, id, version, bytes, attempts)
      SELECT ${STORE}, new.id, new.version, ${bytes.part}, ARRAY[${values.add(attempt)}::uuid]
      FROM head, unnest(${ids}::uuid[], ${versions}::bigint[], ${bytes.places}) AS new (id, version, at, length)
      ON CONFLICT (store, id) DO UPDATE
      SET version = EXCLUDED.version, bytes = EXCLUDED.bytes, attempts = ${ATTEMPTS_AFTER_JUMP}`;
  }

  #addNodes(nodes: NonNullable<LogAppend['along']>['mapNodes'], values: Values): string {
    const hashes = values.add(Buffer.concat(nodes.map(({ hash }) => hash)));
    const bytes = values.addParts(nodes.map((node) => node.bytes));
    return `INSERT INTO ${this.#schema}.map_nodes (store, hash, bytes)
      SELECT ${STORE}, ${partOf(hashes, `(place - 1)::integer * ${HASH_LENGTH} + 1`, HASH_LENGTH)}, ${bytes.part}
      FROM head, unnest(${bytes.places}) WITH ORDINALITY AS new (at, length, place) ON CONFLICT DO NOTHING`;
  }
}

function hashesOf(joined: Uint8Array): Buffer[] {
  return Array.from({ length: joined.length / HASH_LENGTH }, (_, i) =>
    bufferOf(joined.subarray(i * HASH_LENGTH, (i + 1) * HASH_LENGTH)),
  );
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Stands for the store's id until the statement is whole. */
const STORE = '$store';
/**
 * Who wrote the versions of a record, newest first, after one that need not follow the last: versions that were left out were written by
 * nobody, and of those before an older one nothing is known.
 */
const ATTEMPTS_AFTER_JUMP = `CASE WHEN EXCLUDED.version > old.version
  THEN (EXCLUDED.attempts
    || array_fill(NULL::uuid, ARRAY[least(EXCLUDED.version - old.version - 1, ${ATTEMPTS_KEPT})::integer])
    || old.attempts)[1:${ATTEMPTS_KEPT}]
  ELSE EXCLUDED.attempts END`;
