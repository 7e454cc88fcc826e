/** Opens the database that stores and shared work lie in: checks what was asked for, connects, brings the tables up to date. */
import process from 'node:process';
import type { PoolConfig } from 'pg';
import { KeyStoreError } from '../../errors.ts';
import { connectionWords, type ConnectionSource } from './connection-url.ts';
import { Database } from './database.ts';
import { loadPg } from './load-pg.ts';
import { migrate } from './migrations.ts';
import { tlsOptions } from './tls-options.ts';

/** Where the database is: `url`, or `urlFile`, and for what that leaves out the standard variables (PGHOST, PGUSER, PGPASSWORD, PGPASSFILE…). */
export interface DatabasePlace {
  /** `postgres://user:password@host:port/database?sslmode=verify-full`. Not from a command line: everybody can read those. */
  readonly url?: string;
  /** A file with such a URL and nothing else, which only its owner may read. */
  readonly urlFile?: string;
  /** Schema of the tables. Default `keycask`. */
  readonly schema?: string;
  /** Connections at once. Default 4. */
  readonly connections?: number;
  /** How long an operation is tried again while the server is away, in milliseconds. Default 30,000; 0 is once. */
  readonly retryMs?: number;
}

/** A database whose tables are of this release. */
export interface OpenDatabase {
  readonly database: Database;
  readonly schema: string;
}

/**
 * Connects, and makes the tables where they are not there, or are those of an older release.
 *
 * @returns The caller closes the database.
 * @throws KeyStoreError MODULE_MISSING without the package pg, PARAMETER_INVALID, PERMISSION_DENIED or FILE_NOT_FOUND of a file of `place`,
 *   STORE_UNAVAILABLE, STORE_ACCESS_DENIED, STORE_VERSION_UNSUPPORTED. None tells the password.
 */
export async function openDatabase(place: DatabasePlace): Promise<OpenDatabase> {
  const { schema = 'keycask', connections = 4, retryMs = 30_000 } = place;
  check(
    SCHEMA.test(schema),
    'a schema is of small letters, digits and _, and begins with a letter',
  );
  check(Number.isInteger(connections) && connections > 0, 'connections is a whole number from 1');
  check(retryMs >= 0, 'retryMs is a number from 0');
  const pg = await loadPg();
  const pool = await poolConfig({ ...place, environment: process.env });
  const database = new Database(pg, { pool, connections, retryMs });
  try {
    await migrate(database, schema);
  } catch (error) {
    await database.close();
    throw error;
  }
  return { database, schema };
}

async function poolConfig(source: ConnectionSource): Promise<PoolConfig> {
  const words = await connectionWords(source);
  const { host, port, user, dbname, password, applicationName = 'keycask' } = words;
  return {
    host,
    port,
    ...(user !== undefined && { user }),
    ...(dbname !== undefined && { database: dbname }),
    // A function shows nothing where an object is printed. Without one, pg looks into PGPASSFILE.
    ...(password !== undefined && { password: () => password }),
    ssl: await tlsOptions(words),
    application_name: applicationName,
    connectionTimeoutMillis: CONNECT_MS,
    // In this process: a pooler refuses the server's own as a parameter of the connection.
    query_timeout: ANSWER_MS,
    keepAlive: true,
    allowExitOnIdle: true,
  };
}

function check(isRight: boolean, message: string): void {
  if (!isRight) throw new KeyStoreError('PARAMETER_INVALID', message);
}

const SCHEMA = /^[a-z][a-z0-9_]{0,62}$/;
const CONNECT_MS = 10_000;
/** A statement takes milliseconds; a server that says nothing for so long has lost us. */
const ANSWER_MS = 60_000;
