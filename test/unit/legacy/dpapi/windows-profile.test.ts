/** A copied profile: what is found in it, and what opens it. */
import { generateKeyPairSync } from 'node:crypto';
import { readdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KeyStoreError } from '../../../../lib/errors.ts';
import { listProfileFiles, WindowsProfile } from '../../../../lib/legacy/index.ts';
import { codeOfAsync } from '../../../support/errors.ts';
import { temporaryFolder, type TemporaryFolder } from '../../../support/temporary-folder.ts';
import {
  makeWindowsProfile,
  utf16,
  wrapForDomain,
  type MadeProfile,
} from '../../../support/windows-profile.ts';

const SID = 'S-1-5-21-494464150-3436831043-1864828003-1001';
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
const { privateKey: domain } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const CONTAINERS = {
  capi: [{ name: 'both', exchange: privateKey, signature: privateKey }],
  cng: [{ name: 'cng', type: 1, publicBlob: new Uint8Array(2), privateBlob: new Uint8Array(2) }],
};

let folder: TemporaryFolder;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

describe('a copied profile', () => {
  test('is listed without being opened, and without following links', async () => {
    const made = await makeProfile();
    await symlink(folder.path, path.join(folder.path, 'loop'));
    await writeFile(path.join(folder.path, 'README.txt'), 'no key');
    const kinds: string[] = [];
    for await (const file of listProfileFiles(folder.path)) kinds.push(file.kind);
    expect(kinds.toSorted()).toEqual([
      'container',
      'container',
      'cred-hist',
      'master-key',
      'preferred',
    ]);
    using profile = await WindowsProfile.open(folder.path);
    expect(profile.sids).toEqual([SID]);
    expect(profile.masterKeys.map(({ guid, sid }) => [guid, sid])).toEqual([[made.guid, SID]]);
    const containers = (await containersOf(profile)).map(({ format, sid }) => `${format} ${sid}`);
    expect(containers.toSorted()).toEqual([`capi ${SID}`, 'cng undefined']);
  });

  test('opens with the password of its user, and is not changed', async () => {
    await makeProfile();
    const before = await readdir(folder.path, { recursive: true });
    using profile = await WindowsProfile.open(folder.path, [
      { password: utf16('wrong') },
      { password: utf16('now') },
    ]);
    const names: string[] = [];
    for await (const file of profile.containers()) {
      using container = await profile.openContainer(file);
      names.push(container.name);
    }
    expect(names.toSorted()).toEqual(['both', 'cng']);
    expect(await readdir(folder.path, { recursive: true })).toEqual(before);
  });

  test('opens with the current password where the master key is under a former one', async () => {
    const made = await makeProfile({
      formerPasswords: ['before', 'first'],
      masterKeyPassword: 'first',
    });
    using profile = await WindowsProfile.open(folder.path, [{ password: utf16('now'), sid: SID }]);
    using container = await profile.openContainer(made.containers[0]!);
    expect(container.name).toBe('both');
    expect((await profile.openMasterKey(made.guid)).form).toBe('sha1');
  });

  test('opens with the backup key of the domain', async () => {
    const made = await makeProfile({
      sections: async (masterKey) => ({
        domainKey: wrapForDomain(masterKey, domain, { version: 2, backupKeyGuid: SOME_GUID }),
      }),
    });
    using profile = await WindowsProfile.open(folder.path, [{ domainKey: domain }]);
    expect((await profile.openMasterKey(made.guid)).form).toBe('domain-key');
  });

  test('says which master key no secret opens, and which one is not there', async () => {
    const made = await makeProfile();
    using profile = await WindowsProfile.open(folder.path, [
      { password: utf16('wrong') },
      { password: utf16('now'), sid: 'S-1-5-21-1-2-3-4' },
      { dpapiSystem: new Uint8Array(40) },
      { domainKey: domain },
    ]);
    const wrong: unknown = await profile
      .openContainer(made.containers[0]!)
      .catch((e: unknown) => e);
    expect(
      KeyStoreError.is(wrong) && [
        wrong.code,
        wrong.message.includes(made.guid),
        wrong.hint.includes(SID),
      ],
    ).toEqual(['PASSWORD_WRONG', true, true]);
    expect(await codeOfAsync(profile.openMasterKey(SOME_GUID))).toBe('KEY_NOT_FOUND');
    expect(await codeOfAsync(profile.openContainer(path.join(folder.path, 'none')))).toBe(
      'FILE_NOT_FOUND',
    );
  });

  test('wipes its master keys when it is disposed of', async () => {
    const made = await makeProfile();
    const profile = await WindowsProfile.open(folder.path, [{ password: utf16('now') }]);
    const { key } = await profile.openMasterKey(made.guid);
    profile[Symbol.dispose]();
    expect(key.disposed).toBe(true);
    expect(await codeOfAsync(profile.openMasterKey(made.guid))).toBe('HANDLE_INVALID');
  });

  test('that is not there is an error, or is told to whoever asks', async () => {
    const none = path.join(folder.path, 'none');
    expect(await codeOfAsync(WindowsProfile.open(none))).toBe('FILE_NOT_FOUND');
    const told: string[] = [];
    using profile = await WindowsProfile.open(none, [], {
      onUnreadable: ({ code }) => told.push(code),
    });
    expect([profile.masterKeys.length, told]).toEqual([0, ['FILE_NOT_FOUND']]);
  });
});

function makeProfile(
  options: Partial<Parameters<typeof makeWindowsProfile>[1]> = {},
): Promise<MadeProfile> {
  return makeWindowsProfile(folder.path, { sid: SID, password: 'now', ...CONTAINERS, ...options });
}

async function containersOf(profile: WindowsProfile) {
  const files = [];
  for await (const file of profile.containers()) files.push(file);
  return files;
}

const SOME_GUID = '00000000-1111-2222-3333-444444444444';
