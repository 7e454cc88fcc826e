/** Every change of a record's bytes, or of an encrypted file's, is refused: all single bits, all cuts at segment edges, every BER variant. */
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { concatBytes } from '../../lib/bytes/octets.ts';
import { KeyStoreError } from '../../lib/errors.ts';
import { fileHeaderLength } from '../../lib/file-encryption/file-header.ts';
import { SEGMENT_LENGTH, STREAM_HEADER_LENGTH } from '../../lib/file-encryption/segments.ts';
import { SessionKeyStore } from '../../lib/session-key-store.ts';
import { berVariants } from '../support/ber.ts';
import { codeIn, keycask } from '../support/command-line.ts';
import { codeOf, codeOfAsync } from '../support/errors.ts';
import { hashesOf } from '../support/folder-contents.ts';
import {
  openedMessage,
  ownSigner,
  signedAnew,
  withFlippedBit,
  withHeaderRecord,
} from '../support/forgery.ts';
import { newStore, type TemporaryHome } from '../support/temporary-home.ts';

/** In another encoding a version or an algorithm is another one, and a signature is wrong. */
const FORM_CODES = new Set([
  'BLOB_MALFORMED',
  'BLOB_VERSION_UNSUPPORTED',
  'BLOB_ALGORITHM_UNSUPPORTED',
  'BLOB_SIGNATURE_INVALID',
]);
/** Of each kind, by the command line. */
const FLIPS_BY_COMMAND = 50;

describe('a single bit that was turned over is refused', () => {
  test('wherever it is in a record', async () => {
    await using store = await SessionKeyStore.inMemory();
    using key = await store.createKey('demo');
    const record = await store.exportRecord(key.id);
    const accepted: number[] = [];
    for (let bit = 0; bit < record.length * 8; bit++)
      if (codeOf(() => store.verifyRecord(withFlippedBit(record, bit))) === 'none')
        accepted.push(bit);
    expect(accepted).toEqual([]);
  });

  test('wherever it is in an encrypted file', async () => {
    await using store = await SessionKeyStore.inMemory();
    const file = await store.encrypt(Buffer.from('a small file'));
    const unrefused = new Map<number, string>();
    for (let bit = 0; bit < file.length * 8; bit++) {
      const code = await codeOfAsync(store.decrypt(withFlippedBit(file, bit)));
      if (code === 'none' || code.startsWith('not a KeyStoreError')) unrefused.set(bit, code);
    }
    expect(unrefused).toEqual(new Map());
  });

  test('by a fresh process, in a record of the store', async () => {
    const { store, where } = await newStore();
    using key = await store.createKey('demo');
    const path = join(where.home, 'records', key.id.slice(0, 2), `${key.id}.1.cms`);
    const record = await store.exportRecord(key.id);
    await writeFile(join(dirname(where.home), 'plain'), 'plain');
    for (let turn = 0; turn < FLIPS_BY_COMMAND; turn++) {
      await writeFile(path, withFlippedBit(record, randomBelow(record.length * 8)));
      await mustRefuse(where, ['encrypt', 'plain', '-o', 'out', '--key', 'demo']);
    }
    await writeFile(path, record);
    const end = await keycask(where, ['encrypt', 'plain', '-o', 'out', '--key', 'demo']);
    expect(end.code).toBe(0);
  });

  test('by a fresh process, in an encrypted file', async () => {
    const { store, where } = await newStore();
    const file = await store.encrypt(Buffer.from('a small file'));
    const path = join(dirname(where.home), 'file.cask');
    for (let turn = 0; turn < FLIPS_BY_COMMAND; turn++) {
      await writeFile(path, withFlippedBit(file, randomBelow(file.length * 8)));
      await mustRefuse(where, ['decrypt', 'file.cask', '-o', 'out']);
    }
    await writeFile(path, file);
    const end = await keycask(where, ['decrypt', 'file.cask', '-o', '-']);
    expect(end.stdout.toString()).toBe('a small file');
  });
});

describe('an encrypted file is refused', () => {
  test('when it was cut or continued at any edge of a segment', async () => {
    const { store, where } = await newStore();
    const path = join(dirname(where.home), 'file.cask');
    const file = await store.encrypt(new Uint8Array(2 * SEGMENT_LENGTH + 1000));
    const header = fileHeaderLength(file);
    const edges = [header, header + STREAM_HEADER_LENGTH, file.length];
    for (let at = header + SEGMENT_LENGTH; at < file.length; at += SEGMENT_LENGTH) edges.push(at);
    const longer = concatBytes(file, file.subarray(header + SEGMENT_LENGTH));
    for (const edge of [0, 8, 36, ...edges.flatMap((at) => [at - 1, at, at + 1]), longer.length]) {
      if (edge === file.length) continue;
      await writeFile(path, longer.subarray(0, edge));
      const code = await mustRefuse(where, ['decrypt', 'file.cask', '-o', 'out']);
      expect(code, `cut at ${edge}`).toBe(edge < header ? 'BLOB_MALFORMED' : 'FILE_DAMAGED');
      if (edge >= header) await mustRefuse(where, ['verify', 'file.cask', '--content']);
    }
  });

  test('when its segments were put in another order', async () => {
    const { store, where } = await newStore();
    const file = await store.encrypt(new Uint8Array(3 * SEGMENT_LENGTH + 1000));
    const start = fileHeaderLength(file) + SEGMENT_LENGTH;
    const [one, two] = [start, start + SEGMENT_LENGTH].map((at) =>
      file.slice(at, at + SEGMENT_LENGTH),
    );
    file.set(two!, start);
    file.set(one!, start + SEGMENT_LENGTH);
    await writeFile(join(dirname(where.home), 'file.cask'), file);
    expect(await mustRefuse(where, ['decrypt', 'file.cask', '-o', 'out'])).toBe('FILE_DAMAGED');
  });
});

describe('another encoding of a valid record is refused', () => {
  test('whichever value of it is written otherwise', async () => {
    await using store = await SessionKeyStore.inMemory();
    using key = await store.createKey('demo');
    const record = await store.exportRecord(key.id);
    const codes = codesOf(store, berVariants(record));
    expect([...codes].filter((code) => !FORM_CODES.has(code))).toEqual([]);
  });

  test('even where the owner signed that encoding of envelope or metadata', async () => {
    await using store = await SessionKeyStore.inMemory();
    using key = await store.createKey('demo');
    const signer = await ownSigner(store);
    const message = openedMessage(await store.exportRecord(key.id));
    const parts = { content: message.content, metadata: message.metadata! };
    expect(store.verifyRecord(await signedAnew(parts, signer)).label).toBe('demo');
    for (const part of ['content', 'metadata'] as const) {
      for (const { what, bytes } of berVariants(parts[part])) {
        const record = await signedAnew({ ...parts, [part]: bytes }, signer);
        const code = codeOf(() => store.verifyRecord(record));
        expect(FORM_CODES, `${part}: ${what}`).toContain(code);
      }
    }
  });

  test('by a fresh process, in the store and in the header of a file', async () => {
    const { store, where } = await newStore();
    using key = await store.createKey('demo');
    const folder = dirname(where.home);
    const record = await store.exportRecord(key.id);
    const file = await store.encrypt(Buffer.from('a small file'), { key: 'demo' });
    await writeFile(join(folder, 'plain'), 'plain');
    for (const { bytes } of [...berVariants(record)].slice(0, 8)) {
      await writeFile(join(where.home, 'records', key.id.slice(0, 2), `${key.id}.1.cms`), bytes);
      const encrypt = ['encrypt', 'plain', '-o', 'out', '--key', 'demo'];
      expect(await mustRefuse(where, encrypt)).toBe('BLOB_MALFORMED');
      await writeFile(join(folder, 'file.cask'), withHeaderRecord(file, bytes));
      const decrypt = ['decrypt', 'file.cask', '-o', 'out'];
      expect(await mustRefuse(where, decrypt)).toBe('BLOB_MALFORMED');
    }
  });
});

/** Exit 3, two lines, no output, nothing changed. The code. */
async function mustRefuse(where: TemporaryHome, args: readonly string[]): Promise<string> {
  const folder = dirname(where.home);
  const before = await hashesOf(folder);
  const end = await keycask(where, args);
  expect(end.code, end.stderr).toBe(3);
  expect(end.stdout.toString()).toBe('');
  expect(await hashesOf(folder)).toEqual(before);
  const code = codeIn(end);
  expect(code).toMatch(/^[A-Z_]+$/);
  return code;
}

function codesOf(
  store: SessionKeyStore,
  variants: Iterable<{ readonly bytes: Uint8Array }>,
): Set<string> {
  const codes = new Set<string>();
  for (const { bytes } of variants) {
    try {
      store.verifyRecord(bytes);
      codes.add('none');
    } catch (error) {
      codes.add(KeyStoreError.is(error) ? error.code : String(error));
    }
  }
  return codes;
}

function randomBelow(limit: number): number {
  return Math.floor(Math.random() * limit);
}
