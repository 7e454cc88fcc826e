/** Reads how a test run ended from vitest's JSON report. */
import { readFileSync } from 'node:fs';

/**
 * What a step found.
 *
 * @typedef {object} Tally
 * @property {string} name - The step.
 * @property {number} passed - Tests that passed.
 * @property {number} failed - Tests that failed.
 * @property {number} skipped - Tests left out.
 * @property {number} seconds - How long it took.
 * @property {readonly string[]} [failures] - What failed, and the first lines of why.
 */

/**
 * Counts the tests of one run.
 *
 * @param {string} name - What the table calls it.
 * @param {string} report - Path of the report; absent when vitest could not start.
 * @param {{ readonly status: number, readonly seconds: number }} ended - How vitest ended.
 * @returns {Tally} Its tests; a run that broke or found none is one failure more.
 */
export function tallyOf(name, report, { status, seconds }) {
  const counted = countTests(report);
  // Vitest also fails for what is no test's fault: an error outside tests, a file that does not load.
  const broken = (status !== 0 && counted.failed === 0) || counted.passed + counted.failed === 0;
  if (broken) console.log(`${name}: failed outside its tests, or ran none`);
  return { name, ...counted, failed: counted.failed + (broken ? 1 : 0), seconds };
}

/**
 * @param {string} report - Its path.
 * @returns {{ passed: number, failed: number, skipped: number, failures?: string[] }} Numbers of tests.
 */
function countTests(report) {
  try {
    const found = JSON.parse(readFileSync(report, 'utf8'));
    return {
      passed: found.numPassedTests,
      failed: found.numFailedTests,
      skipped: found.numPendingTests + found.numTodoTests,
      failures: found.testResults.flatMap(failuresOf),
    };
  } catch {
    return { passed: 0, failed: 0, skipped: 0 };
  }
}

/**
 * @param {{ name: string, message?: string, assertionResults: { status: string, fullName: string, failureMessages: string[] }[] }} file - What is told of one test file.
 * @returns {string[]} Each failure of it: where, which, why.
 */
function failuresOf({ name, message, assertionResults }) {
  const failed = assertionResults.filter(({ status }) => status === 'failed');
  if (failed.length === 0 && message) return [`${name}\n${shortened(message)}`];
  return failed.map(
    ({ fullName, failureMessages }) =>
      `${name}: ${fullName}\n${shortened(failureMessages.join('\n'))}`,
  );
}

/** @param {string} text - A message with its stack. */
function shortened(text) {
  return text.split('\n').slice(0, MOST_LINES).join('\n');
}

/** Of each failure: what says why, and where. */
const MOST_LINES = 12;
