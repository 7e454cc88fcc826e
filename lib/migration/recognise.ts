/** What a file is, by the same table as inspect's, without its fields: for many files. */
import { KeyStoreError } from '../errors.ts';
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

const UNKNOWN: Recognised = {
  format: 'unknown',
  what: 'unknown',
  summary: 'No format that keycask knows.',
  state: 'unknown',
  notes: [],
};
