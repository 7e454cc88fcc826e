/** All passes of the Windows tests that a command asked for, with the time that each part took. */
import { timed } from '../run.mjs';
import { describePass, PASSES, providePrefix, runPass } from './passes.mjs';
import { DEFAULT_NODE, provideWindowsNode } from './windows-node.mjs';
import { provideWine } from './wine.mjs';
import { takeWorkspace } from './workspace.mjs';

/**
 * What passes run on.
 *
 * @typedef {object} Ground
 * @property {import('./wine.mjs').Wine} wine - The Wine.
 * @property {import('./workspace.mjs').Workspace} workspace - Today's sources, and a prefix without any key of an earlier run.
 * @property {readonly string[]} versions - Of Windows' node.
 */

/**
 * Gets everything ready.
 *
 * @param {readonly string[]} [versions] - Of Windows' node; one when absent.
 * @returns {Promise<Ground>} Held until its passes have run.
 */
export async function prepareGround(versions = [DEFAULT_NODE]) {
  const wine = await timed('Wine', provideWine);
  for (const version of versions) {
    await timed(`Windows' node ${version}`, () => provideWindowsNode(version));
  }
  const workspace = await timed('project and packages', () => takeWorkspace({ fresh: true }));
  try {
    await timed(`prefix of ${wine.version}`, () => providePrefix(wine, workspace));
    return { wine, workspace, versions };
  } catch (error) {
    workspace.release();
    throw error;
  }
}

/**
 * Runs the passes on each node.
 *
 * @param {Ground} ground - Used up.
 * @param {{ readonly passes?: readonly string[], readonly filters?: readonly string[] }} [which] - Of PASSES, all when absent; for vitest, all tests when absent.
 * @returns {Promise<import('../vitest-report.mjs').Tally[]>} One for each pass and node.
 */
export async function runPasses(
  { wine, workspace, versions },
  { passes = PASSES, filters = [] } = {},
) {
  /** @type {import('../vitest-report.mjs').Tally[]} */
  const tallies = [];
  try {
    for (const version of versions) {
      for (const ncrypt of passes) {
        const pass = { ncrypt, version, filters };
        console.log(`\n--- ${describePass(pass)}`);
        tallies.push(await runPass(wine, workspace, pass).catch((error) => failed(pass, error)));
      }
    }
    console.log(`reports: ${workspace.reports}`);
  } finally {
    workspace.release();
  }
  return tallies;
}

/**
 * The tally of a pass that did not get as far as its tests: the others run all the same.
 *
 * @param {import('./passes.mjs').Pass} pass - Which.
 * @param {Error} error - Why.
 * @returns {import('../vitest-report.mjs').Tally} One failure.
 */
function failed(pass, { message }) {
  console.log(message);
  return { name: describePass(pass), passed: 0, failed: 1, skipped: 0, seconds: 0 };
}
