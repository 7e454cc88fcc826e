/** The little-endian cursor: every read bounded, every error with its place. */
import { describe, expect, test } from 'vitest';
import { BlobReader } from '../../../lib/bytes/blob-reader.ts';
import { BlobWriter } from '../../../lib/bytes/blob-writer.ts';
import { toHex } from '../../../lib/bytes/octets.ts';
import { hex } from '../../support/bytes.ts';
import { codeOf, thrownBy } from '../../support/errors.ts';

describe('BlobReader', () => {
  test('reads numbers in the order that the method names', () => {
    const r = new BlobReader(hex('01 0203 0203 04050607 04050607'), 'TEST');
    expect([r.u8('a'), r.u16le('b'), r.u16be('c'), r.u32le('d'), r.u32be('e')]).toEqual([
      0x01, 0x0302, 0x0203, 0x07060504, 0x04050607,
    ]);
    r.end();
  });

  test('reads a number above 2^31 as what it is', () => {
    expect(new BlobReader(hex('ffffffff'), 'TEST').u32le('a')).toBe(0xffffffff);
    expect(new BlobReader(hex('80000000'), 'TEST').u32be('a')).toBe(0x80000000);
  });

  test('reads from within a larger buffer', () => {
    const r = new BlobReader(hex('ff 0100 ff').subarray(1, 3), 'TEST');
    expect(r.u16le('a')).toBe(1);
    expect(r.left).toBe(0);
  });

  test.each([
    ['u8', (r: BlobReader) => r.u8('field')],
    ['u16le', (r: BlobReader) => r.u16le('field')],
    ['u16be', (r: BlobReader) => r.u16be('field')],
    ['u32le', (r: BlobReader) => r.u32le('field')],
    ['u32be', (r: BlobReader) => r.u32be('field')],
    ['bytes', (r: BlobReader) => r.bytes('field', 1)],
    ['bytes of 4 GiB', (r: BlobReader) => r.bytes('field', 0xffffffff)],
    ['sub', (r: BlobReader) => r.sub('field', 1)],
  ])('%s beyond the end says where', (_, read) => {
    const r = new BlobReader(hex('aabb'), 'TEST');
    r.bytes('all', 2);
    expect(thrownBy(() => read(r))).toMatchObject({
      name: 'BlobFormatError',
      code: 'BLOB_MALFORMED',
      format: 'TEST',
      field: 'field',
      offset: 2,
    });
  });

  test('what was not as expected is told with its own place, not the next', () => {
    const r = () => new BlobReader(hex('00 01 0200 03000000'), 'TEST');
    const at = (read: (reader: BlobReader) => unknown) => {
      const reader = r();
      return thrownBy(() => {
        reader.u8('zero');
        read(reader);
      });
    };
    expect(at((x) => x.expectU8('f', 2))).toMatchObject({
      offset: 1,
      problem: 'want 0x02, got 0x01',
    });
    expect(at((x) => x.expectU8('f', 2, 'BLOB_VERSION_UNSUPPORTED'))).toMatchObject({
      code: 'BLOB_VERSION_UNSUPPORTED',
    });
    expect(at((x) => x.expectU16le('f', 2))).toMatchObject({ offset: 1 });
    expect(at((x) => x.expectU32le('f', 2))).toMatchObject({ offset: 1 });
  });

  test('numbers are held to their bounds, inclusive', () => {
    const read = (value: string, bounds: object) =>
      codeOf(() => new BlobReader(hex(value), 'TEST').u32leIn('f', bounds));
    expect(read('05000000', { min: 5, max: 5 })).toBe('none');
    expect(read('05000000', { min: 6 })).toBe('BLOB_MALFORMED');
    expect(read('05000000', { max: 4 })).toBe('BLOB_MALFORMED');
    expect(read('08000000', { multipleOf: 8 })).toBe('none');
    expect(read('09000000', { multipleOf: 8 })).toBe('BLOB_MALFORMED');
    const r = new BlobReader(hex('0000 09000000'), 'TEST');
    r.u16le('before');
    expect(thrownBy(() => r.u32leIn('f', { max: 8 }))).toMatchObject({ offset: 2 });
  });

  test('bytes and rest are views, and a part of the input counts from the start of all', () => {
    const input = hex('0011223344');
    const r = new BlobReader(input, 'TEST');
    expect(r.bytes('head', 1).buffer).toBe(input.buffer);
    const part = r.sub('part', 2);
    expect(part.offset).toBe(1);
    expect(thrownBy(() => part.bytes('too much', 3))).toMatchObject({ offset: 1 });
    expect(toHex(part.rest('rest'))).toBe('1122');
    expect(toHex(r.rest('rest'))).toBe('3344');
    expect(r.offset).toBe(5);
  });

  test('trailing bytes are refused, and counted', () => {
    const r = new BlobReader(hex('0011'), 'TEST');
    r.u8('a');
    expect(thrownBy(() => r.end())).toMatchObject({ field: 'end', problem: '1 trailing bytes' });
  });
});

describe('BlobWriter', () => {
  test('writes what BlobReader reads', () => {
    const bytes = new BlobWriter(17)
      .u8(0x01)
      .u16le(0x0302)
      .u16be(0x0203)
      .u32le(0x07060504)
      .u32be(0x04050607)
      .padded(hex('aa'), 2)
      .bytes(hex('bbcc'))
      .finish();
    expect(toHex(bytes)).toBe('01 0203 0203 04050607 04050607 aa00 bbcc'.replaceAll(' ', ''));
  });

  test('writing too little or too much is our own mistake', () => {
    expect(codeOf(() => new BlobWriter(1).u16le(1))).toBe('INTERNAL');
    expect(codeOf(() => new BlobWriter(1).bytes(new Uint8Array(2)))).toBe('INTERNAL');
    expect(codeOf(() => new BlobWriter(2).u8(1).finish())).toBe('INTERNAL');
  });

  test('its result has a buffer of its own', () => {
    expect(new BlobWriter(4).u32le(1).finish().buffer.byteLength).toBe(4);
  });
});
