/** What tests look at in an inspection. */
import type { InspectedPart, Inspection } from '../../lib/migration/inspection.ts';

/** Each field on a line: offset, length, name, value, what it means. */
export function fieldLines({ fields }: Inspection): string[] {
  return fields.map(({ offset, length, depth, field, value, means }) =>
    [
      `${String(offset)}+${String(length)}`,
      `${'  '.repeat(depth)}${field}`,
      ...(value === undefined ? [] : [`= ${String(value)}`]),
      ...(means === undefined ? [] : [`(${means})`]),
    ].join(' '),
  );
}

/** A format and those inside it: `pem > pkcs8 > pkcs1-private`, of the first parts. */
export function chain(inspection: Inspection): string {
  const [first] = inspection.parts;
  return first === undefined ? inspection.format : `${inspection.format} > ${chain(first)}`;
}

export function partNamed({ parts }: Inspection, name: string): InspectedPart | undefined {
  return parts.find((part) => part.name === name);
}

export function noteIds({ notes }: Inspection): string[] {
  return notes.map(({ id }) => id);
}
