/** Encrypting and decrypting files: whole or not at all, and nothing left behind. */
import { randomBytes } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import process from 'node:process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { concatBytes } from '../../../lib/bytes/octets.ts';
import {
  decryptFile,
  encryptFile,
  readFileHeader,
  rewrapFile,
  type ProgressEvent,
} from '../../../lib/encrypt-file.ts';
import { KeyStoreError } from '../../../lib/errors.ts';
import { codeOfAsync } from '../../support/errors.ts';
import { FixedFileKeys, opaqueRecord } from '../../support/fixed-file-keys.ts';
import { canLink, canLoseRights, mountTmpfs, withoutRoot } from '../../support/permissions.ts';
import { temporaryFolder, type TemporaryFolder } from '../../support/temporary-folder.ts';

const MIB = 1 << 20;
const keys = new FixedFileKeys();
let folder: TemporaryFolder;
const at = (name: string) => join(folder.path, name);
const names = (path = folder.path) => readdirSync(path).toSorted();

beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

/** An encrypted file of `size` random bytes. */
async function encrypted(size: number, name = 'file'): Promise<Buffer> {
  const plaintext = randomBytes(size);
  writeFileSync(at(name), plaintext);
  await encryptFile(keys, at(name), at(`${name}.cask`));
  return plaintext;
}

describe('a file', () => {
  test.each([0, 1, 4096, 1_048_520, 1_048_521, 2 * MIB, 3 * MIB + 7])(
    'of %i bytes comes back, with the facts about it',
    async (size) => {
      const plaintext = randomBytes(size);
      writeFileSync(at('plain'), plaintext);
      const context = { owner: 'alice' };
      const made = await encryptFile(keys, at('plain'), at('sealed'), { context });
      expect(made).toMatchObject({ bytes: size, keyId: '11'.repeat(16) });
      const read = await decryptFile(keys, at('sealed'), at('back'), { context });
      expect(read).toEqual({ ...made, context });
      expect(readFileSync(at('back')).equals(plaintext)).toBe(true);
      expect(names()).toEqual(['back', 'plain', 'sealed']);
      expect(keys.open).toBe(0);
    },
  );

  test('of an unknown size is read to its end', async () => {
    // Files of /proc say that they have 0 bytes.
    const source = '/proc/self/limits';
    if (process.platform !== 'linux') return;
    const { bytes } = await encryptFile(keys, source, at('sealed'));
    expect(bytes).toBeGreaterThan(0);
    expect((await decryptFile(keys, at('sealed'), at('back'))).bytes).toBe(bytes);
  });

  test('uses a key that is lent, and leaves it open', async () => {
    writeFileSync(at('plain'), 'x');
    using fileKey = keys.fixedKey();
    const asked = keys.asked.length;
    await encryptFile(keys, at('plain'), at('sealed'), { fileKey });
    expect([keys.asked.length - asked, keys.open]).toEqual([0, 1]);
  });

  test('passes on what chooses its key', async () => {
    writeFileSync(at('plain'), 'x');
    await encryptFile(keys, at('plain'), at('sealed'), { key: 'reports', headerOnly: true });
    expect(keys.asked.at(-1)).toMatchObject({ key: 'reports', headerOnly: true });
  });

  test.each([
    [0o644, 0o644, 0o600],
    [0o755, 0o644, 0o600],
    [0o400, 0o400, 0o400],
  ])('of mode %o becomes mode %o encrypted and %o decrypted', async (mode, sealed, back) => {
    if (process.platform === 'win32') return;
    writeFileSync(at('plain'), 'x');
    chmodSync(at('plain'), mode);
    await encryptFile(keys, at('plain'), at('sealed'));
    await decryptFile(keys, at('sealed'), at('back'));
    const modes = ['sealed', 'back'].map((name) => statSync(at(name)).mode & 0o777);
    expect(modes).toEqual([sealed & ~process.umask(), back]);
  });

  test('tells its progress', async () => {
    const events: ProgressEvent[] = [];
    const onProgress = (event: ProgressEvent) => events.push(event);
    writeFileSync(at('plain'), randomBytes(2 * MIB));
    await encryptFile(keys, at('plain'), at('sealed'), { onProgress });
    await decryptFile(keys, at('sealed'), at('back'), { onProgress });
    const done = [1_048_520, 2_097_080, 2_097_152];
    expect(events.map((event) => event.bytesDone)).toEqual([...done, ...done]);
    expect(events[0]).toEqual({
      type: 'progress',
      path: at('plain'),
      bytesDone: 1_048_520,
      bytesTotal: 2 * MIB,
    });
  });
});

describe('an output', () => {
  test('that is there already stays, unless it may be replaced', async () => {
    writeFileSync(at('plain'), 'new');
    writeFileSync(at('sealed'), 'old');
    expect(await codeOfAsync(encryptFile(keys, at('plain'), at('sealed')))).toBe('FILE_EXISTS');
    expect(readFileSync(at('sealed'), 'utf8')).toBe('old');
    await encryptFile(keys, at('plain'), at('sealed'), { overwrite: true });
    await decryptFile(keys, at('sealed'), at('plain'), { overwrite: true });
    expect(readFileSync(at('plain'), 'utf8')).toBe('new');
    expect(names()).toEqual(['plain', 'sealed']);
  });

  test('that appears during the work stays too', async () => {
    writeFileSync(at('plain'), randomBytes(3 * MIB));
    const onProgress = () => writeFileSync(at('sealed'), 'somebody');
    const work = encryptFile(keys, at('plain'), at('sealed'), { onProgress });
    expect(await codeOfAsync(work)).toBe('FILE_EXISTS');
    expect(readFileSync(at('sealed'), 'utf8')).toBe('somebody');
    expect(names()).toEqual(['plain', 'sealed']);
  });

  test('is never its own source, under any name', async () => {
    writeFileSync(at('plain'), 'precious');
    linkSync(at('plain'), at('other name'));
    for (const target of ['plain', 'other name', join('..', basename(folder.path), 'plain')]) {
      const work = encryptFile(keys, at('plain'), at(target), { overwrite: true });
      expect(await codeOfAsync(work)).toBe('PARAMETER_INVALID');
    }
    expect(readFileSync(at('plain'), 'utf8')).toBe('precious');
  });

  test.skipIf(!canLink)(
    'that is a symbolic link is replaced, what it points to stays',
    async () => {
      writeFileSync(at('plain'), 'new');
      writeFileSync(at('elsewhere'), 'old');
      symlinkSync(at('elsewhere'), at('sealed'));
      await encryptFile(keys, at('plain'), at('sealed'), { overwrite: true });
      expect(lstatSync(at('sealed')).isFile()).toBe(true);
      expect(readFileSync(at('elsewhere'), 'utf8')).toBe('old');
    },
  );

  test('is no folder and no device', async () => {
    writeFileSync(at('plain'), 'x');
    mkdirSync(at('folder'));
    const overwrite = { overwrite: true };
    for (const target of process.platform === 'win32'
      ? [at('folder')]
      : [at('folder'), '/dev/null'])
      expect(await codeOfAsync(encryptFile(keys, at('plain'), target, overwrite))).toBe(
        'FILE_WRONG_TYPE',
      );
  });
});

describe('a source', () => {
  test('that is not there or a folder is refused, and nothing is made', async () => {
    mkdirSync(at('folder'));
    expect(await codeOfAsync(encryptFile(keys, at('nothing'), at('out')))).toBe('FILE_NOT_FOUND');
    expect(await codeOfAsync(encryptFile(keys, at('folder'), at('out')))).toBe('FILE_WRONG_TYPE');
    expect(names()).toEqual(['folder']);
  });

  test.runIf(canLoseRights)('that may not be read is refused', async () => {
    writeFileSync(at('secret'), 'x', { mode: 0o000 });
    chmodSync(folder.path, 0o777);
    const work = () => codeOfAsync(encryptFile(keys, at('secret'), at('out')));
    expect(await withoutRoot(work)).toBe('PERMISSION_DENIED');
  });

  test('that is a named pipe is refused without waiting', async () => {
    if (process.platform === 'win32') return;
    execFileSync('/usr/bin/mkfifo', [at('pipe')]);
    expect(await codeOfAsync(encryptFile(keys, at('pipe'), at('out')))).toBe('FILE_WRONG_TYPE');
    expect(await codeOfAsync(decryptFile(keys, at('pipe'), at('out')))).toBe('FILE_WRONG_TYPE');
  });

  test.each([
    ['an empty file', ''],
    ['a text', 'not encrypted at all, but longer than a header begins'],
    ['a header and nothing else', undefined],
  ])('that is %s is not decrypted', async (_name, text) => {
    await encrypted(10);
    if (text === undefined) truncateSync(at('file.cask'), 4096);
    else writeFileSync(at('file.cask'), text);
    const code = await codeOfAsync(decryptFile(keys, at('file.cask'), at('back')));
    expect(code).toBe(text === undefined ? 'FILE_DAMAGED' : 'BLOB_MALFORMED');
    expect(names()).toEqual(['file', 'file.cask']);
  });

  test('with another context than expected is refused', async () => {
    writeFileSync(at('plain'), 'x');
    await encryptFile(keys, at('plain'), at('sealed'), { context: { owner: 'alice' } });
    const work = decryptFile(keys, at('sealed'), at('back'), { context: { owner: 'bob' } });
    expect(await codeOfAsync(work)).toBe('CONTEXT_MISMATCH');
  });
});

describe('what goes wrong leaves nothing', () => {
  test.each([1000, 3 * MIB])('of %i damaged bytes', async (size) => {
    await encrypted(size);
    const bytes = readFileSync(at('file.cask'));
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(at('file.cask'), bytes);
    expect(await codeOfAsync(decryptFile(keys, at('file.cask'), at('back')))).toBe('FILE_DAMAGED');
    expect(names()).toEqual(['file', 'file.cask']);
    expect(keys.open).toBe(0);
  });

  test.each(['large', 'small'])('of an abort before or midway in a %s file', async (name) => {
    await encrypted(4 * MIB, 'large');
    await encrypted(10, 'small');
    const before = names();
    for (const work of [encryptFile, decryptFile]) {
      const controller = new AbortController();
      const options = { signal: controller.signal, onProgress: () => controller.abort() };
      const source = work === encryptFile ? name : `${name}.cask`;
      // A small file tells its progress when it is done: there the abort comes first.
      if (name === 'small') controller.abort();
      expect(await codeOfAsync(work(keys, at(source), at('back'), options))).toBe('CANCELLED');
    }
    expect(names()).toEqual(before);
    expect(keys.open).toBe(0);
  });

  test('of a key that cannot be had', async () => {
    writeFileSync(at('plain'), 'x');
    const failing = new FixedFileKeys();
    failing.fileKey = () => Promise.reject(new KeyStoreError('KEY_NOT_FOUND'));
    const work = encryptFile(failing, at('plain'), at('sealed'));
    expect(await codeOfAsync(work)).toBe('KEY_NOT_FOUND');
    expect(names()).toEqual(['plain']);
  });

  test('on a full disk', async ({ skip }) => {
    const disk = mountTmpfs(at('disk'), 'size=1m');
    if (!disk) return skip('only root can mount a small file system');
    try {
      await encrypted(3 * MIB, 'large');
      for (const [work, source] of [
        [encryptFile, 'large'],
        [decryptFile, 'large.cask'],
      ] as const) {
        const code = await codeOfAsync(work(keys, at(source), at('disk/out')));
        expect(code).toBe('STORAGE_FULL');
      }
      expect(names(disk.path)).toEqual([]);
    } finally {
      disk.unmount();
    }
  });
});

describe('a re-wrapped file', () => {
  const record = opaqueRecord({ fill: 0x99, recordLength: 5000 });
  const newer = new FixedFileKeys({ record });

  test.each([0, 10, 2 * MIB])('of %i bytes keeps its ciphertext and opens', async (size) => {
    const plaintext = await encrypted(size);
    chmodSync(at('file.cask'), 0o666);
    const before = readFileSync(at('file.cask'));
    await rewrapFile(newer, at('file.cask'), record);
    const after = readFileSync(at('file.cask'));
    expect(after.subarray(8192).equals(before.subarray(4096))).toBe(true);
    expect(statSync(at('file.cask')).mode & 0o777).toBe(0o666);
    await decryptFile(newer, at('file.cask'), at('back'));
    expect(readFileSync(at('back')).equals(plaintext)).toBe(true);
    const header = await readFileHeader(at('file.cask'));
    expect(header.record).toEqual(record);
    expect(names()).toEqual(['back', 'file', 'file.cask']);
  });

  test('stays as it was where the record is of another key', async () => {
    await encrypted(100);
    const before = readFileSync(at('file.cask'));
    const other = new FixedFileKeys({ fill: 0x22 });
    const work = rewrapFile(other, at('file.cask'), opaqueRecord({ fill: 0x22 }));
    expect(await codeOfAsync(work)).toBe('FILE_DAMAGED');
    expect(readFileSync(at('file.cask')).equals(before)).toBe(true);
    expect([names(), other.open]).toEqual([['file', 'file.cask'], 0]);
  });

  test('may be for others only, where the key is open already', async () => {
    await encrypted(100);
    using lent = keys.fixedKey();
    const { key } = lent;
    await rewrapFile(keys, at('file.cask'), record, { key });
    expect(await codeOfAsync(decryptFile(keys, at('file.cask'), at('back')))).toBe(
      'BLOB_SIGNATURE_INVALID',
    );
    await decryptFile(newer, at('file.cask'), at('back'));
    expect(key.disposed).toBe(false);
  });

  test.skipIf(!canLink)('is written through a symbolic link', async () => {
    await encrypted(100);
    symlinkSync(at('file.cask'), at('link'));
    await rewrapFile(newer, at('link'), record);
    expect(lstatSync(at('link')).isSymbolicLink()).toBe(true);
    expect((await readFileHeader(at('file.cask'))).record).toEqual(record);
  });

  test('is refused where its ciphertext was cut', async () => {
    await encrypted(2 * MIB);
    truncateSync(at('file.cask'), 4096 + MIB);
    expect(await codeOfAsync(rewrapFile(newer, at('file.cask'), record))).toBe('FILE_DAMAGED');
  });
});

test('two files cannot exchange their headers or their ciphertexts', async () => {
  const plaintexts = [await encrypted(100, 'a'), await encrypted(100, 'b')];
  const [a, b] = ['a.cask', 'b.cask'].map((name) => readFileSync(at(name))) as [Buffer, Buffer];
  writeFileSync(at('mixed'), concatBytes(a.subarray(0, 4096), b.subarray(4096)));
  expect(await codeOfAsync(decryptFile(keys, at('mixed'), at('back')))).toBe('FILE_DAMAGED');
  expect(plaintexts[0]!.equals(plaintexts[1]!)).toBe(false);
});
