/** No secret is in any output, any file of a home, or anything that other processes can read of ours. */
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { describe, expect, test } from 'vitest';
import { exportRawKey } from '../../lib/insecure/index.ts';
import { SessionKeyStore } from '../../lib/session-key-store.ts';
import { keycask, type CommandEnd, type CommandOptions } from '../support/command-line.ts';
import { filesBelow } from '../support/folder-contents.ts';
import { watchProcess, type ProcessWatch } from '../support/process-facts.ts';
import { temporaryHome, type TemporaryHome } from '../support/temporary-home.ts';

/** Long and unlike anything else, so that every trace of them is one. */
const PASSPHRASE = 'MARKER-passphrase-q7Xv2';
const NEW_PASSPHRASE = 'MARKER-new-passphrase-j4Kd9';
const PASSWORD = 'MARKER-password-w8Zt5';
const WRONG = 'MARKER-wrong-m3Ph6';
const SECRETS = [PASSPHRASE, NEW_PASSPHRASE, PASSWORD, WRONG];
/** Files that the user wrote the secrets into. */
const GIVEN = ['passphrase', 'new-passphrase', 'password', 'wrong'];

describe('passphrases and passwords', () => {
  test('are in no output and no file, whatever succeeds or fails', async () => {
    const where = await homeOfSecrets();
    const ends: CommandEnd[] = [];
    for (const args of SUCCEEDING) {
      const end = await run(where, args);
      expect(end.code, `${args.join(' ')}: ${end.stderr}`).toBe(0);
      ends.push(end);
    }
    const failing = [...FAILING, ...FAILING.map((args) => [...args, '--json'])];
    for (const args of failing) {
      const end = await run(where, args);
      expect(end.code, args.join(' ')).toBeGreaterThan(0);
      ends.push(end);
    }
    for (const end of ends) expectClean('output', Buffer.concat([end.stdout, bytesOf(end.stderr)]));
    const folder = dirname(where.home);
    const files = (await filesBelow(folder)).filter((path) => !GIVEN.includes(path));
    expect(files.length).toBeGreaterThan(GIVEN.length);
    for (const path of files) expectClean(path, await readFile(join(folder, path)));
  });

  test('from the environment are in no output either, even of a failure that shows its stack', async () => {
    const where = await homeOfSecrets();
    const env = { KEYCASK_PASSPHRASE: WRONG, KEYCASK_PASSWORD: WRONG, KEYCASK_DEBUG: '1' };
    for (const args of [
      ['create', 'x'],
      ['decrypt', 'plain.cask'],
      ['no-such-command', '--json'],
      ['decrypt', '--no-such-option'],
    ]) {
      const end = await keycask(where, args, { env });
      expect(end.code).toBeGreaterThan(0);
      expectClean(args.join(' '), Buffer.concat([end.stdout, bytesOf(end.stderr)]));
    }
  });

  test.skipIf(process.platform !== 'linux')(
    'are in no command line and no environment of a process while it uses them',
    async () => {
      const where = await homeOfSecrets();
      await writeFile(join(dirname(where.home), 'larger'), Buffer.alloc(64 << 20, 'content '));
      let watch: ProcessWatch | undefined;
      const onStart = (pid: number) => (watch = watchProcess(pid));
      const args = ['encrypt', 'larger', '-o', 'larger.cask', '--password-file', 'password'];
      const end = await run(where, args, { onStart });
      expect(end.code, end.stderr).toBe(0);
      const { samples, commandLine, environment, hadChildren } = await watch!.finish();
      expect(samples).toBeGreaterThan(2);
      expect(hadChildren).toBe(false);
      expect(environment).toContain('KEYCASK_HOME');
      expectClean('command line', bytesOf(commandLine));
      expectClean('environment', bytesOf(environment));
    },
  );
});

describe('session keys', () => {
  test('are in no file of a home, in no encrypted file and in no output', async () => {
    const where = await temporaryHome();
    const folder = dirname(where.home);
    await using store = await SessionKeyStore.create(where);
    using key = await store.createKey('demo');
    const raw = exportRawKey(key);
    await writeFile(join(folder, 'plain'), 'plain');
    const outputs: Buffer[] = [];
    for (const args of [
      ['encrypt', 'plain', '-o', 'plain.cask', '--key', key.id],
      ['rewrap', key.id, '--json'],
      ['rotate', 'demo', '--json'],
      ['show', key.id, '--json'],
      ['show', 'plain.cask', '--json'],
      ['list', '--json'],
      ['verify', '--json'],
      ['doctor', '--json'],
      ['record', 'export', key.id, '-o', 'record.cms'],
      ['container', 'rotate'],
      ['remove', key.id, '--force'],
    ]) {
      const end = await keycask(where, args);
      expect(end.code, end.stderr).toBe(0);
      outputs.push(end.stdout, bytesOf(end.stderr));
    }
    expectNoTrace('output', Buffer.concat(outputs), raw);
    for (const path of await filesBelow(folder))
      expectNoTrace(path, await readFile(join(folder, path)), raw);
  });

  test('are not shown by anything that a program prints or sends', async () => {
    await using store = await SessionKeyStore.inMemory();
    using key = await store.createKey('demo');
    const raw = exportRawKey(key);
    const { inspect } = await import('node:util');
    const shown = [
      inspect(key, { depth: 9, showHidden: true }),
      inspect(store, { depth: 9, showHidden: true }),
      JSON.stringify(key),
      JSON.stringify(Object.getOwnPropertyDescriptors(key)),
    ];
    expectNoTrace('printed', bytesOf(shown.join('\n')), raw);
    expect(shown.join('\n')).not.toContain([...raw.subarray(0, 8)].join(', '));
  });
});

const WITH_PASSPHRASE = ['--passphrase-file', 'passphrase'];

/** In this order: later ones use what earlier ones made. */
const SUCCEEDING = [
  ['create', 'reports'],
  ['encrypt', 'plain', '-o', 'pw.cask', '--password-file', 'password'],
  ['decrypt', 'pw.cask', '-o', 'out', '--password-file', 'password'],
  ['rewrap', 'reports', '--add-password', '--password-file', 'password'],
  ['show', 'reports', '--json'],
  ['container', 'show', '--json'],
  ['verify', 'pw.cask', '--content'],
];

const FAILING = [
  ['create', 'more', '--passphrase-file', 'wrong'],
  ['create', 'more', '--passphrase-file', 'missing'],
  ['decrypt', 'plain.cask', '-o', 'no', '--passphrase-file', 'wrong'],
  ['decrypt', 'stranger.cask', '-o', 'no', '--password-file', 'wrong'],
  ['decrypt', 'damaged.cask', '-o', 'no', '--password-file', 'password'],
  ['record', 'import', 'stranger.cask', '--password-file', 'wrong'],
  ['rewrap', 'stranger.cask', '--password-file', 'wrong'],
  ['rewrap', 'reports', '--drop', '9', '--password-file', 'password'],
  ['container', 'export', '-o', 'plain'],
  ['init', '--protector', 'passphrase'],
  ['decrypt', 'pw.cask', '-o', 'plain', '--password-file', 'password'],
  ['encrypt', 'missing', '--password-file', 'password'],
  ['show', 'nothing'],
  // What somebody types who takes options for arguments.
  ['create', '--passphrase', WRONG],
];

/** A home under a passphrase, with files of its own and of a stranger. */
async function homeOfSecrets(): Promise<TemporaryHome> {
  const where = await temporaryHome();
  const folder = dirname(where.home);
  const write = (name: string, text: string) =>
    writeFile(join(folder, name), text, { mode: 0o600 });
  await write('passphrase', `${PASSPHRASE}\n`);
  await write('new-passphrase', `${NEW_PASSPHRASE}\n`);
  await write('password', `${PASSWORD}\n`);
  await write('wrong', `${WRONG}\n`);
  await write('plain', 'plain');
  const init = await run(where, ['init', '--protector', 'passphrase']);
  expect(init.code, init.stderr).toBe(0);
  await run(where, ['encrypt', 'plain']);
  const encrypted = await readFile(join(folder, 'plain.cask'));
  encrypted[encrypted.length - 1]! ^= 1;
  await writeFile(join(folder, 'damaged.cask'), encrypted);
  const stranger = { ...where, home: join(folder, 'stranger') };
  await run(stranger, ['init', '--protector', 'passphrase']);
  const args = ['encrypt', 'plain', '-o', 'stranger.cask', '--password-file', 'password'];
  const end = await run(stranger, args);
  expect(end.code, end.stderr).toBe(0);
  return where;
}

/** With the passphrase, unless the command names one. */
function run(
  where: TemporaryHome,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandEnd> {
  const given = args.includes('--passphrase-file') ? args : [...args, ...WITH_PASSPHRASE];
  return keycask(where, given, options);
}

function expectClean(what: string, bytes: Buffer): void {
  for (const secret of SECRETS) expectNoTrace(what, bytes, bytesOf(secret));
}

/** Neither the bytes nor what they look like in hex or base64. */
function expectNoTrace(what: string, bytes: Buffer, secret: Uint8Array): void {
  const forms: Buffer[] = [Buffer.from(secret)];
  const hex = forms[0]!.toString('hex');
  forms.push(bytesOf(hex), bytesOf(hex.toUpperCase()));
  // Base64 of a part, so that it does not matter where in a line it begins.
  for (const offset of [0, 1, 2])
    forms.push(bytesOf(Buffer.from(secret.subarray(offset, offset + 15)).toString('base64')));
  const found = forms.filter((form) => bytes.includes(form)).length;
  expect(found, `traces of a secret in ${what}`).toBe(0);
}

const bytesOf = (text: string): Buffer => Buffer.from(text);
