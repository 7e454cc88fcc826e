/** What importing the built package loads: its own files and Node's, no native module and no ASN.1 library before they are needed. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const CHILD = fileURLToPath(new URL('children/loaded-modules.mjs', import.meta.url));
const DIST = fileURLToPath(new URL('../../dist/index.js', import.meta.url));
/** Loaded when they are first used, if at all. */
const LATER = ['koffi', 'argon2', 'lmdb', 'pg', '@msgpack', '@peculiar', 'asn1js', 'graphene-pk11'];
const ENTRIES = [
  'keycask',
  'keycask/blobs',
  'keycask/key-pairs',
  'keycask/legacy',
  'keycask/migration',
  'keycask/records',
  'keycask/signed-log',
  'keycask/providers/software',
  'keycask/providers/cryptoapi',
  'keycask/providers/cng',
  'keycask/providers/pkcs11',
  'keycask/stores/lmdb',
  'keycask/stores/postgres',
];

async function loadedBy(specifier: string, how: 'import' | 'require'): Promise<string[]> {
  const { stdout } = await run(process.execPath, [CHILD, specifier, how]);
  return JSON.parse(stdout) as string[];
}

beforeAll(() => {
  if (!existsSync(DIST)) throw new TypeError('there is no dist/: run `npm run build:js` first');
});

describe.each(['import', 'require'] as const)('%s of', (how) => {
  it.each(ENTRIES)('%s loads files of its own only', async (entry) => {
    const loaded = await loadedBy(entry, how);
    const own = loaded.filter((module) => /\/dist\/[^?]*\.c?js$/.test(module));
    expect(own.length).toBeGreaterThan(0);
    const packages = loaded.filter((module) => module.includes('/node_modules/'));
    expect(packages).toEqual([]);
    expect(loaded.filter((module) => LATER.some((name) => module === name))).toEqual([]);
  });
});

describe('the probe itself', () => {
  it.each(['import', 'require'] as const)('sees a package that %s loads', async (how) => {
    const loaded = await loadedBy('@peculiar/asn1-schema', how);
    expect(loaded.some((module) => module.includes('/node_modules/@peculiar/'))).toBe(true);
  });
});
