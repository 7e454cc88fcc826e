/** An agent's settings: agent.json, its access list, its trust folder. */
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { userInfo } from 'node:os';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  rulesOf,
  withEntry,
  withLegacyKey,
  withoutEntry,
} from '../../../lib/agent/access-settings.ts';
import {
  DEFAULT_CONFIGURATION,
  readConfiguration,
  writeConfiguration,
  type AgentConfiguration,
} from '../../../lib/agent/agent-configuration.ts';
import { AgentFolder } from '../../../lib/agent/agent-folder.ts';
import { addTrusted, listTrusted, removeTrusted } from '../../../lib/agent/trust-folder.ts';
import { userName, userNumber } from '../../../lib/platform/users.ts';
import { SessionKeyStore } from '../../../lib/session-key-store.ts';
import { hasModes, testAsRoot } from '../../support/permissions.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { throwAwayUser } from '../../support/throw-away-user.ts';

describe('agent.json', () => {
  test('is read as it was written', async () => {
    const folder = await newFolder();
    expect(await readConfiguration(folder)).toBe(undefined);
    const configuration: AgentConfiguration = {
      ...DEFAULT_CONFIGURATION,
      protector: 'passphrase',
      users: ['ann', '1000'],
      access: [{ users: 'all', keys: ['reports*'], rights: ['list', 'unwrap'] }],
      legacyKeys: ['old'],
      idleLockMinutes: 15,
    };
    await writeConfiguration(folder, configuration);
    expect(await readConfiguration(folder)).toEqual(configuration);
  });

  test.runIf(hasModes)('is its owner’s alone', async () => {
    const folder = await newFolder();
    await writeConfiguration(folder, DEFAULT_CONFIGURATION);
    expect((await stat(folder.configuration)).mode & 0o777).toBe(0o600);
  });

  test.each([
    ['no JSON', '{'],
    ['a list', '[]'],
    ['another version', JSON.stringify({ ...DEFAULT_CONFIGURATION, version: 2 })],
    ['a field that is not known', JSON.stringify({ ...DEFAULT_CONFIGURATION, readOnly: true })],
    ['another provider', JSON.stringify({ ...DEFAULT_CONFIGURATION, provider: 'cng' })],
    ['users that are no list', JSON.stringify({ ...DEFAULT_CONFIGURATION, users: 'all' })],
    [
      'a right that is not known',
      JSON.stringify({
        ...DEFAULT_CONFIGURATION,
        access: [{ users: 'all', keys: ['*'], rights: ['everything'] }],
      }),
    ],
    [
      'a lock after a negative time',
      JSON.stringify({ ...DEFAULT_CONFIGURATION, idleLockMinutes: -1 }),
    ],
  ])('with %s is refused, not guessed', async (_, text) => {
    const folder = await newFolder();
    await writeFile(folder.configuration, text);
    await expect(readConfiguration(folder)).rejects.toMatchObject({ code: 'BLOB_MALFORMED' });
  });

  test.runIf(hasModes)(
    'lies in a folder of the agent’s user alone, or the agent does not start with it',
    async () => {
      const folder = await newFolder();
      await folder.requireOwn();
      const open = new AgentFolder(join(folder.path, 'open'));
      await mkdir(open.path, { mode: 0o755 });
      await expect(open.create()).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
      expect(await readdir(open.path)).toEqual([]);
      await expect(open.requireOwn()).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    },
  );

  testAsRoot('stays readable for the agent’s user when root writes it', async () => {
    const user = await throwAwayUser();
    onTestFinished(() => user.remove());
    const folder = await newFolder();
    const { chown } = await import('node:fs/promises');
    await chown(folder.path, user.uid, user.gid);
    await writeConfiguration(folder, DEFAULT_CONFIGURATION);
    expect((await stat(folder.configuration)).uid).toBe(user.uid);
    await expect(folder.requireOwn()).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
  });
});

describe('the access list', () => {
  const { username, uid } = userInfo();

  test('without entries lets whoever may connect do everything but export and open legacy blobs', async () => {
    const [rule, ...others] = await rulesOf(DEFAULT_CONFIGURATION);
    expect(others).toEqual([]);
    expect(rule?.users).toBe('all');
    expect(rule?.rights).toEqual([
      'list',
      'unwrap',
      'sign',
      'create',
      'change',
      'delete',
      'manage',
    ]);
  });

  test('with a first entry limits its users, lets them connect, and leaves the others what they had', () => {
    const present: AgentConfiguration = { ...DEFAULT_CONFIGURATION, users: ['bob', 'carol'] };
    const entry = { users: ['bob', 'dave'], keys: ['reports*'], rights: ['unwrap'] } as const;
    const next = withEntry(present, entry, username);
    expect(next.users).toEqual(['bob', 'carol', 'dave']);
    expect(next.access?.map(({ users }) => users)).toEqual([
      [username, 'carol'],
      ['bob', 'dave'],
    ]);
    expect(next.access?.[1]).toEqual(entry);
  });

  test('loses the entry that is named, and no other', () => {
    const entry = { users: 'all', keys: ['*'], rights: ['list'] } as const;
    const two = withEntry(withEntry(DEFAULT_CONFIGURATION, entry, username), entry, username);
    expect(withoutEntry(two, 0).access).toHaveLength(2);
    expect(() => withoutEntry(two, 3)).toThrow('there is no entry 3');
    expect(() => withoutEntry(DEFAULT_CONFIGURATION, 0)).toThrow('there is no entry 0');
  });

  test('has rules for legacy keys and exports only where these are switched on', async () => {
    const on = withLegacyKey({ ...DEFAULT_CONFIGURATION, allowExport: true }, 'old', true);
    expect((await rulesOf(on)).slice(1)).toEqual([
      { users: 'all', keys: ['old'], rights: ['legacy'] },
      { users: 'all', rights: ['export'] },
    ]);
    expect(withLegacyKey(on, 'old', false).legacyKeys).toEqual([]);
  });

  test('names users as the system does; one that there is not is refused', async () => {
    const access = [{ users: [username, '4242'], keys: ['*'], rights: ['list'] }] as const;
    const [rule] = await rulesOf({ ...DEFAULT_CONFIGURATION, access });
    expect(rule?.users).toEqual([uid, 4242]);
    expect(await userName(uid)).toBe(username);
    expect(await userName(4_242_424)).toBe('4242424');
    for (const user of ['no-such-user-here', '--help', '', 'a:b', '4294967295'])
      await expect(userNumber(user)).rejects.toMatchObject({ code: 'PARAMETER_INVALID' });
  });
});

describe('the trust folder', () => {
  test('lists, adds and removes signers by their key identifiers', async () => {
    const { trust } = await newFolder();
    const alice = await signingCertificate();
    const bob = await signingCertificate();
    const { keyId } = await addTrusted(trust, alice);
    await addTrusted(trust, alice);
    await addTrusted(trust, bob);
    expect((await listTrusted(trust)).map(({ certificate }) => certificate)).toHaveLength(2);
    expect(await readFile(join(trust, `${keyId}.cer`))).toEqual(Buffer.from(alice));
    expect((await removeTrusted(trust, keyId.slice(0, 8))).keyId).toBe(keyId);
    expect((await listTrusted(trust)).map(({ certificate }) => certificate)).toEqual([bob]);
  });

  test('counts a file that is no certificate for nothing, and takes none in', async () => {
    const { trust } = await newFolder();
    await writeFile(join(trust, 'notes.cer'), 'not a certificate');
    expect(await listTrusted(trust)).toEqual([]);
    await expect(addTrusted(trust, new Uint8Array(100))).rejects.toMatchObject({
      code: 'BLOB_MALFORMED',
    });
    await expect(removeTrusted(trust, 'abcd')).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
  });
});

async function newFolder(): Promise<AgentFolder> {
  const place = await temporaryFolder();
  onTestFinished(() => place.remove());
  const folder = new AgentFolder(join(place.path, 'agent'));
  await folder.create();
  return folder;
}

async function signingCertificate(): Promise<Uint8Array> {
  await using store = await SessionKeyStore.inMemory();
  return Uint8Array.from(await store.certificate('signature'));
}
