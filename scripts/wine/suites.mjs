/** All passes of the Windows tests that a command asked for, with the time that each part took. */
import { inSeconds } from '../run.mjs';
import { PASSES, providePrefix, runPass } from './passes.mjs';
import { DEFAULT_NODE, provideWindowsNode } from './windows-node.mjs';
import { provideWine } from './wine.mjs';
import { takeWorkspace } from './workspace.mjs';

/**
 * What to run.
 *
 * @typedef {object} Suites
 * @property {readonly string[]} [versions] - Of Windows' node; one when absent.
 * @property {readonly string[]} [passes] - Of PASSES; all when absent.
 * @property {readonly string[]} [filters] - For vitest; all tests when empty.
 */

/**
 * Prepares and runs them, in a prefix without any key of an earlier run.
 *
 * @param {Suites} [suites] - Which; all passes on one node when absent.
 * @returns {Promise<import('../vitest-report.mjs').Tally[]>} One for each pass and node.
 */
export async function runSuites({ versions = [DEFAULT_NODE], passes = PASSES, filters = [] } = {}) {
  const wine = await timed('Wine', provideWine);
  for (const version of versions) {
    await timed(`Windows' node ${version}`, () => provideWindowsNode(version));
  }
  const workspace = await timed('project and packages', () => takeWorkspace({ fresh: true }));
  /** @type {import('../vitest-report.mjs').Tally[]} */
  const tallies = [];
  try {
    await timed(`prefix of ${wine.version}`, () => providePrefix(wine, workspace));
    for (const version of versions) {
      for (const ncrypt of passes) {
        console.log(`\n--- ncrypt of ${ncrypt}, node ${version}`);
        tallies.push(await runPass(wine, workspace, { ncrypt, version, filters }));
      }
    }
    console.log(`reports: ${workspace.reports}`);
  } finally {
    workspace.release();
  }
  return tallies;
}

/**
 * @template T
 * @param {string} name - The part.
 * @param {() => Promise<T>} go - Does it.
 * @returns {Promise<T>} What it gave.
 */
async function timed(name, go) {
  const started = performance.now();
  const result = await go();
  console.log(`${name}: ${inSeconds((performance.now() - started) / 1000)}`);
  return result;
}
