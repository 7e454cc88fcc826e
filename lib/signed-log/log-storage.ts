/** LogStorage: where a signed log lies. It sees leaves, hashes and a checkpoint as opaque bytes, and is trusted with nothing. */

/** Hashes of a tile: the subtree of 256 that stand side by side. */
export const TILE_WIDTH = 256;
/** How high a tile is. */
export const TILE_HEIGHT = 8;
/** Levels of tiles: a node of level n is the root of 256^n leaves. So many are enough for 2^48 leaves. */
export const TILE_LEVELS = 6;

/** What one call may carry; a storage refuses more, and a reader never gets more. */
export const LOG_LIMITS = {
  /** Bytes of a leaf: a list of 256 records with the longest labels is under 100,000. */
  leafBytes: 1 << 17,
  /** Leaves of one append. */
  appendLeaves: 1024,
  /** Bytes of all leaves of one append. */
  appendBytes: 1 << 21,
  /** Bytes of a checkpoint: one by an RSA-16384 key, with its certificate, is under 10,000. */
  checkpointBytes: 1 << 15,
  /** Leaves that one read gives. */
  pageLeaves: 256,
  /** A read ends with the leaf that reaches so many bytes. */
  pageBytes: 1 << 20,
} as const;

/** The newest state of a log that is not empty. */
export interface LogHead {
  /** Leaves that there are. */
  readonly size: number;
  /** The signed checkpoint that came with the last of them. */
  readonly checkpoint: Uint8Array;
}

/** What a storage that keeps records too writes in the same transaction as the append. Others refuse it: NOT_SUPPORTED. */
export interface LogCompanions {
  /** Each becomes what is stated, whatever was there: the log's compare-and-set is the only one. Each id at most once. */
  readonly records: readonly AlongRecord[];
  /** Content-addressed. Writing one that is there is nothing. */
  readonly mapNodes: readonly AlongNode[];
}

/** A record as it is after an append. */
export interface AlongRecord {
  /** 32 lower-case hex digits. */
  readonly id: string;
  /** From 1. */
  readonly version: number;
  /** undefined leaves a tombstone. */
  readonly bytes: Uint8Array | undefined;
}

/** A node of a map, named by its hash. */
export interface AlongNode {
  /** SHA-256 of `bytes`, 32 bytes; a storage does not check it. */
  readonly hash: Uint8Array;
  readonly bytes: Uint8Array;
}

/** Leaves that are to follow, with everything that is written with them: all of it counts, or nothing. */
export interface LogAppend {
  /** What it follows: the head as this handle was told it, or undefined where the log is empty. */
  readonly after: LogHead | undefined;
  /** 1 to 1024, each of at most 128 KiB, together at most 2 MiB. One may be empty. */
  readonly leaves: readonly Uint8Array[];
  /**
   * For each of the {@link TILE_LEVELS} levels the hashes that it gains, joined; none for most. Of level n there are `size` / 256^n,
   * rounded down, so both places and numbers follow from the sizes.
   */
  readonly nodes: readonly Uint8Array[];
  /** Over all leaves with these; at most 32 KiB. */
  readonly checkpoint: Uint8Array;
  /** Counts with the leaves, or does not. Only a storage that keeps records too takes it. */
  readonly along?: LogCompanions;
}

/**
 * A place for one log with one compare-and-set: of several processes that append after the same head, one wins.
 *
 * After `close` every call throws HANDLE_INVALID (NTE_INVALID_HANDLE). The definition is the conformance suite `testLogStorage` of
 * `keycask/testing`.
 */
export interface LogStorage extends AsyncDisposable {
  /** `memory`, `file`. */
  readonly name: string;

  /**
   * The newest state, as of the moment of the call or later; undefined where nothing was ever appended.
   *
   * @throws KeyStoreError LOG_TRUNCATED, LOG_DAMAGED where the storage itself sees that what it wrote is not there any more.
   */
  head(): Promise<LogHead | undefined>;

  /**
   * Appends, durably when the promise resolves.
   *
   * @throws KeyStoreError STORE_CONFLICT (NTE_EXISTS) unless the head is `after`, size and checkpoint: nothing was appended.
   * @throws KeyStoreError PARAMETER_INVALID, BLOB_TOO_LARGE for what is out of the bounds of {@link LOG_LIMITS}: nothing was appended.
   * @throws KeyStoreError NOT_SUPPORTED for `along` where the storage keeps no records: nothing was appended.
   * @throws KeyStoreError STORAGE_FULL, PERMISSION_DENIED, STORAGE_READ_ONLY, IO_FAILED: whether it was appended, the next `head` tells.
   */
  append(append: LogAppend): Promise<void>;

  /**
   * Leaves from `first` on, below the size that `head` last told this handle or more. Fewer than `count` where there are no more, or
   * where they are long ({@link LOG_LIMITS}); none only where there are none.
   *
   * @param count - 1 to 256.
   */
  readLeaves(first: number, count: number): Promise<Uint8Array[]>;

  /**
   * The hashes that a tile has, joined: 256 of 32 bytes, fewer at the end of the level.
   *
   * @param level - 0 for the hashes of leaves.
   * @param index - Of the tile: its first hash is `index` * 256 of the level.
   */
  readTile(level: number, index: number): Promise<Uint8Array>;

  /** Idempotent. */
  close(): Promise<void>;
}
