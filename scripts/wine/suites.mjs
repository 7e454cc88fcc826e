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
 * @property {import('./workspace.mjs').Workspace} workspace - Today's sources, and prefixes without any key of an earlier run.
 * @property {readonly string[]} versions - Of Windows' node.
 * @property {readonly string[]} passes - Of PASSES.
 */

/**
 * Gets everything ready.
 *
 * @param {{ readonly versions?: readonly string[], readonly passes?: readonly string[] }} [which] - Nodes, one when absent; passes, all when absent.
 * @returns {Promise<Ground>} Held until its passes have run.
 */
export async function prepareGround({ versions = [DEFAULT_NODE], passes = PASSES } = {}) {
  const wine = await timed('Wine', provideWine);
  for (const version of versions) {
    await timed(`Windows' node ${version}`, () => provideWindowsNode(version));
  }
  const workspace = await timed('project and packages', () => takeWorkspace({ fresh: true }));
  try {
    await timed(`prefixes of ${wine.version}`, () => {
      return Promise.all(passes.map((ncrypt) => providePrefix(wine, workspace, ncrypt)));
    });
    return { wine, workspace, versions, passes };
  } catch (error) {
    workspace.release();
    throw error;
  }
}

/**
 * Runs the passes on each node, those of one node at the same time.
 *
 * @param {Ground} ground - Used up.
 * @param {readonly string[]} [filters] - For vitest; all tests when absent.
 * @returns {Promise<import('../vitest-report.mjs').Tally[]>} One for each pass and node.
 */
export async function runPasses({ wine, workspace, versions, passes }, filters = []) {
  /** @type {import('../vitest-report.mjs').Tally[]} */
  const tallies = [];
  try {
    for (const version of versions) {
      const atOnce = passes.map((ncrypt) => {
        const pass = { ncrypt, version, filters, quiet: passes.length > 1 };
        return runPass(wine, workspace, pass).catch((error) => failed(pass, error));
      });
      tallies.push(...(await Promise.all(atOnce)));
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
