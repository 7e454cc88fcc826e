/** What a file is, by the same table as inspect's, without its fields: for many files. */
import { KeyStoreError } from '../errors.ts';
import { decodeParts } from './inspect/decoded-parts.ts';
import { FORMATS } from './inspect/formats.ts';
import type { FileStart } from './inspect/format-reader.ts';
import type { InspectionNote, InspectionState } from './inspection.ts';

/** A format and what it says of itself. */
export interface Recognised {
  /** Id of the row: `simpleblob`; `unknown`. */
  readonly format: string;
  readonly what: string;
  readonly summary: string;
  readonly state: InspectionState;
  readonly notes: readonly InspectionNote[];
}

/** The first row that reads it; where none does, the first that knows its mark. Never throws. */
export function recognise(start: FileStart): Recognised {
  let damaged: Recognised | undefined;
  for (const row of FORMATS) {
    if (!row.detect(start)) continue;
    const { id: format, what } = row;
    try {
      const { notes = [], state = 'read', ...rest } = row.read(start.bytes, start);
      return { format, what, state, notes, ...rest };
    } catch (error) {
      if (!KeyStoreError.is(error)) throw error;
      const summary = `It begins as ${what} and cannot be read as one: ${error.message}.`;
      damaged ??= { format, what, summary, state: 'damaged', notes: [] };
    }
  }
  return damaged ?? UNKNOWN;
}

/**
 * What lies in a file that spells others: PEM, hex, base64, a registry of Wine.
 *
 * @param format - As {@link recognise} has it.
 */
export function recogniseParts(format: string, bytes: Uint8Array): Recognised[] {
  const row = FORMATS.find(({ id }) => id === format);
  if (row?.decodeParts === undefined) return [];
  return decodeParts(row, bytes).map(({ bytes: part }) => {
    try {
      return recognise({ bytes: part, size: part.length, name: undefined });
    } finally {
      part.fill(0);
    }
  });
}

const UNKNOWN: Recognised = {
  format: 'unknown',
  what: 'unknown',
  summary: 'No format that keycask knows.',
  state: 'unknown',
  notes: [],
};
