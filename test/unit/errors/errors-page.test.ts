/** docs/ERRORS.md is what the table of codes says now. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { errorsPage, pageFile } from '../../../scripts/errors-doc.mjs';
import { ERROR_CODES } from '../../../lib/error-codes.ts';

test('docs/ERRORS.md is current: if not, run `npm run docs:errors`', () => {
  expect(readFileSync(pageFile, 'utf8')).toBe(errorsPage());
});

test('every code has a row with its number and its exit code', () => {
  const lines = errorsPage().split('\n');
  for (const [code, { nteName, exit }] of Object.entries(ERROR_CODES)) {
    const row = lines.find((line) => line.startsWith(`| \`${code}\` |`));
    expect(row).toContain(nteName);
    expect(row).toContain(`| ${exit} |`);
  }
});
