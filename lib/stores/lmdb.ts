/**
 * keycask/stores/lmdb: millions of records in one file, for the processes of one machine; as an archive, with the signed log over them.
 *
 *   <path>        the file of LMDB (lmdb/tables.ts)
 *   <path>-lock   LMDB's lock: who writes, who reads; holds nothing that is kept
 *
 * A write is a transaction of LMDB, in which the version is compared, or the head of the log; it resolves after the disk has it. Readers wait
 * for nobody. A process that is killed leaves the old state or the new one, and its lock is taken over. docs/decisions/lmdb-store.md says why
 * each step is there.
 */
import type { Store } from '../contracts/store.ts';
import type { Archive } from './archive.ts';
import { LmdbArchive } from './lmdb/lmdb-archive.ts';
import { LmdbFile } from './lmdb/lmdb-file.ts';
import { LmdbStore } from './lmdb/lmdb-store.ts';

export { ARCHIVE_LIMITS, type Archive } from './archive.ts';

/**
 * Opens an lmdb store; makes the file, 0600, and its folder, 0700, where they are not there.
 *
 * @param path - Of the file, on a file system of this machine: LMDB does not work over a network.
 * @throws KeyStoreError MODULE_MISSING without the package lmdb, FILE_WRONG_TYPE, STORE_DAMAGED where it is no file of LMDB, or was cut,
 *   PERMISSION_DENIED, STORAGE_FULL, STORAGE_READ_ONLY, IO_FAILED.
 */
export async function openLmdbStore(path: string): Promise<Store> {
  return new LmdbStore(await LmdbFile.open(path));
}

/**
 * Opens an lmdb archive: records, the signed log over them and the nodes of its map, in one file. A file that was a store so far becomes one
 * with an empty log; its records stay as they are.
 *
 * @param path - Of the file, as for {@link openLmdbStore}.
 * @throws KeyStoreError as {@link openLmdbStore} does.
 * @example
 * A log in the file that the records lie in.
 * ```ts
 * await using archive = await openLmdbArchive('/var/lib/keys/records.mdb');
 * const log = await SignedLog.open({ storage: archive.log, logId, findSigner: findAmong([me]) });
 * const records = [{ id, version: 1, bytes }];
 * await log.append([leaf], { identity: me, clock: () => new Date() }, { size: log.size, along: { records, mapNodes: [] } });
 * ```
 */
export async function openLmdbArchive(path: string): Promise<Archive> {
  const file = await LmdbFile.open(path);
  try {
    file.openTables();
  } catch (error) {
    await file.close();
    throw error;
  }
  return new LmdbArchive(file);
}
