/**
 * The whole chain in one `keycask migrate`: password → DPAPI master key → container file → RSA key → SIMPLEBLOB → session key → file. The old
 * files are made here, by the library's internal writers, which the formats' own tests compare with files of a real Windows.
 */
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALG_ID } from '../../lib/blobs/alg-id.ts';
import { encodePlaintextKeyBlob } from '../../lib/blobs/plaintext-key-blob.ts';
import { importCapiKey } from '../../lib/legacy/capi-key.ts';
import { capiEncrypt } from '../../lib/legacy/cipher.ts';
import { capiContainerFileName } from '../../lib/legacy/dpapi/container-file-name.ts';
import { wrapSimpleBlob } from '../../lib/legacy/simple-blob.ts';
import { hashesOf } from '../support/folder-contents.ts';
import {
  capiContainerFile,
  masterKeyFile,
  preKeyFor,
  rsaSlot,
  sealSection,
  utf16,
} from '../support/windows-profile.ts';
import { Sandbox } from './support/sandbox.ts';

const SID = 'S-1-5-21-1004336348-1177238915-682003330-1001';
const GUID = '0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0';
const PASSWORD = 'correct horse';
const REPORT = `Quarterly figures, 1998.\n${'All is well. '.repeat(20_000)}\n`;
const LETTER = 'Dear Ada,\nthe cheque is in the post.\n';

let box: Sandbox;
beforeAll(async () => {
  box = new Sandbox();
  await makeOldFolder(join(box.folder, 'old'));
  writeFileSync(join(box.folder, 'password.txt'), `wrong one\n${PASSWORD}\n`, { mode: 0o600 });
  await box.run('keycask init --quiet');
});
afterAll(() => box.remove());

describe('keycask migrate', () => {
  it('opens everything in a dry run and stores nothing', async () => {
    const before = await hashesOf(join(box.folder, 'old'));
    const dry = await box.run(
      'keycask migrate old --dry-run --data new --legacy-password-file password.txt --json',
    );
    expect(dry.stderr).toBe('');
    expect(JSON.parse(dry.stdout)).toMatchObject({
      dryRun: true,
      keysThatOpen: 3,
      keysStored: 0,
      dataFiles: 2,
    });
    expect((await box.run('keycask list --json')).stdout).toBe('');
    expect(await hashesOf(join(box.folder, 'old'))).toEqual(before);
  });

  it('goes from a password to files that decrypt, in one command, and leaves the originals as they were', async () => {
    const before = await hashesOf(join(box.folder, 'old'));
    const done = await box.run(
      'keycask migrate old --data new --report report --legacy-password-file password.txt --json',
    );
    expect(done.stderr).toBe('');
    expect(done.exitCode).toBe(0);
    expect(JSON.parse(done.stdout)).toMatchObject({ keysStored: 3, keysFailed: 0, dataFiles: 2 });
    expect(await hashesOf(join(box.folder, 'old'))).toEqual(before);
    await box.run('keycask decrypt new/keys/report.doc.cask -o report.txt');
    expect(readFileSync(join(box.folder, 'report.txt'), 'utf8')).toBe(REPORT);
    await box.run('keycask decrypt new/keys/letter.blob.cask -o letter.txt');
    expect(readFileSync(join(box.folder, 'letter.txt'), 'utf8')).toBe(LETTER);
  });

  it('stores keys that decrypt only until they are adopted, and says where they came from', async () => {
    const shown = JSON.parse((await box.run('keycask show keys:report --json')).stdout);
    expect(shown).toMatchObject({ provenance: 'imported-unsigned', decryptOnly: true });
    const attributes = Object.fromEntries(shown.attributes as [string, string][]);
    expect(attributes).toMatchObject({ origin: 'SIMPLEBLOB', padding: 'pkcs1' });
    expect(attributes['source-sha256']).toBe(sha256(join(box.folder, 'old/keys/report.blob')));
    expect((await box.run('keycask verify')).exitCode).toBe(0);
  });

  it('signs a statement of the report, which openssl reads, and proves each key', async () => {
    const report = JSON.parse(readFileSync(join(box.folder, 'report/report.json'), 'utf8'));
    expect(report.keys.map(({ proof }: { proof: string }) => proof).toSorted()).toEqual([
      'commitment',
      'commitment',
      'opened',
    ]);
    expect(report.data[0]).toMatchObject({ certainty: 'recognised-content' });
    const certificate = 'keycask container certificate --signing > signer.pem';
    const openssl =
      'openssl cms -verify -binary -inform DER -in report/report.cms -nointern -certfile signer.pem -noverify -out statement.json';
    expect((await box.run(`${certificate} && ${openssl}`)).exitCode).toBe(0);
    const statement = JSON.parse(readFileSync(join(box.folder, 'statement.json'), 'utf8'));
    expect(statement).toMatchObject({
      reportSha256: sha256(join(box.folder, 'report/report.json')),
      counts: { keysStored: 3 },
    });
  });

  it('tells no secret in any of its files', () => {
    const text = ['report/report.json', 'report/report.md', 'statement.json']
      .map((name) => readFileSync(join(box.folder, name), 'utf8'))
      .join('\n');
    for (const secret of secrets) {
      const bytes = Buffer.from(secret);
      expect(text).not.toContain(bytes.toString('hex'));
      expect(text).not.toContain(bytes.toString('base64').replaceAll('=', ''));
    }
    expect(text).not.toContain(PASSWORD);
  });

  it('run again stores nothing twice and encrypts nothing twice', async () => {
    const target = join(box.folder, 'new/keys/report.doc.cask');
    const { mtimeMs } = statSync(target);
    const again = await box.run(
      'keycask migrate old --data new --legacy-password-file password.txt --json',
    );
    expect(JSON.parse(again.stdout)).toMatchObject({ keysStored: 0, keysPresent: 3, dataFiles: 2 });
    expect(statSync(target).mtimeMs).toBe(mtimeMs);
    const listed = (await box.run('keycask list --json')).stdout.trim().split('\n');
    expect(listed.filter((line) => line.includes('"keys:'))).toHaveLength(3);
  });

  it.each(['--data', '--report'])(
    'takes no folder that it migrates from for %s',
    async (option) => {
      const before = await hashesOf(join(box.folder, 'old'));
      symlinkSync('old', join(box.folder, `link${option}`), 'junction');
      for (const name of ['old', './old/', `link${option}`]) {
        const refused = await box.run(`keycask migrate old ${option} ${name}`);
        expect(refused.exitCode).toBe(2);
        expect(refused.stderr).toContain('is a folder that is migrated from');
      }
      expect(await hashesOf(join(box.folder, 'old'))).toEqual(before);
    },
  );

  it('says so where nothing shows that data was decrypted rightly', async () => {
    const folder = join(box.folder, 'noise');
    mkdirSync(folder);
    const key = new Uint8Array(randomBytes(16));
    writeFileSync(
      join(folder, 'noise.blob'),
      encodePlaintextKeyBlob({ algId: ALG_ID.CALG_RC4, key }),
    );
    writeFileSync(join(folder, 'noise.enc'), randomBytes(5000));
    const dry = await box.run('keycask migrate noise --dry-run --data new-noise');
    expect(dry.stderr).toContain('1 data file: nothing shows');
  });

  it('says what stays closed without the password, and what to do', async () => {
    const closed = await box.run('keycask migrate old --dry-run');
    expect(closed.exitCode).not.toBe(0);
    expect(closed.stderr).toContain(GUID);
    expect(closed.stderr).toContain('keycask: hint: ');
  });

  it('refuses to write among the originals', async () => {
    const refused = await box.run('keycask migrate old --data old');
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain('originals are never written to');
  });
});

/** Session keys, to look for where they must not be. */
const secrets: Uint8Array[] = [];

/** A profile of Windows with one container, and a folder of blobs and data. */
async function makeOldFolder(folder: string): Promise<void> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const masterKey = new Uint8Array(randomBytes(64));
  const preKey = await preKeyFor({ password: utf16(PASSWORD) }, SID, 'sha1');
  const profile = join(folder, 'profile/AppData/Roaming/Microsoft');
  write(
    join(profile, 'Protect', SID, GUID),
    masterKeyFile({ guid: GUID, masterKey: await sealSection(masterKey, preKey) }),
  );
  const container = capiContainerFile('Archive', {
    exchange: rsaSlot(privateKey, { guid: GUID, masterKey }),
  });
  write(join(profile, 'Crypto/RSA', SID, capiContainerFileName('Archive', GUID)), container);

  // A blob, and its data beside it.
  using report = importCapiKey(ALG_ID.CALG_3DES, randomBytes(24));
  write(join(folder, 'keys/report.blob'), wrapSimpleBlob(publicKey, report));
  write(join(folder, 'keys/report.doc'), await capiEncrypt(report, Buffer.from(REPORT)));
  // A blob with its data behind it, as one file.
  using letter = importCapiKey(ALG_ID.CALG_RC4, randomBytes(16));
  const ciphertext = await capiEncrypt(letter, Buffer.from(LETTER));
  write(
    join(folder, 'keys/letter.blob'),
    Buffer.concat([wrapSimpleBlob(publicKey, letter), ciphertext]),
  );
  // A key of 40 bits in the clear.
  const weak = new Uint8Array(randomBytes(5));
  write(
    join(folder, 'keys/weak.key'),
    encodePlaintextKeyBlob({ algId: ALG_ID.CALG_RC4, key: weak }),
  );
  secrets.push(Uint8Array.from(report.key.bytes), Uint8Array.from(letter.key.bytes), weak);
}

function write(path: string, bytes: Uint8Array): void {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, bytes);
}

function sha256(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
