/**
 * The dpapi protector on DPAPI itself.
 *
 * Wine's DPAPI has the calls and the failures but no secret that it keeps: what these tests show of it is that keycask calls it
 * rightly, and not that another account could not open a key.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadCrypt32 } from '../../native-bindings/crypt32.ts';
import { concatBytes, encodeUtf8, toHex } from '../../lib/bytes/octets.ts';
import { encryptFile } from '../../lib/encrypt-file.ts';
import { SecretBytes } from '../../lib/keys/secret-bytes.ts';
import { decodeKeyFile } from '../../lib/providers/key-files/key-file.ts';
import {
  dpapiProtector,
  machineSecretProtector,
  openSoftwareProvider,
  type ProtectedFileKey,
  type Protector,
} from '../../lib/providers/software/index.ts';
import { LIMITS } from '../../lib/providers/rules/limits.ts';
import { SessionKeyStore } from '../../lib/session-key-store.ts';
import { testProvider } from '../../lib/testing/index.ts';
import { codeOfAsync } from '../support/errors.ts';
import { forkTest, race } from '../support/fork.ts';
import { filesIn, keyHome, keyIn, passphrase, type KeyHome } from '../support/software-provider.ts';
import { FULL_CAPABILITIES } from '../support/capabilities.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { newStore, secretText } from '../support/temporary-home.ts';

const OF_WINE = "Wine's keeps no real secret";

testProvider(
  `software under DPAPI (${OF_WINE})`,
  async () => {
    const folder = await temporaryFolder();
    const open = () =>
      openSoftwareProvider({ folder: join(folder.path, 'keys'), protector: dpapiProtector() });
    return { provider: await open(), openAgain: open, dispose: () => folder.remove() };
  },
  { describe, it, skip: it.skip, capabilities: FULL_CAPABILITIES },
);

let home: KeyHome;
beforeEach(async () => {
  home = await keyHome();
});
afterEach(() => home.remove());

/** The code that opening `key` under a protector, and no other, fails with. */
const open = async (protector: Protector): Promise<string> => {
  await using provider = await home.open({ protector });
  return await codeOfAsync(provider.openKey('key', 'AT_KEYEXCHANGE'));
};

async function sealed(protector: Protector): Promise<ProtectedFileKey> {
  using fileKey = SecretBytes.copy(new Uint8Array(32).fill(7));
  return await protector.wrap(fileKey, { silent: true });
}

describe(`a seal of DPAPI (${OF_WINE})`, () => {
  it('is opened by the protector that made it, and by another of the same options', async () => {
    const mine = await sealed(dpapiProtector());
    for (const protector of [dpapiProtector(), dpapiProtector({ description: 'other' })]) {
      using fileKey = await protector.unwrap(mine, { silent: true });
      expect(toHex(fileKey.bytes)).toBe('07'.repeat(32));
    }
  });

  it('is as docs/formats/key-file.md says: entropy and description are those of the format', async () => {
    const { name, parameters, wrappedFileKey } = await sealed(dpapiProtector());
    expect(name).toBe('dpapi');
    expect(toHex(parameters.subarray(0, 7))).toBe('30150a01000410');
    expect(parameters).toHaveLength(23);
    const crypt32 = await loadCrypt32();
    const entropy = concatBytes(encodeUtf8('keycask key file entropy v1'), parameters.subarray(7));
    const { data, description } = crypt32.unprotectData(wrappedFileKey, { entropy });
    expect(description).toBe('keycask key file');
    expect(toHex(data)).toBe('07'.repeat(32));
  });

  it('fits a key file with the longest description', async () => {
    const long = dpapiProtector({ description: '€'.repeat(256) });
    expect((await sealed(dpapiProtector())).wrappedFileKey.length).toBeLessThan(512);
    const { wrappedFileKey } = await sealed(long);
    expect(wrappedFileKey.length).toBeGreaterThan(512);
    expect(wrappedFileKey.length).toBeLessThan(LIMITS.wrappedFileKey.max);
  });

  it('has entropy of its own: that of another seal does not open it', async () => {
    const [one, other] = [await sealed(dpapiProtector()), await sealed(dpapiProtector())];
    const mixed = { ...one, parameters: other.parameters };
    expect(await codeOfAsync(dpapiProtector().unwrap(mixed))).toBe('KEY_FILE_DAMAGED');
  });

  it("needs the program's entropy where there is some", async () => {
    const entropy = Uint8Array.of(1, 2, 3);
    const mine = await sealed(dpapiProtector({ entropy }));
    expect(await codeOfAsync(dpapiProtector({ entropy }).unwrap(mine))).toBe('none');
    for (const wrong of [{}, { entropy: Uint8Array.of(1, 2, 4) }])
      expect(await codeOfAsync(dpapiProtector(wrong).unwrap(mine))).toBe('KEY_FILE_DAMAGED');
  });

  it('does not hold what is longer or shorter than a file key', async () => {
    const { parameters } = await sealed(dpapiProtector());
    const crypt32 = await loadCrypt32();
    const entropy = concatBytes(encodeUtf8('keycask key file entropy v1'), parameters.subarray(7));
    for (const length of [16, 31, 33]) {
      const wrappedFileKey = crypt32.protectData(new Uint8Array(length), { entropy });
      const odd = { name: 'dpapi', parameters, wrappedFileKey };
      expect(await codeOfAsync(dpapiProtector().unwrap(odd))).toBe('KEY_FILE_DAMAGED');
    }
  });

  it('that was cut is damaged; the error tells nothing of how Windows noticed', async () => {
    const { wrappedFileKey, ...rest } = await sealed(dpapiProtector());
    for (const length of [0, 20, 40, wrappedFileKey.length - 1]) {
      const cut = { ...rest, wrappedFileKey: wrappedFileKey.subarray(0, length) };
      await expect(dpapiProtector().unwrap(cut)).rejects.toMatchObject({
        code: 'KEY_FILE_DAMAGED',
        native: undefined,
      });
    }
  });
});

describe(`a key file under DPAPI (${OF_WINE})`, () => {
  it('opens in another process, whether it is sealed for the user or for the machine', async () => {
    const made: string[] = [];
    for (const scope of ['user', 'machine'] as const) {
      await using provider = await home.open({ protector: dpapiProtector({ scope }) });
      made.push(toHex((await keyIn(provider, scope)).publicKey));
    }
    const child = await forkTest('windows/children/dpapi-process.ts', ['open', home.keys]);
    expect(await race<string[]>([child])).toEqual([made]);
  });

  it('opens without DPAPI nowhere', async () => {
    await using provider = await home.open({ protector: dpapiProtector() });
    await keyIn(provider, 'key');
    expect(await open(machineSecretProtector({ folder: home.state }))).toBe(
      'PROTECTOR_UNAVAILABLE',
    );
    expect(await open(passphrase('any').protector)).toBe('PROTECTOR_UNAVAILABLE');
  });

  it('for the machine does not open as one for the user, whose posture would not be true', async () => {
    await using provider = await home.open({ protector: dpapiProtector({ scope: 'machine' }) });
    const key = await keyIn(provider, 'key');
    expect(await open(dpapiProtector())).toBe('PROTECTOR_UNAVAILABLE');
    const { onDisk, readableBy, survives } = await key.getProperty('posture');
    expect(onDisk).toBe('sealed file under dpapi');
    expect(readableBy).toEqual(['every user of this machine']);
    expect(survives).toMatchObject({ passwordReset: true, newMachine: false, tpmClear: true });
  });

  it('tells in its posture who else can open it, and that it does not survive a password reset', async () => {
    await using provider = await home.open({ protector: dpapiProtector() });
    const key = await keyIn(provider, 'key');
    const { readableBy, usableBy, survives } = await key.getProperty('posture');
    expect(readableBy.slice(0, 2)).toEqual(['this user', 'administrators of this machine']);
    expect(usableBy).toEqual(readableBy);
    expect(survives).toEqual({
      passwordReset: false,
      newMachine: false,
      tpmClear: true,
      reboot: true,
    });
  });

  it('opens no more when any byte of the seal is another, as one of another machine would not', async () => {
    await using provider = await home.open({ protector: dpapiProtector() });
    await keyIn(provider, 'key');
    const [path] = (await filesIn(home.keys)) as [string];
    const whole = await readFile(path);
    const { wrappedFileKey, parameters } = decodeKeyFile(whole).protector;
    const first = whole.indexOf(Buffer.from(parameters));
    const end = whole.indexOf(Buffer.from(wrappedFileKey)) + wrappedFileKey.length;
    const codes = new Set<string>();
    for (let at = first; at < end; at += 3) {
      const changed = Buffer.from(whole);
      changed[at]! ^= 0x40;
      await writeFile(path, changed);
      codes.add(await open(dpapiProtector()));
    }
    // Windows, where the name of its own key was changed, looks for a key that is not there.
    codes.delete('PROTECTOR_UNAVAILABLE');
    expect([...codes]).toEqual(['KEY_FILE_DAMAGED']);
    await writeFile(path, whole);
    expect(await open(dpapiProtector())).toBe('none');
  });
});

describe(`changing the protector to and from DPAPI (${OF_WINE})`, () => {
  const protectors = {
    'machine-secret': () => machineSecretProtector({ folder: home.state }),
    passphrase: () => passphrase('right').protector,
    dpapi: () => dpapiProtector(),
    'dpapi for the machine': () => dpapiProtector({ scope: 'machine' }),
  };
  const names = Object.keys(protectors) as (keyof typeof protectors)[];
  const changes = names.flatMap((from) => names.map((to) => [from, to] as const));

  it.each(changes.filter(([from, to]) => from !== to))(
    'seals anew: %s, then %s',
    async (from, to) => {
      await using provider = await home.open({ protector: protectors[from]() });
      const key = await keyIn(provider, 'key');
      await key.setProperty('custom:kept', Uint8Array.of(7));
      await provider.changeProtector('key', 'AT_KEYEXCHANGE', protectors[to]());
      expect(await open(protectors[from]())).toBe('PROTECTOR_UNAVAILABLE');
      expect(await open(protectors[to]())).toBe('none');
      await using after = await home.open({ protector: protectors[to]() });
      const same = await after.openKey('key', 'AT_KEYEXCHANGE');
      expect(same.publicKey).toEqual(key.publicKey);
      expect(await same.getProperty('custom:kept')).toEqual(Uint8Array.of(7));
    },
  );
});

describe(`a home under DPAPI (${OF_WINE})`, () => {
  it('encrypts a file that another process decrypts', async () => {
    const { store, where } = await newStore({ protector: 'dpapi' });
    const folder = join(where.home, '..');
    await writeFile(join(folder, 'secret.txt'), 'quarterly figures');
    await encryptFile(store, join(folder, 'secret.txt'), join(folder, 'secret.cask'));
    const { exchange } = await store.showContainer();
    expect(exchange?.posture?.onDisk).toBe('sealed file under dpapi');
    await store.close();
    const child = await forkTest('windows/children/dpapi-process.ts', [
      'decrypt',
      folder,
      where.stateFolder,
    ]);
    expect(await race<string>([child])).toEqual(['quarterly figures']);
  });

  it('names DPAPI in keycask.json, and needs no machine secret', async () => {
    const { store, where } = await newStore({ protector: 'dpapi' });
    const configuration = await readFile(join(where.home, 'keycask.json'), 'utf8');
    expect(JSON.parse(configuration)).toEqual({
      version: 1,
      provider: 'software',
      protector: 'dpapi',
    });
    await expect(readFile(join(where.stateFolder, 'machine-secret'))).rejects.toMatchObject({
      code: 'ENOENT',
    });
    await store.rotateContainer();
    expect((await store.showContainer()).exchange?.posture?.onDisk).toContain('dpapi');
  });

  it('changes its protector, and opens under each', async () => {
    const { store, where } = await newStore();
    (await store.createKey('kept')).dispose();
    await store.close();
    const ask = { passphrase: () => Promise.resolve(secretText('pass')) };
    for (const protector of ['dpapi', 'passphrase', 'dpapi', 'machine-secret'] as const) {
      await using open = await SessionKeyStore.open({ ...where, ...ask });
      await open.protectContainer(protector, ask.passphrase);
      await using again = await SessionKeyStore.open({ ...where, ...ask });
      using key = await again.openKey('kept');
      expect(key.label).toBe('kept');
      expect((await again.showContainer()).exchange?.posture?.onDisk).toBe(
        `sealed file under ${protector}`,
      );
    }
  });

  it('opens after a change of the protector that ended between its two keys', async () => {
    const { store, where } = await newStore();
    (await store.createKey('kept')).dispose();
    await store.close();
    await using provider = await openSoftwareProvider({
      folder: join(where.home, 'keys'),
      protector: machineSecretProtector({ folder: where.stateFolder }),
    });
    await provider.changeProtector('default', 'AT_KEYEXCHANGE', dpapiProtector());
    await using again = await SessionKeyStore.open(where);
    using key = await again.openKey('kept');
    expect(key.label).toBe('kept');
    await again.protectContainer('dpapi');
    for (const path of await filesIn(join(where.home, 'keys')))
      expect(decodeKeyFile(await readFile(path)).protector.name).toBe('dpapi');
  });
});
