/** Per-boot keys: gone with the boot that they were made in. */
import { chmod, mkdir, readdir, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tmpfsBootSecret } from '../../../lib/providers/software/index.ts';
import type { SoftwareProvider } from '../../../lib/providers/software/index.ts';
import { codeOfAsync } from '../../support/errors.ts';
import { keyHome, machine, passphrase, type KeyHome } from '../../support/software-provider.ts';

const TMPFS = 0x01021994;
const EXT4 = 0xef53;

let home: KeyHome;
beforeEach(async () => {
  home = await keyHome();
});
afterEach(() => home.remove());

async function perBootKey(provider: SoftwareProvider, name = 'boot') {
  const pending = await provider.createPersistedKey('ECDH_P256', name, 'AT_KEYEXCHANGE', {
    isolation: 'prefer-vbs',
    perBoot: true,
  });
  return pending.finalize();
}

describe('a per-boot key', () => {
  it('is opened by every process of its boot, and by none of the next', async () => {
    const bootSecret = machine();
    await using provider = await home.open({ bootSecret });
    await perBootKey(provider);
    await using other = await home.open({ bootSecret });
    const key = await other.openKey('boot', 'AT_KEYEXCHANGE');
    await key.setProperty('custom:changed', Uint8Array.of(1));
    bootSecret.restart();
    await using later = await home.open({ bootSecret });
    expect(await codeOfAsync(later.openKey('boot', 'AT_KEYEXCHANGE'))).toBe('KEY_PER_BOOT_GONE');
    await perBootKey(later, 'next');
    expect(await codeOfAsync(later.openKey('boot', 'AT_KEYEXCHANGE'))).toBe('KEY_PER_BOOT_GONE');
    expect(await codeOfAsync(later.openKey('next', 'AT_KEYEXCHANGE'))).toBe('none');
  });

  it('says so in its posture', async () => {
    await using provider = await home.open({ bootSecret: machine() });
    const posture = await (await perBootKey(provider)).getProperty('posture');
    expect(posture).toMatchObject({
      perBoot: true,
      onDisk: 'sealed file under machine-secret and the secret of this boot',
      survives: { reboot: false, newMachine: false },
    });
  });

  it('leaves its name to be overwritten after a restart', async () => {
    const bootSecret = machine();
    await using provider = await home.open({ bootSecret });
    await perBootKey(provider);
    bootSecret.restart();
    const pending = await provider.createPersistedKey('ECDH_P256', 'boot', 'AT_KEYEXCHANGE', {
      overwrite: true,
    });
    await pending.finalize();
    expect(await codeOfAsync(provider.openKey('boot', 'AT_KEYEXCHANGE'))).toBe('none');
  });

  it('asks for no passphrase where it is gone', async () => {
    const bootSecret = machine();
    await using writer = await home.open({ bootSecret, protector: passphrase('right').protector });
    await perBootKey(writer);
    bootSecret.restart();
    const { protector, asked } = passphrase('right');
    await using provider = await home.open({ bootSecret, protector });
    expect(await codeOfAsync(provider.openKey('boot', 'AT_KEYEXCHANGE'))).toBe('KEY_PER_BOOT_GONE');
    expect(asked()).toBe(0);
  });

  // The legacy store has no isolation, and it outlives a boot.
  it.each([true, false])(
    'does not go to the legacy store, isolated, per boot %s',
    async (perBoot) => {
      await using provider = await home.open({ bootSecret: machine() });
      const pending = await provider.createPersistedKey('RSA', 'boot', 'AT_KEYEXCHANGE', {
        isolation: 'prefer-vbs',
        perBoot,
      });
      const finalized = pending.finalize({ writeToLegacyStore: true });
      expect(await codeOfAsync(finalized)).toBe('FLAGS_INVALID');
    },
  );
});

describe.skipIf(process.platform === 'win32')('the boot secret on a memory file system', () => {
  const on = (type: number, ...folders: string[]) =>
    tmpfsBootSecret({ folders, fileSystemType: () => Promise.resolve(type) });

  it('is 32 random bytes for its owner alone, the same for all who ask at the same time', async () => {
    const folder = join(home.folder, 'run');
    const secrets = await Promise.all(Array.from({ length: 8 }, () => on(TMPFS, folder).create()));
    const texts = new Set(secrets.map(({ bytes }) => Buffer.from(bytes).toString('hex')));
    expect(texts.size).toBe(1);
    expect(secrets[0]!.length).toBe(32);
    const [name] = await readdir(folder);
    expect((await stat(join(folder, name!))).mode & 0o777).toBe(0o600);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    using current = (await on(TMPFS, folder).present())[0]!;
    expect(texts.has(Buffer.from(current.bytes).toString('hex'))).toBe(true);
  });

  it('is not there before it is made', async () => {
    expect(await on(TMPFS, join(home.folder, 'run')).present()).toEqual([]);
  });

  it('is never put on a disk', async () => {
    const folder = join(home.folder, 'run');
    expect(await codeOfAsync(on(EXT4, folder).create())).toBe('NOT_SUPPORTED');
    expect(await readdir(folder)).toEqual([]);
    (await on(TMPFS, folder).create()).dispose();
    expect(await on(EXT4, folder).present()).toEqual([]);
  });

  it('is never put into a folder that others can enter, or that is a link', async () => {
    const open = join(home.folder, 'open');
    await mkdir(open);
    await chmod(open, 0o755);
    const link = join(home.folder, 'link');
    const target = join(home.folder, 'target');
    await mkdir(target, { mode: 0o700 });
    await symlink(target, link);
    expect(await codeOfAsync(on(TMPFS, open, link).create())).toBe('NOT_SUPPORTED');
    expect([...(await readdir(open)), ...(await readdir(target))]).toEqual([]);
  });

  it('takes the next folder where the first cannot be used', async () => {
    const missing = join(home.folder, 'no', 'such', 'folder');
    const folder = join(home.folder, 'run');
    (await on(TMPFS, missing, folder).create()).dispose();
    expect(await readdir(folder)).toHaveLength(1);
  });

  it.skipIf(process.platform !== 'linux')('is found on this machine’s own tmpfs', async () => {
    const folder = `/dev/shm/keycask-test-${process.pid}`;
    const secret = tmpfsBootSecret({ folders: [folder] });
    try {
      (await secret.create()).dispose();
      expect(await readdir(folder)).toHaveLength(1);
    } finally {
      const { rm } = await import('node:fs/promises');
      await rm(folder, { recursive: true, force: true });
    }
  });
});
