/** What goes wrong where people migrate: many accounts, odd files, runs that meet. The whole way, through the built command line. */
import { createPublicKey, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ALG_ID } from '../../lib/blobs/alg-id.ts';
import { fromHex } from '../../lib/bytes/octets.ts';
import { encodePvk } from '../../lib/blobs/pvk.ts';
import { rsaPrivateKeyToBlob } from '../../lib/keys/rsa-key-blob.ts';
import { importCapiKey } from '../../lib/legacy/capi-key.ts';
import { capiEncrypt } from '../../lib/legacy/cipher.ts';
import { importLegacyPrivateKey } from '../../lib/legacy/legacy-key.ts';
import { sealPvk } from '../../lib/legacy/pvk.ts';
import { wrapSimpleBlob } from '../../lib/legacy/simple-blob.ts';
import { describeShared, sharedJson } from '../support/shared.ts';
import { makeWindowsProfile, wrapForDomain } from '../support/windows-profile.ts';
import { registryText } from '../support/wine-registry-text.ts';
import { Sandbox } from './support/sandbox.ts';

let box: Sandbox;
beforeEach(async () => {
  box = new Sandbox();
  await box.run('keycask init --quiet');
});
afterEach(() => box.remove());

function write(path: string, bytes: Uint8Array | string): void {
  const file = join(box.folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, bytes, { mode: 0o600 });
}

function blobFor(publicKey: KeyObject): Uint8Array {
  using key = importCapiKey(ALG_ID.CALG_AES_256, new Uint8Array(randomBytes(32)));
  return wrapSimpleBlob(publicKey, key);
}

describeShared('a Wine prefix', () => {
  it('opens with the one of its accounts that fits, and a container that stays closed keeps back no other', async () => {
    const { vectors } = sharedJson('vectors/wine-container-protectdata.json') as {
      vectors: Record<string, string>[];
    };
    const [made] = vectors.filter(({ kind, hive }) => kind === 'wine_container' && hive === 'HKCU');
    const pair = fromHex(made!['KeyExchangeKeyPair']!)!;
    const damaged = Uint8Array.from(pair);
    damaged[damaged.length - 1]! ^= 1;
    const containerKey = (name: string, value: Uint8Array) => ({
      key: `Software\\Wine\\Crypto\\RSA\\${name}`,
      values: { KeyExchangeKeyPair: value },
    });
    const registry = [containerKey('a-damaged', damaged), containerKey('b-good', pair)];
    write('prefix/user.reg', registryText(registry));
    // Names that stand before it and after it.
    for (const user of ['Public', 'ann', 'root', 'zoe'])
      mkdirSync(join(box.folder, 'prefix/drive_c/users', user), { recursive: true });
    const privateKey = importLegacyPrivateKey(
      fromHex(made!['expect_keyexchange_privatekeyblob']!)!,
    );
    write('prefix/drive_c/letter.blob', blobFor(createPublicKey(privateKey)));
    const done = await box.run('keycask migrate prefix --json');
    const [closed, answer] = done.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(closed).toMatchObject({ error: { code: 'KEY_UNWRAP_FAILED' } });
    expect(closed.error.message).toContain('a-damaged');
    expect(answer).toMatchObject({ keysStored: 1, keysFailed: 0, failures: 1 });
  });
});

const SID = 'S-1-5-21-1004336348-1177238915-682003330-1104';
const exchange = generateKeyPairSync('rsa', { modulusLength: 2048 });
const domain = generateKeyPairSync('rsa', { modulusLength: 2048 });
using domainBlob = rsaPrivateKeyToBlob(
  new Uint8Array(domain.privateKey.export({ format: 'der', type: 'pkcs8' })),
  ALG_ID.CALG_RSA_KEYX,
);
const domainKey = Uint8Array.from(domainBlob.bytes);

async function writeProfile(password: string): Promise<void> {
  await makeWindowsProfile(join(box.folder, 'alice'), {
    sid: SID,
    password,
    capi: [{ name: 'Archive', exchange: exchange.privateKey }],
    sections: async (masterKey) => ({
      domainKey: wrapForDomain(masterKey, domain.privateKey, {
        version: 2,
        backupKeyGuid: '11111111-2222-3333-4444-555555555555',
      }),
    }),
  });
  write('alice/session.blob', blobFor(exchange.publicKey));
}

describe('the file with old passwords', () => {
  it.each([
    ['UTF-8 with a byte order mark', Buffer.from('\ufeffStraße 7\r\nother\r\n')],
    ['UTF-16, as PowerShell redirects', Buffer.from('\ufeffother\r\nStraße 7\r\n', 'utf16le')],
    ['big-endian UTF-16', Buffer.from('\ufeffother\nStraße 7\n', 'utf16le').swap16()],
    ['the ANSI code page', Buffer.from('Straße 7', 'latin1')],
  ])('may be in %s', async (_name, bytes) => {
    await writeProfile('Straße 7');
    write('password.txt', bytes);
    const dry = await box.run(
      'keycask migrate alice --dry-run --legacy-password-file password.txt',
    );
    expect(dry.stderr).toBe('');
    expect(dry.stdout).toContain('1 session key opens, 0 stay closed');
  });

  it('is what is asked for where a key file stays closed', async () => {
    const password = new TextEncoder().encode('unknown');
    write('old/a.pvk', await sealPvk(domainKey, { keySpec: 1, password, protection: 'strong' }));
    for (const [given, code] of [
      ['', 'PASSWORD_REQUIRED'],
      ['KEYCASK_LEGACY_PASSWORD=wrong ', 'PASSWORD_WRONG'],
    ]) {
      const { stderr } = await box.run(`${given!}keycask migrate old --dry-run`);
      expect(stderr).toContain(code);
      expect(stderr).toContain('--legacy-password-file');
      expect(stderr).not.toContain('--passphrase-file');
    }
  });
});

describe('the backup key of a domain', () => {
  it('opens a profile for migrate and for diagnose, from a PVK under a password too', async () => {
    await writeProfile('forgotten');
    const password = new TextEncoder().encode('pvk');
    write('domain.pvk', await sealPvk(domainKey, { keySpec: 1, password, protection: 'weak' }));
    write('password.txt', 'other\npvk\n');
    const options = '--domain-key domain.pvk --legacy-password-file password.txt --json';
    const dry = await box.run(`keycask migrate alice --dry-run ${options}`);
    expect(JSON.parse(dry.stdout)).toMatchObject({ keysThatOpen: 1, failures: 0 });
    const blob = 'alice/session.blob --containers alice';
    const { stdout } = await box.run(`keycask diagnose ${blob} ${options}`);
    expect(JSON.parse(stdout)).toMatchObject({ outcome: 'opened' });
    // Among the keys to try it is one as well, and then no master key is said to stay closed.
    write('clear.pvk', pvkOf(domainKey));
    const tried = JSON.parse(
      (await box.run(`keycask diagnose ${blob} --key clear.pvk --json`)).stdout,
    );
    expect(tried.outcome).toBe('opened');
    expect(JSON.stringify(tried.findings)).not.toContain('MASTER_KEY_CLOSED');
  });

  it('is refused by its name where it is none, or under a password that is not at hand', async () => {
    await writeProfile('forgotten');
    const password = new TextEncoder().encode('pvk');
    write('sealed.pvk', await sealPvk(domainKey, { keySpec: 1, password, protection: 'weak' }));
    write('nonsense.txt', 'wrong one\n');
    for (const [file, code] of [
      ['nonsense.txt', 'BLOB_MALFORMED'],
      ['sealed.pvk', 'PASSWORD_REQUIRED'],
    ]) {
      const { stdout, stderr } = await box.run(`keycask migrate alice --domain-key ${file!}`);
      expect(stdout).toBe('');
      expect(stderr).toContain(`keycask: error: ${file!}: `);
      expect(stderr).toContain(code);
    }
  });
});

describe('two migrations at once into one folder', () => {
  it('both end well, and each file is there once', async () => {
    write('old/exchange.pem', exchange.privateKey.export({ format: 'pem', type: 'pkcs8' }));
    const names = Array.from({ length: 12 }, (_, i) => `${i}`);
    for (const name of names) {
      using key = importCapiKey(ALG_ID.CALG_AES_256, new Uint8Array(randomBytes(32)));
      write(`old/${name}.blob`, wrapSimpleBlob(exchange.publicKey, key));
      const text = `Letter ${name}.\n${'All is well. '.repeat(50_000)}`;
      write(`old/${name}.txt`, await capiEncrypt(key, Buffer.from(text)));
    }
    const command = 'keycask migrate old --data new --json';
    const both = await Promise.all([box.run(command), box.run(command)]);
    for (const { stderr, exitCode, stdout } of both) {
      expect(stderr).toBe('');
      expect(exitCode).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ dataFiles: names.length, failures: 0 });
    }
    expect(readdirSync(join(box.folder, 'new'))).toHaveLength(names.length);
    expect((await box.run('keycask decrypt new -o plain')).exitCode).toBe(0);
  });
});

describe('a file where a folder should be', () => {
  it.each(['--data', '--report', '--dry-run --data'])(
    'for %s is told before anything is stored',
    async (option) => {
      write('old/exchange.pem', exchange.privateKey.export({ format: 'pem', type: 'pkcs8' }));
      write('old/session.blob', blobFor(exchange.publicKey));
      write('file', 'x');
      const refused = await box.run(`keycask migrate old ${option} file`);
      expect(refused.stderr).toContain('keycask: error: file is not a folder [FILE_WRONG_TYPE');
      expect((await box.run('keycask list --json')).stdout).toBe('');
    },
  );
});

describe('a key that was migrated', () => {
  it('opens old data only, encrypts once it is adopted, and is adopted once', async () => {
    write('old/exchange.pem', exchange.privateKey.export({ format: 'pem', type: 'pkcs8' }));
    write('old/session.blob', blobFor(exchange.publicKey));
    using short = importCapiKey(ALG_ID.CALG_3DES, new Uint8Array(randomBytes(24)));
    write('old/short.blob', wrapSimpleBlob(exchange.publicKey, short));
    write('notes.txt', 'Notes');
    await box.run('keycask migrate old');
    expect((await box.run('keycask encrypt notes.txt --key session')).stderr).toContain(
      'KEY_DECRYPT_ONLY',
    );
    const commands = [
      'trust adopt session',
      'encrypt notes.txt --key session',
      'trust adopt short',
    ];
    for (const command of commands)
      expect(await box.run(`keycask ${command} --quiet`)).toMatchObject({
        exitCode: 0,
        stderr: '',
      });
    const refused = await box.run(
      'keycask encrypt notes.txt -o b.cask --key short; keycask trust adopt short',
    );
    expect(refused.stderr.match(/PARAMETER_INVALID/gu)).toHaveLength(2);
    expect(refused.stderr).not.toContain('see the message');
  });
});

describe('a data map', () => {
  it('without a folder for the data is a mistake', async () => {
    write('map.json', '[]');
    const refused = await box.run('keycask migrate . --data-map map.json --dry-run');
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain('--data-map without --data');
  });
});

function pvkOf(keyBlob: Uint8Array): Uint8Array {
  return encodePvk({ keySpec: 1, encryptedFlag: 0, salt: new Uint8Array(0), keyBlob });
}
