/** What the bindings say on a system that is not Windows, and without koffi. */
import process from 'node:process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  bundleChild,
  Child,
  copyWithoutKoffi,
  type ChildBundle,
} from '../../support/child-process.ts';

const DLLS = ['advapi32', 'bcrypt', 'crypt32', 'kernel32', 'ncrypt'];
const isWindows = process.platform === 'win32';

let bundle: ChildBundle;
let elsewhere: ChildBundle;

beforeAll(async () => {
  bundle = await bundleChild('unit/native-bindings/children/load-all.ts');
  elsewhere = copyWithoutKoffi(bundle);
});

afterAll(() => {
  bundle.remove();
  elsewhere.remove();
});

async function loadAll(file: string): Promise<Record<string, unknown>> {
  const child = Child.start(file, []);
  const told = await child.next<Record<string, unknown>>();
  expect(await child.ended).toMatchObject({ code: 0, stderr: '' });
  return told;
}

test('with koffi every DLL loads on Windows, and has one clear error and a hint elsewhere', async () => {
  const { koffi, openssl, ...dlls } = await loadAll(bundle.path);
  expect([koffi, openssl]).toEqual(['loaded', 'loaded']);
  expect(dlls).toEqual(eachDll((name) => (isWindows ? 'loaded' : notWindows(name))));
});

test('without koffi it is MODULE_MISSING, but elsewhere nobody tries to load it for a DLL', async () => {
  const { koffi, openssl, ...dlls } = await loadAll(elsewhere.path);
  const missing: unknown = expect.objectContaining({
    code: 'MODULE_MISSING',
    message:
      'the package koffi could not be loaded: calls of Windows, of the C library, and of OpenSSL for RC2, RC4 and MD4, need it',
    hint: 'Install it: `npm install koffi`.',
  });
  expect([koffi, openssl]).toEqual([missing, missing]);
  expect(dlls).toEqual(eachDll((name) => (isWindows ? missing : notWindows(name))));
});

function eachDll(expected: (name: string) => unknown): Record<string, unknown> {
  return Object.fromEntries(DLLS.map((name) => [name, expected(name)]));
}

function notWindows(name: string): Record<string, unknown> {
  return {
    code: 'PROVIDER_UNAVAILABLE',
    nte: 0x8009001e,
    message: `${name}.dll is a part of Windows, and this is ${process.platform}`,
    hint: 'Use --provider software.',
  };
}
