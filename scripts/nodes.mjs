/**
 * Runs the inner loop of tests on other versions of Node: `npm run test:nodes [-- 22 24 26]`.
 *
 * The npm packages node-<system>-<cpu> carry the official binaries; they are kept in node_modules/.cache.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { inSeconds, root, run } from './run.mjs';

const DEFAULT_VERSIONS = ['22', '24', '26'];

const system = process.platform === 'win32' ? 'win' : process.platform;
const packageName = `node-${system}-${process.arch}`;
const versions = process.argv.length > 2 ? process.argv.slice(2) : DEFAULT_VERSIONS;

let failures = 0;
/** @type {string[]} */
const lines = [];
for (const version of versions) {
  const node = await fetchNode(version);
  const name = await versionOf(node);
  console.log(`\n${name}`);
  const { status, seconds } = await runTests(node);
  if (status !== 0) failures += 1;
  lines.push(`${status === 0 ? 'ok  ' : 'FAIL'} ${name.padEnd(10)} ${inSeconds(seconds)}`);
}
console.log(`\n${lines.join('\n')}`);
process.exitCode = failures === 0 ? 0 : 1;

/**
 * The path of one Node's binary, installed when it is not there yet.
 *
 * @param {string} version - A major or full version.
 * @returns {Promise<string>} Path of the binary.
 */
async function fetchNode(version) {
  const folder = path.join(root, 'node_modules', '.cache', 'nodes', version);
  const home = path.join(folder, 'node_modules', packageName);
  const binary = path.join(home, 'bin', system === 'win' ? 'node.exe' : 'node');
  if (existsSync(binary)) return binary;
  mkdirSync(folder, { recursive: true });
  // A package of its own, so that npm does not touch keycask's.
  writeFileSync(path.join(folder, 'package.json'), '{ "private": true }\n');
  const npm = process.env['npm_execpath'];
  const program = npm === undefined ? 'npm' : process.execPath;
  const before = npm === undefined ? [] : [npm];
  const install = [
    'install',
    '--prefix',
    folder,
    '--no-audit',
    '--no-fund',
    `${packageName}@${version}`,
  ];
  const { status, output } = await run(program, [...before, ...install], { quiet: true });
  if (status !== 0) throw new Error(`cannot fetch ${packageName}@${version}:\n${output}`);
  return binary;
}

/** @param {string} node - A Node binary. */
async function versionOf(node) {
  const { output } = await run(node, ['--version'], { quiet: true });
  return output.trim();
}

/** @param {string} node - Binary that vitest, its workers and the command line run on. */
async function runTests(node) {
  const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const [, ...args] = String(scripts.test).split(' ');
  const vitest = path.join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const PATH = `${path.dirname(node)}${path.delimiter}${process.env['PATH'] ?? ''}`;
  return run(node, [vitest, ...args], { env: { ...process.env, PATH } });
}
