/** GetLastError: the number of the call that failed, whatever Node and other calls do meanwhile. */
import { existsSync, readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import process from 'node:process';
import { expect, test } from 'vitest';
import { KeyStoreError } from '../../../lib/errors.ts';
import { loadAdvapi32 } from '../../../native-bindings/advapi32.ts';
import {
  CRYPT_SILENT,
  CRYPT_VERIFYCONTEXT,
  PROV_RSA_AES,
} from '../../../native-bindings/wincrypt.ts';
import { openDll, PARAMETER } from '../../../native-bindings/windows-dll.ts';
import { WINDOWS_STATUS } from '../../../native-bindings/windows-status.ts';
import { thrownBy } from '../../support/errors.ts';

const ROUNDS = 200;
const { DWORD, OUT_HANDLE, WIDE_STRING } = PARAMETER;
const PARAMETERS = [OUT_HANDLE, WIDE_STRING, WIDE_STRING, DWORD, DWORD];

/** Three ways to fail, each with a number of its own. */
const FAILURES = [
  { type: PROV_RSA_AES, name: 'NTE_BAD_KEYSET' },
  { type: 99, name: 'NTE_PROV_TYPE_NOT_DEF' },
  { type: 2000, name: 'NTE_BAD_PROV_TYPE' },
] as const;

/** What Node calls of Windows fails too, with numbers of its own. */
function disturb(): void {
  expect(existsSync(String.raw`C:\there is no such file`)).toBe(false);
  expect(() => readFileSync(String.raw`Q:\no such drive`)).toThrow('ENOENT');
}

test('a missing container surfaces with the name of the function and the number', async () => {
  const advapi32 = await loadAdvapi32();
  const error = thrownBy(() =>
    advapi32.cryptAcquireContext('keycask no such container', null, PROV_RSA_AES, CRYPT_SILENT),
  );
  expect(KeyStoreError.is(error)).toBe(true);
  expect(error).toMatchObject({
    code: 'CONTAINER_NOT_FOUND',
    message: 'CryptAcquireContext failed with 0x80090016 (NTE_BAD_KEYSET)',
    native: {
      api: 'CryptAcquireContext',
      family: 'win32',
      value: 0x80090016,
      name: 'NTE_BAD_KEYSET',
    },
  });
});

test('is still that of the last native call after Node has called Windows', async () => {
  const dll = await openDll('advapi32.dll');
  const acquire = dll.plain('CryptAcquireContextW', PARAMETER.BOOL, PARAMETERS);
  for (let round = 0; round < ROUNDS; round++) {
    const { type, name } = FAILURES[round % FAILURES.length]!;
    expect(acquire([0n], `keycask none ${round}`, null, type, 0)).toBe(0);
    disturb();
    expect(dll.lastError()).toBe(WINDOWS_STATUS[name]);
  }
});

test('belongs to its own call when many run at once', async () => {
  const dll = await openDll('advapi32.dll');
  const acquire = dll.win32('CryptAcquireContextW', PARAMETERS);
  const release = dll.win32('CryptReleaseContext', [PARAMETER.HANDLE, DWORD]);
  const calls = Array.from({ length: ROUNDS }, async (_, round) => {
    const { type, name } = FAILURES[round % FAILURES.length]!;
    // Some succeed, and leave the threads of the pool with other numbers.
    const handle = [0n];
    await acquire.async(handle, null, null, PROV_RSA_AES, CRYPT_VERIFYCONTEXT);
    release(handle[0], 0);
    const failed = thrownByAsync(acquire.async([0n], `keycask none ${round}`, null, type, 0));
    disturb();
    await stat(process.execPath);
    expect(await failed).toMatchObject({
      native: { api: 'CryptAcquireContext', value: WINDOWS_STATUS[name], name },
    });
  });
  expect(await Promise.all(calls)).toHaveLength(ROUNDS);
});

/** What a promise rejects with. */
async function thrownByAsync(promise: Promise<void>): Promise<unknown> {
  return promise.then(
    () => 'nothing',
    (error: unknown) => error,
  );
}
