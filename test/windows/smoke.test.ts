/** What every other Windows test stands on: Windows' node, koffi, the DLLs that the run is meant to use. */
import process from 'node:process';
import koffi from 'koffi';
import { expect, test } from 'vitest';

const ERROR_FILE_NOT_FOUND = 2;
const INVALID_FILE_ATTRIBUTES = 0xffff_ffff;

test('runs in Windows node', () => {
  expect(process.platform).toBe('win32');
  expect(process.execPath).toMatch(/\.exe$/u);
});

test('koffi calls kernel32.dll, and the next call reads the error of the one before', () => {
  const kernel32 = koffi.load('kernel32.dll');
  const getFileAttributes = kernel32.func('uint32_t __stdcall GetFileAttributesW(str16 name)');
  const getLastError = kernel32.func('uint32_t __stdcall GetLastError()');
  expect(getFileAttributes(String.raw`C:\there is no such file`)).toBe(INVALID_FILE_ATTRIBUTES);
  expect(getLastError()).toBe(ERROR_FILE_NOT_FOUND);
  expect(getFileAttributes(process.execPath)).not.toBe(INVALID_FILE_ATTRIBUTES);
});

test('KEYCASK_NCRYPT is set in Wine and only there', () => {
  expect(process.env['KEYCASK_NCRYPT']).toBeOneOf(isWine() ? ['wine', 'double'] : [undefined]);
});

test('ncrypt.dll is the double when KEYCASK_NCRYPT says so, otherwise the system has it', () => {
  const isDouble = process.env['KEYCASK_NCRYPT'] === 'double';
  expect(pathOfDll('ncrypt.dll').toLowerCase()).toMatch(
    isDouble ? /\\ncrypt-double\\ncrypt\.dll$/u : /^c:\\windows\\system32\\ncrypt\.dll$/u,
  );
});

/** Where the system found a DLL. */
function pathOfDll(name: string): string {
  koffi.load(name);
  const kernel32 = koffi.load('kernel32.dll');
  const getModuleHandle = kernel32.func('uintptr_t __stdcall GetModuleHandleW(str16 name)');
  const getModuleFileName = kernel32.func(
    'uint32_t __stdcall GetModuleFileNameW(uintptr_t module, void *path, uint32_t length)',
  );
  const text = Buffer.alloc(1024);
  const length: number = getModuleFileName(getModuleHandle(name), text, text.length / 2);
  return text.toString('utf16le', 0, length * 2);
}

/** Whether ntdll.dll has what only Wine's has. */
function isWine(): boolean {
  try {
    koffi.load('ntdll.dll').func('const char *wine_get_version()');
    return true;
  } catch {
    return false;
  }
}
