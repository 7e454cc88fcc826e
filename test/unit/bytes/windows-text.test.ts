/** GUIDs and UTF-16 as Windows' structures have them. */
import { describe, expect, test } from 'vitest';
import { guidBytes, guidText } from '../../../lib/bytes/guid.ts';
import { fromHex, toHex } from '../../../lib/bytes/octets.ts';
import { decodeUtf16, decodeUtf16z, encodeUtf16, encodeUtf16z } from '../../../lib/bytes/utf16.ts';

describe('a GUID', () => {
  test('has its first three fields in little-endian order', () => {
    const dpapi = fromHex('d08c9ddf0115d1118c7a00c04fc297eb')!;
    expect(guidText(dpapi)).toBe('df9d8cd0-1501-11d1-8c7a-00c04fc297eb');
    expect(toHex(guidBytes('{DF9D8CD0-1501-11D1-8C7A-00C04FC297EB}')!)).toBe(toHex(dpapi));
  });

  test.each(['', 'df9d8cd0', '{df9d8cd0-1501-11d1-8c7a-00c04fc297eb', 'x'.repeat(36)])(
    'is not %j',
    (text) => {
      expect(guidBytes(text)).toBeUndefined();
    },
  );
});

describe('UTF-16', () => {
  test('keeps every unit, half a surrogate pair included', () => {
    const text = 'Clé \ud83d\udd11 \ud800';
    expect(decodeUtf16(encodeUtf16(text))).toBe(text);
    expect(toHex(encodeUtf16z('Aé'))).toBe('4100e9000000');
  });

  test.each([0, 1, 4095, 4096, 4097, 8192, 8193, 100_000])(
    'of %i units is written as it was read',
    (length) => {
      const units = Array.from({ length }, (_, i) => (i * 7919) & 0xffff);
      const bytes = new Uint8Array(units.flatMap((unit) => [unit & 0xff, unit >> 8]));
      const text = decodeUtf16(bytes)!;
      expect(text).toHaveLength(length);
      expect(Array.from({ length }, (_, i) => text.charCodeAt(i))).toEqual(units);
      expect(encodeUtf16(text)).toEqual(bytes);
    },
  );

  test('has whole units', () => {
    expect(decodeUtf16(new Uint8Array(3))).toBeUndefined();
  });

  test('with a terminating null has it once, at the end', () => {
    expect(decodeUtf16z(encodeUtf16z('name'))).toBe('name');
    expect(decodeUtf16z(encodeUtf16z(''))).toBe('');
    for (const wrong of ['', 'name', 'na\0me\0', '\0\0'])
      expect(decodeUtf16z(encodeUtf16(wrong))).toBeUndefined();
  });
});
