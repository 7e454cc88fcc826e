/** docs/DIAGNOSIS.md is what the rules say now. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { RULES } from '../../../../lib/migration/diagnose/rules.ts';
import { diagnosisPage, pageFile } from '../../../../scripts/diagnosis-doc.mjs';

test('docs/DIAGNOSIS.md is current: if not, run `npm run docs:diagnosis`', () => {
  expect(readFileSync(pageFile, 'utf8')).toBe(diagnosisPage());
});

test('every rule has an id of its own, and says what is seen, why, and what to do', () => {
  const ids = RULES.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { id, symptom, cause, hint } of RULES) {
    expect(id).toMatch(/^[A-Z][A-Z0-9_]+$/u);
    expect(symptom).not.toMatch(/\.$/u);
    expect(cause, id).toMatch(/[.}]$/u);
    expect(hint, id).toMatch(/\.$/u);
    expect(diagnosisPage()).toContain(`\`${id}\``);
  }
});
