/** Many files and folders: mirrored, reported one by one, one failure among them stopping nothing. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import process from 'node:process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { decryptTree, encryptTree } from '../../../lib/encrypt-file.ts';
import { KeyStoreError } from '../../../lib/errors.ts';
import { codeOfAsync } from '../../support/errors.ts';
import { FixedFileKeys } from '../../support/fixed-file-keys.ts';
import { canLink, hasModes } from '../../support/permissions.ts';
import { temporaryFolder, type TemporaryFolder } from '../../support/temporary-folder.ts';

let folder: TemporaryFolder;
let keys: FixedFileKeys;
const at = (...names: string[]) => join(folder.path, ...names);

beforeEach(async () => {
  folder = await temporaryFolder();
  keys = new FixedFileKeys();
});
afterEach(() => folder.remove());

function write(name: string, text = name): void {
  mkdirSync(dirname(at(name)), { recursive: true });
  writeFileSync(at(name), text);
}

/** Relative paths of everything below a folder. */
function below(name: string): string[] {
  const entries = readdirSync(at(name), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(at(name), join(entry.parentPath, entry.name)))
    .map((path) => path.replaceAll(sep, '/'))
    .toSorted();
}

async function all<T>(results: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const result of results) list.push(result);
  return list;
}

const summary = (results: readonly { status: string; source: string }[]) =>
  results
    .map(({ status, source, ...rest }) => {
      const why =
        'reason' in rest ? rest.reason : 'error' in rest ? (rest.error as KeyStoreError).code : '';
      const path = relative(folder.path, source).replaceAll(sep, '/');
      return `${status} ${path} ${String(why)}`.trim();
    })
    .toSorted();

describe('a tree', () => {
  test('has no output for a name that would leave that of a folder', async () => {
    for (const name of ['in/.cask', 'in/..cask', 'in/...cask']) write(name);
    const results = decryptTree(keys, [at('in')], { targetFolder: at('out') });
    expect(summary(await all(results))).toEqual([
      'skipped in/...cask not-encrypted',
      'skipped in/..cask not-encrypted',
      'skipped in/.cask not-encrypted',
    ]);
  });

  test('is mirrored file by file, and comes back', async () => {
    for (const name of ['in/a.txt', 'in/deep/er/b', 'in/deep/c', 'in/.hidden']) write(name);
    mkdirSync(at('in/empty'));
    await all(encryptTree(keys, [at('in')], { targetFolder: at('sealed') }));
    const names = ['.hidden', 'a.txt', 'deep/c', 'deep/er/b'];
    expect(below('sealed')).toEqual(names.map((name) => `${name}.cask`));
    const results = await all(decryptTree(keys, [at('sealed')], { targetFolder: at('back') }));
    expect(results.every((result) => result.status === 'done')).toBe(true);
    expect(below('back')).toEqual(names);
    expect(readFileSync(at('back/deep/er/b'), 'utf8')).toBe('in/deep/er/b');
    expect(below('in')).toEqual(names);
    expect(keys.asked).toHaveLength(1);
    expect(keys.open).toBe(0);
  });

  test.skipIf(!hasModes)('keeps private what is private', async () => {
    mkdirSync(at('in'));
    mkdirSync(at('in/private'), { mode: 0o700 });
    write('in/private/d');
    await all(encryptTree(keys, [at('in')], { targetFolder: at('sealed') }));
    expect(statSync(at('sealed/private')).mode & 0o077).toBe(0);
  });

  test('of several paths keeps each under its own name', async () => {
    for (const name of ['x/one', 'y/one', 'z']) write(name);
    await all(encryptTree(keys, [at('x'), at('y'), at('z')], { targetFolder: at('out') }));
    expect(below('out')).toEqual(['x/one.cask', 'y/one.cask', 'z.cask']);
  });

  test('without a target is encrypted beside itself, and only once', async () => {
    for (const name of ['in/a', 'in/b/c', 'in/.keycask-tmp-left']) write(name);
    await all(encryptTree(keys, [at('in')]));
    expect(below('in')).toEqual(['.keycask-tmp-left', 'a', 'a.cask', 'b/c', 'b/c.cask']);
    expect(summary(await all(encryptTree(keys, [at('in')])))).toEqual([
      'failed in/a FILE_EXISTS',
      'failed in/b/c FILE_EXISTS',
      'skipped in/.keycask-tmp-left already-encrypted',
      'skipped in/a.cask already-encrypted',
      'skipped in/b/c.cask already-encrypted',
    ]);
    await all(encryptTree(keys, [at('in')], { targetFolder: at('in'), overwrite: true }));
    await all(encryptTree(keys, [at('in')], { targetFolder: at('in/b') }));
    expect(below('in')).toEqual([
      '.keycask-tmp-left',
      'a',
      'a.cask',
      'b/a.cask',
      'b/c',
      'b/c.cask',
    ]);
  });

  test('reports links, special files and what is not encrypted, and follows none', async () => {
    write('in/a');
    write('elsewhere/secret');
    if (canLink) {
      symlinkSync(at('elsewhere'), at('in/link'));
      symlinkSync(at('in/a'), at('in/link-to-file'));
    }
    if (process.platform !== 'win32') execFileSync('/usr/bin/mkfifo', [at('in/pipe')]);
    expect(summary(await all(encryptTree(keys, [at('in')], { targetFolder: at('out') })))).toEqual([
      'done in/a',
      ...(canLink
        ? ['skipped in/link symbolic-link', 'skipped in/link-to-file symbolic-link']
        : []),
      ...(process.platform === 'win32' ? [] : ['skipped in/pipe special-file']),
    ]);
    write('out/readme.txt');
    expect(
      summary(await all(decryptTree(keys, [at('out')], { targetFolder: at('back') }))),
    ).toEqual(['done out/a.cask', 'skipped out/readme.txt not-encrypted']);
  });

  test('goes on after a file that fails', async () => {
    for (const name of ['in/a', 'in/b', 'in/c']) write(name);
    await all(encryptTree(keys, [at('in')], { targetFolder: at('out') }));
    writeFileSync(at('out/b.cask'), readFileSync(at('out/b.cask')).subarray(0, 4100));
    const sources = [at('nothing'), at('out')];
    expect(summary(await all(decryptTree(keys, sources, { targetFolder: at('back') })))).toEqual([
      'done out/a.cask',
      'done out/c.cask',
      'failed nothing FILE_NOT_FOUND',
      'failed out/b.cask FILE_DAMAGED',
    ]);
    expect(below('back')).toEqual(['out/a', 'out/c']);
  });

  test('has a key for each file where that is asked for', async () => {
    for (const name of ['in/a', 'in/b', 'in/c']) write(name);
    await all(encryptTree(keys, [at('in')], { keyPerFile: true, jobs: 2 }));
    expect(keys.asked.map(({ headerOnly }) => headerOnly)).toEqual([true, true, true]);
    expect(keys.open).toBe(0);
  });

  test('without any file makes no key, and without a key ends', async () => {
    mkdirSync(at('empty'));
    expect(await all(encryptTree(keys, [at('empty')]))).toEqual([]);
    expect(keys.asked).toEqual([]);
    write('in/a');
    keys.fileKey = () => Promise.reject(new KeyStoreError('KEY_NOT_FOUND'));
    expect(await codeOfAsync(all(encryptTree(keys, [at('in')])))).toBe('KEY_NOT_FOUND');
  });

  test('stops at an abort, and when nobody wants more, leaving whole files only', async () => {
    for (let i = 0; i < 50; i++) write(`in/${i}`, 'x'.repeat(10_000));
    const controller = new AbortController();
    const aborted = async () => {
      const { signal } = controller;
      for await (const _result of encryptTree(keys, [at('in')], {
        targetFolder: at('out'),
        signal,
      }))
        controller.abort();
    };
    expect(await codeOfAsync(aborted())).toBe('CANCELLED');
    for await (const _result of encryptTree(keys, [at('in')], { targetFolder: at('two') })) break;
    for (const name of ['out', 'two']) {
      const made = below(name);
      expect(made.length).toBeLessThan(50);
      expect(made.filter((file) => !file.endsWith('.cask'))).toEqual([]);
    }
    expect(keys.open).toBe(0);
    expect(await codeOfAsync(all(encryptTree(keys, [], { jobs: 0 })))).toBe('PARAMETER_INVALID');
    expect(existsSync(at('in/0'))).toBe(true);
  });

  test('gives every result when many end at once', async () => {
    for (let i = 0; i < 300; i++) write(`in/${i}`);
    const results = await all(encryptTree(keys, [at('in')], { targetFolder: at('out'), jobs: 16 }));
    expect(new Set(results.map(({ source }) => source)).size).toBe(300);
  });
});
