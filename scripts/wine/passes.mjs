/** The passes of the Windows tests under Wine: on Wine's own ncrypt.dll, then on the double of it. */
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { timed } from '../run.mjs';
import { tallyOf } from '../vitest-report.mjs';
import { windowsPath } from './folder.mjs';
import { provideNcryptDouble } from './ncrypt-double.mjs';
import { provideWindowsNode } from './windows-node.mjs';
import { runInWine } from './wine.mjs';

const SECOND = 1000;

/** On a machine with nothing else to do a whole pass takes two or three minutes; what takes this long hangs. */
const PASS_TIMEOUT_MS = 1800 * SECOND;

/** Making a prefix takes 5 s. */
const PREFIX_TIMEOUT_MS = 300 * SECOND;

/** Whose ncrypt.dll: tests read it from KEYCASK_NCRYPT, which is not set on a real Windows. */
export const PASSES = ['wine', 'double'];

/**
 * One pass.
 *
 * @typedef {object} Pass
 * @property {string} ncrypt - One of {@link PASSES}.
 * @property {string} version - Of Windows' node.
 * @property {readonly string[]} [filters] - For vitest: files or options; all tests when empty.
 * @property {boolean} [quiet] - Show what vitest writes when it has ended, not before.
 */

/**
 * Runs the project `windows` once.
 *
 * The report stays: `reports/<ncrypt>-node<version>.json`, of a run with filters `reports/filtered/…`.
 *
 * @param {import('./wine.mjs').Wine} wine - Where.
 * @param {import('./workspace.mjs').Workspace} workspace - On what.
 * @param {Pass} pass - Which.
 * @returns {Promise<import('../vitest-report.mjs').Tally>} Its tests.
 */
export async function runPass(wine, workspace, pass) {
  const { ncrypt, version, filters = [], quiet = false } = pass;
  const name = `${ncrypt}-node${version}`;
  const folder = path.join(workspace.reports, filters.length === 0 ? '' : 'filtered');
  mkdirSync(folder, { recursive: true });
  const report = path.join(folder, `${name}.json`);
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--project', 'windows'];
  const reporters = ['--reporter=default', '--reporter=json'];
  const task = {
    ...(await windowsTask(workspace, { ncrypt, version })),
    output: path.join(folder, `${name}.txt`),
    timeoutMs: PASS_TIMEOUT_MS,
    quiet,
  };
  const command = [
    ...task.command,
    ...vitest,
    ...reporters,
    `--outputFile.json=${windowsPath(report)}`,
    ...filters,
  ];
  rmSync(report, { force: true });
  let ended = await runInWine(wine, { ...task, command });
  if (ended.status !== 0 && !ended.timedOut && !existsSync(report)) {
    // Seen once in 1,300 starts: node ends before it has begun.
    console.log(`${name}: ended without a report; starting it once more`);
    ended = await runInWine(wine, { ...task, command });
  }
  if (quiet) console.log(`\n--- ${describePass(pass)}\n${readFileSync(task.output, 'utf8')}`);
  if (ended.timedOut) console.log(`${name}: killed after ${PASS_TIMEOUT_MS / SECOND} s`);
  return tallyOf(describePass(pass), report, ended);
}

/** @param {Pass} pass - Which. */
export function describePass({ ncrypt, version }) {
  return `windows ${ncrypt}-node${version}`;
}

/**
 * What starts Windows' node in a workspace.
 *
 * @param {import('./workspace.mjs').Workspace} workspace - Where it works.
 * @param {{ readonly ncrypt: string, readonly version: string }} which - The DLL and the node.
 * @returns {Promise<{ command: string[], folder: string, prefix: string, env: Record<string, string>, ownDlls: string[] }>} The beginning of a task.
 */
export async function windowsTask(workspace, { ncrypt, version }) {
  const node = await provideWindowsNode(version);
  return {
    command: ['wine', ncrypt === 'double' ? await besideDouble(workspace, node) : node],
    folder: workspace.project,
    prefix: prefixOf(workspace, ncrypt),
    env: {
      ...passedOn(),
      KEYCASK_NCRYPT: ncrypt,
      // No peers in there: not looked for.
      KEYCASK_HAVE_OPENSSL: '0',
      KEYCASK_HAVE_PYTHON: '0',
    },
    ownDlls: ncrypt === 'double' ? ['ncrypt'] : [],
  };
}

/**
 * Puts a node.exe beside the double: Windows looks for a DLL in the program's own folder before its own ones.
 *
 * @param {import('./workspace.mjs').Workspace} workspace - Where the folder for both is.
 * @param {string} node - The node.exe that all share.
 * @returns {Promise<string>} The node.exe that finds the double.
 */
async function besideDouble(workspace, node) {
  const folder = path.join(workspace.folder, 'ncrypt-double');
  mkdirSync(folder, { recursive: true });
  await timed('double of ncrypt.dll', () => provideNcryptDouble(folder));
  const linked = path.join(folder, 'node.exe');
  rmSync(linked, { force: true });
  linkSync(node, linked);
  return linked;
}

/**
 * Makes a prefix, which the first program in it would otherwise do while its own time runs.
 *
 * @param {import('./wine.mjs').Wine} wine - Where.
 * @param {import('./workspace.mjs').Workspace} workspace - Of which.
 * @param {string} ncrypt - For which DLL.
 */
export async function providePrefix(wine, workspace, ncrypt) {
  const prefix = prefixOf(workspace, ncrypt);
  if (existsSync(prefix)) return;
  mkdirSync(workspace.prefixes, { recursive: true });
  const task = {
    command: ['wine', 'wineboot', '--init'],
    folder: workspace.folder,
    prefix,
    output: `${prefix}.txt`,
    timeoutMs: PREFIX_TIMEOUT_MS,
    quiet: true,
  };
  const { status } = await runInWine(wine, task);
  if (status === 0) return;
  rmSync(prefix, { recursive: true, force: true });
  throw new Error(`Wine made no prefix:\n${readFileSync(task.output, 'utf8')}`);
}

/**
 * One for each ncrypt.dll, so that passes can run at the same time: tests of one see every key in it.
 *
 * @param {import('./workspace.mjs').Workspace} workspace - Of which.
 * @param {string} ncrypt - For which DLL.
 */
function prefixOf(workspace, ncrypt) {
  return path.join(workspace.prefixes, ncrypt);
}

/** What tests may be told from outside. */
function passedOn() {
  /** @type {Record<string, string>} */
  const env = {};
  for (const name of ['CI', 'SLOW']) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return env;
}
