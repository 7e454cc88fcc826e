/** The .cask header: one encoding, bounded, strict. */
import { describe, expect, test } from 'vitest';
import { BlobReader } from '../../../lib/bytes/blob-reader.ts';
import { toHex } from '../../../lib/bytes/octets.ts';
import {
  decodeFileContext,
  encodeFileContext,
  requireContext,
  type FileContext,
} from '../../../lib/file-encryption/file-context.ts';
import {
  decodeFileHeader,
  encodeFileHeader,
  fileHeaderLength,
  looksLikeFileHeader,
} from '../../../lib/file-encryption/file-header.ts';
import { hex } from '../../support/bytes.ts';
import { codeOf } from '../../support/errors.ts';

const FILE_ID = hex('000102030405060708090a0b0c0d0e0f');
const RECORD = hex('3003020101');

const decodeContext = (bytes: Uint8Array) => decodeFileContext(new BlobReader(bytes, 'context'));

function header(context: FileContext = {}, record: Uint8Array = RECORD): Uint8Array {
  return encodeFileHeader({ fileId: FILE_ID, record, context });
}

/** A copy of the header with some bytes replaced. */
function patched(at: number, digits: string): Uint8Array {
  const bytes = header({ owner: 'alice' });
  bytes.set(hex(digits), at);
  return bytes;
}

describe('the header', () => {
  test('has its fields where the format page says', () => {
    const bytes = header({ owner: 'alice', case: '7' });
    expect(toHex(bytes.subarray(0, 36 + 5 + 4 + 21 + 2))).toBe(
      [
        'ca4341534b0d0a1a', // magic
        '00000001', // version
        '000102030405060708090a0b0c0d0e0f', // file id
        '00001000', // header length
        '00000005', // record length
        '3003020101', // record
        '00000015', // context length
        '0463617365000137', // case = 7
        '056f776e65720005616c696365', // owner = alice
        '0000', // padding begins
      ].join(''),
    );
    expect(bytes).toHaveLength(4096);
    expect(bytes.subarray(66).every((byte) => byte === 0)).toBe(true);
  });

  test.each([
    ['fills a page exactly', 4096 - 40, 4096],
    ['takes the next page for one byte more', 4096 - 39, 8192],
  ])('%s', (_name, recordLength, length) => {
    const bytes = header({}, new Uint8Array(recordLength).fill(1));
    expect(bytes).toHaveLength(length);
    expect(decodeFileHeader(bytes).record).toHaveLength(recordLength);
  });

  test('tells its length from its first 36 bytes', () => {
    expect(fileHeaderLength(header().subarray(0, 36))).toBe(4096);
    expect(looksLikeFileHeader(header().subarray(0, 8))).toBe(true);
    expect(looksLikeFileHeader(hex('ca4341534b0d0a'))).toBe(false);
  });

  test.each([
    ['another magic', 0, '00', 'BLOB_MALFORMED'],
    ['another version', 8, '00000002', 'BLOB_VERSION_UNSUPPORTED'],
    ['a header length that is no page', 28, '00001001', 'BLOB_MALFORMED'],
    ['a header length of nothing', 28, '00000000', 'BLOB_MALFORMED'],
    ['a header length beyond the bound', 28, 'fffff000', 'BLOB_TOO_LARGE'],
    ['another header length than there are bytes', 28, '00002000', 'BLOB_MALFORMED'],
    ['no record', 32, '00000000', 'BLOB_MALFORMED'],
    ['a record of 4 GiB', 32, 'ffffffff', 'BLOB_TOO_LARGE'],
    ['a record longer than the header', 32, '00010000', 'BLOB_MALFORMED'],
    ['a context of 4 GiB', 41, 'ffffffff', 'BLOB_TOO_LARGE'],
    ['a context longer than the header', 41, '00001000', 'BLOB_MALFORMED'],
    ['padding that is not zero', 4095, '01', 'BLOB_MALFORMED'],
  ])('refuses %s', (_name, at, digits, code) => {
    expect(codeOf(() => decodeFileHeader(patched(at, digits)))).toBe(code);
  });

  test('refuses more padding than the content needs', () => {
    const bytes = new Uint8Array(8192);
    bytes.set(header());
    bytes.set(hex('00002000'), 28);
    expect(codeOf(() => decodeFileHeader(bytes))).toBe('BLOB_MALFORMED');
  });

  test('refuses to write a record that it would not read', () => {
    expect(codeOf(() => header({}, new Uint8Array(0)))).toBe('BLOB_TOO_LARGE');
    expect(codeOf(() => header({}, new Uint8Array((1 << 20) + 1)))).toBe('BLOB_TOO_LARGE');
    const largest = header({}, new Uint8Array(1 << 20).fill(1));
    expect(toHex(encodeFileHeader(decodeFileHeader(largest)))).toBe(toHex(largest));
  });

  test('refuses every prefix with a typed error', () => {
    const bytes = header({ owner: 'alice' });
    for (let length = 0; length < bytes.length; length++)
      expect(codeOf(() => decodeFileHeader(bytes.subarray(0, length)))).toBe('BLOB_MALFORMED');
  });
});

describe('the context', () => {
  test('is the same bytes whatever order it was given in', () => {
    expect(encodeFileContext({ b: '2', a: '1' })).toEqual(encodeFileContext({ a: '1', b: '2' }));
  });

  test('keeps a pair called __proto__ as a pair', () => {
    const context = decodeContext(hex('095f5f70726f746f5f5f000178'));
    expect(Object.entries(context)).toEqual([['__proto__', 'x']]);
    expect(codeOf(() => requireContext({}, context))).toBe('CONTEXT_MISMATCH');
    expect(toHex(encodeFileContext(context))).toBe('095f5f70726f746f5f5f000178');
  });

  test.each([
    ['names out of order', '0162000001610000'],
    ['a name twice', '0161000001610000'],
    ['an empty name', '000000'],
    ['a name with "="', '02613d0000'],
    ['a name with a line feed', '02610a0000'],
    ['a name that is not UTF-8', '01ff0000'],
    ['a value that is not UTF-8', '01610001ff'],
    ['a value that ends early', '016100027a'],
    ['half a pair', '0161'],
  ])('refuses %s', (_name, digits) => {
    expect(codeOf(() => decodeContext(hex(digits)))).toBe('BLOB_MALFORMED');
  });

  test.each([
    ['an empty name', { '': 'x' }],
    ['a name with "="', { 'a=b': 'x' }],
    ['a name with a control character', { 'a\u0007': 'x' }],
    ['a name of 256 bytes', { ['a'.repeat(256)]: 'x' }],
    ['more than 4 KiB', { a: 'x'.repeat(4093) }],
    ['a lone surrogate', { a: '\ud800' }],
  ])('is not written with %s', (_name, context) => {
    expect(codeOf(() => encodeFileContext(context as FileContext))).toBe('PARAMETER_INVALID');
  });

  test('holds 4 KiB to the byte', () => {
    const context = { a: 'x'.repeat(4092) };
    expect(encodeFileContext(context)).toHaveLength(4096);
    expect(decodeContext(encodeFileContext(context))).toEqual(context);
  });

  test('must have what the caller expects, and may have more', () => {
    const actual = { owner: 'alice', case: '7' };
    expect(codeOf(() => requireContext(actual, { owner: 'alice' }))).toBe('none');
    expect(codeOf(() => requireContext(actual))).toBe('none');
    expect(codeOf(() => requireContext(actual, { owner: 'bob' }))).toBe('CONTEXT_MISMATCH');
    expect(codeOf(() => requireContext(actual, { toString: 'x' }))).toBe('CONTEXT_MISMATCH');
  });
});
