/** What the software provider does beyond the contract: posture, legacy store, discretion. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PersistedKey } from '../../../lib/contracts/provider.ts';
import { SecretBytes } from '../../../lib/keys/secret-bytes.ts';
import { decodeKeyFile } from '../../../lib/providers/key-files/key-file.ts';
import { openSoftwareProvider } from '../../../lib/providers/software/index.ts';
import { codeOfAsync } from '../../support/errors.ts';
import { canLoseRights, mountTmpfs, testAsRoot, withoutRoot } from '../../support/permissions.ts';
import {
  filesIn,
  keyHome,
  keyIn,
  passphrase,
  type KeyHome,
} from '../../support/software-provider.ts';

let home: KeyHome;
beforeEach(async () => {
  home = await keyHome();
});
afterEach(() => home.remove());

async function rsaKey(name: string, writeToLegacyStore: boolean): Promise<PersistedKey> {
  const provider = await home.open();
  const pending = await provider.createPersistedKey('RSA', name, 'AT_KEYEXCHANGE');
  await pending.setProperty('length', 2048);
  return pending.finalize({ writeToLegacyStore });
}

describe('the posture', () => {
  it('of a key under a machine secret', async () => {
    await using provider = await home.open();
    const key = await keyIn(provider, 'key');
    expect(await key.getProperty('posture')).toEqual({
      inMemory: 'this process',
      level: 'this process',
      couldRead: { inMemory: 'same user', onDisk: 'same user' },
      onDisk: 'sealed file under machine-secret',
      readableBy: ['this user', 'administrators of this machine'],
      usableBy: ['this user', 'administrators of this machine'],
      exportable: true,
      perBoot: false,
      survives: { passwordReset: true, newMachine: false, tpmClear: true, reboot: true },
      notes: [],
    });
  });

  it('of a key under a passphrase', async () => {
    await using provider = await home.open({ protector: passphrase('right').protector });
    const posture = await (await keyIn(provider, 'key')).getProperty('posture');
    expect(posture).toMatchObject({
      onDisk: 'sealed file under passphrase',
      readableBy: ['who knows the passphrase', 'administrators of this machine while it is in use'],
      survives: { newMachine: true, reboot: true },
    });
  });

  it('of an ephemeral key', async () => {
    await using provider = await openSoftwareProvider();
    const pending = await provider.createPersistedKey('ECDSA_P256', null, 'AT_SIGNATURE');
    const posture = await (await pending.finalize()).getProperty('posture');
    expect(posture).toMatchObject({
      onDisk: 'nowhere',
      readableBy: ['this process', 'administrators of this machine'],
      survives: { newMachine: false, reboot: false },
    });
  });

  it('tells of a policy that is kept but not enforced', async () => {
    await using provider = await home.open();
    const pending = await provider.createPersistedKey('ECDH_P256', 'key', 'AT_KEYEXCHANGE');
    await pending.setProperty('uiPolicy', { level: 'force-high' });
    const { notes } = await (await pending.finalize()).getProperty('posture');
    expect(notes.join()).toContain('uiPolicy force-high: kept, but');
  });
});

describe('the legacy store', () => {
  it('holds a container that opens where the key’s own file is gone', async () => {
    const key = await rsaKey('both', true);
    await rm(join(home.keys, 'user'), { recursive: true });
    await using provider = await home.open();
    const legacy = await provider.openKey('both', 'AT_KEYEXCHANGE');
    expect(legacy.publicKey).toEqual(key.publicKey);
    expect(legacy.algorithm).toBe('RSA');
    const names: string[] = [];
    for await (const { name } of provider.listKeys()) names.push(name);
    expect(names).toEqual(['both']);
    using one = await key.exportKey('pkcs8');
    using other = await legacy.exportKey('pkcs8');
    expect(Buffer.from(one.bytes).equals(other.bytes)).toBe(true);
    await legacy.setProperty('custom:changed', Uint8Array.of(1));
    await legacy.delete();
    expect(await codeOfAsync(provider.openKey('both', 'AT_KEYEXCHANGE'))).toBe(
      'CONTAINER_NOT_FOUND',
    );
  });

  it('gets a narrower policy with the key, so that it is no way around it', async () => {
    const key = await rsaKey('both', true);
    const policy = await key.getProperty('exportPolicy');
    await key.setProperty('exportPolicy', { ...policy, plaintextExport: false });
    await rm(join(home.keys, 'user'), { recursive: true });
    await using provider = await home.open();
    const legacy = await provider.openKey('both', 'AT_KEYEXCHANGE');
    expect(await codeOfAsync(legacy.exportKey('pkcs8'))).toBe('EXPORT_FORBIDDEN');
  });

  it('cannot take the place of the key’s own file, nor the other way round', async () => {
    await rsaKey('both', true);
    const [legacy, own] = await filesIn(home.keys);
    const bytes = await readFile(legacy!);
    expect(decodeKeyFile(bytes).facts.content).toBe('PRIVATEKEYBLOB');
    await using provider = await home.open();
    await writeFile(legacy!, await readFile(own!));
    await writeFile(own!, bytes);
    expect(await codeOfAsync(provider.openKey('both', 'AT_KEYEXCHANGE'))).toBe('KEY_FILE_DAMAGED');
    await rm(own!);
    expect(await codeOfAsync(provider.openKey('both', 'AT_KEYEXCHANGE'))).toBe('KEY_FILE_DAMAGED');
  });

  it('keeps no older container behind a key that overwrote it', async () => {
    await rsaKey('both', true);
    await using provider = await home.open();
    const pending = await provider.createPersistedKey('RSA', 'both', 'AT_KEYEXCHANGE', {
      overwrite: true,
    });
    await pending.setProperty('length', 2048);
    const key = await pending.finalize();
    await key.delete();
    expect(await codeOfAsync(provider.openKey('both', 'AT_KEYEXCHANGE'))).toBe(
      'CONTAINER_NOT_FOUND',
    );
  });

  it('can be left out', async () => {
    await using provider = await home.open({ legacyStore: false });
    expect(provider.capabilities.legacyStore).toBe(false);
    const pending = await provider.createPersistedKey('RSA', 'key', 'AT_KEYEXCHANGE');
    await pending.setProperty('length', 2048);
    expect(await codeOfAsync(pending.finalize({ writeToLegacyStore: true }))).toBe('NOT_SUPPORTED');
    await pending.finalize();
  });
});

describe('a key handle', () => {
  it('tells nothing secret when it is printed, logged or serialized', async () => {
    await using provider = await home.open();
    const key = await keyIn(provider, 'key', 'AT_SIGNATURE');
    using pkcs8 = await key.exportKey('pkcs8');
    const scalar = Buffer.from(pkcs8.bytes.subarray(36, 68));
    const forms = [
      inspect(key, { depth: 20, showHidden: true }),
      inspect(provider, { depth: 20, showHidden: true }),
      JSON.stringify(key),
      JSON.stringify(provider),
    ];
    for (const text of forms) {
      expect(text).not.toContain(scalar.toString('hex'));
      expect(text).not.toContain(scalar.toString('base64').slice(2, 20));
      expect(text).not.toContain([...scalar.subarray(0, 6)].join(','));
      expect(text).not.toContain([...scalar.subarray(0, 6)].join(', '));
    }
  });

  it('fails without telling a passphrase or a key', async () => {
    await using provider = await home.open({ protector: passphrase('right').protector });
    await keyIn(provider, 'key');
    await using stranger = await home.open({ protector: passphrase('a very wrong one').protector });
    const failure = await stranger.openKey('key', 'AT_KEYEXCHANGE').catch((e: unknown) => e);
    const text = `${JSON.stringify(failure)} ${inspect(failure, { depth: 20 })}`;
    expect(text).not.toContain('a very wrong one');
    using garbage = SecretBytes.copy(Buffer.from('MARKER of a private key that is none'));
    const bad = await provider.importKey(garbage, null, 'AT_SIGNATURE').catch((e: unknown) => e);
    expect(`${JSON.stringify(bad)} ${inspect(bad, { depth: 20 })}`).not.toContain('MARKER');
  });
});

describe('a provider without a folder', () => {
  it('has nothing to list or open, and keeps nothing', async () => {
    await using provider = await openSoftwareProvider();
    expect(provider.capabilities).toMatchObject({ persisted: false, legacyStore: false });
    expect(
      await codeOfAsync(provider.createPersistedKey('ECDH_P256', 'name', 'AT_KEYEXCHANGE')),
    ).toBe('NOT_SUPPORTED');
    expect(await codeOfAsync(provider.openKey('name', 'AT_KEYEXCHANGE'))).toBe(
      'CONTAINER_NOT_FOUND',
    );
  });
});

describe('a place that cannot be written', () => {
  it('has its own error for each reason, and nothing is made', async () => {
    await writeFile(home.keys, 'a file where a folder should be');
    await using provider = await home.open();
    expect(await codeOfAsync(keyIn(provider, 'key'))).toBe('FILE_WRONG_TYPE');
    // Windows says of what is below a file that it is not there.
    const whenRead = process.platform === 'win32' ? 'CONTAINER_NOT_FOUND' : 'FILE_WRONG_TYPE';
    expect(await codeOfAsync(provider.openKey('key', 'AT_KEYEXCHANGE'))).toBe(whenRead);
  });

  it.skipIf(!canLoseRights)('is told from a key that is not there', async () => {
    await using provider = await home.open();
    await keyIn(provider, 'key');
    await using other = await home.open();
    const codes = await withoutRoot(async () => [
      await codeOfAsync(other.openKey('key', 'AT_KEYEXCHANGE')),
      await codeOfAsync(keyIn(other, 'new')),
    ]);
    expect(codes).toEqual(['PERMISSION_DENIED', 'PERMISSION_DENIED']);
  });

  testAsRoot('leaves nothing behind where the disk is full', async () => {
    const disk = mountTmpfs(join(home.folder, 'small'), 'size=16k')!;
    try {
      const folder = join(disk.path, 'keys');
      await using provider = await home.open({ folder });
      const key = await keyIn(provider, 'key');
      const large = key.setProperty('custom:large', new Uint8Array(64 << 10));
      expect(await codeOfAsync(large)).toBe('STORAGE_FULL');
      expect(await filesIn(folder)).toHaveLength(1);
      expect(await codeOfAsync(provider.openKey('key', 'AT_KEYEXCHANGE'))).toBe('none');
    } finally {
      disk.unmount();
    }
  });
});

describe('an imported key', () => {
  it('is warned about where it is too short for anything new', async () => {
    const { generateKeyPairSync } = await import('node:crypto');
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    using pkcs8 = SecretBytes.take(privateKey.export({ type: 'pkcs8', format: 'der' }));
    await using provider = await home.open();
    const key = await (await provider.importKey(pkcs8, 'old', 'AT_KEYEXCHANGE')).finalize();
    const { notes } = await key.getProperty('posture');
    expect(notes).toEqual(['RSA with 1024 bits: too short for anything new']);
  });
});

describe('a folder of 200 keys', () => {
  it('is written, listed and read by many at the same time', async () => {
    await using provider = await home.open();
    const names = Array.from({ length: 200 }, (_, n) => `key ${n}`);
    await Promise.all(names.map((name) => keyIn(provider, name)));
    const listed: string[] = [];
    for await (const { name } of provider.listKeys()) listed.push(name);
    expect(listed.toSorted()).toEqual(names.toSorted());
    await Promise.all(names.slice(0, 10).map((name) => provider.openKey(name, 'AT_KEYEXCHANGE')));
  });
});
