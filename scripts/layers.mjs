/**
 * Checks the arrows between the rooms of lib/ and what the light subpaths load: `npm run layers`.
 *
 * Fails when it looked at no module at all: with a TypeScript it does not know, dependency-cruiser finds
 * nothing and is content.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { root, runNode } from './run.mjs';

/** Entries that must load without the heavy packages, and those packages. */
const LIGHT_ENTRIES = [
  'lib/index.ts',
  'lib/blobs/index.ts',
  'lib/key-pairs/index.ts',
  'lib/legacy/index.ts',
  'lib/migration/index.ts',
  'lib/records/index.ts',
];
const HEAVY = /node_modules\/(koffi|argon2|lmdb|pg|@peculiar)\//u;

/**
 * The part of dependency-cruiser's answer that is read here.
 *
 * @typedef {object} Dependency
 * @property {string} resolved - File that is imported.
 * @property {boolean} dynamic - Whether by `import()`.
 * @property {string[]} dependencyTypes - Among them `type-only`.
 *
 * @typedef {object} Cruised
 * @property {{ source: string, dependencies: Dependency[] }[]} modules - All files seen.
 * @property {{ violations: { from: string, to: string, rule: { name: string } }[] }} summary - Broken rules.
 */

const result = await cruise();
const problems = [
  ...result.summary.violations.map(({ from, to, rule }) => `${rule.name}: ${from} → ${to}`),
  ...LIGHT_ENTRIES.flatMap(heavyLoads),
];
const own = result.modules.filter(({ source }) => /^(lib|native-bindings)\//u.test(source));
const arrows = own.reduce((sum, { dependencies }) => sum + dependencies.length, 0);
if (own.length === 0 || arrows === 0) problems.push('no module was examined');
for (const problem of problems) console.error(problem);
console.log(`${own.length} modules, ${arrows} imports, ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;

/**
 * Runs dependency-cruiser over the sources.
 *
 * @returns {Promise<Cruised>} Its whole answer.
 */
async function cruise() {
  const folders = ['lib', 'native-bindings'].filter((name) => existsSync(path.join(root, name)));
  const program = path.join(
    root,
    'node_modules',
    'dependency-cruiser',
    'bin',
    'dependency-cruise.mjs',
  );
  const { output } = await runNode([program, '--output-type', 'json', ...folders], { quiet: true });
  try {
    return JSON.parse(output);
  } catch {
    console.error(output);
    return { modules: [], summary: { violations: [] } };
  }
}

/**
 * Heavy packages that an entry loads as soon as it is imported.
 *
 * @param {string} entry - A file of lib/; one that is absent loads nothing.
 * @returns {string[]} One sentence for each.
 */
function heavyLoads(entry) {
  const modules = new Map(result.modules.map((module) => [module.source, module.dependencies]));
  const seen = new Set([entry]);
  /** @type {string[]} */
  const sentences = [];
  for (const source of seen) {
    for (const { resolved, dynamic, dependencyTypes } of modules.get(source) ?? []) {
      if (dynamic || dependencyTypes.includes('type-only')) continue;
      if (HEAVY.test(resolved))
        sentences.push(`light-entries: ${entry} loads ${resolved} by ${source}`);
      seen.add(resolved);
    }
  }
  return sentences;
}
