/**
 * Runs one program in Wine, in a copy of the project: `npm run wine -- [--pass double] [--node 24] node FILE [arguments]`.
 *
 *     npm run wine -- node scripts/some.mjs               a file of the project
 *     npm run wine -- node /tmp/try.mjs                   a file from elsewhere: copied to the project's root
 *     npm run wine -- node --import tsx lib/cli/main.ts doctor
 *     npm run wine -- --pass double node node_modules/vitest/vitest.mjs run --project windows cng
 *     npm run wine -- wine reg query 'HKCU\Software'      a program of Wine's
 *
 * The prefix (one for each --pass) stays from run to run: a key that one program made is there for the next. KEYCASK_WINE_DIR and
 * KEYCASK_WINE_PREFIX as in test.mjs.
 */
import { copyFileSync, existsSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { root } from '../run.mjs';
import { takeOptions } from './options.mjs';
import { providePrefix, windowsTask } from './passes.mjs';
import { provideWine, runInWine } from './wine.mjs';
import { takeWorkspace } from './workspace.mjs';

const TIMEOUT_MS = 1_800_000;

const { passes, versions, rest } = takeOptions(process.argv.slice(2));
const [program, ...args] = rest;
if (program !== 'node' && program !== 'wine') throw new Error('say: node FILE, or: wine PROGRAM');
const [ncrypt = 'wine'] = passes;
const [version = ''] = versions;
const wine = await provideWine();
const workspace = await takeWorkspace();
try {
  await providePrefix(wine, workspace, ncrypt);
  const task = await windowsTask(workspace, { ncrypt, version });
  const start = program === 'node' ? task.command : ['wine'];
  const output = path.join(workspace.folder, 'output.txt');
  const command = [...start, ...args.map((arg) => bringAlong(arg))];
  const { status, timedOut } = await runInWine(wine, {
    ...task,
    command,
    output,
    timeoutMs: TIMEOUT_MS,
  });
  if (timedOut) console.error(`killed after ${TIMEOUT_MS / 1000} s`);
  process.exitCode = status;
} finally {
  workspace.release();
}

/**
 * @param {string} arg - An argument.
 * @returns {string} The name of a copy in the project when it is the path of a file outside it.
 */
function bringAlong(arg) {
  if (!path.isAbsolute(arg) || arg.startsWith(root) || !existsSync(arg)) return arg;
  copyFileSync(arg, path.join(workspace.project, path.basename(arg)));
  return path.basename(arg);
}
