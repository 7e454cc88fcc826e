/** The thirty-year promise: docs/read-cask.py, openssl and nothing of ours open an encrypted file. */
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encryptBytes } from '../../lib/encrypt-file.ts';
import { keyIdentifier } from '../../lib/keys/key-identifier.ts';
import { sessionKeySecret } from '../../lib/keys/session-key.ts';
import { sealKeyRecord } from '../../lib/records/seal.ts';
import { fixedSessionKey, FixedFileKeys } from '../support/fixed-file-keys.ts';
import { testIdentity, testKeyPair } from '../support/signing-identity.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';

const SCRIPT = fileURLToPath(new URL('../../docs/read-cask.py', import.meta.url));
const PYTHON = process.env['KEYCASK_PYTHON'];
const OPENSSL = process.env['KEYCASK_OPENSSL'];
const FIRST = 1_048_520;
const OTHER = 1_048_560;

test('Python with cryptography is here, wherever its absence may not go unnoticed', () => {
  if (process.env['CI'] !== 'true') return;
  expect(process.env['KEYCASK_HAVE_PYTHON'], 'apt-get install python3-cryptography').toBe('1');
});

// The title tells a reader of the report what is missing.
describe.skipIf(PYTHON === undefined)('docs/read-cask.py (needs python3-cryptography)', () => {
  let folder: TemporaryFolder;
  let keys: FixedFileKeys;
  let signerPem: string;
  let exchangePem: string;

  beforeAll(async () => {
    folder = await temporaryFolder();
    const signer = await testIdentity();
    const { privateKey, spki } = testKeyPair('p-256');
    using key = fixedSessionKey();
    const record = await sealKeyRecord(
      sessionKeySecret(key),
      {
        recordId: new Uint8Array(16).fill(0x11),
        recordVersion: 1,
        label: 'thirty years',
        purpose: 'files',
        algorithm: key.algorithm,
        effectiveBits: 256,
        created: new Date('2026-01-01T00:00:00Z'),
        storeId: randomBytes(16),
        provenance: 'generated',
        attributes: [],
      },
      {
        recipients: [{ type: 'public-key', publicKey: spki, keyId: keyIdentifier(spki) }],
        signer,
        signingTime: new Date('2026-01-01T00:00:00Z'),
      },
    );
    keys = new FixedFileKeys({ record });
    exchangePem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const base64 = Buffer.from(signer.certificate).toString('base64').replace(/.{64}/g, '$&\n');
    signerPem = `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`;
  });

  afterAll(() => folder.remove());

  /** Runs the program; standard input is the key. */
  function python(args: readonly string[], input: string) {
    return spawnSync(PYTHON!, [SCRIPT, ...args], { input, maxBuffer: 1 << 26 });
  }

  async function caskOf(plaintext: Uint8Array, context = {}): Promise<string> {
    const path = join(folder.path, `${plaintext.length}.cask`);
    writeFileSync(path, await encryptBytes(keys, plaintext, { context }));
    return path;
  }

  const KEY = '11'.repeat(32);

  test('is at most 40 lines', () => {
    expect(readFileSync(SCRIPT, 'utf8').trimEnd().split('\n').length).toBeLessThanOrEqual(40);
  });

  test.each([0, 1, 5000, FIRST, FIRST + 1, FIRST + OTHER, FIRST + OTHER + 1])(
    'opens a file of %i bytes with the session key',
    async (size) => {
      const plaintext = randomBytes(size);
      const path = await caskOf(plaintext, { owner: 'alice', Ω: 'ω' });
      const { status, stdout } = python(['open', path, '-'], KEY);
      expect(status).toBe(0);
      expect(Buffer.compare(stdout, plaintext)).toBe(0);
    },
  );

  test('takes the key from a file too', async () => {
    const keyFile = join(folder.path, 'key.hex');
    writeFileSync(keyFile, `${KEY}\n`);
    const path = await caskOf(Buffer.from('hello'));
    expect(python(['open', path, keyFile], '').stdout.toString()).toBe('hello');
  });

  test('refuses another key, a changed context and a cut file', async () => {
    const path = await caskOf(randomBytes(FIRST + 10), { owner: 'alice' });
    expect(python(['open', path, '-'], '22'.repeat(32)).status).toBe(1);
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(0, 4096 + (1 << 20)));
    expect(python(['open', path, '-'], KEY).status).toBe(1);
    bytes[bytes.indexOf('alice')]! ^= 1;
    writeFileSync(path, bytes);
    const { status, stdout } = python(['open', path, '-'], KEY);
    expect([status, stdout.length]).toEqual([1, 0]);
  });

  test.skipIf(OPENSSL === undefined)('opens a file with openssl and two PEM files', async () => {
    const at = (name: string) => join(folder.path, name);
    const path = await caskOf(Buffer.from('in thirty years'), { owner: 'alice' });
    writeFileSync(at('signer.pem'), signerPem);
    writeFileSync(at('kx.pem'), exchangePem);
    writeFileSync(at('record.cms'), python(['record', path], '').stdout);
    const cms = (...args: string[]) =>
      execFileSync(OPENSSL!, ['cms', ...args], { cwd: folder.path, stdio: 'pipe' });
    const der = ['-binary', '-inform', 'DER', '-in'];
    const trusted = ['-nointern', '-certfile', 'signer.pem', '-noverify'];
    cms('-verify', ...der, 'record.cms', ...trusted, '-out', 'env');
    cms('-decrypt', ...der, 'env', '-inkey', 'kx.pem', '-out', 'blob');
    // PLAINTEXTKEYBLOB: BLOBHEADER 8, length 4, key.
    const key = readFileSync(at('blob')).subarray(12).toString('hex');
    expect(python(['open', path, '-'], key).stdout.toString()).toBe('in thirty years');
  });
});
