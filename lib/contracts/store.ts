/** Store: where key records lie. A store sees an id, a version and opaque bytes. */

export interface StoredRecord {
  readonly version: number;
  /** The caller owns them. */
  readonly bytes: Uint8Array;
}

export interface StoredRecordId {
  readonly id: string;
  readonly version: number;
}

/** A record that no store has yet. */
export interface NewStoredRecord {
  readonly id: string;
  readonly bytes: Uint8Array;
  /** Path of a file with the same bytes, durable already, that nobody changes: a store of files may link it. */
  readonly file?: string;
}

export interface StoreListOptions {
  /** Only ids after this one, in ascending order. */
  readonly after?: string;
  /** At most so many. */
  readonly limit?: number;
}

/**
 * A place for key records with one compare-and-set: of two processes that write the same version of the same id, one wins.
 *
 * Ids are 32 lower-case hex digits, versions are counted from 1; anything else is a PARAMETER_INVALID. After `close` every call
 * throws HANDLE_INVALID (NTE_INVALID_HANDLE). The definition is the conformance suite `testStore` of `keycask/testing`.
 */
export interface Store extends AsyncDisposable {
  /** `memory`, `directory`. */
  readonly name: string;

  /** The newest version of `id`, or undefined where it is absent or deleted. */
  get(id: string): Promise<StoredRecord | undefined>;

  /**
   * Writes `version` of `id`, durably when the promise resolves.
   *
   * @throws KeyStoreError STORE_CONFLICT (NTE_EXISTS) unless the present version is `version - 1`, where absent is 0; a deletion counts as a version.
   * @throws KeyStoreError STORAGE_FULL, PERMISSION_DENIED, STORAGE_READ_ONLY, IO_FAILED: nothing was changed.
   */
  put(id: string, version: number, bytes: Uint8Array): Promise<void>;

  /**
   * Writes version 1 of many ids at once: what {@link Store.put} does for each, with fewer waits for the disk. Stores need not have it.
   *
   * @param records - Each id once.
   * @returns For each, in order, whether it was written; false where put would be STORE_CONFLICT. All durable when the promise resolves.
   * @throws KeyStoreError as {@link Store.put} does, but for STORE_CONFLICT; some records may have been written.
   */
  createAll?(records: readonly NewStoredRecord[]): Promise<boolean[]>;

  /** Leaves a tombstone as `version`, under the same rule as {@link Store.put}: the id's next version is `version + 1`. */
  delete(id: string, version: number): Promise<void>;

  /** Ids that are present, ascending; each once. Changes made meanwhile may or may not be seen. */
  list(options?: StoreListOptions): AsyncIterable<StoredRecordId>;

  /** Idempotent. */
  close(): Promise<void>;
}
