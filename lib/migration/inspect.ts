/** inspect: what bytes are, field by field, without a secret. The table of formats is inspect/formats.ts. */
import { traceFields, type PlacedField } from '../bytes/field-trace.ts';
import { KeyStoreError } from '../errors.ts';
import { decodeParts } from './inspect/decoded-parts.ts';
import { FORMATS } from './inspect/formats.ts';
import type { Description, FileStart, FormatReader } from './inspect/format-reader.ts';
import { layoutOf } from './inspect/layout.ts';
import { guessAt } from './inspect/unknown-bytes.ts';
import type { InspectedPart, Inspection, InspectionNote } from './inspection.ts';

/** What is known of bytes besides themselves. */
export interface InspectOptions {
  /** Name of the file. Some formats have no mark but their name: `Preferred`, `CREDHIST`. */
  readonly name?: string;
  /** Bytes of the whole file, where only its beginning is given. */
  readonly size?: number;
}

/**
 * Says what bytes are: any key blob, key file, container file, DPAPI blob, certificate or file of keycask's own.
 *
 * Fields have the names of their specifications and their offsets. No secret is in the answer: of fields that are not listed as
 * public there is the length only. Bytes that no decoder read are fields too, of kind `unknown`. Hex and base64 text of any of these
 * formats is read as what it spells.
 *
 * @param bytes - A file, or its beginning (then `options.size`). Read, not kept; the caller still owns it, and wipes it where it is secret.
 * @returns Always: bytes of no known format have `state: 'unknown'`, damaged ones a `fault`. Nothing is verified, nothing decrypted.
 * @example
 * ```ts
 * const { what, fields } = inspect(await readFile('session.key'));
 * console.log(what, fields.map(({ offset, field, means }) => `${offset} ${field} ${means ?? ''}`));
 * ```
 */
export function inspect(bytes: Uint8Array, options: InspectOptions = {}): Inspection {
  const { name, size = bytes.length } = options;
  const budget = { parts: MAX_PARTS };
  const start = { bytes, size: Math.max(size, bytes.length), name: baseName(name) };
  return inspectPart(start, { base: 0, depth: 0, budget });
}

/** Where a part stands in the whole. */
interface Place {
  /** Where it begins, from the start of the file. */
  readonly base: number;
  readonly depth: number;
  /** What is left of the parts that one file may have. */
  readonly budget: { parts: number };
}

function inspectPart(start: FileStart, place: Place): Inspection {
  let damaged: Inspection | undefined;
  for (const row of FORMATS) {
    if (!row.detect(start)) continue;
    const inspection = readAs(row, start, place);
    if (inspection.state !== 'damaged') return inspection;
    // The first row is the most certain one, unless a later one reads it.
    damaged ??= inspection;
  }
  return damaged ?? unknown(start, place);
}

function readAs(row: FormatReader, start: FileStart, place: Place): Inspection {
  const { bytes, size } = start;
  const trace = traceFields(bytes, () => row.read(bytes, start));
  const { result, fields, fault } = trace;
  const { base } = place;
  const notes: InspectionNote[] = [...(result?.notes ?? [])];
  if (!trace.complete)
    notes.push({
      severity: 'note',
      id: 'MORE_FIELDS',
      text: 'It has more fields than are shown.',
    });
  return {
    format: row.id,
    what: result?.what ?? row.what,
    summary: result?.summary ?? summaryOfDamage(row, size, trace.error),
    state: result === undefined ? 'damaged' : (result.state ?? 'read'),
    offset: base,
    length: size,
    fields: layoutOf({
      bytes,
      base,
      fields,
      size,
      ...(result?.rest !== undefined && { rest: { format: row.what, field: result.rest } }),
    }),
    parts: partsOf(row, start, { fields, result }, place),
    notes,
    ...(fault && { fault: { ...fault, offset: base + fault.offset } }),
  };
}

interface ReadRow {
  readonly fields: readonly PlacedField[];
  readonly result: Description | undefined;
}

// oxlint-disable-next-line max-params -- what was read, of what, and where that is
function partsOf(
  row: FormatReader,
  { bytes }: FileStart,
  { fields, result }: ReadRow,
  place: Place,
): InspectedPart[] {
  if (place.depth === MAX_DEPTH) return [];
  const parts: InspectedPart[] = [];
  const inside = (part: Uint8Array, base: number): Inspection | undefined => {
    if (place.budget.parts-- <= 0 || part.length === 0) return undefined;
    const start = { bytes: part, size: part.length, name: undefined };
    return inspectPart(start, { ...place, base, depth: place.depth + 1 });
  };
  for (const { format, field, take } of row.partFields ?? []) {
    for (const found of fields) {
      if (found.format !== format || found.field !== field) continue;
      const from = take === 'whole' ? found.offset : (found.contents ?? found.offset);
      const inspection = inside(
        bytes.subarray(from, found.offset + found.length),
        place.base + from,
      );
      if (inspection) parts.push({ name: field, ...inspection });
    }
  }
  if (result !== undefined && row.decodeParts !== undefined) {
    for (const { name, bytes: decoded } of decodeParts(row, bytes)) {
      try {
        const inspection = inside(decoded, 0);
        if (inspection) parts.push({ name, ...inspection });
      } finally {
        decoded.fill(0);
      }
    }
  }
  return parts;
}

function unknown(start: FileStart, { base }: Place): Inspection {
  const { bytes, size } = start;
  return {
    format: 'unknown',
    what: 'unknown',
    summary: guessAt(start),
    state: 'unknown',
    offset: base,
    length: size,
    fields: layoutOf({ bytes, base, fields: [], size }),
    parts: [],
    notes: [],
  };
}

function summaryOfDamage({ what }: FormatReader, size: number, error: unknown): string {
  const why = KeyStoreError.is(error) ? error.code : 'BLOB_MALFORMED';
  return `It begins as ${what}, ${size} bytes, and cannot be read as one: ${why}.`;
}

/** Both kinds of slashes: files come from Windows, wherever they are looked at. */
function baseName(name: string | undefined): string | undefined {
  return name?.split(/[/\\]/u).at(-1);
}

/** A container file has DPAPI blobs, base64 has a PEM file, a PVK has a blob: three deep; hostile files nest further. */
const MAX_DEPTH = 6;
const MAX_PARTS = 256;
