/** Encrypted files under arbitrary sizes, chunks, contexts, reads and changes. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { concatBytes } from '../../lib/bytes/octets.ts';
import {
  decryptBytes,
  decryptStream,
  encryptBytes,
  encryptStream,
  openEncryptedFile,
  type EncryptedFileReader,
} from '../../lib/encrypt-file.ts';
import { decodeFileHeader, encodeFileHeader } from '../../lib/file-encryption/file-header.ts';
import { ciphertextSize, plaintextSize } from '../../lib/file-encryption/segments.ts';
import { codeOf, codeOfAsync } from '../support/errors.ts';
import { FixedFileKeys } from '../support/fixed-file-keys.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';

const runs = (normally: number) => ({ numRuns: process.env['SLOW'] ? normally * 50 : normally });
const keys = new FixedFileKeys();
const FIRST = 1_048_520;

const name = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' }).filter((text) => {
  // oxlint-disable-next-line no-control-regex -- those that names may not have
  return !/[\u0000-\u001f\u007f-\u009f=]/u.test(text);
});
const context = fc.dictionary(name, fc.string({ maxLength: 50, unit: 'grapheme' }), { maxKeys: 8 });

async function collect(parts: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part);
  return concatBytes(...all);
}

/** The same bytes, cut at random places. */
function cut(bytes: Uint8Array, at: readonly number[]): Uint8Array[] {
  const edges = [0, ...at.map((part) => Math.floor(part * bytes.length)), bytes.length];
  const sorted = edges.toSorted((a, b) => a - b);
  return sorted.slice(1).map((edge, i) => bytes.subarray(sorted[i], edge));
}

describe('encrypted files', () => {
  test('have headers with one encoding', () => {
    const id = fc.uint8Array({ minLength: 16, maxLength: 16 });
    const record = fc.uint8Array({ minLength: 1, maxLength: 9000 });
    const property = fc.property(id, record, context, (fileId, record, pairs) => {
      const bytes = encodeFileHeader({ fileId, record, context: pairs });
      const header = decodeFileHeader(bytes);
      expect(header.record).toEqual(record);
      expect({ ...header.context }).toEqual({ ...pairs });
      expect(Buffer.compare(encodeFileHeader(header), bytes)).toBe(0);
    });
    fc.assert(property, runs(200));
  });

  test('are never made of random bytes', () => {
    const property = fc.property(fc.uint8Array({ maxLength: 6000 }), (bytes) => {
      expect(codeOf(() => decodeFileHeader(bytes))).toMatch(/^BLOB_/u);
    });
    fc.assert(property, runs(500));
  });

  test('have one size for each size of plaintext', () => {
    const property = fc.property(fc.nat(2 ** 45), (size) => {
      expect(plaintextSize(ciphertextSize(size))).toBe(size);
      const smaller = plaintextSize(size);
      expect(smaller === undefined || ciphertextSize(smaller) === size).toBe(true);
    });
    fc.assert(property, runs(500));
  });

  test('do not depend on how the stream was cut', async () => {
    const place = fc.double({ min: 0, max: 1, noNaN: true });
    const places = fc.array(place, { maxLength: 12 });
    const size = fc.nat(2 * FIRST + 5);
    const property = fc.asyncProperty(size, places, context, async (size, places, pairs) => {
      const plaintext = new Uint8Array(size).map((_, i) => (i * 37) & 0xff);
      const options = { context: pairs };
      const sealed = await collect(encryptStream(keys, cut(plaintext, places), options));
      const back = await collect(decryptStream(keys, cut(sealed, places), options));
      expect(Buffer.compare(back, plaintext)).toBe(0);
    });
    await fc.assert(property, runs(30));
  });

  test('are refused with any byte changed', async () => {
    const plaintext = fc.uint8Array({ minLength: 1, maxLength: 300 });
    const change = fc.integer({ min: 1, max: 255 });
    const property = fc.asyncProperty(plaintext, fc.nat(), change, async (bytes, at, change) => {
      const sealed = await encryptBytes(keys, bytes);
      sealed[at % sealed.length]! ^= change;
      expect(await codeOfAsync(decryptBytes(keys, sealed))).toMatch(/^(BLOB_|FILE_DAMAGED)/u);
    });
    await fc.assert(property, runs(200));
  });

  describe('open for reading', () => {
    const plaintext = new Uint8Array(3 * FIRST).map((_, i) => (i * 31 + (i >> 10)) & 0xff);
    let folder: TemporaryFolder;
    let file: EncryptedFileReader;

    beforeAll(async () => {
      folder = await temporaryFolder();
      writeFileSync(join(folder.path, 'f'), await encryptBytes(keys, plaintext));
      file = await openEncryptedFile(keys, join(folder.path, 'f'));
    });
    afterAll(async () => {
      await file.close();
      await folder.remove();
    });

    test('give what a slice gives', async () => {
      const offset = fc.oneof(
        fc.nat(plaintext.length + 10),
        fc.integer({ min: FIRST - 3, max: FIRST + 3 }),
        fc.integer({ min: plaintext.length - 3, max: plaintext.length + 3 }),
      );
      const length = fc.oneof(fc.nat(10), fc.nat(70_000), fc.nat(plaintext.length));
      const property = fc.asyncProperty(offset, length, async (offset, length) => {
        const got = await file.read(offset, length);
        expect(Buffer.compare(got, plaintext.subarray(offset, offset + length))).toBe(0);
      });
      await fc.assert(property, runs(150));
    });
  });
});
