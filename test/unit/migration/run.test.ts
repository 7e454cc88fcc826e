/** What a migration makes of each kind of blob and of data, and that one that fails stops nothing. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ALG_ID } from '../../../lib/blobs/alg-id.ts';
import { encodePlaintextKeyBlob } from '../../../lib/blobs/plaintext-key-blob.ts';
import { reverseBytes } from '../../../lib/bytes/octets.ts';
import { decryptBytes } from '../../../lib/encrypt-file.ts';
import { rsaPrivateKeyToBlob } from '../../../lib/keys/rsa-key-blob.ts';
import { importCapiKey } from '../../../lib/legacy/capi-key.ts';
import { capiEncrypt } from '../../../lib/legacy/cipher.ts';
import { wrapSimpleBlob } from '../../../lib/legacy/simple-blob.ts';
import { wrapSymmetricWrapBlob } from '../../../lib/legacy/symmetric-wrap.ts';
import {
  inventory,
  planMigration,
  runMigration,
  type MigrationReport,
} from '../../../lib/migration/index.ts';
import type { DataMap } from '../../../lib/migration/data-files.ts';
import { SessionKeyStore } from '../../../lib/session-key-store.ts';
import { temporaryFolder, type TemporaryFolder } from '../../support/temporary-folder.ts';

const TEXT =
  'It is a truth universally acknowledged, that a key must be in want of a lock.\n'.repeat(40);
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
using privateBlob = rsaPrivateKeyToBlob(
  new Uint8Array(privateKey.export({ format: 'der', type: 'pkcs8' })),
  ALG_ID.CALG_RSA_KEYX,
);
const exchangeKey = Uint8Array.from(privateBlob.bytes);

const made: TemporaryFolder[] = [];
const store = await SessionKeyStore.inMemory();
afterAll(async () => {
  await store.close();
  await Promise.all(made.map((folder) => folder.remove()));
});

interface Case {
  readonly files: Record<string, Uint8Array>;
  readonly dataMap?: (folder: string) => DataMap;
  readonly withData?: boolean;
}

async function migrate({ files, dataMap, withData = false }: Case): Promise<{
  report: MigrationReport;
  folder: string;
}> {
  const own = await temporaryFolder();
  made.push(own);
  const folder = join(own.path, 'old');
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), bytes);
  }
  using plan = await planMigration(await inventory([folder]), {
    ...(dataMap && { dataMap: dataMap(folder) }),
  });
  const report = await runMigration(plan, {
    store,
    journalFolder: join(own.path, 'journal'),
    ...(withData && { dataFolder: join(own.path, 'new') }),
  });
  return { report, folder: own.path };
}

/** The same folder into the same store, by the same journal. */
async function migrateAgain(folder: string): Promise<MigrationReport> {
  using plan = await planMigration(await inventory([join(folder, 'old')]));
  return runMigration(plan, { store, journalFolder: join(folder, 'journal') });
}

const aes = (): Uint8Array => new Uint8Array(randomBytes(32));

describe('session keys', () => {
  it.each([
    ['PKCS#1 v1.5', { padding: 'pkcs1' }, (blob: Uint8Array) => blob],
    ['OAEP', { padding: 'oaep' }, (blob: Uint8Array) => blob],
    ['a block that somebody turned round', { padding: 'pkcs1' }, turned],
    ['a whole buffer, of which the blob is the beginning', { padding: 'pkcs1' }, padded],
  ] as const)('come out of a SIMPLEBLOB with %s', async (_name, options, change) => {
    using key = importCapiKey(ALG_ID.CALG_AES_256, aes());
    const blob = change(wrapSimpleBlob(publicKey, key, options));
    const { report } = await migrate({ files: { 'session.blob': blob, 'key.blob': exchangeKey } });
    expect(report.failures).toEqual([]);
    expect(report.keys).toMatchObject([
      { state: 'stored', proof: 'commitment', openedBy: { padding: options.padding } },
    ]);
    expect(report.privateKeys).toMatchObject([{ modulusBits: 2048, opened: 1 }]);
  });

  it('come out of a SYMMETRICWRAPKEYBLOB under a key in the clear', async () => {
    using wrapping = importCapiKey(ALG_ID.CALG_3DES, new Uint8Array(randomBytes(24)));
    using key = importCapiKey(ALG_ID.CALG_3DES, new Uint8Array(randomBytes(24)));
    const { report } = await migrate({
      files: {
        'wrapped.blob': await wrapSymmetricWrapBlob(wrapping, {
          algId: key.algId,
          key: key.key.bytes,
        }),
        'wrapping.key': encodePlaintextKeyBlob({
          algId: ALG_ID.CALG_3DES,
          key: wrapping.key.bytes,
        }),
      },
    });
    expect(report.failures).toEqual([]);
    expect(report.counts).toMatchObject({ keysStored: 2, keysFailed: 0 });
  });

  it('of 40 bits are proved by opening their record', async () => {
    const key = new Uint8Array(randomBytes(5));
    const { report } = await migrate({
      files: { 'weak.key': encodePlaintextKeyBlob({ algId: ALG_ID.CALG_RC4, key }) },
    });
    expect(report.keys).toMatchObject([
      { proof: 'opened', bits: 40, openedBy: { with: 'nothing: it is in the clear' } },
    ]);
    expect(report.risks.map(({ id }) => id)).toContain('KEY_IN_THE_CLEAR');
  });

  it('that are opened at once all come over, whichever of several private keys each is under', async () => {
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const files: Record<string, Uint8Array> = {
      'a.pem': Buffer.from(other.privateKey.export({ format: 'pem', type: 'pkcs8' })),
      'key.blob': exchangeKey,
    };
    for (let i = 0; i < 12; i++) {
      using key = importCapiKey(ALG_ID.CALG_AES_256, aes());
      files[`${i}.blob`] = wrapSimpleBlob(i % 4 === 3 ? other.publicKey : publicKey, key);
    }
    const { report } = await migrate({ files });
    expect(report.failures).toEqual([]);
    expect(report.counts).toMatchObject({ keysStored: 12, keysFailed: 0 });
    expect(new Set(report.privateKeys.map(({ opened }) => opened))).toEqual(new Set([3, 9]));
  });

  it('that were removed from the store stay removed, and stop nothing', async () => {
    const key = new Uint8Array(randomBytes(16));
    const files = { 'gone.key': encodePlaintextKeyBlob({ algId: ALG_ID.CALG_RC4, key }) };
    const first = await migrate({ files });
    await store.removeKey(first.report.keys[0]!.id!);
    const again = await migrateAgain(first.folder);
    expect(again.failures).toMatchObject([{ code: 'KEY_NOT_FOUND' }]);
    expect(again.keys).toEqual([]);
  });

  it('that nothing opens are named, and the others come over', async () => {
    const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
    using key = importCapiKey(ALG_ID.CALG_AES_256, aes());
    const { report } = await migrate({
      files: {
        'a-lost.blob': wrapSimpleBlob(stranger, key),
        'b-cut.blob': wrapSimpleBlob(publicKey, key).subarray(0, 40),
        'c-good.blob': wrapSimpleBlob(publicKey, key),
        'key.blob': exchangeKey,
      },
    });
    expect(report.counts).toMatchObject({ keysStored: 1, keysFailed: 2 });
    expect(new Map(report.failures.map(({ path, code }) => [basename(path), code]))).toEqual(
      new Map([
        ['a-lost.blob', 'KEY_UNWRAP_FAILED'],
        ['b-cut.blob', 'BLOB_MALFORMED'],
      ]),
    );
    const lost = report.failures.find(({ code }) => code === 'KEY_UNWRAP_FAILED');
    expect(lost?.hint).toContain('keycask diagnose');
  });
});

describe('data', () => {
  const plain = Buffer.from(TEXT);

  it.each([
    ['3DES', ALG_ID.CALG_3DES, 24],
    ['RC2 of 128 bits', ALG_ID.CALG_RC2, 16],
    ['RC4 of 40 bits, with CryptoAPI’s eleven zeros of salt', ALG_ID.CALG_RC4, 5],
    ['AES-256', ALG_ID.CALG_AES_256, 32],
  ] as const)(
    'under %s is encrypted again, and holds what it held',
    async (_name, algId, length) => {
      using key = importCapiKey(algId, new Uint8Array(randomBytes(length)));
      const { report } = await migrate({
        files: {
          'letter.blob': wrapSimpleBlob(publicKey, key),
          'letter.txt': await capiEncrypt(key, plain),
          'key.blob': exchangeKey,
        },
        withData: true,
      });
      expect(report.failures).toEqual([]);
      expect(report.data).toMatchObject([
        { bytes: plain.length, certainty: 'recognised-content', state: 'encrypted' },
      ]);
      const again = await decryptBytes(store, readFileSync(report.data[0]!.target));
      expect(Buffer.from(again).toString()).toBe(TEXT);
    },
  );

  it('behind its blob, with the length before, as Windows’ example program wrote it', async () => {
    using key = importCapiKey(ALG_ID.CALG_RC4, new Uint8Array(randomBytes(16)));
    const blob = wrapSimpleBlob(publicKey, key);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(blob.length);
    const { report } = await migrate({
      files: {
        'letter.enc': Buffer.concat([length, blob, await capiEncrypt(key, plain)]),
        'key.blob': exchangeKey,
      },
      withData: true,
    });
    expect(report.failures).toEqual([]);
    expect(report.keys).toMatchObject([{ blobType: 'SIMPLEBLOB', state: 'stored' }]);
    expect(report.data).toMatchObject([{ bytes: plain.length }]);
  });

  it('with an IV and a name of its own is found by a data map', async () => {
    using key = importCapiKey(ALG_ID.CALG_AES_256, aes());
    const iv = new Uint8Array(randomBytes(16));
    const { report } = await migrate({
      files: {
        'session.blob': wrapSimpleBlob(publicKey, key),
        'archive/1998.bin': await capiEncrypt(key, plain, { iv }),
        'key.blob': exchangeKey,
      },
      dataMap: (folder) => [
        { data: join(folder, 'archive/1998.bin'), key: join(folder, 'session.blob'), iv },
      ],
      withData: true,
    });
    expect(report.failures).toEqual([]);
    const again = await decryptBytes(store, readFileSync(report.data[0]!.target));
    expect(Buffer.from(again).toString()).toBe(TEXT);
  });

  it('whose IV nobody named is refused, since its first block would be noise', async () => {
    using key = importCapiKey(ALG_ID.CALG_AES_256, aes());
    const { report } = await migrate({
      files: {
        'letter.blob': wrapSimpleBlob(publicKey, key),
        'letter.txt': await capiEncrypt(key, plain, { iv: new Uint8Array(randomBytes(16)) }),
        'key.blob': exchangeKey,
      },
      withData: true,
    });
    expect(report.data).toEqual([]);
    expect(report.failures).toMatchObject([{ code: 'LEGACY_DECRYPTION_FAILED' }]);
    expect(report.failures[0]!.message).toContain('another IV');
  });

  it('of another key is not guessed at', async () => {
    using key = importCapiKey(ALG_ID.CALG_3DES, new Uint8Array(randomBytes(24)));
    const { report } = await migrate({
      files: {
        'letter.blob': wrapSimpleBlob(publicKey, key),
        'letter.txt': new Uint8Array(randomBytes(4096)),
        'key.blob': exchangeKey,
      },
      withData: true,
    });
    expect(report.data).toEqual([]);
    expect(report.failures).toMatchObject([{ code: 'LEGACY_DECRYPTION_FAILED' }]);
    expect(report.counts.keysStored).toBe(1);
  });
});

/** The RSA block in the order of every other API. */
function turned(blob: Uint8Array): Uint8Array {
  const changed = blob.slice();
  changed.set(reverseBytes(blob.subarray(12)), 12);
  return changed;
}

function padded(blob: Uint8Array): Uint8Array {
  const buffer = new Uint8Array(blob.length + 100);
  buffer.set(blob);
  return buffer;
}
