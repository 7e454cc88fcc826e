/**
 * The tables of the postgres store, and how they came to be: versions of the schema, each applied once, in order, in one transaction.
 *
 *   records     store, id  whose record; 16 bytes each, compared as bytes
 *               version    of the record, from 1
 *               bytes      the record; null is a tombstone
 *               attempts   who wrote this version and those before it, newest first: postgres.ts
 *   work_…      shared work: work-tables.ts
 *   log_…, map_nodes  signed logs and their maps: log-tables.ts
 *   migrations  version    of the schema, and when it was applied
 */
import type { PoolClient } from 'pg';
import { KeyStoreError } from '../../errors.ts';
import type { Database } from './database.ts';
import { logTables } from './log-tables.ts';
import { quoteName } from './statement.ts';
import { workTables } from './work-tables.ts';

/** One step, as SQL of a schema whose name is given in quotes. Steps are added, never changed. */
export type Migration = (schema: string) => string;

/** In the order in which they are applied. */
export const MIGRATIONS: readonly Migration[] = [
  // Records are ciphertext: there is nothing to compress.
  (schema) => `
    CREATE TABLE ${schema}.records (
      store uuid NOT NULL,
      id uuid NOT NULL,
      version bigint NOT NULL CHECK (version BETWEEN 1 AND 4294967295),
      bytes bytea CHECK (octet_length(bytes) > 0),
      attempts uuid[] NOT NULL,
      PRIMARY KEY (store, id)
    );
    ALTER TABLE ${schema}.records ALTER COLUMN bytes SET STORAGE EXTERNAL;`,
  workTables,
  logTables,
];

/**
 * Brings the schema to the version that this release writes.
 *
 * Of several processes that start at once, one does it and the others wait: the lock belongs to the transaction, so it works through a pooler,
 * and is gone when the process is.
 *
 * @param name - Of the schema.
 * @throws KeyStoreError STORE_VERSION_UNSUPPORTED where a newer release was here, STORE_ACCESS_DENIED where this user may not make tables, as {@link Database.read}.
 */
export async function migrate(
  database: Database,
  name: string,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<void> {
  // Whoever may only read and write need not be able to make tables.
  if (isCurrent(await database.repeat((client) => versionOf(client, name)), migrations)) return;
  await database.repeat(async (client) => {
    await client.query('BEGIN');
    await client.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
    const version = await versionOf(client, name);
    if (!isCurrent(version, migrations)) await apply(client, name, migrations.slice(version));
    await client.query('COMMIT');
  });
}

async function apply(
  client: PoolClient,
  name: string,
  migrations: readonly Migration[],
): Promise<void> {
  const schema = quoteName(name);
  const hasSchema = await exists(client, 'FROM pg_catalog.pg_namespace WHERE nspname = $1', name);
  // With IF NOT EXISTS it would ask for rights even where the schema is there.
  if (!hasSchema) await client.query(`CREATE SCHEMA ${schema}`);
  await client.query(
    `CREATE TABLE IF NOT EXISTS ${schema}.migrations (
       version integer PRIMARY KEY,
       applied timestamptz NOT NULL DEFAULT now()
     )`,
  );
  for (const migration of migrations) {
    await client.query(migration(schema));
    await client.query(
      `INSERT INTO ${schema}.migrations (version) SELECT coalesce(max(version), 0) + 1 FROM ${schema}.migrations`,
    );
  }
}

/** @returns 0 where there is nothing yet. */
async function versionOf(client: PoolClient, name: string): Promise<number> {
  const tables = `FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace AS n ON n.oid = relnamespace
    WHERE nspname = $1 AND relname = 'migrations'`;
  if (!(await exists(client, tables, name))) return 0;
  const found = await client.query<{ version: number | null }>(
    `SELECT max(version) AS version FROM ${quoteName(name)}.migrations`,
  );
  return found.rows[0]?.version ?? 0;
}

/**
 * Looks into the catalogue as it is now. to_regclass() asks what this connection remembers of it, from before it waited for the lock.
 */
async function exists(client: PoolClient, from: string, name: string): Promise<boolean> {
  const { rows } = await client.query<{ there: boolean }>(
    `SELECT EXISTS (SELECT ${from}) AS there`,
    [name],
  );
  return rows[0]?.there === true;
}

function isCurrent(version: number, migrations: readonly Migration[]): boolean {
  if (version > migrations.length)
    throw new KeyStoreError(
      'STORE_VERSION_UNSUPPORTED',
      `the tables are of version ${version}, this release knows ${migrations.length}`,
    );
  return version === migrations.length;
}

/** "keycask" in ASCII: one lock for all schemas of a database, as a number that nobody else takes by chance. */
const LOCK = '30229394540819307';
