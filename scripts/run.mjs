/** Starts the programs that the other scripts are made of, the same way on every system. */
import { spawn } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

/** The folder that holds package.json. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * How a program ended.
 *
 * @typedef {object} Ended
 * @property {number} status - Exit code; 1 when it could not start or was killed.
 * @property {string} output - What it wrote, when it ran quietly.
 * @property {number} seconds - How long it took.
 */

/**
 * How to run it.
 *
 * @typedef {object} RunOptions
 * @property {string} [cwd] - Where it starts; the project's folder when absent.
 * @property {NodeJS.ProcessEnv} [env] - Environment; this process's own when absent.
 * @property {boolean} [quiet] - Collect the output and do not show it.
 */

/**
 * Runs a program to its end.
 *
 * @param {string} program - What to start.
 * @param {readonly string[]} args - Its arguments; no shell reads them.
 * @param {RunOptions} [options] - Folder, environment and what becomes of the output.
 * @returns {Promise<Ended>} Always fulfils; look at `status`.
 */
export async function run(program, args, { cwd = root, env = process.env, quiet = false } = {}) {
  const started = performance.now();
  return new Promise((resolve) => {
    /** @type {string[]} */
    const output = [];
    const child = spawn(program, args, {
      cwd,
      env,
      stdio: ['ignore', quiet ? 'pipe' : 'inherit', quiet ? 'pipe' : 'inherit'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text) => output.push(text));
    }
    /** @param {number} status - Exit code. */
    const end = (status) => {
      resolve({ status, output: output.join(''), seconds: (performance.now() - started) / 1000 });
    };
    child.on('error', (error) => {
      output.push(`${program}: ${error.message}\n`);
      if (!quiet) process.stderr.write(`${program}: ${error.message}\n`);
      end(1);
    });
    child.on('close', (code) => end(code ?? 1));
  });
}

/**
 * Runs a JavaScript file with this Node.
 *
 * @param {readonly string[]} args - The file, then its arguments.
 * @param {RunOptions} [options] - As for {@link run}.
 * @returns {Promise<Ended>} As for {@link run}.
 */
export async function runNode(args, options) {
  return run(process.execPath, args, options);
}

/**
 * Runs a script of package.json.
 *
 * @param {string} name - The script.
 * @param {RunOptions} [options] - As for {@link run}.
 * @returns {Promise<Ended>} As for {@link run}.
 */
export async function runScript(name, options) {
  return runNpm(['run', '--silent', name], options);
}

/**
 * Runs npm.
 *
 * @param {readonly string[]} args - Its arguments.
 * @param {RunOptions} [options] - As for {@link run}.
 * @returns {Promise<Ended>} As for {@link run}.
 */
export async function runNpm(args, options) {
  const npm = process.env['npm_execpath'];
  // On Windows npm is a .cmd file, which only npm's own JavaScript can stand in for without a shell.
  return npm?.endsWith('.js') === true
    ? runNode([npm, ...args], options)
    : run('npm', args, options);
}

/**
 * Seconds as people read them.
 *
 * @param {number} seconds - A duration.
 * @returns {string} For example `12.3 s`.
 */
export function inSeconds(seconds) {
  return `${seconds.toFixed(1)} s`;
}

/**
 * Does a part of the work and says how long it took.
 *
 * @template T
 * @param {string} name - The part.
 * @param {() => Promise<T>} go - Does it.
 * @returns {Promise<T>} What it gave.
 */
export async function timed(name, go) {
  const started = performance.now();
  const result = await go();
  console.log(`${name}: ${inSeconds((performance.now() - started) / 1000)}`);
  return result;
}
