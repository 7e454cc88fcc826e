/** What LMDB's statuses are called. */
import { expect, it } from 'vitest';
import { lmdbError } from '../../../lib/stores/lmdb/lmdb-error.ts';

it.each([
  [28, 'No space left on device: Attempting to write page', 'STORAGE_FULL'],
  // A write of several pages that ended in the middle of one.
  [5, 'Input/output error', 'STORAGE_FULL'],
  [5, 'Input/output error: Attempting to write page at position 1', 'IO_FAILED'],
  [13, 'Permission denied', 'PERMISSION_DENIED'],
  [30, 'Read-only file system', 'STORAGE_READ_ONLY'],
  [-30793, 'MDB_INVALID', 'STORE_DAMAGED'],
  [-30796, 'MDB_CORRUPTED', 'STORE_DAMAGED'],
  [-30790, 'MDB_READERS_FULL', 'IO_FAILED'],
  [undefined, 'anything', 'IO_FAILED'],
] as const)('%s, %s: %s %s', (status, message, code) => {
  const error = Object.assign(new TypeError(message), status !== undefined && { code: status });
  expect(lmdbError(error, '/records.mdb', 'write').code).toBe(code);
});

it('takes a failed read for what it says', () => {
  const error = Object.assign(new TypeError('Input/output error'), { code: 5 });
  expect(lmdbError(error, '/records.mdb', 'read').code).toBe('IO_FAILED');
});
