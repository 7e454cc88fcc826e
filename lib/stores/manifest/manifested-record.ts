/** What a manifested store takes, returns and reports. */

export interface RecordToPut {
  readonly id: string;
  readonly version: number;
  readonly label: string;
  readonly bytes: Uint8Array;
}

/** The first version of an id. */
export type NewRecord = Omit<RecordToPut, 'version'>;

export interface ManifestedRecord extends RecordToPut {
  /** Index of the manifest entry that put it there. */
  readonly index: number;
}

export interface ListedRecord {
  readonly id: string;
  readonly version: number;
  readonly label: string;
  /** Index of the newest manifest entry of this id. */
  readonly index: number;
  /** Index of its first entry: the order in which ids were made. */
  readonly created: number;
}

/**
 * - `intact`: the store has what the manifest lists.
 * - `unfinished`: a change counts and can be read, and could not be finished here (a read-only or full disk).
 * - `missing`, `rolled-back`, `misplaced`: the store has nothing, another version, or the record of another id.
 * - `planted`: the store has a record that the manifest never listed, or lists as deleted. It is never returned.
 */
export type RecordStatus =
  | 'intact'
  | 'unfinished'
  | 'missing'
  | 'rolled-back'
  | 'misplaced'
  | 'planted';

export interface RecordFinding {
  readonly id: string;
  readonly version: number;
  readonly status: RecordStatus;
}

/** A record that the store has and the manifest does not list. */
export interface PlantedRecord {
  readonly id: string;
  readonly version: number;
  readonly bytes: Uint8Array;
}
