/** Passphrases and passwords: where they are read from, and what is left behind. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import {
  readSecret,
  takeEnvironmentSecrets,
  type SecretSources,
} from '../../../lib/cli/secrets.ts';
import { SecretBytes } from '../../../lib/keys/secret-bytes.ts';

const folder = mkdtempSync(join(tmpdir(), 'keycask-secrets-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;

function fileOf(content: string, mode = 0o600): string {
  const path = join(folder, `secret-${files++}`);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

function sources(warnings: string[] = []): SecretSources {
  return {
    environment: { password: SecretBytes.copy(new TextEncoder().encode('from environment')) },
    signal: new AbortController().signal,
    warn: (message) => warnings.push(message),
  };
}

async function read(file: string | undefined, warnings: string[] = []): Promise<string> {
  using secret = await readSecret({ name: 'password', prompt: '', file }, sources(warnings));
  return new TextDecoder().decode(secret.bytes);
}

describe('secrets of the environment', () => {
  test('are taken out of it', () => {
    const environment = {
      KEYCASK_PASSPHRASE: 'grüße',
      KEYCASK_PASSWORD: '',
      KEYCASK_NEW_PASSPHRASE: 'n',
      KEYCASK_HOME: '/h',
    };
    const secrets = takeEnvironmentSecrets(environment);
    expect(environment).toEqual({ KEYCASK_HOME: '/h' });
    expect(Object.keys(secrets).toSorted()).toEqual(['new passphrase', 'passphrase']);
    expect(secrets.passphrase?.bytes).toEqual(new TextEncoder().encode('grüße'));
  });

  test('yield to a file, which is closer at hand', async () => {
    expect(await read(undefined)).toBe('from environment');
    expect(await read(fileOf('from file'))).toBe('from file');
  });
});

describe('a secret file', () => {
  test.each([
    ['pass word\n', 'pass word'],
    ['pass word\r\n', 'pass word'],
    ['pass word', 'pass word'],
    ['two\n\n', 'two\n'],
    [' spaces \n', ' spaces '],
    ['x'.repeat(4096), 'x'.repeat(4096)],
    [`${'x'.repeat(4096)}\r\n`, 'x'.repeat(4096)],
  ])('loses one line end: %j', async (content, secret) => {
    expect(await read(fileOf(content))).toBe(secret);
  });

  test.each([
    ['is empty', ''],
    ['has a line end only', '\n'],
    ['has more than 4096 bytes', 'x'.repeat(4097)],
    ['is much larger', 'x'.repeat(100_000)],
  ])('is refused when it %s', async (_, content) => {
    await expect(read(fileOf(content))).rejects.toMatchObject({ code: 'USAGE' });
  });

  test.skipIf(process.platform === 'win32')('is warned of when others can read it', async () => {
    const warnings: string[] = [];
    await read(fileOf('x', 0o600), warnings);
    expect(warnings).toEqual([]);
    await read(fileOf('x', 0o640), warnings);
    await read(fileOf('x', 0o604), warnings);
    expect(warnings).toHaveLength(2);
  });

  test('that is a folder is told so', async () => {
    await expect(read(folder)).rejects.toMatchObject({ code: 'FILE_WRONG_TYPE' });
  });
});
