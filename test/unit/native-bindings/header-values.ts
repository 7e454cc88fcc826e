/** The table that header-values.c printed. */
import { readFileSync } from 'node:fs';

interface HeaderValues {
  /** `sizeof`, and the offset of each member. */
  readonly structures: Record<string, Record<string, number>>;
  readonly numbers: Record<string, number>;
  readonly statuses: Record<string, number>;
  readonly texts: Record<string, string>;
}

const file = new URL('header-values.json', import.meta.url);

export const HEADER_VALUES = JSON.parse(readFileSync(file, 'utf8')) as HeaderValues;
