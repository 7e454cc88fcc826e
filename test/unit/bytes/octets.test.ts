/** Byte strings that are not secret. */
import { expect, test } from 'vitest';
import {
  compareBytes,
  concatBytes,
  decodeUtf8,
  encodeUtf8,
  equalBytes,
  fromHex,
  plainBytes,
  reverseBytes,
  toHex,
} from '../../../lib/bytes/octets.ts';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

test('equal and ordered bytes', () => {
  expect(equalBytes(bytes(1, 2), bytes(1, 2))).toBe(true);
  expect(equalBytes(bytes(1, 2), bytes(1, 3))).toBe(false);
  expect(equalBytes(bytes(1), bytes(1, 2))).toBe(false);
  expect(compareBytes(bytes(1, 2), bytes(1, 3))).toBeLessThan(0);
  expect(compareBytes(bytes(1, 2), bytes(1))).toBeGreaterThan(0);
  expect(compareBytes(bytes(0x80), bytes(0x7f))).toBeGreaterThan(0);
  expect(compareBytes(bytes(), bytes())).toBe(0);
});

test('joined and reversed bytes are copies', () => {
  const a = bytes(1, 2, 3);
  expect([...concatBytes(a, bytes(), bytes(4))]).toEqual([1, 2, 3, 4]);
  expect([...reverseBytes(a)]).toEqual([3, 2, 1]);
  expect([...a]).toEqual([1, 2, 3]);
});

test('plain bytes are the same memory, and no Buffer', () => {
  const buffer = Buffer.from([1, 2, 3]);
  const plain = plainBytes(buffer);
  expect(Buffer.isBuffer(plain)).toBe(false);
  buffer[0] = 9;
  expect([...plain]).toEqual([9, 2, 3]);
});

test('hex goes both ways, and nothing else is hex', () => {
  expect(toHex(bytes(0, 15, 16, 255))).toBe('000f10ff');
  expect([...fromHex('000F10ff')!]).toEqual([0, 15, 16, 255]);
  expect([...fromHex('')!]).toEqual([]);
  for (const text of ['0', '0g', ' 00', '0x00', '00\n']) expect(fromHex(text)).toBeUndefined();
});

test('UTF-8 that is not well formed has no text, and a byte order mark stays', () => {
  expect(decodeUtf8(encodeUtf8('Schlüssel 🗝'))).toBe('Schlüssel 🗝');
  expect(decodeUtf8(bytes(0xff))).toBeUndefined();
  expect(decodeUtf8(bytes(0xc0, 0x80))).toBeUndefined();
  expect(decodeUtf8(bytes(0xef, 0xbb, 0xbf, 0x41))).toBe('\ufeffA');
});
