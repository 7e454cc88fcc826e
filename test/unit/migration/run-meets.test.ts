/** Migrations that meet: a folder twice, two folders in one, several keys of one name, maps that say too much. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ALG_ID } from '../../../lib/blobs/alg-id.ts';
import { encodePlaintextKeyBlob } from '../../../lib/blobs/plaintext-key-blob.ts';
import { importCapiKey } from '../../../lib/legacy/capi-key.ts';
import { capiEncrypt } from '../../../lib/legacy/cipher.ts';
import { wrapSimpleBlob } from '../../../lib/legacy/simple-blob.ts';
import {
  inventory,
  planMigration,
  readCipherSample,
  readDataMap,
  runMigration,
  type MigrationReport,
} from '../../../lib/migration/index.ts';
import { SessionKeyStore } from '../../../lib/session-key-store.ts';
import { temporaryFolder, type TemporaryFolder } from '../../support/temporary-folder.ts';

const TEXT =
  'It is a truth universally acknowledged, that a key must be in want of a lock.\n'.repeat(40);
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const exchangeKey = privateKey.export({ format: 'der', type: 'pkcs8' });

const made: TemporaryFolder[] = [];
const store = await SessionKeyStore.inMemory();
afterAll(async () => {
  await store.close();
  await Promise.all(made.map((folder) => folder.remove()));
});

const aes = (): Uint8Array => new Uint8Array(randomBytes(32));

interface Case {
  readonly files: Record<string, Uint8Array>;
  readonly withData?: boolean;
}

/** Writes the files into `old` of a folder of their own, and migrates them. */
async function migrate({ files, withData = false }: Case) {
  const folder = await temporaryFolderOfOwn();
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, 'old', name)), { recursive: true });
    writeFileSync(join(folder, 'old', name), bytes);
  }
  using plan = await planMigration(await inventory([join(folder, 'old')]));
  const report = await runMigration(plan, {
    store,
    journalFolder: join(folder, 'journal'),
    ...(withData && { dataFolder: join(folder, 'new') }),
  });
  return { report, folder };
}

describe('a folder that is migrated more than once', () => {
  it('named by another path is known by what is in the new files, without a key that nobody needs', async () => {
    using key = importCapiKey(ALG_ID.CALG_AES_256, aes());
    const files = {
      'letter.blob': wrapSimpleBlob(publicKey, key),
      'letter.txt': await capiEncrypt(key, Buffer.from(TEXT)),
      'key.blob': exchangeKey,
    };
    const { folder } = await migrate({ files, withData: true });
    const count = await countKeys();
    const again = await run(folder, [join(folder, 'old/../old')], { journal: 'another' });
    expect(again.failures).toEqual([]);
    expect(again.data).toMatchObject([{ state: 'present', bytes: TEXT.length }]);
    // The key blob has another id by another journal; no new key for files came.
    expect(await countKeys()).toBe(count + 1);
    writeFileSync(again.data[0]!.target, 'something else');
    const third = await run(folder, [join(folder, 'old')], { journal: 'third' });
    expect(third.failures).toMatchObject([{ code: 'FILE_EXISTS' }]);
    expect(readFileSync(again.data[0]!.target, 'utf8')).toBe('something else');
  });

  it('named twice in one run is looked at once', async () => {
    const { folder } = await migrate({ files: { 'a/key.blob': exchangeKey } });
    const old = join(folder, 'old');
    const found = await inventory([join(old, 'a'), old, `${old}/`, join(old, 'a/key.blob')]);
    expect(found.roots).toEqual([old]);
    expect(found.items).toHaveLength(1);
  });

  it('beside another one has a folder of its own; of two that have one name the second says so, in a dry run too', async () => {
    using key = importCapiKey(ALG_ID.CALG_AES_256, aes());
    const files: Record<string, Uint8Array> = { 'key.blob': exchangeKey };
    for (const half of ['a', 'b', 'c/a']) {
      files[`${half}/letter.blob`] = wrapSimpleBlob(publicKey, key);
      files[`${half}/letter.txt`] = await capiEncrypt(key, Buffer.from(`${half}: ${TEXT}`));
    }
    const { folder } = await migrate({ files });
    const roots = ['a', 'b', 'c/a', 'key.blob'].map((name) => join(folder, 'old', name));
    for (const dryRun of [true, false]) {
      const { failures, data } = await run(folder, roots, { journal: 'both', dryRun });
      expect(data.map(({ target }) => relative(folder, target))).toEqual([
        join('new', 'a', 'letter.txt.cask'),
        join('new', 'b', 'letter.txt.cask'),
      ]);
      expect(failures).toMatchObject([
        { code: 'FILE_EXISTS', path: join(roots[2]!, 'letter.txt') },
      ]);
      expect(failures[0]!.message).toContain(join(roots[0]!, 'letter.txt'));
    }
  });
});

describe.skipIf(process.platform === 'win32')('data in whose place a pipe is put', () => {
  it('is refused, and stops nothing', async () => {
    using key = importCapiKey(ALG_ID.CALG_AES_256, aes());
    const files = {
      'letter.blob': wrapSimpleBlob(publicKey, key),
      'letter.txt': await capiEncrypt(key, Buffer.from(TEXT)),
      'key.blob': exchangeKey,
    };
    const { folder } = await migrate({ files });
    const found = await inventory([join(folder, 'old')]);
    rmSync(join(folder, 'old/letter.txt'));
    execFileSync('mkfifo', [join(folder, 'old/letter.txt')]);
    using plan = await planMigration(found);
    const report = await runMigration(plan, {
      store,
      journalFolder: join(folder, 'journal'),
      dataFolder: join(folder, 'new'),
    });
    expect(report.failures).toMatchObject([{ code: 'FILE_WRONG_TYPE' }]);
    await expect(readCipherSample(join(folder, 'old/letter.txt'))).rejects.toMatchObject({
      code: 'FILE_WRONG_TYPE',
    });
  });
});

describe('a run that is cancelled', () => {
  it.each([true, false])(
    'ends with CANCELLED, before the next file of data; dry run: %s',
    async (dryRun) => {
      const files: Record<string, Uint8Array> = { 'key.blob': exchangeKey };
      for (const name of ['a', 'b', 'c']) {
        using key = importCapiKey(ALG_ID.CALG_AES_256, aes());
        files[`${name}.blob`] = wrapSimpleBlob(publicKey, key);
        files[`${name}.txt`] = await capiEncrypt(key, Buffer.from(TEXT));
      }
      const { folder } = await migrate({ files });
      using plan = await planMigration(await inventory([join(folder, 'old')]));
      const ending = new AbortController();
      const told: string[] = [];
      const done = runMigration(plan, {
        store,
        dryRun,
        journalFolder: join(folder, 'journal'),
        dataFolder: join(folder, 'new'),
        signal: ending.signal,
        onProgress: ({ path }) => {
          told.push(basename(path));
          ending.abort();
        },
      });
      await expect(done).rejects.toMatchObject({ code: 'CANCELLED' });
      expect(told).toEqual(['a.blob']);
    },
  );
});

describe('data that several keys have the name of', () => {
  it('is encrypted again with the one that it belongs to, and never with another one that gives noise', async () => {
    // RC4 has no padding and one way only: alone it would be taken at its word.
    using wrong = importCapiKey(ALG_ID.CALG_RC4, new Uint8Array(randomBytes(16)));
    using right = importCapiKey(ALG_ID.CALG_3DES, new Uint8Array(randomBytes(24)));
    const { report } = await migrate({
      files: {
        'letter.blob': wrapSimpleBlob(publicKey, wrong),
        'letter.doc.blob': wrapSimpleBlob(publicKey, right),
        'letter.doc.enc': await capiEncrypt(right, Buffer.from(TEXT)),
        'noise.blob': wrapSimpleBlob(publicKey, wrong),
        'noise.enc': new Uint8Array(randomBytes(512)),
        'noise.key': wrapSimpleBlob(publicKey, right),
        'key.blob': exchangeKey,
      },
      withData: true,
    });
    expect(report.data).toMatchObject([{ bytes: TEXT.length, state: 'encrypted' }]);
    expect(report.data[0]!.cipher).toContain('3DES');
    expect(report.failures.map(({ path, code }) => [basename(path), code])).toEqual([
      ['noise.enc', 'LEGACY_DECRYPTION_FAILED'],
    ]);
  });
});

describe('the report', () => {
  it('says of keys whose data was encrypted again what is left to do', async () => {
    const secret = new Uint8Array(randomBytes(24));
    using key = importCapiKey(ALG_ID.CALG_3DES, secret);
    const plainBlob = encodePlaintextKeyBlob({ algId: ALG_ID.CALG_3DES, key: secret });
    const files = {
      'a.key': plainBlob,
      'a.dat': await capiEncrypt(key, Buffer.from(TEXT)),
      'b.key': plainBlob,
    };
    const { report } = await migrate({ files, withData: true });
    const risks = report.risks.filter(({ id }) => id === 'KEY_IN_THE_CLEAR');
    const adviceFor = new Map(risks.map(({ paths, advice }) => [basename(paths[0]!), advice]));
    expect(adviceFor.get('a.key')).toContain('was encrypted again');
    expect(adviceFor.get('b.key')).toContain('encrypt its data again');
  });

  it('names failures in the order of the files, and what nobody could read', async () => {
    const names = Array.from({ length: 20 }, (_, i) => `${String(i).padStart(2, '0')}.blob`);
    const stranger = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey;
    using key = importCapiKey(ALG_ID.CALG_AES_256, aes());
    const blobs = names.map((name) => [name, wrapSimpleBlob(stranger, key)] as const);
    const { report } = await migrate({ files: Object.fromEntries(blobs) });
    expect(report.failures.map(({ path }) => basename(path))).toEqual(names);
    const found = {
      ...(await inventory([])),
      skipped: [{ path: 'x', reason: 'unreadable' as const }],
    };
    using plan = await planMigration(found);
    const journalFolder = join(await temporaryFolderOfOwn(), 'journal');
    const { failures } = await runMigration(plan, { store, journalFolder });
    expect(failures).toMatchObject([{ path: 'x', code: 'IO_FAILED' }]);
  });
});

describe('keys as text', () => {
  it('in PEM are risks like others, and in base64 or hex they are named, since only their bytes can be migrated', async () => {
    using key = importCapiKey(ALG_ID.CALG_AES_256, aes());
    const blob = Buffer.from(wrapSimpleBlob(publicKey, key));
    const { report } = await migrate({
      files: {
        'a.pem': Buffer.from(privateKey.export({ format: 'pem', type: 'pkcs8' })),
        'b.txt': Buffer.from(blob.toString('base64')),
        'c.txt': Buffer.from(blob.toString('hex')),
        'd.txt': Buffer.from(randomBytes(60).toString('base64')),
      },
    });
    const inClear = report.risks.find(({ id }) => id === 'PRIVATE_KEY_IN_THE_CLEAR');
    expect(inClear?.paths.map((path) => basename(path))).toEqual(['a.pem']);
    expect(report.failures.map(({ path, code }) => [basename(path), code])).toEqual([
      ['b.txt', 'NOT_SUPPORTED'],
      ['c.txt', 'NOT_SUPPORTED'],
    ]);
    expect(report.failures[0]!.message).toContain('SIMPLEBLOB');
  });
});

describe('a data map', () => {
  const readMap = async (text: string) => {
    const path = join(await temporaryFolderOfOwn(), 'map.json');
    writeFileSync(path, text);
    return readDataMap(path);
  };

  it('may begin with a byte order mark', async () => {
    expect(await readMap('\u{feff}[{"data":"a","key":"b","effectiveBits":40}]')).toMatchObject([
      { effectiveBits: 40 },
    ]);
  });

  it.each([
    '{"effectiveBits":40.5}',
    '{"effectiveBits":-3}',
    '{"effectiveBits":1025}',
    '{"effectiveBits":"40"}',
    '{"iv":"00"}',
    '{"hash":1}',
  ])('with %s is refused', async (fields) => {
    const entry = JSON.stringify({ data: 'a', key: 'b', ...JSON.parse(fields) });
    await expect(readMap(`[${entry}]`)).rejects.toMatchObject({ code: 'PARAMETER_INVALID' });
  });

  it('that names one file twice is refused', async () => {
    const { folder } = await migrate({
      files: {
        'a.key': encodePlaintextKeyBlob({ algId: ALG_ID.CALG_RC4, key: new Uint8Array(16) }),
        'a.dat': new Uint8Array(randomBytes(99)),
      },
    });
    const entry = { data: join(folder, 'old/a.dat'), key: join(folder, 'old/a.key') };
    const planned = planMigration(await inventory([join(folder, 'old')]), {
      dataMap: [entry, { ...entry, mode: 'ecb' }],
    });
    await expect(planned).rejects.toMatchObject({ code: 'PARAMETER_INVALID' });
  });
});

async function countKeys(): Promise<number> {
  let count = 0;
  for await (const key of store.listKeys()) if (key.id !== '') count++;
  return count;
}

async function temporaryFolderOfOwn(): Promise<string> {
  const own = await temporaryFolder();
  made.push(own);
  return own.path;
}

/** Some folders into the same data folder, by a journal that need not be the same. */
async function run(
  folder: string,
  roots: readonly string[],
  { journal, dryRun = false }: { readonly journal: string; readonly dryRun?: boolean },
): Promise<MigrationReport> {
  using plan = await planMigration(await inventory(roots));
  const journalFolder = join(folder, journal);
  return runMigration(plan, { store, journalFolder, dataFolder: join(folder, 'new'), dryRun });
}
