/** What the cng provider is refused: each refusal with the call's name and its number, and nothing lost by it. */
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import koffi from 'koffi';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CreateKeyOptions, LegacyKeySpec, Provider } from '../../lib/contracts/provider.ts';
import type { KeyAlgorithm } from '../../lib/keys/key-algorithms.ts';
import { openCngProvider } from '../../lib/providers/cng/index.ts';
import { message, recordFor } from '../../lib/testing/provider/test-messages.ts';
import { isDouble, keepsKeys, makeKey, newName, withRawProvider } from '../support/cng.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';

const OPEN_KEY = { api: 'NCryptOpenKey', family: 'hresult' };
const FINALIZE_KEY = { api: 'NCryptFinalizeKey', family: 'hresult' };

let provider: Provider;
let folder: TemporaryFolder;
const settings = new Set<string>();

/** Sets a variable of the double until the test ends. */
function set(name: `KEYCASK_DOUBLE_${string}`, value: string): void {
  settings.add(name);
  process.env[name] = value;
}

beforeEach(async () => {
  folder = await temporaryFolder();
  if (isDouble) set('KEYCASK_DOUBLE_FOLDER', folder.path);
  provider = await openCngProvider();
});
afterEach(async () => {
  await provider.close();
  for (const name of settings) Reflect.deleteProperty(process.env, name);
  settings.clear();
  await folder.remove();
});

/** What a failed call tells. */
const status = (api: string, value: number, name: string) => ({
  api,
  family: 'hresult',
  value,
  name,
});

describe.skipIf(!keepsKeys)('a key that is not there', () => {
  it('is told with the call and its number; a hint names the other scope where it has one', async () => {
    const native = { ...OPEN_KEY, value: 0x80090016, name: 'NTE_BAD_KEYSET' };
    const name = newName();
    const missing = provider.openKey(name, 'AT_SIGNATURE');
    await expect(missing).rejects.toMatchObject({ code: 'CONTAINER_NOT_FOUND', native });
    const key = await makeKey(provider, name);
    const elsewhere = provider.openKey(name, 'AT_SIGNATURE', { scope: 'machine' });
    await expect(elsewhere).rejects.toMatchObject({
      code: 'CONTAINER_NOT_FOUND',
      native,
      hint: 'There is one of that name with scope user.',
    });
    await key.delete();
  });

  it('goes elsewhere where another application took its place in between', async () => {
    const name = newName();
    const pending = await provider.createPersistedKey('ECDSA_P256', name, 'AT_SIGNATURE');
    await withRawProvider(async (ncrypt, raw) => {
      const key = ncrypt.createPersistedKey(raw, 'RSA', { name: `${name}~signature` });
      await ncrypt.finalizeKey(key, 0);
      ncrypt.freeObject(key);
    });
    // It is under the native name of ours, and not ours: ours gets the other of its names.
    const key = await pending.finalize();
    expect((await provider.openKey(name, 'AT_SIGNATURE')).publicKey).toEqual(key.publicKey);
    await key.delete();
    await (await provider.openKey(`${name}~signature`, 'none')).delete();
  });
});

describe.runIf(isDouble)('a key that may not be read (on the ncrypt double)', () => {
  const denied = (value: number, name: string) => ({
    code: 'PERMISSION_DENIED',
    native: { ...OPEN_KEY, value, name },
    hint: expect.stringContaining('administrator') as string,
  });

  /** The file that the double has of a key. */
  async function fileOf(name: string): Promise<string> {
    const key = await provider.openKey(name, 'AT_SIGNATURE');
    const path = join(folder.path, 'user', await key.getProperty('uniqueName'));
    await key.close();
    return path;
  }

  it('is told apart from one that is not there: NTE_PERM', async () => {
    const name = newName();
    await makeKey(provider, name);
    const release = holdAlone(await fileOf(name));
    const refused = denied(0x80090010, 'NTE_PERM');
    await expect(provider.openKey(name, 'AT_SIGNATURE')).rejects.toMatchObject(refused);
    await expect(makeKey(provider, name)).rejects.toMatchObject(refused);
    release();
    await (await provider.openKey(name, 'AT_SIGNATURE')).delete();
  });

  it('is told apart from one that is not there: NTE_BAD_KEYSET, and listed', async () => {
    const name = newName();
    await makeKey(provider, name);
    const file = await fileOf(name);
    await rename(file, `${file}-moved`);
    const refused = denied(0x80090016, 'NTE_BAD_KEYSET');
    await expect(provider.openKey(name, 'AT_SIGNATURE')).rejects.toMatchObject(refused);
    await rename(`${file}-moved`, file);
    await (await provider.openKey(name, 'AT_SIGNATURE')).delete();
  });

  it('does not hide the others from a list', async () => {
    const [damaged, whole] = [newName(), newName()];
    await makeKey(provider, damaged);
    await makeKey(provider, whole);
    const file = await fileOf(damaged);
    await rename(file, `${file}-moved`);
    const names: string[] = [];
    for await (const info of provider.listKeys({ scope: 'user' })) names.push(info.name);
    expect(names).toEqual([whole]);
  });
});

describe.runIf(isDouble)('a key that cannot be generated (on the ncrypt double)', () => {
  it('leaves the one that it was to replace as it was, and can be tried again', async () => {
    const name = newName();
    const before = await makeKey(provider, name);
    const options = { overwrite: true };
    const pending = await provider.createPersistedKey('ECDSA_P256', name, 'AT_SIGNATURE', options);
    await pending.setProperty('custom:note', Uint8Array.of(7));
    const { publicKey } = await provider.openKey(name, 'AT_SIGNATURE');
    expect(publicKey).toEqual(before.publicKey);
    set('KEYCASK_DOUBLE_FAULT', 'disk-full');
    await expect(pending.finalize()).rejects.toMatchObject({
      code: 'STORAGE_FULL',
      native: { ...FINALIZE_KEY, value: 0x80090023, name: 'NTE_TOKEN_KEYSET_STORAGE_FULL' },
    });
    const still = await provider.openKey(name, 'AT_SIGNATURE');
    expect(still.publicKey).toEqual(before.publicKey);
    set('KEYCASK_DOUBLE_FAULT', '');
    const after = await pending.finalize();
    expect(after.publicKey).not.toEqual(before.publicKey);
    expect(await after.getProperty('custom:note')).toEqual(Uint8Array.of(7));
  });

  it('leaves nothing behind where there was none', async () => {
    const name = newName();
    set('KEYCASK_DOUBLE_FAULT', 'disk-full');
    await expect(makeKey(provider, name)).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    set('KEYCASK_DOUBLE_FAULT', '');
    await expect(provider.openKey(name, 'AT_SIGNATURE')).rejects.toMatchObject({
      code: 'CONTAINER_NOT_FOUND',
    });
  });
});

describe.runIf(isDouble)('a key that asks a person (on the ncrypt double)', () => {
  const SILENT_CONTEXT = [0x80090022, 'NTE_SILENT_CONTEXT'] as const;

  async function asking(
    algorithm: KeyAlgorithm,
    spec: LegacyKeySpec,
    options: CreateKeyOptions = {},
  ) {
    const name = newName();
    const pending = await provider.createPersistedKey(algorithm, name, spec, options);
    if (algorithm === 'RSA') await pending.setProperty('length', 2048);
    await pending.setProperty('uiPolicy', { level: 'protect', title: 'The archive' });
    return { name, pending };
  }

  it('asks nobody silently, neither to agree, decrypt, sign nor export', async () => {
    const ecdh = await asking('ECDH_P256', 'AT_KEYEXCHANGE');
    const rsa = await asking('RSA', 'AT_KEYEXCHANGE');
    const { publicKey: point } = await ecdh.pending.finalize();
    const { publicKey } = await rsa.pending.finalize();
    const options = { silent: true };
    const agreeing = await provider.openKey(ecdh.name, 'AT_KEYEXCHANGE', options);
    const silent = await provider.openKey(rsa.name, 'AT_KEYEXCHANGE', options);
    const agreed = await recordFor(point);
    const [oaep, pkcs1] = [await recordFor(publicKey), await recordFor(publicKey, 'pkcs1')];
    const uses = [
      [() => agreeing.unwrap(agreed.record, 0), 'NCryptSecretAgreement'],
      [() => silent.unwrap(oaep.record, 0), 'NCryptDecrypt'],
      [() => silent.unwrap(pkcs1.record, 0), 'NCryptDecrypt'],
      [() => silent.sign(message('rsa-pss-sha256')), 'NCryptSignHash'],
      [() => silent.exportKey('pkcs8'), 'NCryptExportKey'],
      [() => agreeing.exportKey('pkcs8'), 'NCryptExportKey'],
    ] as const;
    for (const [use, api] of uses)
      await expect(use()).rejects.toMatchObject({
        code: 'PASSWORD_REQUIRED',
        native: status(api, ...SILENT_CONTEXT),
      });
  });

  it('is not even made silently, and nothing is left of it', async () => {
    const { name, pending } = await asking('ECDH_P256', 'AT_KEYEXCHANGE', { silent: true });
    await expect(pending.finalize()).rejects.toMatchObject({
      code: 'PASSWORD_REQUIRED',
      native: status('NCryptFinalizeKey', ...SILENT_CONTEXT),
    });
    await expect(provider.openKey(name, 'AT_KEYEXCHANGE')).rejects.toMatchObject({
      code: 'CONTAINER_NOT_FOUND',
    });
  });

  it('is used when the person agrees, and tells when not', async () => {
    const { pending } = await asking('ECDH_P256', 'AT_KEYEXCHANGE');
    const key = await pending.finalize();
    const { record } = await recordFor(key.publicKey);
    (await key.unwrap(record, 0)).dispose();
    set('KEYCASK_DOUBLE_UI', 'cancel');
    await expect(key.unwrap(record, 0)).rejects.toMatchObject({
      code: 'CANCELLED',
      native: status('NCryptSecretAgreement', 0x80090036, 'NTE_USER_CANCELLED'),
    });
  });
});

describe('a storage provider', () => {
  it.skipIf(!keepsKeys)('that is not there is told by the names of those that are', async () => {
    await expect(openCngProvider({ storageProvider: 'no such one' })).rejects.toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
      native: { api: 'NCryptOpenStorageProvider' },
      hint: expect.stringContaining('Microsoft Software Key Storage Provider') as string,
    });
  });

  it('has a name', async () => {
    for (const storageProvider of ['', 'a\0b', 'x'.repeat(261), 7 as never])
      await expect(openCngProvider({ storageProvider })).rejects.toMatchObject({
        code: 'PARAMETER_INVALID',
      });
  });

  it.runIf(isDouble)('of a TPM gives no private key away (on the ncrypt double)', async () => {
    const storageProvider = 'Microsoft Platform Crypto Provider';
    await expect(openCngProvider({ storageProvider })).rejects.toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
      native: status('NCryptOpenStorageProvider', 0x80090030, 'NTE_DEVICE_NOT_READY'),
    });
    set('KEYCASK_DOUBLE_TPM', '1');
    await using tpm = await openCngProvider({ storageProvider });
    expect(tpm.capabilities.legacyStore).toBe(false);
    const key = await makeKey(tpm, newName());
    expect(Object.values(await key.getProperty('exportPolicy'))).toEqual(Array(4).fill(false));
    await expect(key.exportKey('pkcs8')).rejects.toMatchObject({ code: 'EXPORT_FORBIDDEN' });
    expect((await key.getProperty('posture')).exportable).toBe(false);
  });

  it.runIf(isDouble)(
    'of a TPM is as good as VBS, but for keys of a boot (on the ncrypt double)',
    async () => {
      set('KEYCASK_DOUBLE_TPM', '1');
      await using tpm = await openCngProvider({
        storageProvider: 'Microsoft Platform Crypto Provider',
      });
      const make = async (perBoot: boolean) => {
        const options = { isolation: 'require-vbs', perBoot } as const;
        const pending = await tpm.createPersistedKey('RSA', newName(), 'AT_KEYEXCHANGE', options);
        return pending.finalize();
      };
      const key = await make(false);
      expect(key.algorithm).toBe('RSA');
      await key.delete();
      await expect(make(true)).rejects.toMatchObject({ code: 'VBS_UNAVAILABLE' });
    },
  );
});

/** Opens a file that nobody else opens meanwhile; what it returns closes it. */
function holdAlone(path: string): () => void {
  const kernel32 = koffi.load('kernel32.dll');
  const createFile = kernel32.func(
    'intptr_t __stdcall CreateFileW(str16 path, uint32_t access, uint32_t share, void *security, uint32_t how, uint32_t attributes, intptr_t template)',
  );
  const closeHandle = kernel32.func('int __stdcall CloseHandle(intptr_t handle)');
  const handle = Number(createFile(path, GENERIC_READ, 0, null, OPEN_EXISTING, 0, 0));
  if (handle === INVALID_HANDLE_VALUE) throw new TypeError(`${path} was not opened`);
  return () => void closeHandle(handle);
}

/** winnt.h, fileapi.h */
const GENERIC_READ = 0x80000000;
const OPEN_EXISTING = 3;
const INVALID_HANDLE_VALUE = -1;
