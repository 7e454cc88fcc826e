/** Each bad input, place and secret has an error of its own, in two lines with a code, and nothing is lost: every file is as it was. */
import { execFileSync } from 'node:child_process';
import { chmod, cp, mkdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { concatBytes } from '../../lib/bytes/octets.ts';
import { contextConstructed, TAG } from '../../lib/bytes/der-tags.ts';
import { DerReader } from '../../lib/bytes/der-reader.ts';
import { sequence, tlv } from '../../lib/bytes/der-writer.ts';
import { encryptFile } from '../../lib/encrypt-file.ts';
import { SessionKeyStore } from '../../lib/session-key-store.ts';
import { codeIn, keycask, type CommandOptions } from '../support/command-line.ts';
import { filesBelow, hashesOf } from '../support/folder-contents.ts';
import { openedMessage, ownSigner, signedAnew, withHeaderRecord } from '../support/forgery.ts';
import { mountTmpfs, testAsRoot } from '../support/permissions.ts';
import { newStore, secretText, type TemporaryHome } from '../support/temporary-home.ts';

describe('bad bytes', () => {
  test('an empty file', async () => {
    const scene = await newScene();
    await scene.write('empty.cask', new Uint8Array(0));
    expect(await scene.failure('decrypt', 'empty.cask', '-o', 'out')).toBe('3 BLOB_MALFORMED');
    expect(await scene.failure('record', 'import', 'empty.cask')).toBe('3 BLOB_MALFORMED');
    expect(await scene.failure('rewrap', 'empty.cask')).toBe('3 BLOB_MALFORMED');
  });

  test('what is not a record and not an encrypted file', async () => {
    const scene = await newScene();
    await scene.write('text.cms', Buffer.from('-----BEGIN CMS-----\n'));
    expect(await scene.failure('record', 'import', 'text.cms')).toBe('3 BLOB_MALFORMED');
    expect(await scene.failure('verify', 'text.cms')).toBe('3 BLOB_MALFORMED');
    expect(await scene.failure('decrypt', 'text.cms', '-o', 'out')).toBe('3 BLOB_MALFORMED');
    expect(await scene.failure('trust', 'add', 'text.cms')).toBe('3 BLOB_MALFORMED');
  });

  test('a length field of 4 GiB, wherever there is one, without memory for it', async () => {
    const scene = await newScene();
    for (const at of [HEADER_LENGTH_AT, RECORD_LENGTH_AT]) {
      const file = Uint8Array.from(scene.file);
      file.set([0xff, 0xff, 0xff, 0xff], at);
      await scene.write('long.cask', file);
      expect(await scene.failure('decrypt', 'long.cask', '-o', 'out')).toBe('3 BLOB_TOO_LARGE');
    }
    const record = concatBytes(Uint8Array.of(0x30, 0x84, 0xff, 0xff, 0xff, 0xff), scene.record);
    await scene.write('long.cms', record);
    expect(await scene.failure('verify', 'long.cms')).toBe('3 BLOB_MALFORMED');
    await scene.write('long.cask', withHeaderRecord(scene.file, record));
    expect(await scene.failure('decrypt', 'long.cask', '-o', 'out')).toBe('3 BLOB_MALFORMED');
  });

  test('a file that is far too large to be a record', async () => {
    const scene = await newScene();
    await scene.write('large.cms', new Uint8Array(0));
    await truncate(join(scene.folder, 'large.cms'), 3 * 2 ** 30);
    // Not hashed here: only its beginning is looked at.
    const end = await keycask(scene.where, ['record', 'import', 'large.cms']);
    expect(codeIn(end)).toBe('BLOB_TOO_LARGE');
  });

  test.for([
    [65, 'BLOB_MALFORMED'],
    [10_000, 'BLOB_TOO_LARGE'],
  ] as const)('%i recipients, signed by the owner himself', async ([count, code]) => {
    const scene = await newScene();
    const { content, metadata } = openedMessage(scene.record);
    const parts = { content: withRecipients(content, count), metadata: metadata! };
    const record = await signedAnew(parts, await ownSigner(scene.store));
    await scene.write('many.cms', record);
    expect(await scene.failure('record', 'import', 'many.cms')).toBe(`3 ${code}`);
  });

  test('more recipients than a record may have, when it is written', async () => {
    const scene = await newScene();
    await scene.write('cert.der', await scene.store.certificate('exchange'));
    const many = Array.from({ length: 64 }, () => ['-r', 'cert.der']).flat();
    const code = await scene.failure('encrypt', 'plain', '-o', 'out', ...many);
    expect(code).toBe('2 PARAMETER_INVALID');
  });
});

describe('wrong secrets and places', () => {
  test('a wrong password, and one with nobody to ask for it', async () => {
    const scene = await newScene();
    await using other = await SessionKeyStore.inMemory();
    using password = secretText('right');
    const [source, target] = [join(scene.folder, 'plain'), join(scene.folder, 'pw.cask')];
    await encryptFile(other, source, target, { password });
    await scene.write('wrong', Buffer.from('wrong\n'), 0o600);
    const decrypt = ['decrypt', 'pw.cask', '-o', 'out'] as const;
    expect(await scene.failure(...decrypt, '--password-file', 'wrong')).toBe('4 PASSWORD_WRONG');
    // Without a password its signer is simply nobody whom we trust.
    expect(await scene.failure(...decrypt)).toBe('3 BLOB_SIGNER_NOT_TRUSTED');
  });

  test('a wrong passphrase of the container, and none', async () => {
    const passphrase = () => Promise.resolve(secretText('right'));
    const scene = await newScene({ protector: 'passphrase', passphrase });
    await scene.write('wrong', Buffer.from('wrong\n'), 0o600);
    const create = ['create', 'more'] as const;
    expect(await scene.failure(...create, '--passphrase-file', 'wrong')).toBe('4 PASSWORD_WRONG');
    expect(await scene.failure(...create)).toBe('4 PASSWORD_REQUIRED');
  });

  test('the wrong store, the wrong machine, no store', async () => {
    const scene = await newScene();
    const { where: other } = await newStore();
    const decrypt = ['decrypt', 'file.cask', '-o', 'out'] as const;
    const wrong = await scene.failure(...decrypt, '--home', other.home);
    // The machine secret of this test's state folder is not that of the other home.
    expect(wrong).toBe('4 PROTECTOR_UNAVAILABLE');
    await cp(other.home, join(scene.folder, 'other'), { recursive: true });
    const stateOfOther = { env: { XDG_STATE_HOME: dirname(other.stateFolder) } };
    expect(await scene.failureOf([...decrypt, '--home', 'other'], stateOfOther)).toBe(
      '3 BLOB_SIGNER_NOT_TRUSTED',
    );
    expect(await scene.failureOf(['show', scene.id, '--home', 'other'], stateOfOther)).toBe(
      '4 KEY_NOT_FOUND',
    );
    expect(await scene.failure(...decrypt, '--home', 'nowhere')).toBe('4 HOME_NOT_FOUND');
  });

  test('a home without trust, without keys, without its configuration', async () => {
    for (const [missing, code] of [
      ['trust.cms', '3 TRUST_NOT_FOUND'],
      ['keys', '4 CONTAINER_NOT_FOUND'],
      ['keycask.json', '4 HOME_NOT_FOUND'],
      ['manifest.log', '3 MANIFEST_ROLLED_BACK'],
    ] as const) {
      const scene = await newScene();
      await rm(join(scene.where.home, missing), { recursive: true });
      expect(await scene.failure('create', 'more'), missing).toBe(code);
    }
  });
});

describe('files and folders in the way', () => {
  test('a folder where a file should be, and a file where a folder should be', async () => {
    const scene = await newScene();
    await mkdir(join(scene.folder, 'folder.cms'));
    const wrong = '1 FILE_WRONG_TYPE';
    expect(await scene.failure('record', 'import', 'folder.cms')).toBe(wrong);
    expect(await scene.failure('trust', 'add', 'folder.cms')).toBe(wrong);
    expect(await scene.failure('create', 'more', '--home', 'plain')).toBe(wrong);
    expect(await scene.failure('encrypt', 'plain', '-o', 'file.cask/out')).toBe(wrong);
    const record = ['record', 'export', scene.id, '--force', '-o'] as const;
    expect(await scene.failure(...record, 'folder.cms')).toBe(wrong);
  });

  test.for(['trust.cms', 'manifest.log', 'keycask.json'])(
    'a folder in the place of %s',
    async (name) => {
      const scene = await newScene();
      await rm(join(scene.where.home, name));
      await mkdir(join(scene.where.home, name));
      expect(await scene.failure('create', 'more')).toBe('1 FILE_WRONG_TYPE');
    },
  );

  test('an output that is there already', async () => {
    const scene = await newScene();
    const exists = '1 FILE_EXISTS';
    expect(await scene.failure('encrypt', 'plain', '-o', 'file.cask')).toBe(exists);
    expect(await scene.failure('decrypt', 'file.cask', '-o', 'plain')).toBe(exists);
    expect(await scene.failure('decrypt', 'missing.cask')).toBe('1 FILE_NOT_FOUND');
    expect(await scene.failure('init')).toBe('1 HOME_EXISTS');
  });
});

describe('disks', () => {
  testAsRoot('no permission: another user', async () => {
    const scene = await newScene();
    // He may come as far as the files, not into the home, which is its owner's alone.
    await chmod(scene.folder, 0o755);
    expect((await stat(scene.where.home)).mode & 0o777).toBe(0o700);
    const through = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    const denied = '1 PERMISSION_DENIED';
    for (const args of [
      ['list'],
      ['create', 'more'],
      ['decrypt', 'file.cask', '-o', 'out'],
      ['encrypt', 'plain', '-o', 'out', '--key', scene.id],
      ['init', '--home', 'his'],
    ])
      expect(await scene.failureOf(args, { through }), args.join(' ')).toBe(denied);
  });

  testAsRoot('a full disk', async () => {
    const scene = await newScene();
    await onSmallDisk(scene, '', async (disk) => {
      const home = ['--home', join(disk, 'home')];
      await scene.write('disk/fill', new Uint8Array(0));
      await fillUp(join(disk, 'fill'));
      const full = '1 STORAGE_FULL';
      for (const args of [
        ['create', 'more', ...home],
        ['rewrap', scene.id, ...home],
        ['rotate', 'demo', ...home],
        ['container', 'rotate', ...home],
        ['container', 'create', 'another', ...home],
        ['encrypt', 'plain', '-o', 'disk/out', '--key', scene.id],
        ['decrypt', 'file.cask', '-o', 'disk/out'],
        ['record', 'export', scene.id, '-o', 'disk/out'],
        ['init', '--home', 'disk/new'],
      ])
        expect(await scene.codeOf(args), args.join(' ')).toBe(full);
      expect((await filesBelow(disk)).filter((path) => path.startsWith('out'))).toEqual([]);
      // It can be read meanwhile, and written again when there is space.
      expect((await keycask(scene.where, ['verify', ...home])).code).toBe(0);
      await rm(join(disk, 'fill'));
      for (const args of [['create', 'more'], ['rewrap'], ['container', 'rotate'], ['verify']])
        expect(codeIn(await keycask(scene.where, [...args, ...home])), args.join(' ')).toBe('none');
      const decrypt = ['decrypt', 'file.cask', '-o', '-', ...home];
      expect((await keycask(scene.where, decrypt)).stdout.toString()).toBe(PLAINTEXT);
    });
  });

  testAsRoot('a read-only home', async () => {
    const scene = await newScene();
    await onSmallDisk(scene, '', async (disk) => {
      const home = ['--home', join(disk, 'home')];
      execFileSync('mount', ['-o', 'remount,ro', disk]);
      for (const args of [
        ['create', 'more', ...home],
        ['rewrap', scene.id, ...home],
        ['remove', scene.id, '--force', ...home],
        ['container', 'rotate', ...home],
        ['encrypt', 'plain', '-o', 'out', ...home],
        ['init', '--home', 'disk/new'],
      ])
        expect(await scene.failure(...args), args.join(' ')).toBe('1 STORAGE_READ_ONLY');
      for (const args of [['list'], ['verify'], ['doctor'], ['decrypt', 'file.cask', '-o', '-']])
        expect(codeIn(await keycask(scene.where, [...args, ...home])), args.join(' ')).toBe('none');
    });
  });
});

const PLAINTEXT = 'plain figures';
/** In the header of an encrypted file: lib/file-encryption/file-header.ts. */
const HEADER_LENGTH_AT = 28;
const RECORD_LENGTH_AT = 32;
const DISK_SIZE = '1m';

/** A home with a key, a file, and the file encrypted. */
interface Scene {
  readonly where: TemporaryHome;
  readonly folder: string;
  readonly store: SessionKeyStore;
  readonly id: string;
  /** The bytes of file.cask, and of the record. */
  readonly file: Uint8Array;
  readonly record: Uint8Array;
  write(name: string, bytes: Uint8Array, mode?: number): Promise<void>;
  /** Exit code and error code of a command that leaves every file as it was. */
  failure(...args: readonly string[]): Promise<string>;
  failureOf(args: readonly string[], options: CommandOptions): Promise<string>;
  /** The same of a command that may leave traces, as on a full disk. */
  codeOf(args: readonly string[]): Promise<string>;
}

async function newScene(options: Parameters<typeof newStore>[0] = {}): Promise<Scene> {
  const { store, where } = await newStore(options);
  const folder = dirname(where.home);
  using key = await store.createKey('demo');
  const write = (name: string, bytes: Uint8Array, mode = 0o644) =>
    writeFile(join(folder, name), bytes, { mode });
  await write('plain', Buffer.from(PLAINTEXT));
  const file = await store.encrypt(Buffer.from(PLAINTEXT), { key: key.id });
  await write('file.cask', file);
  const run = async (args: readonly string[], how: CommandOptions = {}) => {
    const end = await keycask(where, args, how);
    return `${end.code} ${codeIn(end)}`;
  };
  const failureOf = async (args: readonly string[], how: CommandOptions = {}) => {
    const before = await hashesOf(folder);
    const failure = await run(args, how);
    expect(await hashesOf(folder)).toEqual(before);
    return failure;
  };
  return {
    where,
    folder,
    store,
    id: key.id,
    file,
    record: await store.exportRecord(key.id),
    write,
    failureOf,
    failure: (...args) => failureOf(args),
    codeOf: run,
  };
}

/** The envelope with its one recipient repeated. */
function withRecipients(content: Uint8Array, count: number): Uint8Array {
  const outer = new DerReader(content, 'ContentInfo').enter(TAG.SEQUENCE, 'ContentInfo');
  const type = outer.element(TAG.OBJECT_IDENTIFIER, 'contentType');
  const envelope = outer
    .enter(contextConstructed(0), 'content')
    .enter(TAG.SEQUENCE, 'AuthEnvelopedData');
  const version = envelope.element(TAG.INTEGER, 'version');
  const recipients = envelope.enter(TAG.SET, 'recipientInfos');
  const recipient = recipients.element(recipients.peek(), 'recipientInfo');
  const rest: Uint8Array[] = [];
  while (envelope.peek() !== -1) rest.push(envelope.element(envelope.peek(), 'rest'));
  const all = tlv(TAG.SET, ...Array.from({ length: count }, () => recipient));
  return sequence(type, tlv(contextConstructed(0), sequence(version, all, ...rest)));
}

/** Mounts a small disk as `disk`, with a copy of the home on it. */
async function onSmallDisk(
  scene: Scene,
  options: string,
  work: (disk: string) => Promise<void>,
): Promise<void> {
  const path = join(scene.folder, 'disk');
  const disk = mountTmpfs(path, `size=${DISK_SIZE}${options}`);
  if (!disk) return expect.unreachable('root cannot mount a tmpfs here');
  try {
    await cp(scene.where.home, join(path, 'home'), { recursive: true });
    await work(path);
  } finally {
    disk.unmount();
  }
}

/** Writes until there is no byte left. */
async function fillUp(path: string): Promise<void> {
  for (const size of [1 << 16, 1 << 12, 1]) {
    try {
      for (;;) await writeFile(path, new Uint8Array(size), { flag: 'a' });
    } catch (error) {
      expect(error).toMatchObject({ code: 'ENOSPC' });
    }
  }
}
