import { describe, expect, test } from 'vitest';
import { BlobReader } from '../../../lib/bytes/blob-reader.ts';
import { DerReader } from '../../../lib/bytes/der-reader.ts';
import { TAG } from '../../../lib/bytes/der-tags.ts';
import { integer, octetString, sequence } from '../../../lib/bytes/der-writer.ts';
import { concatBytes, copyBytes } from '../../../lib/bytes/octets.ts';
import { traceFields, type PlacedField } from '../../../lib/bytes/field-trace.ts';

const BYTES = Uint8Array.from({ length: 32 }, (_, i) => i);

describe('a traced decoder', () => {
  test('tells each field with its offset, its length and the value of a number', () => {
    const { fields, result } = traceFields(BYTES, () => {
      const r = new BlobReader(BYTES, 'HEADER');
      r.u8('bType');
      r.u16le('reserved');
      r.u32le('aiKeyAlg');
      return r.bytes('key', 4).length;
    });
    expect(result).toBe(4);
    expect(fields).toEqual([
      { format: 'HEADER', field: 'bType', offset: 0, length: 1, kind: 'u8', value: 0, depth: 0 },
      place('reserved', 1, 2, 'u16', 0x0201),
      place('aiKeyAlg', 3, 4, 'u32', 0x06050403),
      place('key', 7, 4, 'bytes'),
    ]);
  });

  test('tells the bytes of no field', () => {
    const { fields } = traceFields(BYTES, () => new BlobReader(BYTES, 'HEADER').rest('secret'));
    expect(fields).toEqual([place('secret', 0, 32, 'bytes')]);
  });

  test('counts from the start of the input, also in a cursor over a part', () => {
    const input = BYTES.subarray(8);
    const { fields } = traceFields(input, () => {
      const r = new BlobReader(input, 'HEADER');
      r.u32le('cb');
      r.sub('sub', 4).u16le('inSub');
      new BlobReader(r.bytes('bytes', 8), 'HEADER').u32le('inBytes');
    });
    expect(fields.map(({ field, offset, depth }) => [field, offset, depth])).toEqual([
      ['cb', 0, 0],
      ['sub', 4, 0],
      ['inSub', 4, 1],
      ['bytes', 8, 0],
      ['inBytes', 8, 1],
    ]);
  });

  test('counts from the start of the input, also in a copy of a part', () => {
    const { fields } = traceFields(BYTES, () => {
      const part = copyBytes(BYTES.subarray(8));
      new BlobReader(copyBytes(part.subarray(4, 12)), 'COPY').u16le('inCopy');
    });
    expect(fields).toMatchObject([{ field: 'inCopy', offset: 12, value: 0x0d0c }]);
  });

  test('leaves out what is read of other memory', () => {
    const { fields } = traceFields(BYTES, () => new BlobReader(BYTES.slice(), 'HEADER').u8('copy'));
    expect(fields).toEqual([]);
  });

  test('tells DER values with their tags, contents and small numbers', () => {
    const der = sequence(integer(300), octetString(BYTES));
    const { fields } = traceFields(der, () => {
      const r = new DerReader(der, 'Sample').enter(TAG.SEQUENCE, 'Sample');
      r.integer('version');
      r.octets('content');
      r.end();
    });
    expect(fields).toMatchObject([
      { field: 'Sample', offset: 0, length: 40, contents: 2, kind: 'der', depth: 0 },
      { field: 'version', offset: 2, length: 4, contents: 4, value: 300, depth: 1 },
      { field: 'content', offset: 6, length: 34, contents: 8, depth: 1 },
    ]);
  });

  test('tells DER in the middle of another structure where it is', () => {
    const file = concatBytes(BYTES, sequence(integer(1)));
    const { fields } = traceFields(file, () => {
      const r = new BlobReader(file, 'FILE');
      r.bytes('header', 32);
      return new DerReader(r.rest('der'), 'Sample').enter(TAG.SEQUENCE, 'Sample').integer('one');
    });
    expect(fields.at(-1)).toMatchObject({ field: 'one', offset: 34, depth: 2, value: 1 });
  });

  test('that fails leaves the fields before the fault, and the fault', () => {
    const input = BYTES.subarray(16);
    const { fields, fault, error, result } = traceFields(input, () => {
      const r = new BlobReader(input, 'HEADER');
      r.u32le('magic');
      new BlobReader(r.bytes('part', 8), 'PART').u32leIn('bitlen', { max: 5 });
    });
    expect(result).toBeUndefined();
    expect(error).toMatchObject({ code: 'BLOB_MALFORMED' });
    expect(fields.map(({ field }) => field)).toEqual(['magic', 'part', 'bitlen']);
    expect(fault).toEqual({
      format: 'PART',
      field: 'bitlen',
      offset: 4,
      problem: 'want 0 to 5, got 387323156',
    });
  });

  test('that looks ahead and reads again tells a field once, by its last name', () => {
    const { fields } = traceFields(BYTES, () => {
      const ahead = new BlobReader(BYTES, 'BLOBHEADER');
      ahead.u8('bType');
      ahead.u32le('across');
      const r = new BlobReader(BYTES, 'SIMPLEBLOB');
      r.u8('bType');
      r.u8('bVersion');
      r.u16le('reserved');
    });
    expect(fields.map(({ format, field }) => `${format}.${field}`)).toEqual([
      'SIMPLEBLOB.bType',
      'SIMPLEBLOB.bVersion',
      'SIMPLEBLOB.reserved',
    ]);
  });

  test('tells an empty field beside what begins at the same place', () => {
    const { fields } = traceFields(BYTES, () => {
      const r = new BlobReader(BYTES, 'HEADER');
      r.bytes('salt', 0);
      r.bytes('key', 8);
    });
    expect(fields.map(({ field, depth }) => [field, depth])).toEqual([
      ['salt', 0],
      ['key', 0],
    ]);
  });

  test('within a traced decoder tells its own run only', () => {
    const outer = traceFields(BYTES, () => {
      const inner = traceFields(BYTES, () => new BlobReader(BYTES, 'INNER').u8('a'));
      new BlobReader(BYTES, 'OUTER').u16le('b');
      return inner.fields.length;
    });
    expect(outer.result).toBe(1);
    expect(outer.fields.map(({ field }) => field)).toEqual(['b']);
  });

  test('is not traced any more afterwards, also when it failed', () => {
    const { fields } = traceFields(BYTES, () => new BlobReader(BYTES, 'HEADER').fail('a', 'no'));
    new BlobReader(BYTES, 'HEADER').u8('later');
    expect(fields).toEqual([]);
  });

  test('keeps 16,384 fields, and says that there were more', () => {
    const many = new Uint8Array(20_000);
    const { fields, complete } = traceFields(many, () => {
      const r = new BlobReader(many, 'MANY');
      while (r.left > 0) r.u8('byte');
    });
    expect(fields).toHaveLength(16_384);
    expect(complete).toBe(false);
  });
});

// oxlint-disable-next-line max-params -- one line a field
function place(
  field: string,
  offset: number,
  length: number,
  kind: PlacedField['kind'],
  value?: number,
): PlacedField {
  return {
    format: 'HEADER',
    field,
    offset,
    length,
    kind,
    ...(value !== undefined && { value }),
    depth: 0,
  };
}
