/** What the cryptoapi provider asks of CryptoAPI, what it keeps, and what it gives back: flags, archives, processes, handles. */
import { randomBytes } from 'node:crypto';
import process from 'node:process';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadKernel32, wineVersion } from '../../native-bindings/kernel32.ts';
import {
  AT_KEYEXCHANGE,
  CRYPT_EXPORTABLE,
  CRYPT_FORCE_KEY_PROTECTION_HIGH,
  CRYPT_MACHINE_KEYSET,
  CRYPT_NEWKEYSET,
  CRYPT_SILENT,
  CRYPT_USER_PROTECTED,
  CRYPT_VERIFYCONTEXT,
  MS_ENHANCED_PROV,
  MS_STRONG_PROV,
  PROV_RSA_FULL,
} from '../../native-bindings/wincrypt.ts';
import { toHex } from '../../lib/bytes/octets.ts';
import type { KeyProperties, Provider } from '../../lib/contracts/provider.ts';
import { message } from '../../lib/testing/provider/test-messages.ts';
import { acquire, api, cryptoApiHome, keyIn, type CryptoApiHome } from '../support/cryptoapi.ts';
import { codeOfAsync } from '../support/errors.ts';
import { forkTest, race } from '../support/fork.ts';

const SHORT = 2048;
const ROUNDS = 40;
const CLOSED = { export: false, plaintextExport: false, archive: false, plaintextArchive: false };

let home: CryptoApiHome;
let provider: Provider;
beforeEach(async () => {
  home = await cryptoApiHome();
  provider = await home.open();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await provider.close();
  await home.remove();
});

describe('flags', () => {
  it.each<[string, Partial<KeyProperties>, number]>([
    ['an exportable key', {}, CRYPT_EXPORTABLE],
    ['a key that is not', { exportPolicy: CLOSED }, 0],
    [
      'a key that asks before a use',
      { exportPolicy: CLOSED, uiPolicy: { level: 'protect' } },
      CRYPT_USER_PROTECTED,
    ],
    [
      'a key that asks for a password',
      { uiPolicy: { level: 'force-high' } },
      CRYPT_EXPORTABLE | CRYPT_USER_PROTECTED | CRYPT_FORCE_KEY_PROTECTION_HIGH,
    ],
  ])('of CryptGenKey say %s, and how long it is', async (_what, properties, flags) => {
    const genKey = vi.spyOn(api, 'cryptGenKey');
    const pending = await provider.createPersistedKey('RSA', freshName(), 'AT_KEYEXCHANGE');
    await pending.setProperty('length', SHORT);
    for (const [property, value] of Object.entries(properties))
      await pending.setProperty(property as keyof KeyProperties, value);
    await pending.finalize();
    expect(genKey.mock.calls).toEqual([
      [expect.any(BigInt), AT_KEYEXCHANGE, SHORT * 0x10000 + flags],
    ]);
  });

  it('of CryptAcquireContext say machine and silent, each time', async () => {
    const name = freshName();
    const acquireContext = vi.spyOn(api, 'cryptAcquireContext');
    await (await keyIn(provider, name, 'AT_KEYEXCHANGE', { scope: 'machine' })).close();
    const flagsOf = () => acquireContext.mock.calls.map(([, , , flags]) => flags);
    expect(flagsOf().every((flags) => (flags & CRYPT_MACHINE_KEYSET) !== 0)).toBe(true);
    expect(flagsOf()).toContain(CRYPT_MACHINE_KEYSET + CRYPT_NEWKEYSET);
    acquireContext.mockClear();
    const key = await provider.openKey(name, 'AT_KEYEXCHANGE', { scope: 'machine', silent: true });
    await key.sign(message('rsa-pkcs1-sha256'));
    await key.close();
    expect(flagsOf().length).toBeGreaterThan(0);
    expect(flagsOf().every((flags) => (flags & CRYPT_SILENT) !== 0)).toBe(true);
  });

  it('that ask before each use do not go with a silent context (NTE_SILENT_CONTEXT)', async () => {
    const name = freshName();
    const silent = { silent: true };
    const pending = await provider.createPersistedKey('RSA', name, 'AT_KEYEXCHANGE', silent);
    await pending.setProperty('uiPolicy', { level: 'protect' });
    expect(await codeOfAsync(pending.finalize())).toBe('PASSWORD_REQUIRED');
    expect(await codeOfAsync(provider.openKey(name, 'AT_KEYEXCHANGE'))).toBe('CONTAINER_NOT_FOUND');
  });

  it('for a key that ends with the boot are none of CryptoAPI', async () => {
    const perBoot = { isolation: 'prefer-vbs', perBoot: true } as const;
    const pending = provider.createPersistedKey('RSA', freshName(), 'AT_KEYEXCHANGE', perBoot);
    expect(await codeOfAsync(pending)).toBe('NOT_SUPPORTED');
  });
});

describe('an archive', () => {
  it('is not in the container: the CSP exports nothing of it, before or after', async () => {
    const name = freshName();
    const exportPolicy = { ...CLOSED, archive: true, plaintextArchive: true };
    const pending = await provider.createPersistedKey('RSA', name, 'AT_KEYEXCHANGE');
    await pending.setProperty('length', SHORT);
    await pending.setProperty('exportPolicy', exportPolicy);
    const key = await pending.finalize();
    using archived = await key.exportKey('PRIVATEKEYBLOB');
    expect(archived.length).toBe(20 + (9 * SHORT) / 16);
    expect(await codeOfAsync(key.exportKey('PRIVATEKEYBLOB'))).toBe('EXPORT_FORBIDDEN');
    const context = acquire(name, 0);
    const pair = api.cryptGetUserKey(context, AT_KEYEXCHANGE);
    expect(await codeOfAsync((async () => api.cryptExportKey(pair, 0n, 7, 0))())).toBe(
      'EXPORT_FORBIDDEN',
    );
    api.cryptDestroyKey(pair);
    api.cryptReleaseContext(context);
  });
});

describe('PROV_RSA_FULL', () => {
  it('has neither AES nor SHA-2, and its containers are those of PROV_RSA_AES', async () => {
    await using old = await home.open({ providerType: 'PROV_RSA_FULL' });
    expect(old.capabilities).toMatchObject({ signs: [], sessionKeyBlobs: false });
    const name = freshName();
    const key = await keyIn(old, name);
    expect(await codeOfAsync(key.createSessionKeyBlob(256))).toBe('NOT_SUPPORTED');
    expect(await codeOfAsync(key.sign(message('rsa-pkcs1-sha256')))).toBe('ALGORITHM_UNSUPPORTED');
    const again = await provider.openKey(name, 'AT_KEYEXCHANGE');
    expect(again.publicKey).toEqual(key.publicKey);
    await again.sign(message('rsa-pkcs1-sha256'));
  });

  it('is the type of a CSP that is named, where Windows says so', async () => {
    const acquireContext = vi.spyOn(api, 'cryptAcquireContext');
    for (const providerName of [MS_ENHANCED_PROV, MS_STRONG_PROV])
      await (await home.open({ providerName })).close();
    expect(acquireContext.mock.calls.map(([, ...rest]) => rest)).toEqual(
      [MS_ENHANCED_PROV, MS_STRONG_PROV].map((name) => [name, PROV_RSA_FULL, expect.any(Number)]),
    );
  });
});

describe('a key', () => {
  it('that one process made opens in another, in both scopes', async () => {
    const [user, machine] = [freshName(), freshName()];
    const keys = [
      await keyIn(provider, user),
      await keyIn(provider, machine, 'AT_SIGNATURE', { scope: 'machine' }),
    ];
    const child = await forkTest('windows/children/open-cryptoapi.ts', [
      home.folder,
      user,
      machine,
    ]);
    const [opened] = await race<string[]>([child]);
    expect(opened).toEqual(keys.map((key) => toHex(key.publicKey)));
  });

  it('that several processes make at once is made by one of them', async () => {
    const names = Array.from({ length: 4 }, freshName);
    const children = await Promise.all(
      [1, 2, 3].map(() => forkTest('windows/children/make-cryptoapi.ts', [home.folder, ...names])),
    );
    const won = await race<Record<string, string>>(children);
    for (const name of names) {
      const key = await provider.openKey(name, 'AT_KEYEXCHANGE');
      expect(won.flatMap((made) => made[name] ?? [])).toEqual([toHex(key.publicKey)]);
    }
  });
});

describe('handles', () => {
  it('are given back: 2,000 times opened and closed leave nothing', async () => {
    const name = freshName();
    await keyIn(provider, name);
    await openAndClose(name, 20);
    const before = await handlesInUse();
    await openAndClose(name, 2000);
    expect(await keptSince(before)).toEqual([]);
  }, 300_000);

  it('of keys that are used while they are closed are freed after that use', async () => {
    const name = freshName();
    await keyIn(provider, name);
    const before = await handlesInUse();
    for (let n = 0; n < ROUNDS; n++) {
      const key = await provider.openKey(name, 'AT_KEYEXCHANGE');
      const signing = key.sign(message('rsa-pkcs1-sha256'));
      const closing = key.close();
      expect((await signing).length).toBe(128);
      await closing;
      expect(await codeOfAsync(key.sign(message('rsa-pkcs1-sha256')))).toBe('HANDLE_INVALID');
    }
    expect(await keptSince(before)).toEqual([]);
  });

  it('of what fails are freed too', async () => {
    const name = freshName();
    await keyIn(provider, name);
    const before = await handlesInUse();
    for (let n = 0; n < ROUNDS; n++) {
      await codeOfAsync(provider.openKey(name, 'AT_SIGNATURE'));
      await codeOfAsync(provider.openKey(freshName(), 'AT_SIGNATURE'));
      await codeOfAsync(keyIn(provider, name));
    }
    expect(await keptSince(before)).toEqual([]);
  });
});

async function openAndClose(name: string, times: number): Promise<void> {
  for (let n = 0; n < times; n++)
    await (await provider.openKey(name, 'AT_KEYEXCHANGE', { silent: true })).close();
}

interface HandlesInUse {
  /** GetProcessHandleCount. Wine always says 0. */
  readonly count: number;
  /** The next handle of a kernel object: the lowest that is free. */
  readonly next: bigint;
  /** The next number in the table in which Wine's CSP has contexts, keys and hashes; Windows' are not to be seen. */
  readonly nextOfCsp: number;
}

/** Kinds of handles of which at least every second round kept one; free ones are used again in any order. */
async function keptSince(before: HandlesInUse): Promise<string[]> {
  const { count, next, nextOfCsp } = await handlesInUse();
  const more = {
    count: count - before.count,
    // Handles of the kernel are multiples of four.
    next: Number(next - before.next) / 4,
    nextOfCsp: nextOfCsp - before.nextOfCsp,
  };
  return Object.entries(more).flatMap(([kind, number]) => (number < ROUNDS / 2 ? [] : [kind]));
}

async function handlesInUse(): Promise<HandlesInUse> {
  const kernel32 = await loadKernel32();
  const next = kernel32.createMutex(`Local\\keycask test ${process.pid} ${freshName()}`);
  kernel32.closeHandle(next);
  const context = acquire(null, CRYPT_VERIFYCONTEXT);
  try {
    // Wine's HCRYPTPROV is the address of: magic, count, module, functions, the CSP's own handle.
    const bytes = (await wineVersion()) ? kernel32.readMemory(context, 32) : new Uint8Array(32);
    const nextOfCsp = new DataView(bytes.buffer).getUint32(24, true);
    return { count: kernel32.processHandleCount(), next, nextOfCsp };
  } finally {
    api.cryptReleaseContext(context);
  }
}

function freshName(): string {
  return `keycask test ${randomBytes(8).toString('hex')}`;
}
