/**
 * Writes docs/ERRORS.md from lib/error-codes.ts: `npm run docs:errors`. A test checks that the committed page is current.
 *
 * Runs under tsx, since Node 20 cannot read TypeScript.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { ERROR_CODES } from '../lib/error-codes.ts';
import { root } from './run.mjs';

/** Where the page is. */
export const pageFile = path.join(root, 'docs', 'ERRORS.md');

/** What the exit codes of the command line mean. */
const EXIT_CODES = [
  [0, 'done'],
  [1, 'failed'],
  [2, 'wrong usage'],
  [3, 'refused or damaged: signature, policy, data'],
  [4, 'no key, or the wrong password'],
  [130, 'interrupted'],
];

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(pageFile, errorsPage());

/**
 * The whole page.
 *
 * @returns {string} Markdown.
 */
export function errorsPage() {
  const rows = Object.entries(ERROR_CODES).map(([code, { nteName, nte, meaning, hint, exit }]) => {
    const number = `0x${nte.toString(16).toUpperCase().padStart(8, '0')}`;
    return `| \`${code}\` | ${nteName} ${number} | ${exit} | ${cell(meaning)} | ${cell(hint)} |`;
  });
  return [
    '# Errors',
    '',
    '<!-- Generated from lib/error-codes.ts by `npm run docs:errors`. -->',
    '',
    'keycask throws one class, `KeyStoreError`. Switch on its `code`: codes are never reused or renamed, messages may change in any',
    'release. `nte` is the number that the same failure has on Windows. `BlobFormatError` is the only subclass; it also has `format`,',
    '`field`, `offset` and `problem`. `KeyStoreError.is(e)` knows errors of the ESM and the CJS build alike.',
    '',
    'Failures that depend on a secret (unwrapping, passwords, padding) carry their code and nothing else, on purpose.',
    '',
    'The command line prints an error as two lines on stderr, `keycask: error: …` and `keycask: hint: …`, and exits with:',
    '',
    '| exit | meaning |',
    '|---|---|',
    ...EXIT_CODES.map(([exit, meaning]) => `| ${exit} | ${meaning} |`),
    '',
    '| code | on Windows | exit | meaning | what to do |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

/**
 * Text that cannot end its table cell.
 *
 * @param {string} text - One sentence.
 * @returns {string} Markdown.
 */
function cell(text) {
  return text.replaceAll('|', '\\|');
}
