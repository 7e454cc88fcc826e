/** LoggedRecords: the records of a home on an archive, and the signed log that says which of them are genuine. */
import type { Signer } from '../../cms/signed-data.ts';
import { KeyStoreError } from '../../errors.ts';
import type { SigningIdentity } from '../../messages/sign-message.ts';
import type { Checkpoint } from '../../signed-log/checkpoint.ts';
import type { CheckpointMemory } from '../../signed-log/checkpoint-memory.ts';
import type { Archive } from '../archive.ts';
import type { ManifestHead, ManifestTrust } from '../manifest/manifest-chain.ts';
import type {
  ListedRecord,
  ManifestedRecord,
  NewRecord,
  PlantedRecord,
  RecordFinding,
  RecordToPut,
} from '../manifest/manifested-record.ts';
import type { ExamineStored } from '../manifest/manifested-store.ts';

/** What a home's trust.cms says of the log. */
export interface LoggedTrustAnchor {
  /** Signs this home's leaves from its newest trust leaf on. */
  readonly current: Signer;
  /** Signed them before. Revoked ones are not among them. */
  readonly retired: readonly Signer[];
  /** The signers of other homes: their leaves and checkpoints count. */
  readonly pinned: readonly Signer[];
  /** A state that has been seen before: size and root. A log that does not go on from it is LOG_REWOUND or LOG_FORKED. Index 0 says nothing. */
  readonly trustedHead?: ManifestHead;
}

/** Which log, of which home. */
export interface LoggedRecordsOptions {
  /** Closed with the records, and where opening them fails. */
  readonly archive: Archive;
  /** 16 bytes; also the log's id. */
  readonly storeId: Uint8Array;
  /** 16 bytes: which home of the store this is. */
  readonly homeId: Uint8Array;
  /** Where this home keeps the newest checkpoint that it has seen, apart from the archive. */
  readonly seen: CheckpointMemory;
  /**
   * Finds the trust.cms of this home's newest trust leaf; called when the log is opened and whenever a newer one appears.
   *
   * @param trust - undefined where this home has not entered any: it is being made. What this throws, reading the log throws.
   */
  readonly findTrust: (trust: ManifestTrust | undefined) => Promise<LoggedTrustAnchor>;
  /** Looks at stored bytes that are not those that the log lists, before RECORD_ROLLED_BACK is thrown. */
  readonly examine?: ExamineStored;
}

/** Which records, in the order in which they were made. */
export interface ListLoggedOptions {
  /** Only those that were made after this one: an id that was listed before, though it may be deleted by now. */
  readonly after?: string;
  /** At most so many. */
  readonly limit?: number;
  /** Only those of this label. */
  readonly label?: string;
}

/** An audit takes a while. */
export interface VerifyLoggedOptions {
  readonly onProgress?: (leavesDone: number, leavesTotal: number) => void;
  /** Ends it with CANCELLED. */
  readonly signal?: AbortSignal;
}

/** What {@link LoggedRecords.verifyAll} looked at. */
export interface VerifiedLog {
  readonly leaves: number;
  /** Leaves of signers that are not known here: covered by later checkpoints, their signatures not checked. */
  readonly covered: number;
  /** Records that the log lists, deleted ones not counted. */
  readonly records: number;
}

/** What {@link LoggedRecords.compact} did. */
export interface CompactedMap {
  readonly kept: number;
  readonly removed: number;
}

/**
 * The records of an archive. Indexes are counted from 1, as in a manifest: a leaf's index is the size of the log with it.
 *
 * What it knows is as of the last refresh or change of its own; after one that failed it is as before.
 */
export interface LoggedRecords extends AsyncDisposable {
  /** Leaves of the log, and its root; zeros of an empty one. */
  readonly head: ManifestHead;
  /** This home's newest trust leaf; undefined where it has none yet. */
  readonly trust: ManifestTrust | undefined;

  /** Index of this home's first trust leaf after `index`, or undefined. */
  trustAfter(index: number): number | undefined;

  /**
   * Reads what was appended since, and checks it. One read where there is nothing new.
   *
   * @throws KeyStoreError LOG_REWOUND, LOG_FORKED, LOG_TRUNCATED, LOG_DAMAGED, LOG_MISPLACED, MANIFEST_DAMAGED, BLOB_SIGNER_NOT_TRUSTED.
   */
  refresh(): Promise<void>;

  /**
   * The record of an id, exactly as the log lists it; undefined where it lists none, whatever the archive may have.
   *
   * @throws KeyStoreError RECORD_MISSING, RECORD_ROLLED_BACK, RECORD_MISPLACED; what `examine` and {@link LoggedRecords.refresh} throw.
   */
  get(id: string): Promise<ManifestedRecord | undefined>;

  /** What the log lists for an id that is not deleted, as of the last refresh. */
  find(id: string): Promise<ListedRecord | undefined>;

  /** The newest version of an id, a deleted one's included; undefined where it was never there. As of the last refresh. */
  lastVersion(id: string): Promise<number | undefined>;

  /** The newest record of a label that is not deleted, as of the last refresh. */
  findByLabel(label: string): Promise<ListedRecord | undefined>;

  /** The records of a label that are not deleted, newest first. */
  labelled(label: string): AsyncGenerator<ListedRecord>;

  /** The records that are not deleted, in the order in which they were made, with memory for one page. */
  list(options?: ListLoggedOptions): AsyncGenerator<ListedRecord>;

  /** The records that the archive has and the log never listed, or lists as deleted. */
  planted(): AsyncGenerator<PlantedRecord>;

  /** Compares every record with the log. Records' signatures are not checked here. */
  verify(): AsyncGenerator<RecordFinding>;

  /**
   * Writes the next version of a record. Its label is that of the first.
   *
   * @throws KeyStoreError STORE_CONFLICT unless it is the next version, or where the container was rotated meanwhile: nothing has changed.
   * @throws KeyStoreError STORAGE_FULL, IO_FAILED and others of the archive: whether it counts, the next refresh shows.
   */
  put(record: RecordToPut, identity: SigningIdentity, clock: () => Date): Promise<void>;

  /**
   * Writes many new records, up to 256 with one signature.
   *
   * @param records - First versions; each id once.
   * @returns For each, in order, whether it counts now; false where its id is known already.
   * @throws KeyStoreError as {@link LoggedRecords.put} does; some may count.
   */
  putAll(
    records: readonly NewRecord[],
    identity: SigningIdentity,
    clock: () => Date,
  ): Promise<boolean[]>;

  // Wanted by bulk work (lib/session-key-store/bulk-rewrap.ts), as RecordShelf.putVersions: the next versions of many ids, up to 256 with one
  // signature; false for each whose present version is not the one before it.
  //   putVersions(records: readonly RecordToPut[], identity: SigningIdentity, clock: () => Date): Promise<boolean[]>;

  /**
   * Deletes a record, also one that the archive no longer has.
   *
   * @param version - One more than that of the record.
   * @throws KeyStoreError as {@link LoggedRecords.put} does; STORE_CONFLICT also where there is no such record.
   */
  delete(id: string, version: number, identity: SigningIdentity, clock: () => Date): Promise<void>;

  /**
   * Enters a trust.cms: from here on it counts.
   *
   * @param identity - The signer that is in force before it.
   * @throws KeyStoreError as {@link LoggedRecords.put} does; STORE_CONFLICT unless it is the next version.
   */
  enterTrust(
    version: number,
    sha256: Uint8Array,
    identity: SigningIdentity,
    clock: () => Date,
  ): Promise<void>;

  /**
   * Reads the log from its first leaf on: signatures, changes, states, and every node of the newest one.
   *
   * @throws KeyStoreError MANIFEST_DAMAGED, CANCELLED, and as {@link LoggedRecords.refresh} does.
   */
  verifyAll(options?: VerifyLoggedOptions): Promise<VerifiedLog>;

  /**
   * Takes the log as it is, after a backup of it was restored on purpose. {@link acceptLoggedRecords} where it cannot be opened for that.
   *
   * @returns The newest checkpoint that is given up by that; undefined where there was nothing to give up.
   */
  accept(): Promise<Checkpoint | undefined>;

  /** Removes map nodes that no recent state needs. Others may read and write meanwhile. */
  compact(): Promise<CompactedMap>;

  /** Idempotent; closes the archive. */
  close(): Promise<void>;
}

/**
 * Opens the records of a home, or those of one that is being made.
 *
 * @throws KeyStoreError as {@link LoggedRecords.refresh} does, and what `findTrust` throws.
 */
export async function openLoggedRecords(options: LoggedRecordsOptions): Promise<LoggedRecords> {
  await options.archive.close();
  throw new KeyStoreError('NOT_SUPPORTED');
}

/**
 * Opens the records of a home as they are, after a backup of the archive was restored on purpose: what came after it is given up. The home
 * then enters a trust.cms with the new head, so that the decision is signed.
 *
 * @returns With the newest checkpoint that is given up; undefined where there was nothing to give up.
 * @throws KeyStoreError as {@link openLoggedRecords} does, but for LOG_REWOUND and LOG_FORKED.
 */
export async function acceptLoggedRecords(
  options: LoggedRecordsOptions,
): Promise<{ readonly records: LoggedRecords; readonly givenUp: Checkpoint | undefined }> {
  await options.archive.close();
  throw new KeyStoreError('NOT_SUPPORTED');
}
