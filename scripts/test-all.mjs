/**
 * The one command that passes all tests: `npm run test:all`.
 *
 * Gets the programs that suites compare with (on Debian, as root), checks, builds, runs every test project
 * but `slow`, then looks at the package as users will get it. A step that is not a test run counts as one
 * test. The last line is `N passed, N failed` (`, N skipped` when some were); exit 0 only if none failed
 * and every step examined something.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { findPeer, peerFacts, PEERS } from './peers.mjs';
import { inSeconds, root, run, runNode, runScript } from './run.mjs';
import { tallyOf } from './vitest-report.mjs';
import { PASSES } from './wine/passes.mjs';
import { prepareGround, runPasses } from './wine/suites.mjs';
import { whyNoWine } from './wine/wine.mjs';

const PROVIDERS_DOC = path.join(root, 'scripts', 'providers-doc.mjs');
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

/** @typedef {import('./vitest-report.mjs').Tally} Tally */

/** Where everything has to be there: what is left out is a failure. */
const isCi = process.env['CI'] === 'true';

/** @type {Tally[]} */
const tallies = [];
/** @type {string[]} */
const leftOut = [];
const reports = mkdtempSync(path.join(tmpdir(), 'keycask-tests-'));
try {
  await providePeers();
  tallies.push(await step('check', () => runScript('check')));
  tallies.push(await step('build', () => runScript('build')));
  for (const project of PROJECTS) tallies.push(await testProject(project));
  tallies.push(...(await testWindows()));
  tallies.push(await step('package', () => runScript('package')));
  summarize();
} finally {
  rmSync(reports, { recursive: true, force: true });
}

/** Finds or installs what suites need, and says what stays missing. */
async function providePeers() {
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
  for (const { name, usedBy } of missing) leaveOut(usedBy, `${name} is not here`);
  if (isCi) tallies.push(...missing.map(({ name }) => failure(name)));
}

/**
 * Says what is left out and why; the summary repeats it.
 *
 * @param {string} tests - What.
 * @param {string} why - A fact about this machine.
 */
function leaveOut(tests, why) {
  console.log(`${isCi ? 'MISSING' : 'LEFT OUT'}: ${tests}: ${why}`);
  leftOut.push(tests);
}

/**
 * @param {string} name - A step that could not run.
 * @returns {Tally} One failure.
 */
function failure(name) {
  return { name, passed: 0, failed: 1, skipped: 0, seconds: 0 };
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
  const { status } = await go().catch((error) => {
    console.log(error);
    return { status: 1 };
  });
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
  return tallyOf(`test ${name}`, report, { status, seconds });
}

/**
 * Runs the Windows tests: on Windows itself, elsewhere in Wine.
 *
 * @returns {Promise<Tally[]>} What it took to get ready, and each pass; none where there can be no Wine.
 */
async function testWindows() {
  if (process.platform === 'win32') return [await testProject('windows')];
  const why = await whyNoWine();
  if (why !== undefined) {
    leaveOut('the Windows tests', `no Wine, and ${why}`);
    return isCi ? [failure('Wine')] : [];
  }
  /** @type {import('./wine/suites.mjs').Ground | undefined} */
  let ground;
  const preparation = await step('Wine', async () => {
    ground = await prepareGround();
    return { status: 0 };
  });
  if (ground === undefined) return [preparation];
  const passes = await runPasses(ground);
  const { workspace, versions } = ground;
  const windowsReports = PASSES.map((pass) =>
    path.join(workspace.reports, `${pass}-node${versions[0]}.json`),
  );
  const table = await step('providers table', () =>
    runNode([PROVIDERS_DOC, '--check', path.join(reports, 'conformance.json'), ...windowsReports]),
  );
  return [preparation, ...passes, table];
}

/** Prints the table and the last line, and sets the exit code. */
function summarize() {
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
  // Once more at the end: what is read first of a long run is its last page.
  for (const { name, failures = [] } of tallies)
    for (const failure of failures) console.log(`\nFAILED in ${name}: ${failure}`);
  if (leftOut.length > 0) console.log(`\n${leftOut.length} left out: ${leftOut.join('; ')}`);
  const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
  console.log(`\n${total.passed} passed, ${total.failed} failed${skipped}`);
  process.exitCode = total.failed === 0 ? 0 : 1;
}

/** @param {string[]} cells - Name first. */
function row([name = '', ...numbers]) {
  return name.padEnd(24) + numbers.map((cell) => cell.padStart(10)).join('');
}

/** @param {string} text - What comes next. */
function heading(text) {
  console.log(`\n=== ${text}`);
}
