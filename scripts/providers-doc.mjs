/**
 * Writes the table of docs/PROVIDERS.md that says which conformance case ran where, from vitest's JSON reports:
 * `npm run docs:providers -- REPORT...`. With `--check` it only says whether the page has that table already.
 *
 * A column whose suite is in no report is an error: the table is what one run of everything gave.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { root } from './run.mjs';

const PAGE = path.join(root, 'docs', 'PROVIDERS.md');
const BEGIN = '<!-- conformance cases: written by `npm run docs:providers` -->';
const END = '<!-- end of the conformance cases -->';

/** Suites of `testProvider`, and what the table calls them. */
const COLUMNS = [
  { suite: 'software under a machine secret', heading: '`software`, Linux' },
  { suite: 'pkcs11 on SoftHSM 2', heading: '`pkcs11`, SoftHSM 2.6' },
  { suite: 'pkcs11 on a TPM', heading: '`pkcs11`, TPM 2.0 (swtpm)' },
  { suite: 'software under DPAPI', heading: '`software` under `dpapi`, Wine 10' },
  { suite: 'cryptoapi', heading: '`cryptoapi`, Wine 10' },
  { suite: 'cng on the ncrypt double', heading: '`cng`, double of ncrypt' },
  { suite: "cng on Wine's ncrypt", heading: "`cng`, Wine 10's ncrypt" },
];
const REAL_WINDOWS = 'real Windows';
const PASSED = 'passed';

/**
 * One test of a report.
 *
 * @typedef {object} Assertion
 * @property {string[]} ancestorTitles - Names of the suites around it.
 * @property {string} title - Its own.
 * @property {string} status - `passed`, `failed`, `pending`, ...
 */

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv.slice(2));

/** @param {string[]} args - Reports, and perhaps --check. */
function main(args) {
  const page = readFileSync(PAGE, 'utf8');
  const updated = withTable(page, tableOf(args.filter((arg) => arg !== '--check')));
  if (!args.includes('--check')) return writeFileSync(PAGE, updated);
  const isCurrent = page === updated;
  console.log(
    isCurrent
      ? 'docs/PROVIDERS.md says what this run gave'
      : 'docs/PROVIDERS.md is not what this run gave: npm run docs:providers -- REPORT...',
  );
  process.exitCode = isCurrent ? 0 : 1;
}

/**
 * Puts the table between its marks.
 *
 * @param {string} page - The page.
 * @param {string} table - Markdown.
 * @returns {string} The page with the table.
 */
function withTable(page, table) {
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`docs/PROVIDERS.md lacks its marks: ${BEGIN}`);
  return `${before}${BEGIN}\n\n${table}\n\n${END}${after}`;
}

/**
 * The table.
 *
 * @param {readonly string[]} reports - Paths of vitest's JSON reports.
 * @returns {string} Markdown.
 */
function tableOf(reports) {
  const tests = reports.flatMap((report) => testsOf(report));
  const columns = COLUMNS.map(({ suite, heading }) => {
    const cases = casesOf(tests, suite);
    if (cases.size === 0) throw new Error(`no report has the suite "${suite} as a provider"`);
    return { heading, cases };
  });
  const titles = [...new Set(columns.flatMap(({ cases }) => [...cases.keys()]))];
  const headings = [...columns.map(({ heading }) => heading), REAL_WINDOWS];
  return [
    row(['case', ...headings]),
    row(headings.map(() => '---').concat('---')),
    ...titles.map((title) =>
      row([title, ...columns.map(({ cases }) => cases.get(title) ?? ''), 'never']),
    ),
    row([
      '**passed, of all**',
      ...columns.map(
        ({ cases }) => `${[...cases.values()].filter(isPassed).length} of ${cases.size}`,
      ),
      'none',
    ]),
  ].join('\n');
}

/**
 * What became of the cases of one suite.
 *
 * @param {readonly Assertion[]} tests - Of all reports.
 * @param {string} suite - How its name in the report begins; a remark in parentheses may follow.
 * @returns {Map<string, string>} By title: `passed`, or what the provider lacks.
 */
function casesOf(tests, suite) {
  /** @type {Map<string, string>} */
  const cases = new Map();
  for (const { ancestorTitles, title, status } of tests) {
    const isOfSuite = ancestorTitles.some(
      (name) => name === `${suite} as a provider` || name.startsWith(`${suite} (`),
    );
    if (!isOfSuite) continue;
    const left = /^(.*) \(left out: (.*)\)$/u.exec(title);
    if (left?.[1] !== undefined) cases.set(left[1], left[2] ?? '');
    else cases.set(title, status === 'passed' ? PASSED : `**${status}**`);
  }
  return cases;
}

/** @param {string} outcome - A cell. */
function isPassed(outcome) {
  return outcome === PASSED;
}

/**
 * All tests of a report.
 *
 * @param {string} report - Its path.
 * @returns {Assertion[]} In order.
 */
function testsOf(report) {
  const { testResults } = JSON.parse(readFileSync(report, 'utf8'));
  return testResults.flatMap(
    (/** @type {{ assertionResults: Assertion[] }} */ file) => file.assertionResults,
  );
}

/** @param {readonly string[]} cells - Of one row. */
function row(cells) {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
