/** The records of a store in PostgreSQL. */
import { randomUUID } from 'node:crypto';
import type {
  NewStoredRecord,
  Store,
  StoredRecord,
  StoredRecordId,
  StoreListOptions,
} from '../../contracts/store.ts';
import { KeyStoreError } from '../../errors.ts';
import { listStart } from '../list-start.ts';
import { mayHaveBeenMade, type Database, type Row } from './database.ts';
import type { RecordStatements, PageStart } from './record-statements.ts';
import { idOfUuid } from './statement.ts';
import { checkBytes, checkId, checkLimit, checkVersion } from '../stored-bytes.ts';

export class PostgresStore implements Store {
  readonly name = 'postgres';
  readonly #database: Database;
  readonly #statements: RecordStatements;

  constructor(database: Database, statements: RecordStatements) {
    this.#database = database;
    this.#statements = statements;
  }

  async get(id: string): Promise<StoredRecord | undefined> {
    this.#database.assertOpen();
    checkId(id);
    const [row] = await this.#database.read(this.#statements.get(id));
    return row && recordOf(row);
  }

  /** Many at once, in the order of `ids`; undefined where {@link PostgresStore.get} gives that. */
  async getAll(ids: readonly string[]): Promise<(StoredRecord | undefined)[]> {
    this.#database.assertOpen();
    for (const id of ids) checkId(id);
    if (ids.length === 0) return [];
    const rows = await this.#database.read(this.#statements.getAll(ids));
    const found = new Map(rows.map((row) => [idOfUuid(row['id']), recordOf(row)]));
    return ids.map((id) => found.get(id));
  }

  async put(id: string, version: number, bytes: Uint8Array): Promise<void> {
    checkBytes(bytes);
    await this.#swap(id, version, Buffer.from(bytes));
  }

  async createAll(records: readonly NewStoredRecord[]): Promise<boolean[]> {
    this.#database.assertOpen();
    for (const { id, bytes } of records) {
      checkId(id);
      checkBytes(bytes);
    }
    const won = new Set<string>();
    for (const page of pagesOf(records)) for (const id of await this.#create(page)) won.add(id);
    return records.map(({ id }) => won.has(id));
  }

  async delete(id: string, version: number): Promise<void> {
    await this.#swap(id, version, null);
  }

  async *list({
    after = '',
    limit = Number.POSITIVE_INFINITY,
  }: StoreListOptions = {}): AsyncGenerator<StoredRecordId> {
    this.#database.assertOpen();
    checkLimit(limit);
    let start: PageStart | undefined = listStart(after);
    let left = limit;
    while (start && left > 0) {
      this.#database.assertOpen();
      const size = Math.min(LIST_PAGE, Math.ceil(left));
      const rows = await this.#database.read(this.#statements.list(start, size));
      start = undefined;
      for (const row of rows) {
        const id = idOfUuid(row['id']);
        if (rows.length === size) start = { id, isIncluded: false };
        if (left <= 0) return;
        left--;
        yield { id, version: versionOf(row) };
      }
    }
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #swap(id: string, version: number, bytes: Buffer | null): Promise<void> {
    this.#database.assertOpen();
    checkId(id);
    checkVersion(version);
    const attempt = randomUUID();
    const statement = this.#statements.change({ id, version, bytes, attempt });
    const { rows, isRepeated } = await this.#database.change(statement);
    if (rows.length > 0) return;
    if (isRepeated && (await this.#wonBefore([id], version, attempt)).has(id)) return;
    throw new KeyStoreError('STORE_CONFLICT');
  }

  async #create(page: readonly NewStoredRecord[]): Promise<ReadonlySet<string>> {
    const attempt = randomUUID();
    const statement = this.#statements.createAll(page, attempt);
    const { rows, isRepeated } = await this.#database.change(statement);
    const won = new Set(rows.map((row) => idOfUuid(row['id'])));
    if (!isRepeated || won.size === page.length) return won;
    const others = page.map(({ id }) => id).filter((id) => !won.has(id));
    for (const id of await this.#wonBefore(others, 1, attempt)) won.add(id);
    return won;
  }

  /**
   * Which of `ids` an earlier try wrote that was never answered.
   *
   * @throws KeyStoreError STORE_OUTCOME_UNKNOWN where so many others have gone on from a record since that it does not remember.
   */
  async #wonBefore(
    ids: readonly string[],
    version: number,
    attempt: string,
  ): Promise<ReadonlySet<string>> {
    let rows: readonly Row[];
    try {
      rows = await this.#database.read(this.#statements.attempted(ids, version, attempt));
    } catch (error) {
      throw mayHaveBeenMade(error);
    }
    if (rows.some((row) => row['mine'] === null)) throw new KeyStoreError('STORE_OUTCOME_UNKNOWN');
    return new Set(rows.filter((row) => row['mine'] === true).map((row) => idOfUuid(row['id'])));
  }
}

/** Undefined of a tombstone. */
function recordOf(row: Row): StoredRecord | undefined {
  if (!(row['bytes'] instanceof Uint8Array)) return undefined;
  return { version: versionOf(row), bytes: new Uint8Array(row['bytes']) };
}

function versionOf(row: Row): number {
  return Number(row['version']);
}

function* pagesOf(records: readonly NewStoredRecord[]): Generator<readonly NewStoredRecord[]> {
  let page: NewStoredRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    page.push(record);
    bytes += record.bytes.length;
    if (page.length < CREATE_PAGE && bytes < CREATE_BYTES) continue;
    yield page;
    page = [];
    bytes = 0;
  }
  if (page.length > 0) yield page;
}

const LIST_PAGE = 1000;
/** Records, and bytes, of createAll in one statement. */
const CREATE_PAGE = 1000;
const CREATE_BYTES = 1 << 23;
