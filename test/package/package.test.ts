/** The package as users get it: what is in it, and that it installs, imports, has types and a command. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makePackage } from '../../scripts/package-for-tests.mjs';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const { version, exports } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
  version: string;
  exports: Record<string, unknown>;
};
const SUBPATHS = Object.keys(exports)
  .filter((name) => name !== './package.json')
  .map((name) => path.posix.join('keycask', name));

/** A project that depends on the packed package alone. */
let consumer: string;
/** Paths in the tarball. */
let packed: readonly string[];

beforeAll(async () => {
  consumer = mkdtempSync(path.join(tmpdir(), 'keycask-consumer-'));
  const { folder, remove } = await makePackage({ types: true });
  try {
    const json = await npm(folder, ['pack', '--json', `--pack-destination=${consumer}`]);
    const [tarball] = JSON.parse(json) as [{ filename: string; files: { path: string }[] }];
    packed = tarball.files.map((file) => file.path);
    write('package.json', '{ "private": true, "type": "module" }');
    const install = ['install', '--prefer-offline', '--no-audit', '--no-fund'];
    await npm(consumer, [...install, path.join(consumer, tarball.filename)]);
  } finally {
    remove();
  }
});
afterAll(() => rmSync(consumer, { recursive: true, force: true }));

test('it holds what files.txt lists, and nothing else', () => {
  const expected = readFileSync(new URL('files.txt', import.meta.url), 'utf8')
    .trim()
    .split('\n');
  expect([...new Set(packed.map(withoutHash))].toSorted()).toEqual(expected.toSorted());
});

describe('installed in another project', () => {
  test('every subpath imports as an ES module and as CommonJS', async () => {
    expect(SUBPATHS.length).toBeGreaterThan(3);
    for (const name of SUBPATHS) {
      const es = `import * as all from '${name}'; console.log(Object.keys(all).length > 0);`;
      expect(await node('es.mjs', es), `import of ${name}`).toBe('true\n');
      const cjs = `console.log(Object.keys(require('${name}')).length > 0);`;
      expect(await node('cjs.cjs', cjs), `require of ${name}`).toBe('true\n');
    }
  });

  test('a key of the ES module works, and an error of either kind is known to the other', async () => {
    const program = `
      import { createRequire } from 'node:module';
      import { KeyStoreError, SessionKeyStore } from 'keycask';
      const other = createRequire(import.meta.url)('keycask');
      for (const [Store, known] of [[SessionKeyStore, other.KeyStoreError], [other.SessionKeyStore, KeyStoreError]]) {
        const store = await Store.inMemory();
        const key = await store.createKey('demo');
        const error = await store.openKey('nothing').catch((e) => e);
        console.log(key.label, known.is(error), error.code);
      }`;
    expect(await node('both.mjs', program)).toBe('demo true KEY_NOT_FOUND\n'.repeat(2));
  });

  test('its types resolve, strictly, for both kinds of module', async () => {
    const program = [
      "import { SessionKeyStore, type SessionKey } from 'keycask';",
      ...SUBPATHS.map((name, index) => `import * as all${index} from '${name}';`),
      'async function use(): Promise<SessionKey> {',
      "  return (await SessionKeyStore.open({ home: 'home' })).createKey('reports');",
      '}',
      `console.log(use, ${SUBPATHS.map((_, index) => `all${index}`).join(', ')});`,
    ];
    write('consumer.mts', program.join('\n'));
    write('consumer.cts', program.join('\n'));
    symlinkSync(
      path.join(ROOT, 'node_modules', '@types'),
      path.join(consumer, 'node_modules', '@types'),
    );
    const tsc = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023'];
    const lib = ['--lib', 'es2023,esnext.disposable', '--types', 'node'];
    const args = [tsc, ...options, ...lib, 'consumer.mts', 'consumer.cts'];
    const said = await run(process.execPath, args, { cwd: consumer }).then(
      () => 'nothing',
      (error: { stdout: string }) => error.stdout,
    );
    expect(said).toBe('nothing');
  });

  test('the command is there', async () => {
    expect(await npm(consumer, ['exec', '--no', '--', 'keycask', '--version'])).toBe(
      `${version}\n`,
    );
  });
});

/** Names of shared chunks have a hash of their content. */
function withoutHash(name: string): string {
  return name.replace(/[^/]+-[\w-]{8}(?=(\.d)?\.c?[jt]s(\.map)?$)/u, '*');
}

function write(name: string, text: string): void {
  writeFileSync(path.join(consumer, name), text);
}

async function node(name: string, program: string): Promise<string> {
  write(name, program);
  return (await run(process.execPath, [name], { cwd: consumer })).stdout;
}

/** Without scripts of any package: nothing of ours needs one. */
async function npm(cwd: string, args: readonly string[]): Promise<string> {
  const [command = '', ...rest] = args;
  const options = { cwd, shell: process.platform === 'win32', maxBuffer: 1 << 26 };
  return (await run('npm', [command, '--ignore-scripts', ...rest], options)).stdout;
}
