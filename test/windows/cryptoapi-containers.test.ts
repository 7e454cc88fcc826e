/** What the cryptoapi provider does with containers: its own, those of other applications, and those that it may not read. */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { wineVersion } from '../../native-bindings/kernel32.ts';
import { AT_KEYEXCHANGE, AT_SIGNATURE } from '../../native-bindings/wincrypt.ts';
import { WINDOWS_STATUS } from '../../native-bindings/windows-status.ts';
import { toHex } from '../../lib/bytes/octets.ts';
import type { PersistedKey, PersistedKeyInfo, Provider } from '../../lib/contracts/provider.ts';
import { KeyStoreError, type KeyStoreErrorCode } from '../../lib/errors.ts';
import { keyFileStem } from '../../lib/providers/cryptoapi/container-access.ts';
import { sealedReference } from '../../lib/providers/cryptoapi/container-name.ts';
import { tmpfsBootSecret } from '../../lib/providers/key-files/tmpfs-boot-secret.ts';
import { dpapiProtector } from '../../lib/providers/key-files/dpapi-protector.ts';
import { KeyFiles } from '../../lib/providers/key-files/key-files.ts';
import { defaultProperties } from '../../lib/providers/rules/key-properties.ts';
import { createContainer } from '../../lib/session-key-store/container.ts';
import { classicRecordFor, message } from '../../lib/testing/provider/test-messages.ts';
import { verifySignature } from '../../lib/keys/signature.ts';
import {
  api,
  containers,
  cryptoApiHome,
  keyIn,
  makeOldContainer,
  spkiIn,
  type CryptoApiHome,
} from '../support/cryptoapi.ts';
import { forbid } from '../support/forbid-container.ts';
import { filesIn } from '../support/software-provider.ts';

const { NTE_BAD_KEYSET, NTE_NO_KEY, NTE_KEYSET_NOT_DEF } = WINDOWS_STATUS;
const isWine = (await wineVersion()) !== undefined;

let home: CryptoApiHome;
let provider: Provider;
beforeEach(async () => {
  home = await cryptoApiHome();
  provider = await home.open();
});
afterEach(async () => {
  await provider.close();
  await home.remove();
});

describe("containers of keycask's own", () => {
  it('hold both keys of a container, under its name, where other applications find them', async () => {
    const name = freshName();
    const exchange = await keyIn(provider, name);
    const signature = await keyIn(provider, name, 'AT_SIGNATURE');
    expect(spkiIn(name, AT_KEYEXCHANGE)).toEqual(exchange.publicKey);
    expect(spkiIn(name, AT_SIGNATURE)).toEqual(signature.publicKey);
    expect(await exchange.getProperty('uniqueName')).toContain(isWine ? name : keyFileStem(name));
  });

  it('have a name of their own where a name is not one to CryptoAPI, or has no slot', async () => {
    const keys = [
      await keyIn(provider, `Keycask Test ${randomBytes(8).toString('hex')}`),
      await keyIn(provider, 'keycask tést'),
      await keyIn(provider, freshName(), 'none'),
    ];
    expect(ours().every((name) => /^keycask-[0-9a-f]{40}$/.test(name))).toBe(true);
    expect(ours()).toHaveLength(3);
    for (const key of keys) {
      const again = await provider.openKey(key.name!, key.legacyKeySpec);
      expect(again.publicKey).toEqual(key.publicKey);
      await again.delete();
    }
    expect(ours()).toEqual([]);
  });

  it('keep one key when the other is deleted, and go with the last', async () => {
    const name = freshName();
    const exchange = await keyIn(provider, name);
    const signature = await keyIn(provider, name, 'AT_SIGNATURE');
    const before = spkiIn(name, AT_KEYEXCHANGE);
    await exchange.delete();
    expect(spkiIn(name, AT_SIGNATURE)).toEqual(signature.publicKey);
    // The pair is destroyed: what lies there is too short to be one.
    expect(spkiIn(name, AT_KEYEXCHANGE)).not.toEqual(before);
    expect(spkiIn(name, AT_KEYEXCHANGE).length).toBeLessThan(90);
    await fails('CONTAINER_NOT_FOUND', provider.openKey(name, 'AT_KEYEXCHANGE'));
    expect((await listed()).map(({ legacyKeySpec }) => legacyKeySpec)).toEqual(['AT_SIGNATURE']);
    const fresh = await keyIn(provider, name);
    expect(spkiIn(name, AT_KEYEXCHANGE)).toEqual(fresh.publicKey);
    await fresh.delete();
    await signature.delete();
    expect(ours()).toEqual([]);
    expect(await listed()).toEqual([]);
  });

  it('are not brought back, and not set back, by an old handle that is closed', async () => {
    const name = freshName();
    const [replaced, deleted] = [await keyIn(provider, name), await keyIn(provider, `${name} 2`)];
    const old = await Promise.all(
      [replaced, deleted].map((key) => provider.openKey(key.name!, 'AT_KEYEXCHANGE')),
    );
    const fresh = await keyIn(provider, name, 'AT_KEYEXCHANGE', { overwrite: true });
    await deleted.delete();
    for (const handle of [...old, replaced]) await handle.close();
    expect(spkiIn(name, AT_KEYEXCHANGE)).toEqual(fresh.publicKey);
    expect(ours()).toEqual([name]);
  });

  it('are not left behind where the key file cannot be written', async () => {
    const name = freshName();
    await rm(home.folder, { recursive: true, force: true });
    await writeFile(home.folder, 'in the way of a folder');
    const code = await keyIn(provider, name).then(
      () => 'none',
      (error: unknown) => (error as KeyStoreError).code,
    );
    expect(['FILE_WRONG_TYPE', 'IO_FAILED', 'FILE_EXISTS']).toContain(code);
    expect(ours()).toEqual([]);
    await rm(home.folder);
    await keyIn(provider, name);
  });

  it('keep their name taken when the key file is damaged, until it is overwritten', async () => {
    const name = freshName();
    const key = await keyIn(provider, name);
    const [file] = await filesIn(home.folder);
    const bytes = await readFile(file!);
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(file!, bytes);
    await fails('KEY_FILE_DAMAGED', provider.openKey(name, 'AT_KEYEXCHANGE'));
    await fails('CONTAINER_EXISTS', keyIn(provider, name));
    expect(spkiIn(name, AT_KEYEXCHANGE)).toEqual(key.publicKey);
    const fresh = await keyIn(provider, name, 'AT_KEYEXCHANGE', { overwrite: true });
    expect(spkiIn(name, AT_KEYEXCHANGE)).toEqual(fresh.publicKey);
    const again = await provider.openKey(name, 'AT_KEYEXCHANGE');
    expect(again.publicKey).toEqual(fresh.publicKey);
  });

  it('are found by their names, and not overwritten, where their key files are lost', async () => {
    const names = [freshName(), `Keycask Test ${randomBytes(8).toString('hex')}`];
    for (const name of names) {
      const key = await keyIn(provider, name);
      await using elsewhere = await home.open({ folder: `${home.folder} of another program` });
      await fails('CONTAINER_EXISTS', keyIn(elsewhere, name));
      const found = await elsewhere.openKey(name, 'AT_KEYEXCHANGE');
      expect(found.publicKey).toEqual(key.publicKey);
    }
  });

  it('tell where their key is, and who can read it', async () => {
    const name = freshName();
    const key = await keyIn(provider, name);
    const posture = await key.getProperty('posture');
    expect(posture.inMemory).toBe('this process');
    expect(posture.onDisk).toContain(`container "${name}" of the Microsoft Enhanced RSA and AES`);
    expect(posture.readableBy).toContain('every process of this user');
    expect(posture.survives).toEqual({
      passwordReset: false,
      newMachine: false,
      tpmClear: true,
      reboot: true,
    });
    expect(posture.notes.join('\n')).toMatch(/1024 bits: too short[^]*legacy store/);
  });

  it('say that the CSP still exports a key whose policy was narrowed', async () => {
    const key = await keyIn(provider, freshName());
    const exportPolicy = await key.getProperty('exportPolicy');
    expect((await key.getProperty('posture')).notes.join('\n')).not.toMatch(/still export/);
    const narrowed = { ...exportPolicy, export: false, plaintextExport: false };
    await key.setProperty('exportPolicy', narrowed);
    expect((await key.getProperty('posture')).notes.join('\n')).toMatch(/still export/);
    await fails('EXPORT_FORBIDDEN', key.exportKey('pkcs8'));
  });
});

describe('containers of other applications', () => {
  it('open by their names, with both keys, capitals or not, also of PROV_RSA_FULL', async () => {
    const name = `Keycask Test {${randomBytes(8).toString('hex')}} (old)/1`;
    await makeOldContainer(name, [AT_KEYEXCHANGE, AT_SIGNATURE]);
    for (const opened of [name, name.toLowerCase()])
      for (const [spec, slot] of SPECS) {
        const key = await provider.openKey(opened, spec);
        expect(key.publicKey).toEqual(spkiIn(name, slot));
        expect(await signs(key)).toBe(true);
        await key.close();
      }
    const { record, sessionKey } = await classicRecordFor(spkiIn(name, AT_KEYEXCHANGE));
    const key = await provider.openKey(name, 'AT_KEYEXCHANGE');
    using unwrapped = await key.unwrap(record, 0);
    expect(toHex(unwrapped.bytes)).toBe(toHex(sessionKey));
    await fails('CONTAINER_NOT_FOUND', provider.openKey(name, 'none'));
  });

  it('are listed with the keys that they have, each once', async () => {
    const [both, one] = ['Keycask Test both', 'Keycask Test one'];
    await makeOldContainer(both, [AT_KEYEXCHANGE, AT_SIGNATURE]);
    await makeOldContainer(one, [AT_SIGNATURE]);
    await keyIn(provider, 'keycask test ours');
    const found = (await listed()).map(({ name, legacyKeySpec }) => `${name}: ${legacyKeySpec}`);
    expect(found.toSorted()).toEqual([
      `${both}: AT_KEYEXCHANGE`,
      `${both}: AT_SIGNATURE`,
      `${one}: AT_SIGNATURE`,
      'keycask test ours: AT_KEYEXCHANGE',
    ]);
  });

  it('may be exported as their CSP allows', async () => {
    const [open, closed] = ['Keycask Test open', 'Keycask Test closed'];
    await makeOldContainer(open);
    await makeOldContainer(closed, [AT_KEYEXCHANGE], 0);
    using blob = await (await provider.openKey(open, 'AT_KEYEXCHANGE')).exportKey('PRIVATEKEYBLOB');
    expect(blob.length).toBe(596);
    const key = await provider.openKey(closed, 'AT_KEYEXCHANGE');
    expect((await key.getProperty('posture')).exportable).toBe(false);
    await fails('EXPORT_FORBIDDEN', key.exportKey('PRIVATEKEYBLOB'));
    const wider = { ...(await key.getProperty('exportPolicy')), plaintextExport: true };
    await fails('EXPORT_FORBIDDEN', key.setProperty('exportPolicy', wider));
  });

  it('keep what is said of them, for as long as they hold that key', async () => {
    const name = 'Keycask Test described';
    await makeOldContainer(name);
    const key = await provider.openKey(name, 'AT_KEYEXCHANGE');
    expect(await key.getProperty('modified')).toBeInstanceOf(Date);
    await key.setProperty('custom:owner', Uint8Array.of(1));
    await key.setProperty('keyUsage', ['decrypt']);
    const again = await (await home.open()).openKey(name, 'AT_KEYEXCHANGE');
    expect(await again.getProperty('custom:owner')).toEqual(Uint8Array.of(1));
    expect(await again.getProperty('keyUsage')).toEqual(['decrypt']);
    expect(await listed()).toHaveLength(1);
    // The other application makes itself another key.
    await makeOldContainer(name);
    const other = await provider.openKey(name, 'AT_KEYEXCHANGE');
    expect(other.publicKey).not.toEqual(key.publicKey);
    expect(await other.getProperty('custom:owner')).toBeUndefined();
    await fails('HANDLE_INVALID', key.setProperty('custom:owner', Uint8Array.of(2)));
    await key.delete();
    expect(spkiIn(name, AT_KEYEXCHANGE)).toEqual(other.publicKey);
    await other.setProperty('custom:owner', Uint8Array.of(3));
    await other.delete();
    expect(ours()).toEqual([]);
  });

  it('are not taken for a key of another name: to CryptoAPI, names that differ in case are one', async () => {
    const name = freshName();
    const key = await keyIn(provider, name);
    await fails('CONTAINER_NOT_FOUND', provider.openKey(name.toUpperCase(), 'AT_KEYEXCHANGE'));
    const other = await keyIn(provider, name.toUpperCase());
    expect(spkiIn(name, AT_KEYEXCHANGE)).toEqual(key.publicKey);
    const hashed = ours().find((container) => container !== name)!;
    expect(spkiIn(hashed, AT_KEYEXCHANGE)).toEqual(other.publicKey);
    await fails('CONTAINER_NOT_FOUND', provider.openKey(hashed, 'AT_KEYEXCHANGE'));
  });

  it('are not overwritten unless that is asked for (NTE_EXISTS)', async () => {
    const name = 'Keycask Test taken';
    await makeOldContainer(name);
    const before = spkiIn(name, AT_KEYEXCHANGE);
    await fails('CONTAINER_EXISTS', keyIn(provider, name));
    expect(spkiIn(name, AT_KEYEXCHANGE)).toEqual(before);
    const signature = await keyIn(provider, name, 'AT_SIGNATURE');
    const key = await keyIn(provider, name, 'AT_KEYEXCHANGE', { overwrite: true });
    expect(spkiIn(name, AT_KEYEXCHANGE)).toEqual(key.publicKey);
    expect(signature.publicKey).not.toEqual(key.publicKey);
  });

  it('are not overwritten when they come between the request for a key and its making', async () => {
    const name = freshName();
    const pending = await provider.createPersistedKey('RSA', name, 'AT_KEYEXCHANGE');
    await makeOldContainer(name);
    const theirs = spkiIn(name, AT_KEYEXCHANGE);
    await fails('CONTAINER_EXISTS', pending.finalize());
    expect(spkiIn(name, AT_KEYEXCHANGE)).toEqual(theirs);
  });
});

it('leaves the container of another application as it is that has one half of the name', async () => {
  const name = freshName();
  await makeOldContainer(name, [AT_SIGNATURE]);
  const signature = spkiIn(name, AT_SIGNATURE);
  const options = { algorithm: 'rsa-2048', exportable: true, notBefore: new Date() } as const;
  await fails('CONTAINER_EXISTS', createContainer(provider, name, options));
  expect(spkiIn(name, AT_SIGNATURE)).toEqual(signature);
  expect(() => spkiIn(name, AT_KEYEXCHANGE)).toThrow('NTE_NO_KEY');
});

it('follows no key file into the container of another name', async () => {
  const [name, other] = [freshName(), freshName()];
  await makeOldContainer(other);
  const files = new KeyFiles({
    folder: home.folder,
    content: 'reference',
    protector: dpapiProtector(),
    otherProtectors: [],
    bootSecret: tmpfsBootSecret(),
  });
  const key = { name, scope: 'user', legacyKeySpec: 'AT_KEYEXCHANGE', algorithm: 'RSA' } as const;
  const properties = defaultProperties(key, 'none', new Date(0));
  const publicKey = spkiIn(other, AT_KEYEXCHANGE);
  using reference = sealedReference(other);
  await files.write({ ...key, publicKey, properties, generation: 1 }, reference);
  await fails('CONTAINER_NOT_FOUND', provider.openKey(name, 'AT_KEYEXCHANGE'));
  const mine = await keyIn(provider, name);
  expect(mine.publicKey).toEqual(spkiIn(name, AT_KEYEXCHANGE));
});

describe('what CryptoAPI fails with', () => {
  it('is told with the name of the call and its number', async () => {
    const missing = await failureOf(provider.openKey(freshName(), 'AT_KEYEXCHANGE'));
    expect(missing.code).toBe('CONTAINER_NOT_FOUND');
    expect(missing.native).toEqual({
      api: 'CryptAcquireContext',
      family: 'win32',
      value: NTE_BAD_KEYSET,
      name: 'NTE_BAD_KEYSET',
    });
    expect(missing.message).toContain('CryptAcquireContext failed with 0x80090016');
    const name = freshName();
    await keyIn(provider, name);
    const noKey = await failureOf(provider.openKey(name, 'AT_SIGNATURE'));
    expect(noKey).toMatchObject({
      code: 'CONTAINER_NOT_FOUND',
      native: { api: 'CryptGetUserKey', value: NTE_NO_KEY },
    });
    const noCsp = await failureOf(home.open({ providerName: 'No Such Provider' }));
    expect(noCsp).toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
      native: { api: 'CryptAcquireContext', value: NTE_KEYSET_NOT_DEF },
    });
  });

  it('is told with a hint where the other scope has a container of that name', async () => {
    const name = freshName();
    await keyIn(provider, name, 'AT_KEYEXCHANGE', { scope: 'machine' });
    const { code, hint } = await failureOf(provider.openKey(name, 'AT_KEYEXCHANGE'));
    expect(code).toBe('CONTAINER_NOT_FOUND');
    expect(hint).toBe('There is one of that name with scope machine.');
    expect(containers()).not.toContain(name);
  });

  it('does not hide that a container exists and may not be read', async () => {
    const name = freshName();
    const key = await keyIn(provider, name);
    await key.close();
    const foreign = 'Keycask Test foreign';
    await makeOldContainer(foreign);
    for (const container of [name, foreign]) {
      const allow = await forbid(container);
      try {
        const denied = await failureOf(provider.openKey(container, 'AT_KEYEXCHANGE'));
        expect(denied.code).toBe('PERMISSION_DENIED');
        expect(denied.native).toMatchObject({ api: 'CryptAcquireContext', value: NTE_BAD_KEYSET });
        expect(denied.message).toContain(container);
        expect(denied.hint).toMatch(/administrator/);
        for (const overwrite of [false, true])
          await fails(
            'PERMISSION_DENIED',
            keyIn(provider, container, 'AT_KEYEXCHANGE', { overwrite }),
          );
      } finally {
        allow();
      }
      await (await provider.openKey(container, 'AT_KEYEXCHANGE')).close();
    }
  });

  it('does not keep a container that may not be read from a list, nor the others', async () => {
    const [name, foreign] = [freshName(), 'Keycask Test foreign'];
    await (await keyIn(provider, name)).close();
    await makeOldContainer(foreign);
    await makeOldContainer('Keycask Test readable');
    const allow = [await forbid(name), await forbid(foreign)];
    try {
      const names: string[] = [];
      const listing = (async () => {
        for await (const info of provider.listKeys({ scope: 'user' })) names.push(info.name);
      })();
      const failure = await listing.catch((error: unknown) => error);
      // Windows itself leaves such a container out of its list.
      expect(failure).toEqual(isWine ? deniedTo(foreign) : undefined);
      expect(names.toSorted()).toEqual(['Keycask Test readable', name]);
    } finally {
      for (const again of allow) again();
    }
  });

  it('names the file of a container that may not be read, where Windows keeps one', async () => {
    const machineGuid = api.regGetString(
      'HKLM',
      'SOFTWARE\\Microsoft\\Cryptography',
      'MachineGuid',
    );
    const name = freshName();
    const folder = join(process.env['APPDATA']!, 'Microsoft', 'Crypto', 'RSA', 'S-1-5-21-keycask');
    const path = join(folder, `${keyFileStem(name)}_${machineGuid}`);
    await mkdir(folder, { recursive: true });
    try {
      await writeFile(path, '');
      const denied = await failureOf(provider.openKey(name, 'AT_KEYEXCHANGE'));
      expect(denied.code).toBe('PERMISSION_DENIED');
      expect(denied.hint).toContain(path);
    } finally {
      await rm(folder, { recursive: true });
    }
    await fails('CONTAINER_NOT_FOUND', provider.openKey(name, 'AT_KEYEXCHANGE'));
  });
});

const SPECS = [
  ['AT_KEYEXCHANGE', AT_KEYEXCHANGE],
  ['AT_SIGNATURE', AT_SIGNATURE],
] as const;

function deniedTo(container: string): unknown {
  const message: unknown = expect.stringContaining(container);
  return expect.objectContaining({ code: 'PERMISSION_DENIED', message });
}

function freshName(): string {
  return `keycask test ${randomBytes(8).toString('hex')}`;
}

function ours(): string[] {
  return containers().filter((name) => /^keycask/i.test(name));
}

async function listed(): Promise<PersistedKeyInfo[]> {
  const keys: PersistedKeyInfo[] = [];
  for await (const key of provider.listKeys({ scope: 'user' }))
    if (/^keycask/i.test(key.name)) keys.push(key);
  return keys;
}

async function signs(key: PersistedKey): Promise<boolean> {
  const toBeSigned = message('rsa-pkcs1-sha256');
  const signature = await key.sign(toBeSigned);
  return verifySignature(key.publicKey, 'rsa-pkcs1-sha256', toBeSigned.bytes, signature);
}

async function fails(code: KeyStoreErrorCode, work: Promise<unknown>): Promise<void> {
  expect((await failureOf(work)).code).toBe(code);
}

async function failureOf(work: Promise<unknown>): Promise<KeyStoreError> {
  const error: unknown = await work.then(
    () => undefined,
    (failure: unknown) => failure,
  );
  if (!KeyStoreError.is(error)) throw new Error('no KeyStoreError', { cause: error });
  return error;
}
