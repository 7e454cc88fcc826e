/** What still opens after keys and containers were replaced, and what no longer does. */
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { encryptFile } from '../../lib/encrypt-file.ts';
import type { SessionKeyStore } from '../../lib/session-key-store.ts';
import { codeIn, keycask, type CommandEnd } from '../support/command-line.ts';
import { newStore, type TemporaryHome } from '../support/temporary-home.ts';

test('old files open after a re-wrap and after rotations of session key and container, by a fresh process each time', async () => {
  const { where } = await homeWithFiles();
  await expectAllToOpen(where);
  for (const args of [
    ['rewrap'],
    ['rotate', 'reports'],
    ['container', 'rotate'],
    ['rewrap'],
    ['container', 'rotate', '--algorithm', 'rsa-2048'],
    ['rotate', 'reports'],
    ['container', 'rotate', '--algorithm', 'p-384'],
  ]) {
    await ok(where, args);
    await expectAllToOpen(where);
    await ok(where, ['verify']);
  }
  const signers = jsonLines(await ok(where, ['trust', 'list', '--json']));
  expect(signers.map(({ state }) => String(state)).toSorted()).toEqual([
    'current',
    'retired',
    'retired',
    'retired',
  ]);
});

test('old files no longer open after their signer was revoked; re-wrapped ones and new ones do', async () => {
  const { where } = await homeWithFiles();
  await ok(where, ['container', 'rotate']);
  await ok(where, ['rewrap', 'kept.cask']);
  const [retired] = jsonLines(await ok(where, ['trust', 'list', '--json'])).filter(
    ({ state }) => state === 'retired',
  );
  await ok(where, ['trust', 'revoke', retired!['keyId']!]);
  for (const name of ['stored', 'header-only']) {
    const end = await keycask(where, ['decrypt', `${name}.cask`, '-o', 'no']);
    expect({ exit: end.code, code: codeIn(end) }).toEqual({
      exit: 3,
      code: 'BLOB_SIGNER_NOT_TRUSTED',
    });
  }
  expect(await decrypted(where, 'kept')).toBe('kept');
  // The store's own records were signed anew by the rotation.
  await ok(where, ['verify']);
  await ok(where, ['encrypt', 'stored', '-o', 'new.cask', '--key', 'reports']);
  expect(await decrypted(where, 'new')).toBe('stored');
  // Final: he cannot be trusted again.
  const end = await keycask(where, ['trust', 'revoke', retired!['keyId']!]);
  expect(end.code).not.toBeNull();
});

test('a file opens by the newer record of the store when the container of its header is gone', async () => {
  const { where } = await homeWithFiles();
  await ok(where, ['container', 'rotate']);
  const before = await readFile(join(dirname(where.home), 'stored.cask'));
  expect(await decrypted(where, 'stored')).toBe('stored');
  expect(await readFile(join(dirname(where.home), 'stored.cask'))).toEqual(before);
});

test('what a pinned colleague signed opens until he is revoked', async () => {
  const { store: mine, where } = await newStore();
  const { store: colleague } = await newStore();
  const folder = dirname(where.home);
  const recipients = [await mine.certificate('exchange')];
  await writeFile(join(folder, 'his'), 'his');
  await encryptFile(colleague, join(folder, 'his'), join(folder, 'his.cask'), { recipients });
  await mine.trustSigner(await colleague.certificate('signature'), 'colleague');
  expect(await decrypted(where, 'his')).toBe('his');
  await ok(where, ['trust', 'revoke', 'colleague']);
  const end = await keycask(where, ['decrypt', 'his.cask', '-o', 'no']);
  expect(codeIn(end)).toBe('BLOB_SIGNER_NOT_TRUSTED');
});

const NAMES = ['stored', 'header-only', 'kept'] as const;

/** Files of a stored key and of keys in headers only. */
async function homeWithFiles(): Promise<{ store: SessionKeyStore; where: TemporaryHome }> {
  const home = await newStore();
  const folder = dirname(home.where.home);
  (await home.store.createKey('reports')).dispose();
  for (const name of NAMES) {
    const [source, target] = [join(folder, name), join(folder, `${name}.cask`)];
    await writeFile(source, name);
    const options = name === 'header-only' ? { headerOnly: true } : { key: 'reports' };
    await encryptFile(home.store, source, target, options);
  }
  return home;
}

async function expectAllToOpen(where: TemporaryHome): Promise<void> {
  for (const name of NAMES) expect(await decrypted(where, name)).toBe(name);
}

async function decrypted(where: TemporaryHome, name: string): Promise<string> {
  return (await ok(where, ['decrypt', `${name}.cask`, '-o', '-'])).stdout.toString();
}

async function ok(where: TemporaryHome, args: readonly string[]): Promise<CommandEnd> {
  const end = await keycask(where, args);
  expect(end.code, `keycask ${args.join(' ')}: ${end.stderr}`).toBe(0);
  return end;
}

function jsonLines({ stdout }: CommandEnd): Record<string, string>[] {
  return stdout
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, string>);
}
