/** What a PostgreSQL server, a pooler or the way to them said, as a KeyStoreError; and what it means for the statement. */
import { KeyStoreError, type KeyStoreErrorCode } from '../../errors.ts';

/** What a failed statement did. */
export interface Failure {
  readonly error: KeyStoreError;
  /** Whether to try again: the server is away, or two transactions were in each other's way. */
  readonly isPassing: boolean;
  /** Whether the server said that it did nothing. Else it may have done it. */
  readonly isAnswered: boolean;
}

/** Looks at what pg threw. Messages are the server's own; its details, which may hold values, are left out. */
export function failureOf(thrown: unknown): Failure {
  if (KeyStoreError.is(thrown)) return { error: thrown, isPassing: false, isAnswered: true };
  const { code, message } = partsOf(thrown);
  if (SQLSTATE.test(code) && 'severity' in (thrown as object))
    return failureOfServer(code, message);
  if (TLS.test(code) || message.includes('SSL connection'))
    return final('STORE_ACCESS_DENIED', `${message}${code && ` (${code})`}`);
  return passing(`${message}${code && ` (${code})`}`);
}

function failureOfServer(code: string, message: string): Failure {
  const text = `${message} (${code})`;
  // Class 08, and the server ends: it may have ended between doing it and saying so.
  if (code.startsWith('08') || GONE.has(code)) return passing(text);
  if (AGAIN.has(code)) return { ...passing(text), isAnswered: true };
  return final(CODES[code] ?? CODES[code.slice(0, 2)] ?? 'IO_FAILED', text);
}

function passing(message: string): Failure {
  const error = new KeyStoreError('STORE_UNAVAILABLE', `the database is away: ${message}`);
  return { error, isPassing: true, isAnswered: false };
}

function final(code: KeyStoreErrorCode, message: string): Failure {
  const error = new KeyStoreError(code, `the database refused: ${message}`);
  return { error, isPassing: false, isAnswered: true };
}

function partsOf(thrown: unknown): { readonly code: string; readonly message: string } {
  if (typeof thrown !== 'object' || thrown === null) return { code: '', message: String(thrown) };
  const { code, message, errors } = thrown as {
    code?: unknown;
    message?: unknown;
    errors?: unknown;
  };
  // Of several addresses of one name, Node tells all failures, under no message of its own.
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
  const own = typeof message === 'string' ? message : '';
  const text = own || (first instanceof Error ? first.message : 'no reason given');
  return { code: typeof code === 'string' ? code : '', message: text };
}

/** Appendix A of PostgreSQL's documentation. */
const SQLSTATE = /^[0-9A-Z]{5}$/;
/** admin_shutdown, crash_shutdown, cannot_connect_now. */
const GONE = new Set(['57P01', '57P02', '57P03']);
/** serialization_failure, deadlock_detected, query_canceled, too_many_connections, lock_not_available. */
const AGAIN = new Set(['40001', '40P01', '57014', '53300', '55P03']);
const CODES: Record<string, KeyStoreErrorCode> = {
  // disk_full
  '53100': 'STORAGE_FULL',
  // read_only_sql_transaction: a standby, or one that was set so
  '25006': 'STORAGE_READ_ONLY',
  // invalid_authorization_specification, invalid_password, insufficient_privilege
  '28': 'STORE_ACCESS_DENIED',
  '42501': 'STORE_ACCESS_DENIED',
  // undefined_table, undefined_column, invalid_schema_name
  '42P01': 'STORE_DAMAGED',
  '42703': 'STORE_DAMAGED',
  '3F000': 'STORE_DAMAGED',
  // data_corrupted, index_corrupted
  XX001: 'STORE_DAMAGED',
  XX002: 'STORE_DAMAGED',
  // invalid_catalog_name: there is no such database
  '3D000': 'STORE_UNAVAILABLE',
};
/** Node's and OpenSSL's names of what is wrong with a certificate. */
const TLS = /^ERR_TLS_|^ERR_SSL_|CERT|SELF_SIGNED|UNABLE_TO_VERIFY|^EPROTO$/;
