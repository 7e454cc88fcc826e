/** The log of a store in PostgreSQL, as the storage of a signed log that takes records and map nodes along. */
import { randomUUID } from 'node:crypto';
import { KeyStoreError } from '../../errors.ts';
import {
  checkLeafPage,
  checkLogAppend,
  checkTile,
  pageLength,
} from '../../signed-log/log-bounds.ts';
import type { LogAppend, LogHead, LogStorage } from '../../signed-log/log-storage.ts';
import { checkAlong } from '../archive-bounds.ts';
import { mayHaveBeenMade, type Database } from './database.ts';
import type { LogStatements } from './log-statements.ts';

export class PostgresLog implements LogStorage {
  readonly name = 'postgres';
  readonly #database: Database;
  readonly #statements: LogStatements;

  constructor(database: Database, statements: LogStatements) {
    this.#database = database;
    this.#statements = statements;
  }

  async head(): Promise<LogHead | undefined> {
    this.#database.assertOpen();
    const [row] = await this.#database.read(this.#statements.head());
    return row && { size: Number(row['size']), checkpoint: bytesOf(row['checkpoint']) };
  }

  async append(append: LogAppend): Promise<void> {
    this.#database.assertOpen();
    const size = checkLogAppend(append);
    checkAlong(append.along);
    const attempt = randomUUID();
    const statement = this.#statements.append({ append, size, attempt });
    const { rows, isRepeated } = await this.#database.change(statement);
    if (rows.length > 0) return;
    if (isRepeated && (await this.#isAttempt(append.after?.size ?? 0, attempt))) return;
    throw new KeyStoreError('STORE_CONFLICT');
  }

  async readLeaves(first: number, count: number): Promise<Uint8Array[]> {
    this.#database.assertOpen();
    checkLeafPage(first, count);
    const rows = await this.#database.read(this.#statements.leaves(first, count));
    const leaves = rows.map((row) => bytesOf(row['leaf']));
    return leaves.slice(0, pageLength(leaves.map(({ length }) => length)));
  }

  async readTile(level: number, index: number): Promise<Uint8Array> {
    this.#database.assertOpen();
    checkTile(level, index);
    const [row] = await this.#database.read(this.#statements.tile(level, index));
    return bytesOf(row?.['hashes']);
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Whether an earlier try, which was never answered, appended this leaf: leaves stay, so it can be told however many have followed. */
  async #isAttempt(index: number, attempt: string): Promise<boolean> {
    try {
      const [row] = await this.#database.read(this.#statements.attemptAt(index));
      return row?.['attempt'] === attempt;
    } catch (error) {
      throw mayHaveBeenMade(error);
    }
  }
}

/** In memory of their own: pg cuts rows out of what it received. */
function bytesOf(value: unknown): Uint8Array {
  return value instanceof Uint8Array ? new Uint8Array(value) : new Uint8Array(0);
}
