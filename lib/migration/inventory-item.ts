/** One file of an inventory: what it is, and what it is for. */
import type { InspectionNote, InspectionState } from './inspection.ts';
import type { SourceFile } from './source-files.ts';

/**
 * What a file is for: a session key to bring over; a private key, or what it lies sealed in or under; the public half of one; a file
 * that no format claims, which may be data that is encrypted; anything else.
 */
export type FileRole =
  | 'session-key'
  | 'private-key'
  | 'sealed-key'
  | 'sealing-key'
  | 'public-key'
  | 'data'
  | 'other';

export interface InventoryItem extends SourceFile {
  /** Id of its format, as inspect has it. */
  readonly format: string;
  readonly what: string;
  readonly summary: string;
  readonly state: InspectionState;
  readonly role: FileRole;
  readonly notes: readonly InspectionNote[];
}

/** Longer than any file with keys in it: a hive of Wine's registry is the longest. Of a longer file the beginning is read. */
export const MAX_KEY_FILE = 4 << 20;
