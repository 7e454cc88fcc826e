/** KeyStoreError and its table: stable codes, Windows' numbers, one brand for all copies of the module. */
import { inspect } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import { ERROR_CODES, type KeyStoreErrorCode } from '../../../lib/error-codes.ts';
import { BlobFormatError, KeyStoreError } from '../../../lib/errors.ts';

const CODES = Object.keys(ERROR_CODES) as KeyStoreErrorCode[];

describe('the table of codes', () => {
  test.each(CODES)(
    '%s has a name of Windows, a number, a sentence, a hint and an exit code',
    (code) => {
      const row = ERROR_CODES[code];
      expect(code).toMatch(/^[A-Z][A-Z0-9_]+$/);
      expect(row.nteName).toMatch(/^[A-Z][A-Z0-9_]+$/);
      expect(row.meaning).toMatch(/^[A-Za-z].*\.$/);
      expect(row.hint).toMatch(/^[A-Z].*\.$/);
      expect([1, 2, 3, 4, 130]).toContain(row.exit);
    },
  );

  test('numbers are unsigned HRESULTs of failures', () => {
    for (const code of CODES) {
      const { nte } = ERROR_CODES[code];
      expect(nte >>> 0).toBe(nte);
      expect(nte >>> 31).toBe(1);
    }
  });

  test('one name of Windows has one number, and one number one name', () => {
    const numbers = new Map<string, number>();
    const names = new Map<number, string>();
    for (const { nteName, nte } of Object.values(ERROR_CODES)) {
      expect(numbers.get(nteName) ?? nte).toBe(nte);
      expect(names.get(nte) ?? nteName).toBe(nteName);
      numbers.set(nteName, nte);
      names.set(nte, nteName);
    }
  });

  test('no two codes say the same', () => {
    const meanings = CODES.map((code) => ERROR_CODES[code].meaning);
    expect(new Set(meanings).size).toBe(meanings.length);
    expect(new Set(CODES).size).toBe(CODES.length);
  });
});

describe('KeyStoreError', () => {
  test('says what its code says, unless the place knows better', () => {
    const plain = new KeyStoreError('CONTAINER_EXISTS');
    expect(plain).toMatchObject({ ...rowOf('CONTAINER_EXISTS'), name: 'KeyStoreError' });
    expect(plain.nteText).toBe('0x8009000F (NTE_EXISTS)');
    const special = new KeyStoreError('IO_FAILED', 'no such device', { hint: 'Plug it in.' });
    expect(special).toMatchObject({ message: 'no such device', hint: 'Plug it in.' });
    expect(special.native).toBeUndefined();
  });

  test.each(CODES)('%s crosses a pipe as JSON without loss', (code) => {
    const native = { api: 'open', family: 'errno', value: 28, name: 'ENOSPC' } as const;
    const error = new KeyStoreError(code, undefined, { native });
    const received: unknown = JSON.parse(JSON.stringify(error));
    expect(received).toEqual({
      code,
      nte: error.nte,
      message: error.message,
      hint: error.hint,
      native,
    });
  });

  test('a BlobFormatError carries where and what, and is a KeyStoreError', () => {
    const fault = { format: 'SIMPLEBLOB', field: 'algid', offset: 8, problem: 'want 1, got 2' };
    const error = new BlobFormatError(fault);
    expect(error).toBeInstanceOf(KeyStoreError);
    expect(KeyStoreError.is(error)).toBe(true);
    expect(JSON.parse(JSON.stringify(error))).toMatchObject({ code: 'BLOB_MALFORMED', ...fault });
    expect(error.message).toBe('SIMPLEBLOB: algid at offset 8: want 1, got 2');
    expect(new BlobFormatError(fault, 'BLOB_TOO_LARGE').code).toBe('BLOB_TOO_LARGE');
  });

  test('is known to another copy of the module, as of the ESM and the CJS build', async () => {
    vi.resetModules();
    const other = await import('../../../lib/errors.ts');
    expect(other.KeyStoreError).not.toBe(KeyStoreError);
    const theirs = new other.KeyStoreError('KEY_NOT_FOUND');
    expect(theirs).not.toBeInstanceOf(KeyStoreError);
    expect(KeyStoreError.is(theirs)).toBe(true);
    expect(other.KeyStoreError.is(new KeyStoreError('KEY_NOT_FOUND'))).toBe(true);
  });

  test('nothing else is one', () => {
    const imitation = { name: 'KeyStoreError', code: 'KEY_NOT_FOUND' };
    for (const value of [new Error('x'), imitation, undefined, null, 'KEY_NOT_FOUND', 1]) {
      expect(KeyStoreError.is(value)).toBe(false);
    }
  });

  test('its brand does not show', () => {
    expect(Object.keys(new KeyStoreError('INTERNAL'))).not.toContain('brand');
    expect(inspect(new KeyStoreError('INTERNAL'))).not.toContain('Symbol(');
  });
});

function rowOf(code: KeyStoreErrorCode): object {
  const { nte, meaning, hint } = ERROR_CODES[code];
  return { code, nte, message: meaning, hint };
}
