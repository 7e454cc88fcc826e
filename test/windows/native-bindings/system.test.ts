/** The bindings of kernel32 and crypt32 on the real DLLs: mutexes among processes, memory, DPAPI. */
import { randomUUID } from 'node:crypto';
import process from 'node:process';
import koffi from 'koffi';
import { describe, expect, test } from 'vitest';
import { loadCrypt32 } from '../../../native-bindings/crypt32.ts';
import { loadKernel32, wineVersion } from '../../../native-bindings/kernel32.ts';
import { WINDOWS_STATUS } from '../../../native-bindings/windows-status.ts';
import { thrownBy } from '../../support/errors.ts';
import { forkTest, race } from '../../support/fork.ts';

const HOLDER = 'windows/children/hold-mutex.ts';
const kernel32 = await loadKernel32();

describe('a named mutex', () => {
  test.each([
    { how: 'releases', wait: 'acquired' },
    { how: 'dies', wait: 'abandoned' },
  ])('is held against another process until that $how it', async ({ how, wait }) => {
    const name = String.raw`Local\keycask-test-${randomUUID()}`;
    const child = await forkTest(HOLDER, [name, how]);
    const mutex = kernel32.createMutex(name);
    expect(kernel32.waitForMutex(mutex, 0)).toBe('timeout');
    const started = performance.now();
    expect(kernel32.waitForMutex(mutex, 50)).toBe('timeout');
    expect(performance.now() - started).toBeGreaterThan(40);
    await race([child]);
    expect(kernel32.waitForMutex(mutex, 30_000)).toBe(wait);
    kernel32.releaseMutex(mutex);
    kernel32.closeHandle(mutex);
  });

  test('belongs to the thread: it is taken twice, released twice, and then not ours', () => {
    const mutex = kernel32.createMutex(String.raw`Local\keycask-test-${randomUUID()}`);
    expect(kernel32.waitForMutex(mutex, 0)).toBe('acquired');
    expect(kernel32.waitForMutex(mutex, 0)).toBe('acquired');
    kernel32.releaseMutex(mutex);
    kernel32.releaseMutex(mutex);
    expect(thrownBy(() => kernel32.releaseMutex(mutex))).toMatchObject({
      native: { api: 'ReleaseMutex', family: 'win32', value: WINDOWS_STATUS.ERROR_NOT_OWNER },
    });
    kernel32.closeHandle(mutex);
    expect(thrownBy(() => kernel32.waitForMutex(mutex, 0))).toMatchObject({
      code: 'HANDLE_INVALID',
      native: { api: 'WaitForSingleObject', value: WINDOWS_STATUS.ERROR_INVALID_HANDLE },
    });
  });

  test('a name that is no name of a mutex is refused', () => {
    const act = () => kernel32.createMutex(String.raw`Local\keycask\no`);
    expect(thrownBy(act)).toMatchObject({ native: { api: 'CreateMutex', family: 'win32' } });
  });
});

test('memory is read into an array of its own, and wiped', () => {
  const native = koffi.alloc('uint8_t', 8);
  koffi.encode(native, 'uint8_t', [1, 2, 3, 4, 5, 6, 7, 8], 8);
  const address = koffi.address(native);
  expect(kernel32.readMemory(address, 5)).toEqual(Uint8Array.of(1, 2, 3, 4, 5));
  kernel32.wipeMemory(address, 3);
  expect(kernel32.readMemory(address, 8)).toEqual(Uint8Array.of(0, 0, 0, 4, 5, 6, 7, 8));
  expect(kernel32.readMemory(address, 0)).toEqual(new Uint8Array(0));
  koffi.free(native);
});

test('names in the ANSI code page are decoded', () => {
  expect(kernel32.decodeAnsi(Buffer.from('keycask'))).toBe('keycask');
  expect(kernel32.decodeAnsi(new Uint8Array(0))).toBe('');
});

test('handles of the process are counted', () => {
  expect(kernel32.processHandleCount()).toBeGreaterThanOrEqual(0);
});

test('Wine says its version, and Windows that it is not Wine', async () => {
  const version = await wineVersion();
  expect(version === undefined).toBe(process.env['KEYCASK_NCRYPT'] === undefined);
  expect(version ?? '10.0').toMatch(/^\d+\.\d+/u);
});

describe('DPAPI', () => {
  const secret = Buffer.from('a secret');
  const entropy = Buffer.from('entropy');

  test('opens what it protected, with its description', async () => {
    const crypt32 = await loadCrypt32();
    const blob = crypt32.protectData(secret, { entropy, description: 'what ü', silent: true });
    expect(Buffer.from(blob).includes(secret)).toBe(false);
    const opened = crypt32.unprotectData(blob, { entropy, silent: true });
    expect(Buffer.from(opened.data)).toEqual(secret);
    expect(opened.description).toBe('what ü');
    const machine = crypt32.protectData(secret, { machine: true });
    const { data, description } = crypt32.unprotectData(machine);
    expect([Buffer.from(data), description]).toEqual([secret, '']);
  });

  test.each([
    ['other entropy', Buffer.from('entropie')],
    ['no entropy', undefined],
  ])('refuses %s', async (_, other) => {
    const crypt32 = await loadCrypt32();
    const blob = crypt32.protectData(secret, { entropy, silent: true });
    const options = { silent: true, ...(other && { entropy: other }) };
    expect(thrownBy(() => crypt32.unprotectData(blob, options))).toMatchObject({
      code: 'BLOB_MALFORMED',
      native: {
        api: 'CryptUnprotectData',
        family: 'win32',
        value: WINDOWS_STATUS.ERROR_INVALID_DATA,
      },
    });
  });

  test('refuses a blob that was changed', async () => {
    const crypt32 = await loadCrypt32();
    const blob = crypt32.protectData(secret, { entropy, silent: true });
    blob[blob.length - 5]! ^= 1;
    expect(thrownBy(() => crypt32.unprotectData(blob, { entropy, silent: true }))).toMatchObject({
      native: { api: 'CryptUnprotectData' },
    });
  });
});
