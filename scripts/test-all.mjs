/**
 * The one command that passes all tests: `npm run test:all`.
 *
 * Gets the programs that suites compare with (on Debian, as root), checks, builds, runs every test project
 * but `slow`, then looks at the package as users will get it. A step that is not a test run counts as one
 * test. The last line is `N passed, N failed` (`, N skipped` when some were); exit 0 only if none failed
 * and every step examined something.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { findPeer, peerFacts, PEERS } from './peers.mjs';
import { inSeconds, root, run, runNode, runScript } from './run.mjs';

const PROJECTS = [
  'unit',
  'property',
  'conformance',
  'interop',
  'cli',
  'examples',
  'proofs',
  'package',
];

/**
 * What a step found.
 *
 * @typedef {object} Tally
 * @property {string} name - The step.
 * @property {number} passed - Tests that passed.
 * @property {number} failed - Tests that failed.
 * @property {number} skipped - Tests left out.
 * @property {number} seconds - How long it took.
 */

/** @type {Tally[]} */
const tallies = [];
const reports = mkdtempSync(path.join(tmpdir(), 'keycask-tests-'));
try {
  const missing = await providePeers();
  tallies.push(await step('check', () => runScript('check')));
  tallies.push(await step('build', () => runScript('build')));
  for (const project of PROJECTS) tallies.push(await testProject(project));
  tallies.push(await step('package', () => runScript('package')));
  summarize(missing);
} finally {
  rmSync(reports, { recursive: true, force: true });
}

/**
 * Finds or installs what suites need, and says what stays missing.
 *
 * @returns {Promise<readonly import('./peers.mjs').Peer[]>} Peers whose tests are left out.
 */
async function providePeers() {
  const started = performance.now();
  let missing = PEERS.filter((peer) => findPeer(peer) === undefined);
  if (missing.length > 0 && (await canInstall())) {
    const packages = missing.flatMap((peer) => peer.debianPackages);
    heading(`installing ${packages.join(' ')}`);
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    await run('apt-get', ['update', '--quiet=2'], { env });
    await run(
      'apt-get',
      ['install', '--yes', '--quiet=2', '--no-install-recommends', ...packages],
      { env },
    );
    missing = missing.filter((peer) => findPeer(peer) === undefined);
  }
  // Stated once here; vitest.config.ts then looks for nothing again.
  Object.assign(process.env, peerFacts());
  const failed = process.env['CI'] === 'true' ? missing.length : 0;
  for (const { name, usedBy } of missing) {
    console.log(`${failed > 0 ? 'MISSING' : 'LEFT OUT'}: ${usedBy}: ${name} is not here`);
  }
  if (failed > 0) {
    tallies.push({
      name: 'peers',
      passed: 0,
      failed,
      skipped: 0,
      seconds: (performance.now() - started) / 1000,
    });
  }
  return missing;
}

/** Whether this is a Debian on which we may install packages. */
async function canInstall() {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  return (await run('apt-get', ['--version'], { quiet: true })).status === 0;
}

/**
 * Runs a step that is not a test run.
 *
 * @param {string} name - What the table calls it.
 * @param {() => Promise<{ status: number }>} go - Does it.
 * @returns {Promise<Tally>} One passed or one failed.
 */
async function step(name, go) {
  heading(name);
  const started = performance.now();
  const { status } = await go();
  const seconds = (performance.now() - started) / 1000;
  return { name, passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1, skipped: 0, seconds };
}

/**
 * Runs one vitest project and counts its tests from the JSON report.
 *
 * @param {string} name - The project.
 * @returns {Promise<Tally>} Its tests; a run that broke or found none is one failure.
 */
async function testProject(name) {
  heading(`test ${name}`);
  const report = path.join(reports, `${name}.json`);
  const vitest = path.join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const { status, seconds } = await runNode([vitest, 'run', '--project', name, ...reporters]);
  const counted = countTests(report);
  // Vitest also fails for what is no test's fault: an error outside tests, a file that does not load.
  const broken = (status !== 0 && counted.failed === 0) || counted.passed + counted.failed === 0;
  if (broken) console.log(`test ${name}: failed outside its tests, or ran none`);
  return { name: `test ${name}`, ...counted, failed: counted.failed + (broken ? 1 : 0), seconds };
}

/**
 * Reads vitest's JSON report.
 *
 * @param {string} report - Its path; absent when vitest could not start.
 * @returns {{ passed: number, failed: number, skipped: number }} Numbers of tests.
 */
function countTests(report) {
  try {
    const found = JSON.parse(readFileSync(report, 'utf8'));
    return {
      passed: found.numPassedTests,
      failed: found.numFailedTests,
      skipped: found.numPendingTests + found.numTodoTests,
    };
  } catch {
    return { passed: 0, failed: 0, skipped: 0 };
  }
}

/**
 * Prints the table and the last line, and sets the exit code.
 *
 * @param {readonly import('./peers.mjs').Peer[]} missing - Peers whose tests were left out.
 */
function summarize(missing) {
  heading('summary');
  const total = { name: 'all', passed: 0, failed: 0, skipped: 0, seconds: 0 };
  for (const { passed, failed, skipped, seconds } of tallies) {
    total.passed += passed;
    total.failed += failed;
    total.skipped += skipped;
    total.seconds += seconds;
  }
  console.log(row(['step', 'passed', 'failed', 'skipped', 'time']));
  for (const { name, passed, failed, skipped, seconds } of [...tallies, total]) {
    console.log(row([name, String(passed), String(failed), String(skipped), inSeconds(seconds)]));
  }
  if (missing.length > 0) {
    console.log(
      `\n${missing.length} suites left out: ${missing.map(({ name }) => name).join(', ')}`,
    );
  }
  const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
  console.log(`\n${total.passed} passed, ${total.failed} failed${skipped}`);
  process.exitCode = total.failed === 0 ? 0 : 1;
}

/** @param {string[]} cells - Name first. */
function row([name = '', ...numbers]) {
  return name.padEnd(20) + numbers.map((cell) => cell.padStart(10)).join('');
}

/** @param {string} text - What comes next. */
function heading(text) {
  console.log(`\n=== ${text}`);
}
