/**
 * The attack that the documentation of session keys names, and its relatives, by the command line in a process of its own: an attacker who
 * knows only public keys, or has some of the owner's files, puts something in place of what the owner stored. All of it is refused.
 */
import { copyFile, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fromHex } from '../../lib/bytes/octets.ts';
import { decodeKeyMetadata } from '../../lib/cms/metadata.ts';
import { encryptBytes } from '../../lib/encrypt-file.ts';
import { ERROR_CODES, type KeyStoreErrorCode } from '../../lib/error-codes.ts';
import type { UnboundMetadata } from '../../lib/records/commitment.ts';
import { SessionKeyStore } from '../../lib/session-key-store.ts';
import { codeIn, keycask } from '../support/command-line.ts';
import { hashesOf } from '../support/folder-contents.ts';
import {
  headerRecord,
  openedMessage,
  ownSigner,
  recordFor,
  signedAnew,
  signerWith,
  withFlippedBit,
  withHeaderRecord,
} from '../support/forgery.ts';
import { sampleMetadata } from '../support/sample-records.ts';
import { testIdentity } from '../support/signing-identity.ts';
import { newStore, type TemporaryHome } from '../support/temporary-home.ts';

const PLAINTEXT = 'the figures of the quarter';

describe('a wrapped key put into the store is refused:', () => {
  test('one that the attacker made for the public exchange key, signed by himself', async () => {
    const scene = await newScene();
    const attacker = await testIdentity();
    await scene.replace(await recordFor(scene.exchange, scene.metadata, attacker));
    expect(await scene.useOfTheKey()).toBe('BLOB_SIGNER_NOT_TRUSTED');
  });

  test("one that the attacker signed in the owner's name", async () => {
    const scene = await newScene();
    const { privateKey } = await testIdentity();
    const pretender = signerWith(await scene.store.certificate('signature'), privateKey);
    await scene.replace(await recordFor(scene.exchange, scene.metadata, pretender));
    expect(await scene.useOfTheKey()).toBe('BLOB_SIGNATURE_INVALID');
  });

  test('one under a new id, of which the manifest knows nothing', async () => {
    const scene = await newScene();
    const metadata = sampleMetadata({ storeId: scene.metadata.storeId, label: 'demo' });
    const record = await recordFor(scene.exchange, metadata, await testIdentity());
    const id = Buffer.from(metadata.recordId).toString('hex');
    await mkdir(dirname(scene.recordPath(id)), { recursive: true });
    await writeFile(scene.recordPath(id), record);
    const code = await scene.refused(['encrypt', 'plain', '-o', 'out', '--key', id], 4);
    expect(code).toBe('KEY_NOT_FOUND');
    expect(codeIn(await keycask(scene.where, ['verify']))).toBe('BLOB_SIGNER_NOT_TRUSTED');
    // The label still means the owner's key.
    const end = await keycask(scene.where, ['encrypt', 'plain', '-o', 'out', '--key', 'demo']);
    expect(end.code).toBe(0);
    const shown = await keycask(scene.where, ['show', 'out', '--json']);
    expect(JSON.parse(shown.stdout.toString())).toMatchObject({ id: scene.id });
  });

  test('two valid records, swapped', async () => {
    const scene = await newScene();
    using other = await scene.store.createKey('other');
    const [mine, others] = [scene.recordPath(scene.id), scene.recordPath(other.id)];
    await rename(mine, `${mine}.aside`);
    await rename(others, mine);
    await rename(`${mine}.aside`, others);
    expect(await scene.useOfTheKey()).toBe('RECORD_MISPLACED');
  });

  test.for(['under its old name', 'under the new name'])(
    'an older valid record put back after a re-wrap, %s',
    async (how) => {
      const scene = await newScene();
      const old = await readFile(scene.recordPath(scene.id));
      await scene.store.rewrap(scene.id);
      if (how === 'under its old name') await rm(scene.recordPath(scene.id, 2));
      await writeFile(scene.recordPath(scene.id, how === 'under its old name' ? 1 : 2), old);
      expect(await scene.useOfTheKey()).toBe('RECORD_ROLLED_BACK');
    },
  );

  test('a valid record of the right id and version that is not the one that the manifest lists', async () => {
    const scene = await newScene();
    const signer = await ownSigner(scene.store);
    await scene.replace(await recordFor(scene.exchange, scene.metadata, signer));
    expect(await scene.useOfTheKey()).toBe('RECORD_ROLLED_BACK');
  });

  test('none at all: a record that was removed', async () => {
    const scene = await newScene();
    await rm(scene.recordPath(scene.id));
    expect(await scene.useOfTheKey()).toBe('RECORD_MISSING');
  });

  test('one that was moved here from another store, whose signer is trusted', async () => {
    const { store: other, where: otherWhere } = await newStore();
    using key = await other.createKey('demo', { recipients: [] });
    const scene = await newScene();
    await scene.store.trustSigner(await other.certificate('signature'), 'other');
    const bytes = await readFile(recordPathIn(otherWhere, key.id));
    // As the manifest lists it, with the id that it has, in the store that it is not of.
    await using shared = await SessionKeyStore.open(otherWhere);
    const forUs = await shared.rewrapRecord(bytes, { add: [scene.exchange] });
    const { id } = await scene.store.importRecord(forUs);
    await writeFile(recordPathIn(scene.where, id), bytes);
    expect(await scene.useOfTheKey(id)).toBe('RECORD_MISPLACED');
  });

  test('one of another key, even with the signature of the owner', async () => {
    const scene = await newScene();
    using other = await scene.store.createKey('other');
    const [mine, others] = await Promise.all(
      [scene.id, other.id].map(async (id) => openedMessage(await scene.store.exportRecord(id))),
    );
    const parts = { content: others!.content, metadata: mine!.metadata! };
    await scene.replace(await signedAnew(parts, await ownSigner(scene.store)));
    expect(await scene.useOfTheKey()).toBe('RECORD_ROLLED_BACK');
  });
});

describe('a wrapped key put into the header of a file is refused:', () => {
  test('one that the attacker made, with content that he chose', async () => {
    const scene = await newScene();
    await using attacker = await SessionKeyStore.inMemory();
    const content = Buffer.from('pay the attacker');
    const forged = await encryptBytes(attacker, content, { recipients: [scene.exchange] });
    expect(await scene.useOfFile(forged)).toBe('BLOB_SIGNER_NOT_TRUSTED');
  });

  test("one that the attacker made, before the owner's ciphertext", async () => {
    const scene = await newScene();
    const record = await recordFor(scene.exchange, scene.metadata, await testIdentity());
    const forged = withHeaderRecord(await scene.file(), record);
    expect(await scene.useOfFile(forged)).toBe('BLOB_SIGNER_NOT_TRUSTED');
  });

  test("one that the attacker signed in the owner's name", async () => {
    const scene = await newScene();
    const { privateKey } = await testIdentity();
    const pretender = signerWith(await scene.store.certificate('signature'), privateKey);
    const record = await recordFor(scene.exchange, scene.metadata, pretender);
    const forged = withHeaderRecord(await scene.file(), record);
    expect(await scene.useOfFile(forged)).toBe('BLOB_SIGNATURE_INVALID');
  });

  test("another's envelope that a trusted thief signed as his own", async () => {
    const scene = await newScene();
    const thief = await testIdentity();
    await scene.store.trustSigner(thief.certificate, 'thief');
    const file = await scene.file({ headerOnly: true });
    const stolen = await signedAnew(openedMessage(headerRecord(file)), thief);
    expect(await scene.useOfFile(withHeaderRecord(file, stolen))).toBe('KEY_COMMITMENT_MISMATCH');
    // Nor does the store take it in.
    await writeFile(join(scene.folder, 'stolen.cms'), stolen);
    const code = await scene.refused(['record', 'import', 'stolen.cms']);
    expect(code).toBe('KEY_COMMITMENT_MISMATCH');
  });

  test('the records of two files, swapped', async () => {
    const scene = await newScene();
    const [one, two] = [
      await scene.file({ headerOnly: true }),
      await scene.file({ headerOnly: true }),
    ];
    expect(await scene.useOfFile(withHeaderRecord(one, headerRecord(two)))).toBe('FILE_DAMAGED');
  });

  test('one of another key, even with the signature of the owner', async () => {
    const scene = await newScene();
    const [one, two] = [
      await scene.file({ headerOnly: true }),
      await scene.file({ headerOnly: true }),
    ];
    const { metadata } = openedMessage(headerRecord(one));
    const { content } = openedMessage(headerRecord(two));
    const parts = { content, metadata: metadata! };
    const record = await signedAnew(parts, await ownSigner(scene.store));
    expect(await scene.useOfFile(withHeaderRecord(one, record))).toBe('KEY_COMMITMENT_MISMATCH');
  });

  test('one that names a key of the store but holds another', async () => {
    const scene = await newScene();
    const record = await recordFor(scene.exchange, scene.metadata, await ownSigner(scene.store));
    const forged = withHeaderRecord(await scene.file({ key: 'demo' }), record);
    expect(await scene.useOfFile(forged)).toBe('KEY_COMMITMENT_MISMATCH');
  });
});

describe('what protects the store is refused when it was changed:', () => {
  test.for(['AT_KEYEXCHANGE', 'AT_SIGNATURE'] as const)(
    'a bit of the %s key file, wherever it is',
    async (spec) => {
      const scene = await newScene();
      const path = (await scene.keyFiles()).find((_, index) => index === SPECS.indexOf(spec))!;
      const bytes = await readFile(path);
      const places = [12, ...Array.from({ length: 7 }, () => randomBelow(bytes.length))];
      for (const at of places) {
        const changed = Uint8Array.from(bytes);
        changed[at]! ^= 1 << randomBelow(8);
        await writeFile(path, changed);
        const code = await scene.useOfTheKey(scene.id, 'of its code');
        expect(code, `byte ${at}`).toMatch(KEY_FILE_CODES);
      }
    },
  );

  test('the export policy in a key file', async () => {
    const scene = await newScene({ exportable: false });
    for (const path of await scene.keyFiles()) {
      const bytes = await readFile(path);
      // KeyProperties begin with exportPolicy 0 and keyUsage: INTEGER 0, INTEGER 1..7.
      const at = bytes.findIndex((_, i) => /^020100020[1-7]/.test(hexAt(bytes, i)));
      expect(at).toBeGreaterThan(0);
      bytes[at + 2] = 0x0f;
      await writeFile(path, bytes);
    }
    const code = await scene.refused(['container', 'export', '-o', 'stolen.pem', '--pem']);
    expect(code).toBe('KEY_FILE_DAMAGED');
  });

  test('two key files, swapped', async () => {
    const scene = await newScene();
    const [one, two] = (await scene.keyFiles()) as [string, string];
    await rename(one, `${one}.aside`);
    await rename(two, one);
    await rename(`${one}.aside`, two);
    expect(await scene.useOfTheKey()).toBe('KEY_FILE_DAMAGED');
  });

  test("a key file of another home of the same owner, put in this one's place", async () => {
    const scene = await newScene();
    const other = { ...scene.where, home: join(scene.folder, 'other') };
    await using _other = await SessionKeyStore.create(other);
    const [mine] = await scene.keyFiles();
    const [others] = await keyFilesIn(other);
    await copyFile(others!, mine!);
    expect(await scene.useOfTheKey()).toBe('KEY_FILE_DAMAGED');
  });

  test("trust.cms, by the attacker's own, by an older one, by one bit", async () => {
    const scene = await newScene();
    const { where: attacker } = await newStore();
    const path = join(scene.where.home, 'trust.cms');
    const old = await readFile(path);
    await scene.store.trustSigner((await testIdentity()).certificate, 'somebody');
    const present = await readFile(path);
    // The copy from which a killed writer's change is finished.
    await rm(join(scene.where.home, 'pending'), { recursive: true });
    await mkdir(join(scene.where.home, 'pending'));
    const attackers = await readFile(join(attacker.home, 'trust.cms'));
    const flipped = withFlippedBit(present, randomBelow(present.length * 8));
    for (const bytes of [attackers, old, flipped]) {
      await writeFile(path, bytes);
      expect(await scene.useOfTheKey()).toMatch(TRUST_CODES);
    }
  });

  test('the manifest: an entry changed, the last one cut off, all of it gone', async () => {
    const scene = await newScene();
    const path = join(scene.where.home, 'manifest.log');
    const whole = await readFile(path, 'utf8');
    const lines = whole.split('\n').filter((line) => line !== '');
    const last = lines.pop()!;
    const changed = [...lines, last.replace(/[A-Za-z]/u, swapped)];
    await writeFile(path, `${changed.join('\n')}\n`);
    expect(await scene.useOfTheKey()).toMatch(TRUST_CODES);
    // A manifest of yesterday knows nothing of the key of today.
    await writeFile(path, `${lines.join('\n')}\n`);
    expect(await scene.useOfTheKey(scene.id, 4)).toBe('KEY_NOT_FOUND');
    expect(codeIn(await keycask(scene.where, ['verify']))).toBe('MANIFEST_ROLLED_BACK');
    await rm(path);
    expect(await scene.useOfTheKey()).toMatch(TRUST_CODES);
  });
});

const SPECS = ['AT_KEYEXCHANGE', 'AT_SIGNATURE'];
const KEY_FILE_CODES = /^(KEY_FILE_DAMAGED|BLOB_VERSION_UNSUPPORTED|PROTECTOR_UNAVAILABLE)$/;
const TRUST_CODES = /^(TRUST_INVALID|MANIFEST_DAMAGED|MANIFEST_ROLLED_BACK)$/;

type Exit = number | 'of its code';

/** A home with a key `demo`, an attacker's public knowledge of it, and two ways to fall for him. */
interface Scene {
  readonly where: TemporaryHome;
  readonly folder: string;
  readonly store: SessionKeyStore;
  /** Of the key `demo`. */
  readonly id: string;
  readonly exchange: Uint8Array;
  readonly metadata: UnboundMetadata;
  recordPath(id: string, version?: number): string;
  keyFiles(): Promise<string[]>;
  /** A file that the owner encrypted. */
  file(options?: { headerOnly?: boolean; key?: string }): Promise<Uint8Array>;
  /** Puts a record where that of `demo` is. */
  replace(record: Uint8Array): Promise<void>;
  /** How encrypting with a key of the store is refused, by a fresh process. */
  useOfTheKey(id?: string, exit?: Exit): Promise<string>;
  /** How decrypting a file is refused, by a fresh process. */
  useOfFile(file: Uint8Array): Promise<string>;
  refused(args: readonly string[], exit?: Exit): Promise<string>;
}

async function newScene(options: { exportable?: boolean } = {}): Promise<Scene> {
  const { store, where } = await newStore(options);
  const folder = dirname(where.home);
  using key = await store.createKey('demo');
  const { id } = key;
  await writeFile(join(folder, 'plain'), PLAINTEXT);
  const {
    commitment: _,
    bind: __,
    ...metadata
  } = decodeKeyMetadata(openedMessage(await store.exportRecord(id)).metadata!);
  expect(fromHex(id)).toEqual(metadata.recordId);

  /** Exit code, form, no output, nothing changed. */
  async function refused(args: readonly string[], exit: Exit = 3) {
    const before = await hashesOf(folder);
    const end = await keycask(where, args);
    const code = codeIn(end);
    const ofItsCode = ERROR_CODES[code as KeyStoreErrorCode]?.exit;
    expect(end.code, end.stderr).toBe(exit === 'of its code' ? ofItsCode : exit);
    expect(end.stdout.toString()).toBe('');
    expect(await hashesOf(folder)).toEqual(before);
    return code;
  }

  return {
    where,
    folder,
    store,
    id,
    metadata,
    exchange: await store.certificate('exchange'),
    recordPath: (other, version) => recordPathIn(where, other, version),
    keyFiles: () => keyFilesIn(where),
    file: (how = {}) => encryptBytes(store, Buffer.from(PLAINTEXT), how),
    replace: (record) => writeFile(recordPathIn(where, id), record),
    useOfTheKey: (other = id, exit = 3) =>
      refused(['encrypt', 'plain', '-o', 'out', '--key', other], exit),
    useOfFile: async (file) => {
      await writeFile(join(folder, 'forged.cask'), file);
      return refused(['decrypt', 'forged.cask', '-o', 'out']);
    },
    refused,
  };
}

function recordPathIn({ home }: TemporaryHome, id: string, version = 1): string {
  return join(home, 'records', id.slice(0, 2), `${id}.${version}.cms`);
}

/** The exchange key's file and the signature key's. */
async function keyFilesIn({ home }: TemporaryHome): Promise<string[]> {
  const folder = join(home, 'keys');
  const files: { path: string; isSignature: boolean }[] = [];
  for (const name of await readdir(folder, { recursive: true })) {
    const path = join(folder, name);
    if (!(await stat(path)).isFile()) continue;
    // Only the exchange key has certificates among its properties.
    files.push({ path, isSignature: !(await readFile(path)).includes('certificate') });
  }
  return files
    .toSorted((a, b) => Number(a.isSignature) - Number(b.isSignature))
    .map(({ path }) => path);
}

function randomBelow(limit: number): number {
  return Math.floor(Math.random() * limit);
}

const hexAt = (bytes: Buffer, at: number): string => bytes.toString('hex', at, at + 5);
const swapped = (letter: string): string => (letter === 'a' ? 'b' : 'a');
