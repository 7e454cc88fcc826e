/** Where a PostgreSQL server is and who calls: a URL, with what it leaves out from the standard PG variables. */
import { lstat } from 'node:fs/promises';
import { KeyStoreError } from '../../errors.ts';
import { withFsErrors } from '../../platform/fs-error.ts';
import { readSmallFile } from '../../platform/read-small-file.ts';

/** Names of libpq's documentation, "Parameter Key Words". */
export interface ConnectionWords {
  readonly host: string;
  readonly port: number;
  readonly user?: string;
  readonly dbname?: string;
  readonly password?: string;
  readonly sslmode?: string;
  readonly sslrootcert?: string;
  readonly sslcert?: string;
  readonly sslkey?: string;
  readonly applicationName?: string;
}

export interface ConnectionSource {
  /** `postgres://user:password@host:port/database?sslmode=verify-full` */
  readonly url?: string;
  /** A file with such a URL and nothing else, which only its owner may read. */
  readonly urlFile?: string;
  /** Where PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD, PGSSLMODE and the others are looked for. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * Reads where to connect.
 *
 * @returns A password only where the URL or PGPASSWORD has one; a PGPASSFILE is read by the package pg.
 * @throws KeyStoreError PARAMETER_INVALID, PERMISSION_DENIED where others may read the file; no message holds a part of the URL.
 */
export async function connectionWords(source: ConnectionSource): Promise<ConnectionWords> {
  const { environment } = source;
  const words = new Map<string, string>();
  for (const [word, variable] of Object.entries(VARIABLES)) {
    const value = environment[variable];
    if (value !== undefined && value !== '') words.set(word, value);
  }
  const url = source.url ?? (source.urlFile && (await readUrlFile(source.urlFile)));
  if (url !== undefined) for (const [word, value] of wordsOfUrl(url)) words.set(word, value);
  const named = Object.fromEntries(
    [...words].filter(([word]) => word !== 'port' && word !== 'application_name'),
  );
  const applicationName = words.get('application_name');
  return {
    host: 'localhost',
    ...named,
    port: portOf(words.get('port')),
    ...(applicationName !== undefined && { applicationName }),
  };
}

function wordsOfUrl(text: string): Map<string, string> {
  const url = parseUrl(text);
  const words = new Map<string, string>();
  const set = (word: string, value: string) => {
    if (value !== '') words.set(word, decode(value));
  };
  set('user', url.username);
  set('password', url.password);
  set('host', url.hostname.replace(/^\[(.*)\]$/, '$1'));
  set('port', url.port);
  set('dbname', url.pathname.replace(/^\//, ''));
  for (const [word, value] of url.searchParams) {
    // It may be the end of a password that has a ? in it: it is not told.
    if (!Object.hasOwn(VARIABLES, word))
      throw invalid(
        `the URL of the database has a parameter that is not known here; known are ${Object.keys(VARIABLES).join(', ')}`,
      );
    words.set(word, value);
  }
  return words;
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:'))
    throw invalid('the URL of the database has to be postgres://user@host:port/database');
  if (url.hash !== '')
    throw invalid('the URL of the database has a #: in a password it is written %23, and ? is %3F');
  return url;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw invalid('the URL of the database has a % that is not followed by two hex digits');
  }
}

async function readUrlFile(path: string): Promise<string> {
  const stats = await withFsErrors(path, () => lstat(path));
  // Windows has no such bits.
  if (process.platform !== 'win32' && (stats.mode & 0o077) !== 0)
    throw new KeyStoreError(
      'PERMISSION_DENIED',
      `${path}: others may read it, and it may hold a password`,
      { hint: `Take their rights away: \`chmod 600 ${path}\`.` },
    );
  const bytes = await readSmallFile(path, MAX_URL_BYTES);
  if (!bytes) throw new KeyStoreError('FILE_NOT_FOUND', `${path}: there is no such file`);
  return new TextDecoder().decode(bytes).trim();
}

function portOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_PORT;
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 0xffff)
    throw invalid('a port is a number from 1 to 65535');
  return port;
}

function invalid(message: string): KeyStoreError {
  return new KeyStoreError('PARAMETER_INVALID', message);
}

/** libpq's documentation, "Environment Variables". */
const VARIABLES = {
  host: 'PGHOST',
  port: 'PGPORT',
  user: 'PGUSER',
  dbname: 'PGDATABASE',
  password: 'PGPASSWORD',
  sslmode: 'PGSSLMODE',
  sslrootcert: 'PGSSLROOTCERT',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
  application_name: 'PGAPPNAME',
};
const DEFAULT_PORT = 5432;
const MAX_URL_BYTES = 8192;
