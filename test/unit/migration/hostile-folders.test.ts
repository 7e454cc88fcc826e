/** What strangers put into old folders: it is reported, and stops nothing. */
import { generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { afterAll, describe, expect, it } from 'vitest';
import { ALG_ID } from '../../../lib/blobs/alg-id.ts';
import { encodePlaintextKeyBlob } from '../../../lib/blobs/plaintext-key-blob.ts';
import { SecretBytes } from '../../../lib/keys/secret-bytes.ts';
import { importCapiKey } from '../../../lib/legacy/capi-key.ts';
import { wrapSimpleBlob } from '../../../lib/legacy/simple-blob.ts';
import {
  inventory,
  planMigration,
  runMigration,
  type MigrationReport,
} from '../../../lib/migration/index.ts';
import { pathText } from '../../../lib/migration/path-text.ts';
import { reportText } from '../../../lib/migration/report.ts';
import { SessionKeyStore } from '../../../lib/session-key-store.ts';
import { temporaryFolder, type TemporaryFolder } from '../../support/temporary-folder.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const made: TemporaryFolder[] = [];
const store = await SessionKeyStore.inMemory();
afterAll(async () => {
  await store.close();
  await Promise.all(made.map((folder) => folder.remove()));
});

function simpleBlob(): Uint8Array {
  using key = importCapiKey(ALG_ID.CALG_AES_256, new Uint8Array(randomBytes(32)));
  return wrapSimpleBlob(publicKey, key);
}

async function makeFolder(files: Record<string, Uint8Array | string>): Promise<string> {
  const folder = await temporaryFolder();
  made.push(folder);
  for (const [name, bytes] of Object.entries({ ...files, 'key.p8': pkcs8(privateKey) })) {
    mkdirSync(dirname(join(folder.path, name)), { recursive: true });
    writeFileSync(join(folder.path, name), bytes);
  }
  return folder.path;
}

interface Rest {
  readonly passwords?: readonly string[];
  /** Between the inventory and what opens the files. */
  readonly meanwhile?: (folder: string) => void;
}

async function migrate(folder: string, { passwords = [], meanwhile }: Rest = {}) {
  const found = await inventory([folder]);
  meanwhile?.(folder);
  const secrets = { passwords: passwords.map((text) => SecretBytes.copy(Buffer.from(text))) };
  using plan = await planMigration(found, { secrets });
  return runMigration(plan, { store, journalFolder: join(folder, '..journal'), jobs: 1 });
}

it.skipIf(process.platform === 'win32')(
  'a path that is named and is neither a file nor a folder is refused',
  async () => {
    await expect(inventory(['/dev/null'])).rejects.toMatchObject({ code: 'FILE_WRONG_TYPE' });
  },
);

const pkcs8 = (key: KeyObject): Buffer => key.export({ format: 'der', type: 'pkcs8' });

/** An elliptic key whose point is on no curve: OpenSSL refuses it, keycask's decoder does not look. */
function pointOffTheCurve(): Buffer {
  const der = pkcs8(generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey);
  der[der.length - 1]! ^= 1;
  return der;
}

describe('a migration of a folder that strangers wrote to', () => {
  it('goes on after a private key that OpenSSL refuses', async () => {
    const folder = await makeFolder({ 'a.p8': pointOffTheCurve(), 'session.blob': simpleBlob() });
    expect((await migrate(folder)).counts).toMatchObject({ keysStored: 1, keysFailed: 0 });
  });

  it('goes on after a name that is too long, with a line break near its end', async () => {
    const deep = `${'x'.repeat(250)}/`.repeat(4);
    const folder = await makeFolder({
      [`${deep}new\nline.blob`]: simpleBlob(),
      'session.blob': simpleBlob(),
    });
    expect((await migrate(folder)).counts).toMatchObject({ keysStored: 2, keysFailed: 0 });
  });

  it('goes on after files that vanish while it looks', async () => {
    const key = new Uint8Array(randomBytes(32));
    const plaintext = encodePlaintextKeyBlob({ algId: ALG_ID.CALG_AES_256, key });
    const folder = await makeFolder({ 'plain.blob': plaintext, 'session.blob': simpleBlob() });
    const report = await migrate(folder, {
      meanwhile: () => rmSync(join(folder, 'plain.blob')),
    });
    expect(report.counts).toMatchObject({ keysStored: 1, keysFailed: 1 });
    expect(report.failures).toMatchObject([{ code: 'FILE_NOT_FOUND' }]);
  });

  it('does not read what lies behind blobs: many large files are no more memory than small ones', async () => {
    const files = Array.from({ length: 128 }, (_, i) => [`${i}.blob`, simpleBlob()] as const);
    const folder = await makeFolder(Object.fromEntries(files));
    for (const [name] of files) truncateSync(join(folder, name), 8 << 20);
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    const found = await inventory([folder]);
    using plan = await planMigration(found);
    const onProgress = (): void => {
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    };
    const journalFolder = join(folder, '..journal');
    const report = await runMigration(plan, { store, journalFolder, dryRun: true, onProgress });
    expect(report.counts.keysThatOpen).toBe(128);
    expect(most).toBeLessThan(128 << 20);
  });

  it('does not begin to try passwords on a key that asks for billions of iterations', async () => {
    const sealed = privateKey.export({
      format: 'der',
      type: 'pkcs8',
      cipher: 'aes-256-cbc',
      passphrase: 'right',
    });
    // PBKDF2's salt and its 2048 iterations: instead of the salt's last two bytes, two more of the count.
    const at = sealed.indexOf(Buffer.from('02020800', 'hex'));
    // After id-PBKDF2: SEQUENCE, OCTET STRING.
    const salt = sealed.indexOf(Buffer.from('06092a864886f70d01050c', 'hex')) + 13;
    sealed[salt + 1]! -= 2;
    Buffer.from('02047fffffff', 'hex').copy(sealed, at - 2);
    const pem = `-----BEGIN ENCRYPTED PRIVATE KEY-----\n${sealed.toString('base64')}\n-----END ENCRYPTED PRIVATE KEY-----\n`;
    const folder = await makeFolder({ 'costly.p8': sealed, 'costly.pem': pem });
    const report = await migrate(folder, { passwords: ['wrong', 'right'] });
    expect(report.failures).toMatchObject([{ code: 'BLOB_MALFORMED' }, { code: 'BLOB_MALFORMED' }]);
    expect(report.failures[0]?.message).toContain('iterationCount');
  });
});

describe('the report for people', () => {
  it('has nothing in it of names that a terminal or Markdown would obey', async () => {
    const folder = await makeFolder({});
    const empty = await migrate(folder);
    const name = 'a\n# Forged\u001b[2J\u202e`x`.pem';
    const report: MigrationReport = {
      ...empty,
      keys: [
        {
          path: name,
          blobType: 'SIMPLEBLOB',
          algorithm: 'CALG_RC4 (0x6801)',
          bits: 128,
          effectiveBits: 128,
          label: 'a',
          openedBy: { with: name },
          state: 'opens',
        },
      ],
      failures: [{ path: name, code: 'IO_FAILED', message: `${name}: no`, hint: `See ${name}.` }],
    };
    const text = reportText(report);
    expect(text).not.toContain('\n# Forged');
    expect(text).not.toMatch(/[\u001b\u202e]/u);
  });
});

describe('pathText', () => {
  it.each([
    ['a/b', 'a/b'],
    ['a\u009bb', 'a-b'],
    ['\ud83d', '\ufffd'],
    [`${'x'.repeat(64)}end`, 'end'],
  ])('of %j is well-formed, without control characters, its end where it is long', (path, end) => {
    const text = pathText(path, 16);
    expect(text.endsWith(end)).toBe(true);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(16);
  });

  it('stays within its limit where a surrogate pair is cut', () => {
    for (let length = 1; length < 40; length++)
      expect(Buffer.byteLength(pathText('\u{1f600}'.repeat(length), 15))).toBeLessThanOrEqual(15);
  });
});
