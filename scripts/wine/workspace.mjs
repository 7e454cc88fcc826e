/**
 * A workspace: a copy of the project for Windows, with prefixes of Wine of its own; several can be in use at once.
 *
 * Packages are installed once for each package-lock.json and shared; the sources are copied for each run.
 */
import { createHash } from 'node:crypto';
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { root, runNpm } from '../run.mjs';
import { makeOnce, workFolder } from './folder.mjs';

/** Of the checkout: what is no source. */
const NOT_COPIED = new Set(['.git', '.github', 'coverage', 'dist', 'node_modules', 'temp']);

/** What npm reads. */
const MANIFESTS = ['package.json', 'package-lock.json', '.npmrc'];

/**
 * One workspace, held until it is released.
 *
 * @typedef {object} Workspace
 * @property {string} folder - All of it.
 * @property {string} prefixes - A prefix for each ncrypt.dll: Wine's drive C: and registry.
 * @property {string} project - The copy of the project.
 * @property {string} reports - Where reports of test runs stay.
 * @property {() => void} release - Lets another run use it.
 */

/** KEYCASK_WINE_PREFIX: the name of a workspace, for those who share a machine. */
const workspaceName = process.env['KEYCASK_WINE_PREFIX'] ?? 'main';

/**
 * Takes a workspace and copies today's sources into it.
 *
 * @param {{ readonly fresh?: boolean }} [options] - With new prefixes: no key of an earlier run is in it.
 * @returns {Promise<Workspace>} Its paths.
 */
export async function takeWorkspace({ fresh = false } = {}) {
  if (!/^[\w-]+$/u.test(workspaceName))
    throw new Error(`${workspaceName}: letters, digits, - and _ only`);
  const folder = path.join(workFolder, 'runs', workspaceName);
  mkdirSync(path.join(folder, 'reports'), { recursive: true });
  const release = lock(path.join(folder, 'in-use'));
  try {
    const workspace = {
      folder,
      prefixes: path.join(folder, 'prefixes'),
      project: path.join(folder, 'project'),
      reports: path.join(folder, 'reports'),
      release,
    };
    if (fresh) rmSync(workspace.prefixes, { recursive: true, force: true });
    copySources(workspace.project);
    symlinkSync(await providePackages(), path.join(workspace.project, 'node_modules'));
    return workspace;
  } catch (error) {
    release();
    throw error;
  }
}

/**
 * Holds a workspace for this process.
 *
 * @param {string} file - Exists while it is held.
 * @returns {() => void} Lets it go.
 */
function lock(file) {
  try {
    const holder = Number(readFileSync(file, 'utf8'));
    process.kill(holder, 0);
    throw new Error(
      `workspace ${workspaceName} is in use by process ${holder}; choose another name: KEYCASK_WINE_PREFIX`,
    );
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error);
    if (code !== 'ENOENT' && code !== 'ESRCH') throw error;
  }
  rmSync(file, { force: true });
  writeFileSync(file, String(process.pid), { flag: 'wx' });
  return () => rmSync(file, { force: true });
}

/** @param {string} project - Folder that holds the copy and nothing else. */
function copySources(project) {
  rmSync(project, { recursive: true, force: true });
  mkdirSync(project);
  for (const name of readdirSync(root)) {
    if (NOT_COPIED.has(name)) continue;
    cpSync(path.join(root, name), path.join(project, name), { recursive: true });
  }
}

/** The packages of package-lock.json with the binaries for Windows. */
async function providePackages() {
  const hash = createHash('sha256').update(readFileSync(path.join(root, 'package-lock.json')));
  const target = path.join(workFolder, 'packages', hash.digest('hex').slice(0, 16));
  await makeOnce(target, async (folder) => {
    for (const name of MANIFESTS) cpSync(path.join(root, name), path.join(folder, name));
    // No install scripts: they would build for the system that runs them.
    const ci = ['ci', '--os=win32', '--cpu=x64', '--ignore-scripts', '--no-audit', '--no-fund'];
    const { status, output } = await runNpm(ci, { cwd: folder, quiet: true });
    if (status !== 0) throw new Error(`npm ci for Windows failed:\n${output}`);
  });
  return path.join(target, 'node_modules');
}
