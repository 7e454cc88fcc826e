/** What every store asks of its arguments. */
import { KeyStoreError } from '../errors.ts';

/** A record is at most 1 MiB; a little more is let through, so that the record's own reader says what is wrong with it. */
export const MAX_STORED_BYTES = (1 << 20) + (1 << 12);
/** Record versions are 32-bit numbers. */
const MAX_VERSION = 0xffffffff;
const ID = /^[0-9a-f]{32}$/;

/** @throws KeyStoreError PARAMETER_INVALID */
export function checkId(id: string): void {
  if (!ID.test(id))
    throw new KeyStoreError('PARAMETER_INVALID', 'an id is 32 lower-case hex digits');
}

/** @throws KeyStoreError PARAMETER_INVALID */
export function checkVersion(version: number): void {
  if (!Number.isInteger(version) || version < 1 || version > MAX_VERSION)
    throw new KeyStoreError('PARAMETER_INVALID', `a version is from 1 to ${MAX_VERSION}`);
}

/** @throws KeyStoreError PARAMETER_INVALID for no bytes at all (that is how a deletion is stored), BLOB_TOO_LARGE */
export function checkBytes(bytes: Uint8Array): void {
  if (bytes.length === 0) throw new KeyStoreError('PARAMETER_INVALID', 'a record is not empty');
  if (bytes.length > MAX_STORED_BYTES)
    throw new KeyStoreError(
      'BLOB_TOO_LARGE',
      `a stored record has at most ${MAX_STORED_BYTES} bytes, this has ${bytes.length}`,
    );
}

/** @throws KeyStoreError PARAMETER_INVALID */
export function checkLimit(limit: number): void {
  if (Number.isNaN(limit) || limit < 0)
    throw new KeyStoreError('PARAMETER_INVALID', 'limit is a number from 0');
}
