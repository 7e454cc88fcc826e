/** Archive: records, the signed log over them and the nodes of its map, in one place that changes all three in one transaction. */
import type { Store, StoredRecord } from '../contracts/store.ts';
import type { LogHead, LogStorage } from '../signed-log/log-storage.ts';

/** What one call may carry beside what LOG_LIMITS allows; an archive refuses more. */
export const ARCHIVE_LIMITS = {
  /** Records that go along with one append. */
  alongRecords: 1024,
  /** Map nodes that go along with one append: 256 records change some 3,000 of a map of a million. */
  alongNodes: 1 << 14,
  /** Bytes of all of them together, records and nodes. */
  alongBytes: 1 << 24,
  /** Bytes of a map node. */
  nodeBytes: 1 << 16,
  /** Map nodes that one read asks for. */
  readNodes: 256,
} as const;

/**
 * A place for a store, and for the log that says what is current in it. An append to the log takes records and map nodes along
 * (`LogAppend.along`, within {@link ARCHIVE_LIMITS}): all of it counts, or nothing, whatever is killed meanwhile.
 *
 * After `close` every call throws HANDLE_INVALID (NTE_INVALID_HANDLE). The definition are the conformance suites `testArchive`, `testStore`
 * and `testLogStorage` of `keycask/testing`.
 */
export interface Archive extends AsyncDisposable {
  /** `memory`, `lmdb`, `postgres`. */
  readonly name: string;

  /** The records, as of every store. What is written through it is in no log. Closing it closes the archive. */
  readonly store: Store;

  /** The log; its `append` takes records and map nodes along. Closing it closes the archive. */
  readonly log: LogStorage;

  /**
   * Reads map nodes by their hashes.
   *
   * @param hashes - Of 32 bytes each, at most 256.
   * @returns In the order of `hashes`; undefined where there is none. What is returned is not checked. The caller owns it.
   * @throws KeyStoreError PARAMETER_INVALID, and as {@link Store.get} does.
   */
  readNodes(hashes: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]>;

  /**
   * Reads many records at once. Archives need not have it: then each is a {@link Store.get}.
   *
   * @param ids - Each once, at most {@link ARCHIVE_LIMITS}.alongRecords.
   * @returns In the order of `ids`; undefined where there is none. The caller owns the bytes.
   * @throws KeyStoreError PARAMETER_INVALID, and as {@link Store.get} does.
   */
  readRecords?(ids: readonly string[]): Promise<(StoredRecord | undefined)[]>;

  /** Hashes of all map nodes, each once, in any order; memory for one page of them. Changes made meanwhile may or may not be seen. */
  listNodes(): AsyncIterable<Uint8Array>;

  /**
   * Removes map nodes; of one that is not there nothing. Only while the head of the log is `head`: a node that nothing needed may be needed
   * again by what was appended since.
   *
   * @param hashes - Of 32 bytes each; any number.
   * @throws KeyStoreError STORE_CONFLICT (NTE_EXISTS) where the head is another; some may have been removed before it was.
   * @throws KeyStoreError PARAMETER_INVALID, and as {@link LogStorage.append} does.
   */
  removeNodes(hashes: readonly Uint8Array[], head: LogHead | undefined): Promise<void>;

  /** Idempotent; closes `store` and `log` too. */
  close(): Promise<void>;
}
