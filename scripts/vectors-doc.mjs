/**
 * Writes the table of docs/VECTORS.md from what the tests of test/unit/vectors find: `npm run docs:vectors`. The same tests fail while the page is not
 * what they find.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { root } from './run.mjs';

const PAGE = path.join(root, 'docs', 'VECTORS.md');
const BEGIN = '<!-- vectors: written by `npm run docs:vectors` -->';
const END = '<!-- end of the vectors -->';

/**
 * What became of the entries of one file.
 *
 * @typedef {object} Account
 * @property {Record<string, number>} passed - How many, by what they are.
 * @property {Record<string, number>} outOfScope - How many, by the reason.
 */

const folder = mkdtempSync(path.join(tmpdir(), 'keycask-vectors-'));
try {
  const vitest = path.join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const args = [vitest, 'run', '--project', 'unit', 'test/unit/vectors'];
  const env = { ...process.env, KEYCASK_VECTORS_TO: folder, CI: 'true' };
  execFileSync(process.execPath, args, { cwd: root, env, stdio: 'inherit' });
  const rows = readdirSync(folder).map((name) => rowOf(name, accountOf(name)));
  const table = [
    '| file | entries | passed | out of scope |',
    '|---|---|---|---|',
    ...rows.toSorted(),
  ];
  const [before, rest] = readFileSync(PAGE, 'utf8').split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`docs/VECTORS.md lacks its marks: ${BEGIN}`);
  writeFileSync(PAGE, `${before}${BEGIN}\n\n${table.join('\n')}\n\n${END}${after}`);
} finally {
  rmSync(folder, { recursive: true });
}

/**
 * What the tests found.
 *
 * @param {string} name - Of a file of vectors.
 * @returns {Account} Of that file.
 */
function accountOf(name) {
  return JSON.parse(readFileSync(path.join(folder, name), 'utf8'));
}

/**
 * A row of the table.
 *
 * @param {string} name - Of a file of vectors.
 * @param {Account} account - Of that file.
 * @returns {string} Markdown.
 */
function rowOf(name, { passed, outOfScope }) {
  const counts = [...Object.values(passed), ...Object.values(outOfScope)];
  const total = counts.reduce((sum, count) => sum + count, 0);
  return `| \`${name}\` | ${total} | ${cellOf(passed)} | ${cellOf(outOfScope)} |`;
}

/**
 * A cell.
 *
 * @param {Record<string, number>} counts - How many, by what.
 * @returns {string} Markdown.
 */
function cellOf(counts) {
  const parts = Object.entries(counts).map(([what, count]) => `${count} ${what}`);
  return parts.join('; ') || '-';
}
