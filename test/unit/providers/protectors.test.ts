/** Protectors: the machine secret and the passphrase, and changing one for the other. */
import { chmod, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SecretBytes } from '../../../lib/keys/secret-bytes.ts';
import { decodeKeyFile } from '../../../lib/providers/key-files/key-file.ts';
import {
  machineSecretProtector,
  passphraseProtector,
} from '../../../lib/providers/software/index.ts';
import { codeOf, codeOfAsync } from '../../support/errors.ts';
import {
  filesIn,
  isOnDisk,
  keyHome,
  keyIn,
  LITTLE,
  passphrase,
  type KeyHome,
} from '../../support/software-provider.ts';

let home: KeyHome;
beforeEach(async () => {
  home = await keyHome();
});
afterEach(() => home.remove());

const open = async (options: Parameters<KeyHome['open']>[0], name = 'key'): Promise<string> => {
  await using provider = await home.open(options);
  return await codeOfAsync(provider.openKey(name, 'AT_KEYEXCHANGE'));
};

describe('the machine secret', () => {
  it('is made with the first key, for nobody but its owner, outside the home', async () => {
    await using provider = await home.open();
    expect(await codeOfAsync(stat(home.state))).not.toBe('none');
    await keyIn(provider, 'key');
    const secret = await stat(join(home.state, 'machine-secret'));
    expect(secret.size).toBe(32);
    if (process.platform === 'win32') return;
    expect(secret.mode & 0o777).toBe(0o600);
    expect((await stat(home.state)).mode & 0o777).toBe(0o700);
  });

  it('is one for all who make it at the same time', async () => {
    const protectors = Array.from({ length: 12 }, () =>
      machineSecretProtector({ folder: home.state }),
    );
    using fileKey = SecretBytes.random(32);
    const sealed = await Promise.all(protectors.map((protector) => protector.wrap(fileKey)));
    const reader = machineSecretProtector({ folder: home.state });
    for (const one of sealed) {
      using opened = await reader.unwrap(one);
      expect(Buffer.from(opened.bytes).equals(fileKey.bytes)).toBe(true);
    }
  });

  it('is not made by opening: without it a key is out of reach, and stays so', async () => {
    await using provider = await home.open();
    await keyIn(provider, 'key');
    await rm(home.state, { recursive: true });
    expect(await open({})).toBe('PROTECTOR_UNAVAILABLE');
    expect(await open({})).toBe('PROTECTOR_UNAVAILABLE');
    await using fresh = await home.open();
    await keyIn(fresh, 'other');
    expect(await open({}, 'other')).toBe('none');
    expect(await open({})).toBe('PROTECTOR_UNAVAILABLE');
  });

  it.skipIf(process.platform === 'win32')('is refused when others could have read it', async () => {
    await using provider = await home.open();
    await keyIn(provider, 'key');
    await chmod(join(home.state, 'machine-secret'), 0o640);
    expect(await open({})).toBe('PERMISSION_DENIED');
  });

  it('is refused when it is cut or continued', async () => {
    await using provider = await home.open();
    await keyIn(provider, 'key');
    const path = join(home.state, 'machine-secret');
    await writeFile(path, new Uint8Array(33));
    expect(await open({})).toBe('KEY_FILE_DAMAGED');
    await truncate(path, 31);
    expect(await open({})).toBe('KEY_FILE_DAMAGED');
  });
});

describe('the passphrase', () => {
  it('opens with the right one and refuses the wrong one', async () => {
    await using provider = await home.open({ protector: passphrase('right').protector });
    await keyIn(provider, 'key');
    expect(await open({ protector: passphrase('right').protector })).toBe('none');
    expect(await open({ protector: passphrase('wrong').protector })).toBe('PASSWORD_WRONG');
    expect(await open({ protector: passphrase('').protector })).toBe('PASSWORD_WRONG');
    expect(await open({})).toBe('PROTECTOR_UNAVAILABLE');
  });

  it('is asked for once a process, whatever number of keys is opened and made', async () => {
    const writer = passphrase('right');
    await using provider = await home.open({ protector: writer.protector });
    await keyIn(provider, 'key');
    await keyIn(provider, 'key', 'AT_SIGNATURE');
    expect(writer.asked()).toBe(1);
    const reader = passphrase('right');
    await using again = await home.open({ protector: reader.protector });
    await Promise.all([
      again.openKey('key', 'AT_KEYEXCHANGE'),
      again.openKey('key', 'AT_SIGNATURE'),
    ]);
    const key = await again.openKey('key', 'AT_KEYEXCHANGE');
    await key.setProperty('custom:more', Uint8Array.of(1));
    await keyIn(again, 'another');
    expect(reader.asked()).toBe(1);
    await again.close();
    await using third = await home.open({ protector: reader.protector });
    await third.openKey('another', 'AT_KEYEXCHANGE');
    expect(reader.asked()).toBe(2);
  });

  it('is asked for again after a wrong one', async () => {
    await using writer = await home.open({ protector: passphrase('right').protector });
    await keyIn(writer, 'key');
    const answers = ['wrong', 'right'];
    const protector = passphraseProtector({
      passphrase: async () => SecretBytes.copy(Buffer.from(answers.shift()!)),
      cost: LITTLE,
    });
    await using provider = await home.open({ protector });
    expect(await codeOfAsync(provider.openKey('key', 'AT_KEYEXCHANGE'))).toBe('PASSWORD_WRONG');
    expect(await codeOfAsync(provider.openKey('key', 'AT_KEYEXCHANGE'))).toBe('none');
  });

  it('is asked for again after asking failed', async () => {
    let fails = true;
    const protector = passphraseProtector({
      passphrase: async () => {
        if (fails) throw new TypeError('interrupted');
        return SecretBytes.copy(Buffer.from('right'));
      },
      cost: LITTLE,
    });
    await using provider = await home.open({ protector });
    await expect(keyIn(provider, 'key')).rejects.toThrow('interrupted');
    fails = false;
    await keyIn(provider, 'key');
  });

  it('is not asked for silently, and not where there is nobody to ask', async () => {
    await using writer = await home.open({ protector: passphrase('right').protector });
    await keyIn(writer, 'key');
    const { protector, asked } = passphrase('right');
    await using provider = await home.open({ protector });
    const silently = provider.openKey('key', 'AT_KEYEXCHANGE', { silent: true });
    expect(await codeOfAsync(silently)).toBe('PASSWORD_REQUIRED');
    const pending = await provider.createPersistedKey('ECDH_P256', 'new', 'AT_KEYEXCHANGE', {
      silent: true,
    });
    expect(await codeOfAsync(pending.finalize())).toBe('PASSWORD_REQUIRED');
    expect(asked()).toBe(0);
    await provider.openKey('key', 'AT_KEYEXCHANGE');
    await provider.openKey('key', 'AT_KEYEXCHANGE', { silent: true });
    await pending.finalize();
    expect(await open({ protector: passphraseProtector({ cost: LITTLE }) })).toBe(
      'PASSWORD_REQUIRED',
    );
  });

  it('costs at least 64 MiB, 3 iterations and 4 lanes unless a test says less', async () => {
    const protector = passphraseProtector({
      passphrase: async () => SecretBytes.copy(Buffer.from('right')),
    });
    await using provider = await home.open({ protector });
    await keyIn(provider, 'key');
    const { parameters } = decodeKeyFile(await readFile((await filesIn(home.keys))[0]!)).protector;
    // Argon2idParams: salt (18 bytes), memoryKiB 65536, iterations, parallelism 4, keyLength 32
    const cost = Buffer.from(parameters).subarray(20).toString('hex');
    expect(cost).toMatch(/^02030100000201..020104020120$/);
    // Calibrated to the machine: 3 at least, 16 at most.
    const iterations = Number.parseInt(cost.slice(14, 16), 16);
    expect(iterations).toBeGreaterThanOrEqual(3);
    expect(iterations).toBeLessThanOrEqual(16);
  });

  it('refuses costs that no reader accepts', () => {
    const make = (cost: Partial<typeof LITTLE>) => () =>
      passphraseProtector({ cost: { ...LITTLE, ...cost } });
    expect(codeOf(make({ memoryKiB: 8191 }))).toBe('PARAMETER_INVALID');
    expect(codeOf(make({ iterations: 17 }))).toBe('PARAMETER_INVALID');
    expect(codeOf(make({ parallelism: 0.5 }))).toBe('PARAMETER_INVALID');
  });

  it('is not stretched less for new keys than was asked, whatever cheap seal was opened', async () => {
    await using cheap = await home.open({ protector: passphrase('right').protector });
    await keyIn(cheap, 'cheap');
    const cost = { ...LITTLE, iterations: 2 };
    const protector = passphraseProtector({
      passphrase: async () => SecretBytes.copy(Buffer.from('right')),
      cost,
    });
    await using provider = await home.open({ protector });
    await provider.openKey('cheap', 'AT_KEYEXCHANGE');
    await keyIn(provider, 'dear');
    const files = await Promise.all((await filesIn(home.keys)).map((path) => readFile(path)));
    const dear = files.map((bytes) => decodeKeyFile(bytes)).find((f) => f.facts.name === 'dear');
    expect(Buffer.from(dear!.protector.parameters).toString('hex')).toMatch(/020102020101020120$/);
  });
});

describe('changing the protector', () => {
  it('seals a key under the new one only, and keeps everything else', async () => {
    await using provider = await home.open();
    const key = await keyIn(provider, 'key');
    await key.setProperty('custom:kept', Uint8Array.of(7));
    const { protector } = passphrase('right');
    await provider.changeProtector('key', 'AT_KEYEXCHANGE', protector);
    const again = await provider.openKey('key', 'AT_KEYEXCHANGE');
    expect(again.publicKey).toEqual(key.publicKey);
    expect(await again.getProperty('custom:kept')).toEqual(Uint8Array.of(7));
    expect((await again.getProperty('posture')).onDisk).toBe('sealed file under passphrase');
    expect(await open({})).toBe('PROTECTOR_UNAVAILABLE');
    expect(await open({ protector: passphrase('right').protector })).toBe('none');
    expect(await filesIn(home.keys)).toHaveLength(1);
  });

  it('changes one passphrase for another', async () => {
    await using provider = await home.open({ protector: passphrase('old').protector });
    await keyIn(provider, 'key');
    await provider.changeProtector('key', 'AT_KEYEXCHANGE', passphrase('new').protector);
    expect(await open({ protector: passphrase('old').protector })).toBe('PASSWORD_WRONG');
    expect(await open({ protector: passphrase('new').protector })).toBe('none');
    const otherProtectors = [passphrase('new').protector];
    expect(await open({ protector: passphrase('old').protector, otherProtectors })).toBe('none');
  });

  it('is refused without the old one, and for a key that is not there', async () => {
    await using provider = await home.open({ protector: passphrase('old').protector });
    await keyIn(provider, 'key');
    await using stranger = await home.open({ protector: passphrase('guess').protector });
    const { protector } = passphrase('new');
    expect(await codeOfAsync(stranger.changeProtector('key', 'AT_KEYEXCHANGE', protector))).toBe(
      'PASSWORD_WRONG',
    );
    expect(await codeOfAsync(provider.changeProtector('none', 'AT_KEYEXCHANGE', protector))).toBe(
      'CONTAINER_NOT_FOUND',
    );
    expect(await open({ protector: passphrase('old').protector })).toBe('none');
  });

  it('seals the copy in the legacy store as well', async () => {
    await using provider = await home.open();
    const pending = await provider.createPersistedKey('RSA', 'key', 'AT_KEYEXCHANGE');
    await pending.setProperty('length', 2048);
    await pending.finalize({ writeToLegacyStore: true });
    await provider.changeProtector('key', 'AT_KEYEXCHANGE', passphrase('right').protector);
    for (const path of await filesIn(home.keys))
      expect(decodeKeyFile(await readFile(path)).protector.name).toBe('passphrase');
  });
});

describe('what lies on disk', () => {
  it('is never a private key in plain text, in any form', async () => {
    await using provider = await home.open();
    const { protector } = passphrase('right');
    await using sealed = await home.open({ protector });
    for (const [n, opened] of [provider, sealed].entries()) {
      const pending = await opened.createPersistedKey('RSA', `rsa ${n}`, 'AT_KEYEXCHANGE');
      await pending.setProperty('length', 2048);
      const rsa = await pending.finalize({ writeToLegacyStore: true });
      const ec = await keyIn(opened, `ec ${n}`, 'AT_SIGNATURE');
      using pkcs8 = await ec.exportKey('pkcs8');
      using blob = await rsa.exportKey('PRIVATEKEYBLOB');
      using der = await rsa.exportKey('pkcs8');
      // The scalar of P-256 begins after 36 bytes; p of a PRIVATEKEYBLOB after header, RSAPUBKEY and modulus.
      expect(await isOnDisk(home.folder, pkcs8.bytes.subarray(36, 52))).toBe(false);
      expect(await isOnDisk(home.folder, blob.bytes.subarray(20 + 256, 20 + 256 + 16))).toBe(false);
      expect(await isOnDisk(home.folder, der.bytes.subarray(600, 616))).toBe(false);
    }
    expect(await isOnDisk(home.folder, Buffer.from('right'))).toBe(false);
  });

  it.skipIf(process.platform === 'win32')('is for nobody but its owner: 0600 in 0700', async () => {
    await using provider = await home.open();
    await keyIn(provider, 'key');
    for (const path of await filesIn(home.keys))
      expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(home.keys)).mode & 0o777).toBe(0o700);
    expect((await stat(join(home.keys, 'user'))).mode & 0o777).toBe(0o700);
  });

  it('is one file for each key, after whatever number of changes', async () => {
    await using provider = await home.open();
    const key = await keyIn(provider, 'key');
    for (let n = 0; n < 5; n++) await key.setProperty('custom:n', Uint8Array.of(n));
    expect(await filesIn(home.keys)).toHaveLength(1);
  });
});
