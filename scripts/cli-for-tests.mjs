/**
 * Vitest global setup: bundles the command line from today's sources and tells the tests where.
 *
 * Starting the bundle takes a tenth of a second, running TypeScript sources takes a second; and dist/
 * is left alone, so tests and a build can run side by side. Tests start KEYCASK_CLI with process.execPath.
 */
import { chmodSync, mkdtempSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';

import { root, runNode } from './run.mjs';

/**
 * Builds the command line once per test run.
 *
 * @returns {Promise<() => void>} Removes the bundle again.
 */
export async function setup() {
  // Inside the checkout, since the bundle still imports the library's dependencies by name.
  const cache = path.join(root, 'node_modules', '.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(path.join(cache, 'keycask-cli-'));
  // Some tests run it as another user.
  chmodSync(folder, 0o755);
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const tsup = path.join(root, 'node_modules', 'tsup', 'dist', 'cli-default.js');
  const build = await runNode([tsup, '--silent'], {
    env: { ...process.env, KEYCASK_CLI_OUT: folder },
    quiet: true,
  });
  if (build.status !== 0) {
    remove();
    throw new Error(`the command line does not build:\n${build.output}`);
  }
  process.env['KEYCASK_CLI'] = path.join(folder, 'cli.js');
  return remove;
}
