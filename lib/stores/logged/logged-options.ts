/** What the records of a home on an archive take and answer. */
import type { Archive } from '../archive.ts';
import type { CheckpointMemory } from '../../signed-log/checkpoint-memory.ts';
import type { ManifestTrust } from '../manifest/manifest-chain.ts';
import type { ExamineStored } from '../manifest/manifested-store.ts';
import type { LoggedTrustAnchor } from './leaf-signers.ts';

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
