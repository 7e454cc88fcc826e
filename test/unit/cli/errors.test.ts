/** Failures as people read them, and the exit code that they add up to. */
import { CommanderError } from 'commander';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { about, Failures, toKeyStoreError, usageError } from '../../../lib/cli/errors.ts';
import { ERROR_CODES } from '../../../lib/error-codes.ts';
import { KeyStoreError, type KeyStoreErrorCode } from '../../../lib/errors.ts';

let lines: string[];
beforeEach(() => {
  lines = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

describe('a failure', () => {
  test.each(Object.keys(ERROR_CODES) as KeyStoreErrorCode[])(
    '%s is two lines with code and NTE number',
    (code) => {
      const failures = new Failures();
      failures.report(new KeyStoreError(code));
      expect(lines).toHaveLength(2);
      const [, name, number] = /\[(.*), .* (0x[0-9A-F]{8})\]\n$/u.exec(lines[0]!)!;
      expect([name, Number(number)]).toEqual([code, ERROR_CODES[code].nte]);
      expect(lines[1]).toMatch(/^keycask: hint: \S.*[^.]\n$/u);
      expect(failures.exitCode).toBe(ERROR_CODES[code].exit);
    },
  );

  test('names what failed, once', () => {
    const failures = new Failures();
    failures.report(new KeyStoreError('FILE_DAMAGED'), 'a.cask');
    failures.report(new KeyStoreError('FILE_EXISTS', 'a: is there already'), 'a.cask', ['a']);
    expect(lines[0]).toMatch(/^keycask: error: a\.cask: the encrypted file was /u);
    expect(lines[2]).toMatch(/^keycask: error: a: is there already \[/u);
  });

  test('that nobody foresaw is INTERNAL, with its stack only where that is asked for', () => {
    const failures = new Failures();
    failures.report(new TypeError('x is not a function'));
    expect(lines.join('')).toMatch(/TypeError: x is not a function \[INTERNAL, /u);
    expect(lines).toHaveLength(2);
    vi.stubEnv('KEYCASK_DEBUG', '1');
    failures.report(new TypeError('x is not a function'));
    expect(lines).toHaveLength(5);
    expect(lines[4]).toContain('errors.test.ts');
  });

  test('cannot command a terminal', () => {
    new Failures().report(new KeyStoreError('FILE_NOT_FOUND', '\u{1b}[2J: no such file\n'));
    expect(lines[0]).toContain('\\u{1b}[2J: no such file\\u{a} [');
  });

  test('among several, the highest exit code counts', () => {
    const failures = new Failures();
    const codes: [KeyStoreErrorCode, number][] = [
      ['FILE_NOT_FOUND', 1],
      ['FILE_DAMAGED', 3],
      ['FILE_EXISTS', 3],
      ['CANCELLED', 130],
    ];
    for (const [code, exitCode] of codes) {
      failures.note(code);
      expect(failures.exitCode).toBe(exitCode);
    }
  });
});

describe('whatever is thrown becomes a KeyStoreError', () => {
  test.each([
    ['an abort', Object.assign(new Error('x'), { name: 'AbortError' }), 'CANCELLED'],
    ['a full disk', systemError('ENOSPC'), 'STORAGE_FULL'],
    ['a refusal', systemError('EACCES'), 'PERMISSION_DENIED'],
    ['something else of the system', systemError('EIO'), 'IO_FAILED'],
    ['what is no error', 'text', 'INTERNAL'],
  ])('%s', (_, thrown, code) => {
    expect(toKeyStoreError(thrown).code).toBe(code);
  });

  test('and knows what it is about', async () => {
    const work = () => Promise.reject(new KeyStoreError('BLOB_MALFORMED'));
    await expect(about('a.cms', work)).rejects.toMatchObject({
      code: 'BLOB_MALFORMED',
      message: expect.stringMatching(/^a\.cms: the bytes are not/u) as string,
    });
  });
});

test("commander's errors lose their prefix, and keep their suggestion", () => {
  const error = new CommanderError(
    1,
    'x',
    "error: unknown option '--frce'\n(Did you mean --force?)",
  );
  expect(usageError(error)).toMatchObject({
    code: 'USAGE',
    message: "unknown option '--frce'",
    hint: 'Did you mean --force?',
  });
});

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code, syscall: 'write', path: 'file' });
}
