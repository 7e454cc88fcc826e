/**
 * Finds a Wine (one that is installed, or the one of a Debian in a folder) and runs programs in it.
 *
 * Under Wine a pipe as standard output fails in node, a file works: so output goes into a file, and whoever
 * waits is shown what the file has gained.
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { run } from '../run.mjs';
import { insideDebian, provideDebian, whyNoDebian } from './debian.mjs';
import { claimWineFolder } from './folder.mjs';

/** Wine 8 does not load vitest's native parts. */
const OLDEST_MAJOR = 9;

const SECOND = 1000;

/** In place of `$0` the folder to start in. Registry and keys are on disk when wineserver has ended. */
const RUN_THEN_END = 'cd "$0" && "$@"; status=$?; timeout 20 wineserver -k; exit $status';

/**
 * Leaders of the groups that run: Ctrl-C reaches this process only.
 *
 * @type {Set<number | undefined>}
 */
const running = new Set();
process.on('SIGINT', () => {
  for (const pid of running) killGroup(pid);
  process.exit(130);
});

/**
 * A Wine that can be used.
 *
 * @typedef {object} Wine
 * @property {string} version - As it names itself, for example `wine-10.0 (Debian 10.0~repack-6)`.
 * @property {(command: readonly string[]) => string[]} enter - The command line that runs a command where this Wine is.
 */

/**
 * One program to run.
 *
 * @typedef {object} Task
 * @property {readonly string[]} command - `wine`, a program, its arguments.
 * @property {string} prefix - The prefix: Wine's C: drive and registry.
 * @property {string} folder - Where it starts.
 * @property {string} output - File for all that it writes; emptied first.
 * @property {number} timeoutMs - After this it is killed.
 * @property {boolean} [quiet] - Do not show what it writes.
 * @property {Record<string, string>} [env] - Environment beside what Wine needs.
 * @property {readonly string[]} [ownDlls] - DLLs to take from the program's folder and not from Wine.
 */

/** Why there can be no Wine here; undefined when there is one or it can be made. */
export async function whyNoWine() {
  return (await installedWine()) === undefined ? whyNoDebian() : undefined;
}

/**
 * The Wine to use, made when there is none.
 *
 * @returns {Promise<Wine>} An installed one first.
 */
export async function provideWine() {
  claimWineFolder();
  const installed = await installedWine();
  if (installed !== undefined) return installed;
  const why = await whyNoDebian();
  if (why !== undefined)
    throw new Error(`no Wine ${OLDEST_MAJOR} or later is installed, and ${why}`);
  await provideDebian();
  const [program = '', ...args] = insideDebian(['wine', '--version']);
  const { status, output } = await run(program, args, { quiet: true });
  if (status !== 0) throw new Error(`Wine does not start:\n${output}`);
  return { version: versionIn(output), enter: (command) => insideDebian(command) };
}

/**
 * Runs one program in Wine to its end, then ends that Wine.
 *
 * @param {Wine} wine - Where.
 * @param {Task} task - What.
 * @returns {Promise<{ status: number, timedOut: boolean, seconds: number }>} Always fulfils.
 */
export async function runInWine(wine, task) {
  const started = performance.now();
  const [program = '', ...args] = wine.enter([
    'sh',
    '-c',
    RUN_THEN_END,
    task.folder,
    ...task.command,
  ]);
  writeFileSync(task.output, '');
  const output = openSync(task.output, 'a');
  // A group of its own, so that a time-out reaches all of it.
  const child = spawn(program, args, {
    env: wineEnvironment(task),
    stdio: ['ignore', output, output],
    detached: true,
  });
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    killGroup(child.pid);
  }, task.timeoutMs);
  running.add(child.pid);
  const ended = new AbortController();
  const shown = task.quiet === true ? undefined : showWhatComes(task.output, ended.signal);
  /** @type {number} */
  const status = await new Promise((resolve) => {
    child.on('error', () => resolve(1));
    child.on('close', (code) => resolve(code ?? 1));
  });
  clearTimeout(timer);
  running.delete(child.pid);
  closeSync(output);
  ended.abort();
  await shown;
  if (timedOut) await endWine(wine, task);
  return { status, timedOut, seconds: (performance.now() - started) / SECOND };
}

/** The Wine on PATH, when it is new enough. */
async function installedWine() {
  const { status, output } = await run('wine', ['--version'], { quiet: true });
  const major = Number(/^wine-(\d+)\./mu.exec(output)?.[1] ?? 0);
  if (status !== 0 || major < OLDEST_MAJOR) return undefined;
  return {
    version: versionIn(output),
    enter: (/** @type {readonly string[]} */ command) => [...command],
  };
}

/** @param {string} output - Of `wine --version`; Debian's adds advice on 32-bit programs. */
function versionIn(output) {
  return output.split('\n').find((line) => line.startsWith('wine-')) ?? 'Wine';
}

/** @param {Task} task - What will run. */
function wineEnvironment({ prefix, env, ownDlls = [] }) {
  const overrides = ['mscoree=d', 'mshtml=d', 'winemenubuilder.exe=d'];
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin',
    HOME: path.dirname(prefix),
    LANG: 'C.UTF-8',
    NODE_SKIP_PLATFORM_CHECK: '1',
    NO_COLOR: '1',
    WINEDEBUG: process.env['WINEDEBUG'] ?? '-all',
    WINEDLLOVERRIDES: [...overrides, ...ownDlls.map((name) => `${name}=n`)].join(';'),
    WINEPREFIX: prefix,
    ...env,
  };
}

/** @param {number | undefined} pid - Leader of the group; undefined when it did not start. */
function killGroup(pid) {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has just ended by itself.
  }
}

/**
 * Ends what a killed run may have left of an installed Wine; in a Debian of its own nothing is left.
 *
 * @param {Wine} wine - Where it ran.
 * @param {Task} task - What ran.
 */
async function endWine(wine, task) {
  const [program = '', ...args] = wine.enter(['timeout', '20', 'wineserver', '-k']);
  await run(program, args, { env: wineEnvironment(task), quiet: true });
}

/**
 * Prints a file as it grows.
 *
 * @param {string} file - The file.
 * @param {AbortSignal} ended - When it will grow no more.
 */
async function showWhatComes(file, ended) {
  const source = openSync(file, 'r');
  const chunk = new Uint8Array(64 * 1024);
  try {
    for (;;) {
      const wasEnded = ended.aborted;
      for (let length = readSync(source, chunk); length > 0; length = readSync(source, chunk)) {
        process.stdout.write(chunk.slice(0, length));
      }
      if (wasEnded) return;
      // oxlint-disable-next-line no-await-in-loop -- it waits for another process
      await delay(100, undefined, { signal: ended }).catch(() => {});
    }
  } finally {
    closeSync(source);
  }
}
