/**
 * Writes docs/DIAGNOSIS.md from the rules in lib/migration/diagnose: `npm run docs:diagnosis`. A test checks that the committed page is current.
 *
 * Runs under tsx, since Node 20 cannot read TypeScript.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { RULE_FAMILIES } from '../lib/migration/diagnose/rules.ts';
import { root } from './run.mjs';

/** Where the page is. */
export const pageFile = path.join(root, 'docs', 'DIAGNOSIS.md');

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(pageFile, diagnosisPage());

/**
 * The whole page.
 *
 * @returns {string} Markdown.
 */
export function diagnosisPage() {
  return [
    '# Diagnosis',
    '',
    '<!-- Generated from lib/migration/diagnose/rules.ts by `npm run docs:diagnosis`. -->',
    '',
    '`keycask diagnose FILE` and `diagnose()` of `keycask/migration` try what is at hand on old key material, and say which of these causes they',
    'recognised. *Italic words* stand for what was found. The id is stable; `certain` was seen, `likely` has hardly another cause, `possible` is one of',
    'several. Options: [CLI.md](CLI.md#foreign-files); what is opened of each format: [FORMATS.md](FORMATS.md).',
    '',
    'Of a wrapped session key is tried: every private key and container of its size at hand, PKCS#1 v1.5 and OAEP with SHA-1, SHA-256, SHA-384',
    'and SHA-512, padding that is too short or missing, the RSA block in both byte orders, no key (an exponent of one). Of data: the session key as it is',
    'and reversed, the data as it is and reversed, salt and none for 40-bit keys, effective lengths of 40, 56, 64, 128 and 1024 bits for RC2, CBC, ECB and',
    'CFB, the IV that is given or zeros. Of passwords: ANSI, UTF-8, UTF-16LE, with and without the null, each hash and each cipher of CryptDeriveKey.',
    'What is right shows by known plaintext, by the marks of file formats, by text and structure, or by the padding alone.',
    ...RULE_FAMILIES.flatMap(([heading, rules]) => [
      '',
      `## ${heading}`,
      '',
      '| what one sees | id | cause | what to do |',
      '|---|---|---|---|',
      ...rules.map(
        ({ id, symptom, cause, hint, certainty }) =>
          `| ${cell(symptom)} | \`${id}\`, ${certainty} | ${cell(cause)} | ${cell(hint)} |`,
      ),
    ]),
    '',
  ].join('\n');
}

/**
 * Text that cannot end its table cell, with the names that a finding fills in.
 *
 * @param {string} text - One sentence.
 * @returns {string} Markdown.
 */
function cell(text) {
  return text
    .replaceAll('|', '\\|')
    .replaceAll('<', '&lt;')
    .replaceAll(/\{(\w+)\}/gu, '*$1*');
}
