/**
 * Vitest global setup: makes the package as users get it from today's sources, beside the checkout's own dist/, and tells the tests where.
 *
 * What lies in that folder imports `keycask` by its name, as users do, and its dependencies from the checkout's node_modules.
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { root, runNode } from './run.mjs';

/** What `npm pack` takes besides dist/, and the examples. */
const CONTENT = ['package.json', 'README.md', 'LICENSE', 'examples'];

/**
 * Builds the package once per test run.
 *
 * @returns {Promise<() => void>} Removes it again.
 */
export async function setup() {
  const { folder, remove } = await makePackage();
  process.env['KEYCASK_PACKAGE'] = folder;
  return remove;
}

/**
 * Builds the package.
 *
 * @param {{ readonly types?: boolean }} [options] - With declaration files, which take several seconds.
 * @returns {Promise<{ readonly folder: string, readonly remove: () => void }>} Its folder.
 */
export async function makePackage({ types = false } = {}) {
  const cache = path.join(root, 'node_modules', '.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(path.join(cache, 'keycask-package-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  for (const name of CONTENT)
    cpSync(path.join(root, name), path.join(folder, name), { recursive: true });
  const tsup = path.join(root, 'node_modules', 'tsup', 'dist', 'cli-default.js');
  const options = ['--silent', '--out-dir', path.join(folder, 'dist')];
  const build = await runNode([tsup, ...options, ...(types ? [] : ['--no-dts'])], { quiet: true });
  if (build.status !== 0) {
    remove();
    throw new Error(`the package does not build:\n${build.output}`);
  }
  return { folder, remove };
}
