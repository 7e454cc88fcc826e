/** DER: one encoding for each value, written as X.690 says and read no other way. */
import { describe, expect, test } from 'vitest';
import { DerReader } from '../../../lib/bytes/der-reader.ts';
import { contextConstructed, TAG } from '../../../lib/bytes/der-tags.ts';
import {
  assemble,
  bitString,
  cmsTime,
  context,
  contextOctets,
  generalizedTime,
  integer,
  octetString,
  oid,
  sequence,
  setOf,
  tlv,
  utcTime,
  utf8String,
} from '../../../lib/bytes/der-writer.ts';
import { toHex } from '../../../lib/bytes/octets.ts';
import { hex } from '../../support/bytes.ts';
import { codeOf, thrownBy } from '../../support/errors.ts';

const reader = (digits: string): DerReader => new DerReader(hex(digits), 'TEST');

describe('the writer', () => {
  test.each([
    [0, '0400'],
    [127, '047f'],
    [128, '048180'],
    [255, '0481ff'],
    [256, '04820100'],
    [65_535, '0482ffff'],
    [65_536, '0483010000'],
  ])('a value of %i bytes has the shortest length field', (length, header) => {
    const value = octetString(new Uint8Array(length));
    expect(toHex(value.subarray(0, value.length - length))).toBe(header);
  });

  test('an assembled value is the same, in memory of its own', () => {
    const make = (): Uint8Array => sequence(octetString(new Uint8Array(70)), utf8String('né'));
    const [one, other] = [assemble(make), assemble(make)];
    expect(toHex(one)).toBe(toHex(make()));
    expect(one.buffer.byteLength).toBe(one.length);
    other.fill(0xff);
    expect(toHex(one)).toBe(toHex(make()));
  });

  test.each([
    [0, '020100'],
    [127, '02017f'],
    [128, '02020080'],
    [256, '02020100'],
    [0xffffffff, '020500ffffffff'],
    [2 ** 48 - 1, '020700ffffffffffff'],
  ])('the INTEGER %i', (value, encoding) => {
    expect(toHex(integer(value))).toBe(encoding);
  });

  test.each([
    ['1.2.840.113549.1.7.2', '06092a864886f70d010702'],
    ['2.16.840.1.101.3.4.1.46', '060960864801650304012e'],
    ['1.2.840.113556.1.8000.2554.445', '060d2a864886f71401be40937a833d'],
    ['2.999', '06028837'],
  ])('the OBJECT IDENTIFIER %s', (dotted, encoding) => {
    expect(toHex(oid(dotted))).toBe(encoding);
  });

  test('a SET OF is in the order of its encodings', () => {
    const set = setOf(hex('020102'), hex('0400'), hex('020101'), hex('02020100'));
    expect(toHex(set)).toBe('310c020101020102020201000400');
  });

  test('other values', () => {
    expect(toHex(bitString(hex('aabb')))).toBe('030300aabb');
    expect(toHex(utf8String('ä'))).toBe('0c02c3a4');
    expect(toHex(contextOctets(0, hex('aa')))).toBe('8001aa');
    expect(toHex(context(1, integer(1)))).toBe('a103020101');
    expect(toHex(sequence(integer(1), tlv(TAG.NULL)))).toBe('30050201010500');
  });

  test('times: UTCTime to 2049, GeneralizedTime after', () => {
    const text = (bytes: Uint8Array) => Buffer.from(bytes.subarray(2)).toString();
    expect(text(utcTime(new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 678))))).toBe('260102030405Z');
    expect(text(generalizedTime(new Date(Date.UTC(9999, 11, 31, 23, 59, 59))))).toBe(
      '99991231235959Z',
    );
    expect(cmsTime(new Date(Date.UTC(2049, 11, 31)))[0]).toBe(TAG.UTC_TIME);
    expect(cmsTime(new Date(Date.UTC(2050, 0, 1)))[0]).toBe(TAG.GENERALIZED_TIME);
  });
});

describe('the reader refuses', () => {
  test.each([
    ['nothing at all', ''],
    ['a tag without a length', '04'],
    ['another tag', '020100'],
    ['contents cut short', '0402aa'],
    ['a length field cut short', '048201'],
    ['a long length field for a short value', '048101aa'],
    ['a length field with a leading zero', '04820080' + 'aa'.repeat(128)],
    ['a length field of 4 bytes', '048400000001aa'],
    ['a length of 16 MiB', '0483ffffff'],
    ['an indefinite length', '0480aa0000'],
    ['a reserved length', '04ffaa'],
  ])('%s', (_, digits) => {
    expect(codeOf(() => reader(digits).octets('f'))).toBe('BLOB_MALFORMED');
  });

  test.each([
    ['an empty INTEGER', '0200'],
    ['a negative one', '0201ff'],
    ['one with a leading zero', '02020001'],
    ['one of more than 48 bits', '020701000000000000'],
    ['one below its bounds', '020100'],
    ['one above its bounds', '02020100'],
  ])('%s', (_, digits) => {
    expect(codeOf(() => reader(digits).integer('f', { min: 1, max: 255 }))).toBe('BLOB_MALFORMED');
  });

  test.each([
    ['a text that is not UTF-8', '0c01ff'],
    ['an overlong encoding', '0c02c080'],
    ['a surrogate', '0c03eda080'],
    ['an escape sequence', '0c021b5b'],
    ['a newline', '0c010a'],
    ['a C1 control character', '0c02c285'],
  ])('%s', (_, digits) => {
    expect(codeOf(() => reader(digits).utf8('f'))).toBe('BLOB_MALFORMED');
  });

  test.each([
    ['20260230000000Z', 'a day that there is not'],
    ['20260101240000Z', 'hour 24'],
    ['20260101006000Z', 'minute 60'],
    ['20260101000060Z', 'a leap second'],
    ['20261301000000Z', 'month 13'],
    ['2026010100000Z', 'a digit too few'],
    ['20260101000000', 'no zone'],
    ['20260101000000+0100', 'another zone'],
    ['20260101000000.5Z', 'a fraction'],
    ['00260101000000Z', 'a year before 100'],
  ])('the time %s: %s', (text) => {
    const der = tlv(TAG.GENERALIZED_TIME, Buffer.from(text));
    expect(codeOf(() => new DerReader(der, 'TEST').time('f'))).toBe('BLOB_MALFORMED');
  });

  test('octets out of bounds, trailing bytes, and another encoding than the profile’s', () => {
    expect(codeOf(() => reader('0402aabb').octets('f', { max: 1 }))).toBe('BLOB_MALFORMED');
    expect(codeOf(() => reader('0402aabb').octets('f', { min: 3 }))).toBe('BLOB_MALFORMED');
    expect(thrownBy(() => reader('0400').end('SEQ'))).toMatchObject({ field: 'SEQ', offset: 0 });
    expect(codeOf(() => reader('020101').expect(integer(2), 'f'))).toBe('BLOB_MALFORMED');
    expect(codeOf(() => reader('0201').expect(integer(2), 'f'))).toBe('BLOB_MALFORMED');
    expect(
      codeOf(() => reader('020101').expect(integer(2), 'f', 'BLOB_ALGORITHM_UNSUPPORTED')),
    ).toBe('BLOB_ALGORITHM_UNSUPPORTED');
  });

  test('contents that reach beyond their parent', () => {
    const inner = reader('30040405aabb').enter(TAG.SEQUENCE, 'parent');
    expect(thrownBy(() => inner.octets('child'))).toMatchObject({ field: 'child', offset: 2 });
  });
});

describe('the reader reads', () => {
  test('nested values, as views, with places from the start of all', () => {
    const input = hex('3009 020105 a104 0402aabb');
    const r = new DerReader(input, 'TEST').enter(TAG.SEQUENCE, 'seq');
    expect(r.peek()).toBe(TAG.INTEGER);
    expect(r.integer('n')).toBe(5);
    expect(toHex(new DerReader(input.subarray(5), 'TEST').element(0xa1, 'e'))).toBe('a1040402aabb');
    const explicit = r.enter(contextConstructed(1), 'tagged');
    r.end();
    const octets = explicit.octets('o');
    expect([toHex(octets), octets.buffer === input.buffer]).toEqual(['aabb', true]);
    expect(explicit.peek()).toBe(-1);
    explicit.end();
  });

  test('what it accepts, it moves over; what it does not, it leaves', () => {
    const r = reader('020101020102');
    expect([r.accept(integer(2)), r.accept(integer(1)), r.accept(integer(2))]).toEqual([
      false,
      true,
      true,
    ]);
    expect(r.accept(integer(3))).toBe(false);
    r.end();
  });

  test('every time that the writer writes', () => {
    const time = new Date(Date.UTC(2026, 1, 28, 23, 59, 59));
    const read = (der: Uint8Array, tag: number) => new DerReader(der, 'TEST').time('f', tag);
    expect(read(generalizedTime(time), TAG.GENERALIZED_TIME)).toEqual(time);
    expect(read(utcTime(time), TAG.UTC_TIME)).toEqual(time);
    const old = new Date(Date.UTC(1950, 0, 1));
    expect(read(utcTime(old), TAG.UTC_TIME)).toEqual(old);
  });
});
