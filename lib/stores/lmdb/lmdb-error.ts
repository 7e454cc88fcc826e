/** What LMDB said, as a KeyStoreError. */
import { constants } from 'node:os';
import { KeyStoreError } from '../../errors.ts';
import { fsError } from '../../platform/fs-error.ts';

/** An error as it crosses from the writer's thread: the parts that say something. */
export interface LmdbFailure {
  /** A status of lmdb.h, negative, or an errno. */
  readonly code?: unknown;
  readonly message: string;
}

/**
 * Turns what the package lmdb throws into a KeyStoreError that names the file; passes a KeyStoreError on as it is.
 *
 * @param api - What was being done.
 */
// oxlint-disable-next-line max-params -- an error and where it comes from
export function lmdbError(error: unknown, path: string, api: string): KeyStoreError {
  if (KeyStoreError.is(error)) return error;
  const { code, message } = failureOf(error);
  const status = typeof code === 'number' ? code : 0;
  if (DAMAGED.has(status))
    return new KeyStoreError('STORE_DAMAGED', `${path}: LMDB cannot use it (${message})`);
  // mdb.c calls a write that was cut short EIO; of one that the system refused it tells where.
  const isCutShort = api === 'write' && status === constants.errno.EIO && !REFUSED.test(message);
  const name = isCutShort ? 'ENOSPC' : errnoName(status);
  if (name !== undefined) {
    const found = fsError(
      Object.assign(new TypeError(message), { syscall: api, code: name }),
      path,
    );
    if (KeyStoreError.is(found)) return found;
  }
  return new KeyStoreError('IO_FAILED', `${path}: LMDB failed (${message})`);
}

/** The parts of whatever was thrown. */
function failureOf(error: unknown): LmdbFailure {
  if (typeof error !== 'object' || error === null) return { message: String(error) };
  const { code, message } = error as { code?: unknown; message?: unknown };
  return { code, message: String(message) };
}

function errnoName(value: number): string | undefined {
  return Object.entries(constants.errno).find(([, number]) => number === value)?.[0];
}

const REFUSED = /Attempting to write/;
/** lmdb.h: MDB_PAGE_NOTFOUND, MDB_CORRUPTED, MDB_PANIC, MDB_VERSION_MISMATCH, MDB_INVALID, MDB_INCOMPATIBLE, MDB_BAD_TXN. */
const DAMAGED = new Set([-30797, -30796, -30795, -30794, -30793, -30784, -30782]);
