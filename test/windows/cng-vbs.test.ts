/** Keys in virtualization-based security: on the ncrypt double, which plays that there is some, and on Windows versions that do not know of it. */
import { generateKeyPairSync } from 'node:crypto';
import process from 'node:process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nativeError } from '../../native-bindings/check-win32.ts';
import { loadNCrypt, type NCrypt } from '../../native-bindings/ncrypt.ts';
import { WINDOWS_STATUS } from '../../native-bindings/windows-status.ts';
import type { CreateKeyOptions, Provider } from '../../lib/contracts/provider.ts';
import { SecretBytes } from '../../lib/keys/secret-bytes.ts';
import { openCngProvider } from '../../lib/providers/cng/index.ts';
import { message, recordFor } from '../../lib/testing/provider/test-messages.ts';
import { isDouble, newName, openCngProviderOn } from '../support/cng.ts';
import { codeOfAsync } from '../support/errors.ts';
import { useOwnKeys } from '../support/own-keys.ts';

const VBS = 'KEYCASK_DOUBLE_VBS';
const BOOT = 'KEYCASK_DOUBLE_BOOT';
const REQUIRED = { isolation: 'require-vbs' } as const;
const PREFERRED = { isolation: 'prefer-vbs' } as const;
const VBS_FLAGS = 0x3_0000;
const PER_BOOT_FLAG = 0x4_0000;
const UNAVAILABLE = {
  code: 'VBS_UNAVAILABLE',
  nte: 0x80090045,
  native: {
    api: 'NCryptCreatePersistedKey',
    family: 'hresult',
    value: 0x80090045,
    name: 'NTE_VBS_UNAVAILABLE',
  },
};

useOwnKeys();

let provider: Provider;
beforeEach(async () => {
  provider = await openCngProvider();
});
afterEach(async () => {
  await provider.close();
  for (const name of [VBS, BOOT]) Reflect.deleteProperty(process.env, name);
});

async function make(name: string | null, options: CreateKeyOptions, on = provider) {
  const pending = await on.createPersistedKey('ECDH_P256', name, 'AT_KEYEXCHANGE', options);
  return pending.finalize();
}

const open = (name: string, on = provider) => on.openKey(name, 'AT_KEYEXCHANGE');

describe.runIf(isDouble)('where there is VBS (on the ncrypt double)', () => {
  beforeEach(() => {
    process.env[VBS] = '1';
  });

  it.each([REQUIRED, PREFERRED])('a key is in it: %o', async (options) => {
    const name = newName();
    const made = await make(name, options);
    for (const key of [made, await open(name)]) {
      expect(await key.getProperty('posture')).toMatchObject({
        inMemory: 'VBS',
        readableBy: [],
        exportable: false,
        perBoot: false,
        survives: { newMachine: false, tpmClear: false, reboot: true },
        notes: [],
      });
      const { record } = await recordFor(key.publicKey);
      (await key.unwrap(record, 0)).dispose();
      expect(await codeOfAsync(key.exportKey('pkcs8'))).toBe('EXPORT_FORBIDDEN');
      expect(Object.values(await key.getProperty('exportPolicy'))).toEqual(Array(4).fill(false));
    }
    await made.delete();
  });

  it('an imported key is in it too', async () => {
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    using pkcs8 = SecretBytes.take(ec.export({ type: 'pkcs8', format: 'der' }));
    const pending = await provider.importKey(pkcs8, newName(), 'AT_SIGNATURE', REQUIRED);
    const key = await pending.finalize();
    expect((await key.getProperty('posture')).inMemory).toBe('VBS');
    expect((await key.sign(message('ecdsa-sha256'))).length).toBeGreaterThan(60);
    await key.delete();
  });

  it('a key without a name is in it too', async () => {
    const key = await make(null, REQUIRED);
    const posture = await key.getProperty('posture');
    expect(posture).toMatchObject({ inMemory: 'VBS', onDisk: 'nowhere' });
  });

  it('a per-boot key says so, and is gone with the boot (NTE_VBS_CANNOT_DECRYPT_KEY)', async () => {
    process.env[BOOT] = '1';
    const name = newName();
    const key = await make(name, { ...REQUIRED, perBoot: true });
    const { perBoot, survives } = await key.getProperty('posture');
    expect([perBoot, survives.reboot]).toEqual([true, false]);
    await (await open(name)).close();
    process.env[BOOT] = '2';
    await expect(open(name)).rejects.toMatchObject({
      code: 'KEY_PER_BOOT_GONE',
      native: { api: 'NCryptOpenKey', value: 0x80090046, name: 'NTE_VBS_CANNOT_DECRYPT_KEY' },
    });
    process.env[BOOT] = '1';
    await (await open(name)).delete();
  });

  it('a key in it does not open where there is none any more', async () => {
    const name = newName();
    const key = await make(name, REQUIRED);
    Reflect.deleteProperty(process.env, VBS);
    await expect(open(name)).rejects.toMatchObject({
      code: 'VBS_UNAVAILABLE',
      native: { api: 'NCryptOpenKey', value: 0x80090045 },
    });
    process.env[VBS] = '1';
    await key.delete();
  });
});

describe.runIf(isDouble)('where there is no VBS (on the ncrypt double)', () => {
  it('a key that needs it is not made, and is told with the call and its number', async () => {
    for (const perBoot of [false, true]) {
      const name = newName();
      await expect(make(name, { ...REQUIRED, perBoot })).rejects.toMatchObject(UNAVAILABLE);
      expect(await codeOfAsync(open(name))).toBe('CONTAINER_NOT_FOUND');
    }
  });

  it('a key that prefers it is an ordinary one, and says so', async () => {
    for (const perBoot of [false, true]) {
      const name = newName();
      await make(name, { ...PREFERRED, perBoot });
      const key = await open(name);
      expect(await key.getProperty('posture')).toMatchObject({
        inMemory: 'this process',
        exportable: true,
        perBoot: false,
        notes: ['prefer-vbs: no VBS here, so this is a software key'],
      });
      await key.delete();
    }
  });

  it('per boot alone is refused (NTE_BAD_FLAGS)', async () => {
    await expect(make(newName(), { perBoot: true })).rejects.toMatchObject({
      code: 'FLAGS_INVALID',
      nte: 0x80090009,
    });
  });
});

describe.runIf(isDouble)(
  'a Windows that does not know VBS flags (the ncrypt double, and calls that are changed on their way)',
  () => {
    /** ncrypt.dll's calls, but for one. */
    async function openWith(changed: (real: NCrypt) => Partial<NCrypt>): Promise<Provider> {
      const real = await loadNCrypt();
      return openCngProviderOn({ ...real, ...changed(real) });
    }

    it('refuses a key that needs it (NTE_BAD_FLAGS), and makes an ordinary one of one that prefers it', async () => {
      await using old = await openWith((real) => ({
        createPersistedKey(handle, algorithm, key) {
          if (((key.flags ?? 0) & (VBS_FLAGS | PER_BOOT_FLAG)) !== 0)
            throw nativeError('NCryptCreatePersistedKey', 'hresult', WINDOWS_STATUS.NTE_BAD_FLAGS);
          return real.createPersistedKey(handle, algorithm, key);
        },
      }));
      const name = newName();
      await expect(make(name, REQUIRED, old)).rejects.toMatchObject({
        code: 'VBS_UNAVAILABLE',
        native: { value: 0x80090009 },
      });
      const key = await make(name, { ...PREFERRED, perBoot: true }, old);
      expect((await key.getProperty('posture')).notes).toHaveLength(1);
      await key.delete();
    });

    it('and overlooks them: the key that was made is deleted', async () => {
      await using careless = await openWith((real) => ({
        createPersistedKey: (handle, algorithm, key) =>
          real.createPersistedKey(handle, algorithm, {
            ...key,
            flags: (key.flags ?? 0) & ~(VBS_FLAGS | PER_BOOT_FLAG),
          }),
      }));
      const name = newName();
      await expect(make(name, REQUIRED, careless)).rejects.toMatchObject({
        code: 'VBS_UNAVAILABLE',
      });
      expect(await codeOfAsync(open(name))).toBe('CONTAINER_NOT_FOUND');
    });

    it('a storage provider that overlooks a private half: the key that it made is deleted', async () => {
      await using careless = await openWith((real) => ({
        setProperty: (handle, property, value, flags) =>
          property === 'PRIVATEBLOB' ? undefined : real.setProperty(handle, property, value, flags),
      }));
      const name = newName();
      const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
      using pkcs8 = SecretBytes.take(ec.export({ type: 'pkcs8', format: 'der' }));
      const pending = await careless.importKey(pkcs8, name, 'AT_KEYEXCHANGE');
      expect(await codeOfAsync(pending.finalize())).toBe('INTERNAL');
      expect(await codeOfAsync(open(name))).toBe('CONTAINER_NOT_FOUND');
    });
  },
);

describe.skipIf(isDouble)('a key that needs VBS', () => {
  it('is in VBS, or is not made', async () => {
    const algorithm = provider.capabilities.algorithms.includes('ECDH_P256') ? 'ECDH_P256' : 'RSA';
    const made = provider
      .createPersistedKey(algorithm, null, 'AT_KEYEXCHANGE', REQUIRED)
      .then((pending) => pending.finalize())
      .then((key) => key.getProperty('posture'))
      .then(({ inMemory }) => inMemory);
    expect(await made.catch((error: unknown) => (error as { code: string }).code)).toBeOneOf([
      'VBS',
      'VBS_UNAVAILABLE',
    ]);
  });
});
