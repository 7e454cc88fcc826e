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
  /** Its own, and those of what it spells: PEM, hex, base64, a registry of Wine. */
  readonly notes: readonly InspectionNote[];
  /** What hex or base64 spells, where that would be a key: `SIMPLEBLOB`. It has to be decoded first. */
  readonly spells?: string;
}

/** Longer than any file with keys in it: a hive of Wine's registry is the longest. Of a longer file the beginning is read. */
export const MAX_KEY_FILE = 4 << 20;
