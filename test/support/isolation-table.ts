/** The table of docs/ISOLATION.md: what each attack found, written from the tests, or compared with what they find. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

/** What became of the attacks on one way to keep a private key. */
export interface AttackRow {
  /** Where it is used, and what guards it on the disk. */
  readonly place: string;
  readonly memory: string;
  readonly disk: string;
  readonly socket: string;
}

/**
 * Checks that the page has this row, or keeps it for scripts/isolation-doc.mjs.
 *
 * @param position - From the top, two digits.
 */
export function expectRow(position: string, row: AttackRow): void {
  const line = `| ${[row.place, row.memory, row.disk, row.socket].join(' | ')} |`;
  if (KEPT !== undefined) writeFileSync(path.join(KEPT, position), line);
  else expect(readFileSync(PAGE, 'utf8').split('\n')).toContain(line);
}

const KEPT = process.env['KEYCASK_ISOLATION_TO'];
const PAGE = fileURLToPath(new URL('../../docs/ISOLATION.md', import.meta.url));
