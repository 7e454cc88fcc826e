/**
 * Everything that can be said about the sources without running them: `npm run check`.
 *
 * One line per step with its time; stops at the first failure. `--dead` (or KEYCASK_CHECK_DEAD=1) adds the
 * search for unused files and exports.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { inSeconds, root, runScript } from './run.mjs';

/**
 * One step: its name and what does it.
 *
 * @typedef {object} Step
 * @property {string} name - What the line says.
 * @property {() => Promise<{ status: number, output: string }>} go - Does it; 0 is good.
 */

/** @param {string} name - A script of package.json. */
const script = (name) => ({ name, go: async () => runScript(name, { quiet: true }) });

/** @type {Step[]} */
const steps = [
  script('format:check'),
  script('lint'),
  script('types'),
  script('layers'),
  { name: 'no bare Error in lib', go: noBareErrors },
];
if (process.argv.includes('--dead') || process.env['KEYCASK_CHECK_DEAD'] === '1') {
  steps.push(script('dead'));
}
await main();

/** Runs the steps in order. */
async function main() {
  for (const step of steps) {
    const started = performance.now();
    const { status, output } = await step.go();
    const seconds = inSeconds((performance.now() - started) / 1000);
    console.log(`${status === 0 ? 'ok  ' : 'FAIL'} ${step.name.padEnd(24)} ${seconds.padStart(8)}`);
    if (status !== 0) {
      console.log(output);
      process.exit(1);
    }
  }
}

/** Users switch on error codes, so lib/ throws KeyStoreError, TypeError or RangeError, never a plain Error. */
async function noBareErrors() {
  const files = ['lib', 'native-bindings'].flatMap(sourcesUnder);
  const found = files.flatMap((file) => {
    const lines = readFileSync(path.join(root, file), 'utf8').split('\n');
    return lines.flatMap((line, index) => {
      const code = line.replace(/^\s*(\/?\*|\/\/).*$/u, '');
      return /\b(new|throw)\s+Error\(/u.test(code) ? [`${file}:${index + 1}: ${line.trim()}`] : [];
    });
  });
  if (files.length === 0) found.push('no files under lib/: nothing was examined');
  return { status: found.length === 0 ? 0 : 1, output: found.join('\n') };
}

/**
 * TypeScript files of one folder, by paths from the project's folder.
 *
 * @param {string} folder - May be absent.
 * @returns {string[]} Paths; `fs.globSync` would do, but Node 20 has none.
 */
function sourcesUnder(folder) {
  if (!existsSync(path.join(root, folder))) return [];
  const names = readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.ts')).map((name) => path.join(folder, name));
}
