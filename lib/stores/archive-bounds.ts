/** What every archive asks of its arguments. */
import { toHex } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import type { LogCompanions } from '../signed-log/log-storage.ts';
import { HASH_LENGTH } from '../signed-log/merkle-hash.ts';
import { ARCHIVE_LIMITS } from './archive.ts';
import { checkBytes, checkId, checkVersion } from './stored-bytes.ts';

/**
 * Checks what is to go along with an append.
 *
 * @throws KeyStoreError PARAMETER_INVALID, BLOB_TOO_LARGE
 */
export function checkAlong(along: LogCompanions | undefined): void {
  if (!along) return;
  const { records, mapNodes } = along;
  checkCount('records', records.length, ARCHIVE_LIMITS.alongRecords);
  checkCount('map nodes', mapNodes.length, ARCHIVE_LIMITS.alongNodes);
  const ids = new Set<string>();
  let total = 0;
  for (const { id, version, bytes } of records) {
    checkId(id);
    checkVersion(version);
    if (bytes) checkBytes(bytes);
    total += bytes?.length ?? 0;
    ids.add(id);
  }
  if (ids.size < records.length)
    throw new KeyStoreError('PARAMETER_INVALID', 'a record goes along with an append once');
  checkNodeHashes(mapNodes.map(({ hash }) => hash));
  for (const { bytes } of mapNodes) {
    checkCount('bytes of a map node', bytes.length, ARCHIVE_LIMITS.nodeBytes);
    total += bytes.length;
  }
  checkCount('bytes', total, ARCHIVE_LIMITS.alongBytes);
}

/** @throws KeyStoreError PARAMETER_INVALID */
export function checkRecordsToRead(ids: readonly string[]): void {
  if (ids.length > ARCHIVE_LIMITS.alongRecords)
    throw new KeyStoreError(
      'PARAMETER_INVALID',
      `at most ${ARCHIVE_LIMITS.alongRecords} records are read at once`,
    );
}

/** @throws KeyStoreError PARAMETER_INVALID */
export function checkNodesToRead(hashes: readonly Uint8Array[]): void {
  if (hashes.length > ARCHIVE_LIMITS.readNodes)
    throw new KeyStoreError(
      'PARAMETER_INVALID',
      `at most ${ARCHIVE_LIMITS.readNodes} map nodes are read at once`,
    );
  checkNodeHashes(hashes);
}

/** @throws KeyStoreError PARAMETER_INVALID */
export function checkNodeHashes(hashes: readonly Uint8Array[]): void {
  for (const hash of hashes)
    if (hash.length !== HASH_LENGTH)
      throw new KeyStoreError(
        'PARAMETER_INVALID',
        `the hash of a map node has ${HASH_LENGTH} bytes, not ${toHex(hash)}`,
      );
}

function checkCount(what: string, count: number, most: number): void {
  if (count > most)
    throw new KeyStoreError('BLOB_TOO_LARGE', `${count} ${what} with an append are too many`);
}
