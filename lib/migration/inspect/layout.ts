/** The fields of an inspection: what the decoders told, what of it may be shown, and the bytes between that nobody read. */
import type { PlacedField } from '../../bytes/field-trace.ts';
import type { InspectedField } from '../inspection.ts';
import { showField } from './show-field.ts';

/** A file as it was traced. */
export interface Traced {
  /** What was traced. */
  readonly bytes: Uint8Array;
  /** Where that begins in the file that is inspected. */
  readonly base: number;
  readonly fields: readonly PlacedField[];
  /** Bytes of the whole file, of which `bytes` may be the beginning. */
  readonly size: number;
  /** What follows the last field, and of which format. */
  readonly rest?: { readonly format: string; readonly field: string };
}

/** All fields in order, with `unknown` ones where no field is. */
export function layoutOf({ bytes, base, fields, size, rest }: Traced): InspectedField[] {
  const layout: InspectedField[] = [];
  const gap = (from: number, to: number): void => {
    if (from < to)
      layout.push({
        format: 'unknown',
        field: 'unknown',
        offset: base + from,
        length: to - from,
        depth: 0,
        kind: 'unknown',
      });
  };
  let end = 0;
  for (const field of fields) {
    if (field.depth === 0) {
      gap(end, field.offset);
      end = Math.max(end, field.offset + field.length);
    }
    const { format, field: name, offset, length, depth, kind } = field;
    layout.push({
      format,
      field: name,
      offset: base + offset,
      length,
      depth,
      kind,
      ...showField(bytes, field),
    });
  }
  if (rest && end < size)
    layout.push({ ...rest, offset: base + end, length: size - end, depth: 0, kind: 'bytes' });
  else gap(end, size);
  return layout;
}
