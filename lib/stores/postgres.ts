/**
 * keycask/stores/postgres: records in a PostgreSQL database, for many machines; as an archive, with the signed log over them. Several stores
 * share its tables, each under its own id.
 *
 * Each change is one statement that compares the version, or the head of the log, and is a transaction of its own: nothing is kept in a connection, so a pooler may
 * stand between. Where the server goes away before it answers, the same statement is sent again; each change carries a random number, and the
 * row remembers those of its last versions, so that a change that was made is known for one's own and none is made twice.
 * docs/decisions/postgres-store.md says why each step is there.
 */
import type { Store } from '../contracts/store.ts';
import type { Archive } from './archive.ts';
import { openDatabase, type DatabasePlace } from './postgres/open-database.ts';
import { PostgresArchive } from './postgres/postgres-archive.ts';
import { PostgresStore } from './postgres/postgres-store.ts';
import { RecordStatements } from './postgres/record-statements.ts';
import { checkId } from './stored-bytes.ts';

export type { DatabasePlace } from './postgres/open-database.ts';
export { ARCHIVE_LIMITS, type Archive } from './archive.ts';

/** Where the database is, and whose records are meant. */
export interface PostgresStoreOptions extends DatabasePlace {
  /** 32 lower-case hex digits: whose records these are. Others in the same tables are not seen. */
  readonly storeId: string;
}

/**
 * Opens a postgres store; makes its tables where they are not there, or are those of an older release.
 *
 * Without a `sslmode`, a server on this machine is spoken to as it is, and every other one must show a certificate of its name.
 *
 * @throws KeyStoreError MODULE_MISSING without the package pg, PARAMETER_INVALID, PERMISSION_DENIED or FILE_NOT_FOUND of a file of `options`,
 *   STORE_UNAVAILABLE, STORE_ACCESS_DENIED, STORE_VERSION_UNSUPPORTED. None tells the password.
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<Store> {
  checkId(options.storeId);
  const { database, schema } = await openDatabase(options);
  return new PostgresStore(database, new RecordStatements(schema, options.storeId));
}

/**
 * Opens a postgres archive: records, the signed log over them and the nodes of its map, in one database. A store becomes one with an empty
 * log; its records stay as they are.
 *
 * @throws KeyStoreError as {@link openPostgresStore} does.
 * @example
 * A log in the database that the records lie in.
 * ```ts
 * await using archive = await openPostgresArchive({ storeId, urlFile: '/etc/keys/database' });
 * const log = await SignedLog.open({ storage: archive.log, logId, findSigner: findAmong([me]) });
 * const records = [{ id, version: 1, bytes }];
 * await log.append([leaf], { identity: me, clock: () => new Date() }, { size: log.size, along: { records, mapNodes: [] } });
 * ```
 */
export async function openPostgresArchive(options: PostgresStoreOptions): Promise<Archive> {
  checkId(options.storeId);
  const { database, schema } = await openDatabase(options);
  return new PostgresArchive(database, schema, options.storeId);
}
