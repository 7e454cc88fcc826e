/** Streams, bytes, and reads anywhere: the same format, whatever pieces it comes in. */
import { randomBytes } from 'node:crypto';
import { writeFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { buffer } from 'node:stream/consumers';
import { ReadableStream } from 'node:stream/web';
import { describe, expect, test } from 'vitest';
import { concatBytes } from '../../../lib/bytes/octets.ts';
import {
  decryptBytes,
  decryptDuplex,
  decryptStream,
  decryptTransform,
  encryptBytes,
  encryptDuplex,
  encryptStream,
  encryptTransform,
  openEncryptedFile,
  type ProgressEvent,
} from '../../../lib/encrypt-file.ts';
import { codeOfAsync } from '../../support/errors.ts';
import { FixedFileKeys } from '../../support/fixed-file-keys.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const FIRST = 1_048_520;
const keys = new FixedFileKeys();

async function collect(parts: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part);
  return Buffer.from(concatBytes(...all));
}

/** `bytes` in chunks of a size, and sometimes an empty one. */
function* chunksOf(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) {
    yield bytes.subarray(at, at + size);
    if (at % 3 === 0) yield new Uint8Array(0);
  }
}

describe('a stream', () => {
  test.each([
    [0, 1],
    [5000, 1],
    [5000, 4096],
    [FIRST + 1, 65_537],
    [FIRST, FIRST],
    [3 * FIRST, 10 * FIRST],
  ])('of %i bytes in chunks of %i is the same file', async (size, chunk) => {
    const plaintext = randomBytes(size);
    const sealed = await collect(encryptStream(keys, chunksOf(plaintext, chunk)));
    expect((await collect(decryptStream(keys, chunksOf(sealed, chunk)))).equals(plaintext)).toBe(
      true,
    );
    expect(plaintext.equals(await decryptBytes(keys, sealed))).toBe(true);
    const whole = await encryptBytes(keys, plaintext);
    expect(whole).toHaveLength(sealed.length);
    expect((await collect(decryptStream(keys, [whole]))).equals(plaintext)).toBe(true);
    expect(keys.open).toBe(0);
  });

  test('goes through web streams', async () => {
    const plaintext = randomBytes(2 * FIRST);
    const source = ReadableStream.from(chunksOf(plaintext, 100_000));
    const back = source.pipeThrough(encryptTransform(keys)).pipeThrough(decryptTransform(keys));
    expect((await collect(back)).equals(plaintext)).toBe(true);
  });

  test('goes through Node streams, piped and in a pipeline', async () => {
    const plaintext = randomBytes(2 * FIRST);
    const piped = Readable.from(chunksOf(plaintext, 100_000))
      .pipe(encryptDuplex(keys))
      .pipe(decryptDuplex(keys));
    expect((await buffer(piped)).equals(plaintext)).toBe(true);
    await pipeline(
      Readable.from(chunksOf(plaintext, 100_000)),
      (source: AsyncIterable<Uint8Array>) => encryptStream(keys, source),
      (source: AsyncIterable<Uint8Array>) => decryptStream(keys, source),
      async (source: AsyncIterable<Uint8Array>) => {
        expect((await collect(source)).equals(plaintext)).toBe(true);
      },
    );
  });

  test('that was cut gives what has verified, then fails', async () => {
    const plaintext = randomBytes(3 * FIRST);
    const sealed = await encryptBytes(keys, plaintext);
    const got: Uint8Array[] = [];
    const read = async () => {
      const cut = sealed.subarray(0, 4096 + 2 * (1 << 20));
      for await (const part of decryptStream(keys, [cut])) got.push(part);
    };
    expect(await codeOfAsync(read())).toBe('FILE_DAMAGED');
    expect(plaintext.subarray(0, FIRST).equals(concatBytes(...got))).toBe(true);
    const broken = ReadableStream.from([sealed.subarray(0, 5000)]);
    expect(await codeOfAsync(collect(broken.pipeThrough(decryptTransform(keys))))).toBe(
      'FILE_DAMAGED',
    );
    const nodeBroken = Readable.from([sealed.subarray(0, 5000)]);
    expect(await codeOfAsync(pipeline(nodeBroken, decryptDuplex(keys), collect))).toBe(
      'FILE_DAMAGED',
    );
  });

  test('tells its context only when the first segment has verified', async () => {
    const context = { owner: 'alice' };
    const sealed = Buffer.from(await encryptBytes(keys, randomBytes(10), { context }));
    const told: unknown[] = [];
    const onOpened = (file: object) => told.push(file);
    await collect(decryptStream(keys, [sealed], { onOpened }));
    expect(told).toMatchObject([{ context, keyId: '11'.repeat(16) }]);
    sealed[sealed.indexOf('alice')]! ^= 1;
    expect(await codeOfAsync(collect(decryptStream(keys, [sealed], { onOpened })))).toBe(
      'FILE_DAMAGED',
    );
    expect(told).toHaveLength(1);
  });

  test('stops at an abort, even where its source never speaks, and lets the source go', async () => {
    let closed = false;
    const controller = new AbortController();
    const silent: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => setImmediate(() => controller.abort())),
        return: () => {
          closed = true;
          return Promise.resolve({ done: true, value: undefined });
        },
      }),
    };
    const { signal } = controller;
    expect(await codeOfAsync(collect(encryptStream(keys, silent, { signal })))).toBe('CANCELLED');
    expect([closed, keys.open]).toEqual([true, 0]);
  });

  test('passes on what its source throws, and refuses text', async () => {
    const failing = async function* () {
      yield new Uint8Array(5);
      await Promise.reject(new RangeError('source failed'));
    };
    await expect(collect(encryptStream(keys, failing()))).rejects.toThrow('source failed');
    const text = Readable.from(['text']) as AsyncIterable<Uint8Array>;
    expect(await codeOfAsync(collect(encryptStream(keys, text)))).toBe('PARAMETER_INVALID');
  });

  test('closes its source when nobody wants more', async () => {
    const source = Readable.from(chunksOf(randomBytes(100), 10));
    for await (const _part of encryptStream(keys, source)) break;
    await new Promise((resolve) => setImmediate(resolve));
    expect(source.destroyed).toBe(true);
  });

  test('tells its progress without a total', async () => {
    const events: ProgressEvent[] = [];
    const onProgress = (event: ProgressEvent) => events.push(event);
    await collect(encryptStream(keys, [randomBytes(10)], { onProgress }));
    expect(events).toEqual([{ type: 'progress', path: undefined, bytesDone: 10 }]);
  });
});

describe('bytes', () => {
  test('with any single bit flipped are refused', async () => {
    const context = { a: 'b' };
    const sealed = await encryptBytes(keys, Buffer.from('small'), { context });
    expect(sealed).toHaveLength(4096 + 40 + 5 + 16);
    const survivors: number[] = [];
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      sealed[bit >> 3]! ^= 1 << (bit & 7);
      const code = await codeOfAsync(decryptBytes(keys, sealed));
      if (!REFUSALS.has(code)) survivors.push(bit);
      sealed[bit >> 3]! ^= 1 << (bit & 7);
    }
    expect(survivors).toEqual([]);
    expect(Buffer.from(await decryptBytes(keys, sealed, { context })).toString()).toBe('small');
  }, 120_000);

  test('cut anywhere, or continued, are refused', async () => {
    const sealed = await encryptBytes(keys, Buffer.from('small'));
    for (let length = 0; length < sealed.length; length++)
      expect(REFUSALS).toContain(await codeOfAsync(decryptBytes(keys, sealed.subarray(0, length))));
    const longer = concatBytes(sealed, new Uint8Array(1));
    expect(await codeOfAsync(decryptBytes(keys, longer))).toBe('FILE_DAMAGED');
  });

  test('are not decrypted in another context', async () => {
    const sealed = await encryptBytes(keys, Buffer.from('x'), { context: { row: '1' } });
    const work = decryptBytes(keys, sealed, { context: { row: '2' } });
    expect(await codeOfAsync(work)).toBe('CONTEXT_MISMATCH');
  });
});

const REFUSALS = new Set([
  'BLOB_MALFORMED',
  'BLOB_VERSION_UNSUPPORTED',
  'BLOB_TOO_LARGE',
  'BLOB_SIGNATURE_INVALID',
  'FILE_DAMAGED',
]);

describe('an open encrypted file', () => {
  test('knows its size and facts, and reads anywhere', async () => {
    await using folder = await inFolder();
    const plaintext = randomBytes(3 * FIRST);
    const path = join(folder.path, 'f.cask');
    writeFileSync(path, await encryptBytes(keys, plaintext, { context: { a: 'b' } }));
    await using file = await openEncryptedFile(keys, path, { context: { a: 'b' } });
    expect(file).toMatchObject({ size: plaintext.length, context: { a: 'b' } });
    const reads = [
      [0, 10],
      [FIRST - 5, 10],
      [0, plaintext.length],
      [plaintext.length - 1, 100],
      [plaintext.length, 1],
      [plaintext.length + 5, 1],
      [7, 0],
    ] as const;
    const got = await Promise.all(reads.map(([offset, length]) => file.read(offset, length)));
    for (const [i, [offset, length]] of reads.entries())
      expect(plaintext.subarray(offset, offset + length).equals(got[i]!)).toBe(true);
    expect(await codeOfAsync(file.read(-1, 1))).toBe('PARAMETER_INVALID');
    expect(await codeOfAsync(file.read(0, 0.5))).toBe('PARAMETER_INVALID');
    await file.close();
    expect(await codeOfAsync(file.read(0, 1))).toBe('HANDLE_INVALID');
  });

  test('is refused where it was cut at a segment, and fails where one segment was changed', async () => {
    await using folder = await inFolder();
    const path = join(folder.path, 'f.cask');
    const sealed = Buffer.from(await encryptBytes(keys, randomBytes(3 * FIRST)));
    sealed[4096 + 50]! ^= 1;
    writeFileSync(path, sealed);
    await using file = await openEncryptedFile(keys, path);
    expect(await file.read(FIRST, 10)).toHaveLength(10);
    expect(await codeOfAsync(file.read(FIRST - 1, 10))).toBe('FILE_DAMAGED');
    truncateSync(path, 4096 + 2 * (1 << 20));
    expect(await codeOfAsync(openEncryptedFile(keys, path))).toBe('FILE_DAMAGED');
    expect(await codeOfAsync(openEncryptedFile(keys, folder.path))).toBe('FILE_WRONG_TYPE');
  });

  async function inFolder() {
    const folder = await temporaryFolder();
    return { path: folder.path, [Symbol.asyncDispose]: () => folder.remove() };
  }
});

describe('text where bytes belong', () => {
  test('is refused as an argument that is not valid, before a key is asked for', async () => {
    const text = 'hello' as unknown as Uint8Array;
    expect(await codeOfAsync(encryptBytes(keys, text))).toBe('PARAMETER_INVALID');
    expect(await codeOfAsync(decryptBytes(keys, text))).toBe('PARAMETER_INVALID');
  });
});
