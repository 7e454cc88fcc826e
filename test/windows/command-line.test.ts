/** The command line on Windows: a home under DPAPI from its making to its archive, with Windows' paths. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { bundle } from '../support/bundle.ts';
import { codeIn, keycask, type CommandEnd } from '../support/command-line.ts';
import { temporaryHome } from '../support/temporary-home.ts';

/** Inside node_modules, so that the bundle finds the packages that it imports. */
const CACHE = fileURLToPath(new URL('../../node_modules/.cache', import.meta.url));

beforeAll(async () => {
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(join(CACHE, 'keycask-cli-'));
  process.env['KEYCASK_CLI'] = join(folder, 'cli.mjs');
  await bundle(
    fileURLToPath(new URL('../../lib/cli/main.ts', import.meta.url)),
    process.env['KEYCASK_CLI'],
  );
  return () => rmSync(folder, { recursive: true, force: true });
});

const textOf = ({ stdout }: CommandEnd) => stdout.toString('utf8').replaceAll('\r\n', '\n');

test(
  'a home under DPAPI encrypts a folder, and opens under a passphrase after a change',
  { timeout: 300_000 },
  async () => {
    const where = await temporaryHome();
    const folder = dirname(where.home);
    const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
      keycask(where, args, { env });
    await mkdir(join(folder, 'papers', 'deep'), { recursive: true });
    await writeFile(join(folder, 'papers', 'deep', 'report.txt'), 'quarterly figures');

    const made = await run(['init', '--protector', 'dpapi']);
    expect(made).toMatchObject({ code: 0 });
    expect(textOf(made)).toBe(`${where.home}\n`);
    expect(made.stderr).toContain('reset (not changed) the password');

    const sealed = await run(['encrypt', 'papers', '-o', 'sealed', '--json']);
    expect(JSON.parse(textOf(sealed))).toMatchObject({
      source: String.raw`papers\deep\report.txt`,
      target: String.raw`sealed\deep\report.txt.cask`,
    });

    const passphrase = { KEYCASK_NEW_PASSPHRASE: 'correct horse' };
    const changed = await run(['container', 'protect', 'passphrase'], passphrase);
    expect(codeIn(changed)).toBe('none');
    const opened = await run(['decrypt', 'sealed', '-o', 'back'], {
      KEYCASK_PASSPHRASE: 'correct horse',
    });
    expect(codeIn(opened)).toBe('none');
    expect(await readFile(join(folder, 'back', 'deep', 'report.txt'), 'utf8')).toBe(
      'quarterly figures',
    );
  },
);
