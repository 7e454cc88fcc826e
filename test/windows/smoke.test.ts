/** What every other Windows test stands on: Windows' node, koffi, a DLL of the system. */
import process from 'node:process';
import koffi from 'koffi';
import { expect, test } from 'vitest';

const ERROR_FILE_NOT_FOUND = 2;

test('runs in Windows node', () => {
  expect(process.platform).toBe('win32');
  expect(process.execPath).toMatch(/\.exe$/u);
});

test('koffi calls kernel32.dll, and the next call reads the error of the one before', () => {
  const kernel32 = koffi.load('kernel32.dll');
  const getFileAttributes = kernel32.func('uint32_t __stdcall GetFileAttributesW(str16 name)');
  const getLastError = kernel32.func('uint32_t __stdcall GetLastError()');
  expect(getFileAttributes(String.raw`C:\there is no such file`)).toBe(0xffff_ffff);
  expect(getLastError()).toBe(ERROR_FILE_NOT_FOUND);
  expect(getFileAttributes(String.raw`C:\windows`)).not.toBe(0xffff_ffff);
});

test('ncrypt.dll is the one that KEYCASK_NCRYPT names', () => {
  const wineGetVersion = findWineGetVersion();
  expect(process.env['KEYCASK_NCRYPT'] !== undefined).toBe(wineGetVersion !== undefined);
});

function findWineGetVersion(): unknown {
  try {
    return koffi.load('ntdll.dll').func('const char *wine_get_version()');
  } catch {
    return undefined;
  }
}
