/** Every key blob of CNG byte by byte, told from the others by its bytes, and each way that it can be wrong. */
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import {
  BlobFormatError,
  decodeCngBlob,
  encodeCngBlob,
  type CngBlob,
  type CngBlobType,
  type OwnCngBlob,
} from '../../../lib/blobs/index.ts';
import { concatBytes, toHex } from '../../../lib/bytes/octets.ts';
import { hex } from '../../support/bytes.ts';
import { CNG_SAMPLES } from '../../support/cng-samples.ts';
import { CNG_LAYOUTS, numberOf } from '../../support/cng-layouts.ts';
import { codeOf, thrownBy } from '../../support/errors.ts';

describe.each(CNG_LAYOUTS)('$name', ({ bytes, blob, fields, headerLength }) => {
  test('is read field by field and written byte by byte', () => {
    expect(decodeCngBlob(bytes)).toEqual(blob);
    expect(decodeCngBlob(bytes, blob.type)).toEqual(blob);
    expect(toHex(encodeCngBlob(blob))).toBe(toHex(bytes));
  });

  test('every cut is refused, at its field', () => {
    for (let cut = 0; cut < bytes.length; cut++) {
      const error = thrownBy(() => decodeCngBlob(bytes.subarray(0, cut), blob.type));
      const [field, offset] = fields.findLast(([, start]) => start <= cut)!;
      expect(error, `${cut}`).toBeInstanceOf(BlobFormatError);
      expect(error, `${cut}`).toMatchObject({ code: 'BLOB_MALFORMED', field, offset });
    }
  });

  test('one byte more is refused', () => {
    const error = thrownBy(() => decodeCngBlob(concatBytes(bytes, Uint8Array.of(0)), blob.type));
    expect(error).toMatchObject({ code: 'BLOB_MALFORMED', field: 'end', offset: bytes.length });
  });

  test('every flipped bit of its header is refused, or says something else', () => {
    for (let bit = 0; bit < 8 * headerLength; bit++) {
      const changed = Uint8Array.from(bytes);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      const outcome = writtenOrCode(changed, blob.type);
      expect(outcome).toBeOneOf(['BLOB_MALFORMED', 'BLOB_VERSION_UNSUPPORTED', toHex(changed)]);
    }
  });

  test('a length that lies is refused', () => {
    for (const [field, offset] of fields.filter(([name]) => name.startsWith('cb'))) {
      for (const lie of [0x7fffffff, 0xffffffff, bytes.length + 1]) {
        const changed = Uint8Array.from(bytes);
        new DataView(changed.buffer).setUint32(offset, lie, true);
        const error = thrownBy(() => decodeCngBlob(changed, blob.type));
        expect(error, `${field} ${lie}`).toBeInstanceOf(BlobFormatError);
      }
    }
  });

  test('what it gives is a copy, or its own bytes', () => {
    const input = Uint8Array.from(bytes);
    const decoded = decodeCngBlob(input);
    const copies = Object.values(decoded).filter(
      (value) => value instanceof Uint8Array && value.buffer !== input.buffer,
    );
    const views = Object.values(decoded).filter(
      (value) => value instanceof Uint8Array && value.buffer === input.buffer,
    );
    expect(copies.length === 0 || views.length === 0).toBe(true);
    decoded[Symbol.dispose]();
    expect(toHex(input)).toBe(toHex(bytes));
  });
});

describe('the union', () => {
  test('reads and writes every layout, by its bytes and by its name', () => {
    const types = new Set<string>();
    for (const blob of CNG_SAMPLES) {
      const bytes = encodeCngBlob(blob);
      expect(decodeCngBlob(bytes, blob.type), blob.type).toEqual(blob);
      expect(toHex(encodeCngBlob(decodeCngBlob(bytes, blob.type)))).toBe(toHex(bytes));
      types.add(blob.type);
    }
    // All but the two that are DER.
    expect(types.size).toBe(27);
    for (const blob of CNG_SAMPLES.filter(({ type }) => !UNTOLD.includes(type)))
      expect(decodeCngBlob(encodeCngBlob(blob)), blob.type).toEqual(blob);
  });

  test('refuses each layout under the name of every other', () => {
    const named = CNG_SAMPLES.filter(({ type }) => !CARRIED.includes(type));
    let refused = 0;
    for (const blob of named)
      for (const other of named.filter(({ type }) => type !== blob.type)) {
        const error = thrownBy(() => decodeCngBlob(encodeCngBlob(blob), other.type));
        expect(error, `${blob.type} as ${other.type}`).toBeInstanceOf(BlobFormatError);
        refused++;
      }
    expect(refused).toBeGreaterThan(500);
  });

  test('knows PUBLICBLOB and PRIVATEBLOB as the names of whichever it is', () => {
    for (const blob of CNG_SAMPLES) {
      if (UNTOLD.includes(blob.type)) continue;
      const bytes = encodeCngBlob(blob);
      for (const half of ['PUBLICBLOB', 'PRIVATEBLOB'] as const) {
        const want = blob.type.endsWith(half) ? 'none' : 'BLOB_MALFORMED';
        expect(
          codeOf(() => decodeCngBlob(bytes, half)),
          `${blob.type} as ${half}`,
        ).toBe(want);
      }
    }
  });

  test("reads CryptoAPI's keys under the names that CNG has for them", () => {
    const bytes = concatBytes(
      hex('06020000 00a40000 52534131 00020000 01000100'),
      new Uint8Array(64).fill(0x81),
    );
    for (const name of [undefined, 'CAPIPUBLICBLOB', 'CAPIDSAPUBLICBLOB'] as const) {
      const blob = decodeCngBlob(bytes, name);
      expect(blob).toMatchObject({ type: 'PUBLICKEYBLOB', modulusBits: 512 });
      expect(toHex(encodeCngBlob(blob))).toBe(toHex(bytes));
    }
    expect(thrownBy(() => decodeCngBlob(bytes, 'CAPIPRIVATEBLOB'))).toMatchObject({
      format: 'CAPIPRIVATEBLOB',
      field: 'bType',
      offset: 0,
    });
  });

  test.each(['', '00', '525341', '52534139 00000000', '31 00000000 00000000', 'ff'.repeat(40)])(
    'refuses %s: it begins as no blob does',
    (digits) => {
      const error = thrownBy(() => decodeCngBlob(hex(digits)));
      expect(error).toBeInstanceOf(BlobFormatError);
      expect(error).toMatchObject({ field: 'dwMagic', offset: 0 });
    },
  );

  test.each(['toString', 'RSA', '', '__proto__'])('refuses the type %j', (type) => {
    const bytes = encodeCngBlob(CNG_SAMPLES[0]!);
    expect(codeOf(() => decodeCngBlob(bytes, type as CngBlobType))).toBe('PARAMETER_INVALID');
  });

  test('keeps secrets out of what is printed and serialized, and wipes its copies', () => {
    const secrets = CNG_SAMPLES.flatMap((blob) =>
      SECRET_FIELDS.filter((field) => field in blob).map((field) => [blob, field] as const),
    ).filter(([{ type }, field]) => field !== 'key' || !type.endsWith('PUBLICBLOB'));
    // In an EC key x is a coordinate.
    const kept = secrets.filter(([{ type }, field]) => field !== 'x' || !type.startsWith('ECC'));
    for (const [blob, field] of kept) {
      const decoded = decodeCngBlob(encodeCngBlob(blob), blob.type);
      const value = (decoded as unknown as Record<string, Uint8Array>)[field]!;
      const shown = [inspect(decoded, { depth: 9 }), JSON.stringify(decoded)];
      for (const text of shown) {
        expect(text, blob.type).toContain('[secret]');
        expect(text, blob.type).not.toContain([...value].join(', '));
        expect(text, blob.type).not.toContain(toHex(value));
      }
      if (CARRIED.includes(blob.type) || blob.type === 'ProtectedKeyBlob') continue;
      decoded[Symbol.dispose]();
      expect(
        [...value].every((byte) => byte === 0),
        blob.type,
      ).toBe(true);
    }
    expect(kept.length).toBe(22);
  });
});

describe('what no decoder would read is not written', () => {
  const sample = (type: OwnCngBlob['type'], nth = 0): CngBlob =>
    CNG_SAMPLES.filter((blob) => blob.type === type)[nth]!;
  const long = new Uint8Array(70_000);
  const cases: readonly (readonly [OwnCngBlob['type'], number, object])[] = [
    ['KeyDataBlob', 0, { key: new Uint8Array(0) }],
    ['KeyDataBlob', 0, { key: long }],
    ['CipherKeyBlob', 0, { algorithm: '' }],
    ['CipherKeyBlob', 0, { algorithm: 'A\0B' }],
    ['CipherKeyBlob', 0, { algorithm: '\u001b[2J' }],
    ['CipherKeyBlob', 0, { algorithm: '\ud800' }],
    ['CipherKeyBlob', 0, { algorithm: 'A'.repeat(128) }],
    ['ProtectedKeyBlob', 0, { content: new Uint8Array((1 << 20) + 1) }],
    ['Rfc3565KeyWrapBlob', 0, { wrapped: new Uint8Array(16) }],
    ['Rfc3565KeyWrapBlob', 0, { wrapped: new Uint8Array(25) }],
    ['Rfc3565KeyWrapBlob', 0, { wrapped: long }],
    ['OpaqueTransport', 0, { content: new Uint8Array(0) }],
    ['ECCFULLPUBLICBLOB', 0, { p: new Uint8Array(13) }],
    ['ECCFULLPUBLICBLOB', 0, { p: new Uint8Array(67) }],
    ['ECCFULLPUBLICBLOB', 1, { p: numberOf(33, 1) }],
    ['ECCFULLPUBLICBLOB', 0, { a: numberOf(21, 1) }],
    ['ECCFULLPUBLICBLOB', 0, { order: new Uint8Array(68) }],
    ['ECCFULLPUBLICBLOB', 0, { cofactor: new Uint8Array(67) }],
    ['ECCFULLPUBLICBLOB', 0, { seed: new Uint8Array(129) }],
    ['ECCFULLPUBLICBLOB', 0, { curveType: 'other' }],
    ['ECCFULLPUBLICBLOB', 0, { curveGenerationAlgId: 2 ** 32 }],
    ['ECCFULLPRIVATEBLOB', 0, { privateKey: numberOf(22, 1) }],
    ['DSAPUBLICBLOB', 0, { version: 3 }],
    ['DSAPUBLICBLOB', 0, { count: -1 }],
    ['DSAPUBLICBLOB', 0, { count: 2 ** 32 }],
    ['DSAPUBLICBLOB', 0, { hashAlgorithm: 'SHA256' }],
    ['DSAPUBLICBLOB', 0, { standardVersion: 'FIPS186-3' }],
    ['DSAPUBLICBLOB', 0, { q: numberOf(28, 1) }],
    ['DSAPUBLICBLOB', 0, { seed: numberOf(21, 1) }],
    ['DSAPUBLICBLOB', 0, { p: numberOf(129, 1) }],
    ['DSAPUBLICBLOB', 0, { y: numberOf(65, 1) }],
    ['DSAPUBLICBLOB', 1, { hashAlgorithm: 'MD5' }],
    ['DSAPUBLICBLOB', 1, { standardVersion: 'other' }],
    ['DSAPUBLICBLOB', 1, { q: numberOf(19, 1) }],
    ['DSAPUBLICBLOB', 1, { q: numberOf(65, 1) }],
    ['DSAPUBLICBLOB', 1, { seed: new Uint8Array(385) }],
    ['DSAPUBLICBLOB', 1, { p: numberOf(385, 1) }],
    ['DSAPRIVATEBLOB', 0, { x: numberOf(21, 1) }],
    ['DHPUBLICBLOB', 0, { p: numberOf(63, 1) }],
    ['DHPUBLICBLOB', 0, { p: numberOf(1025, 1) }],
    ['DHPUBLICBLOB', 0, { g: numberOf(65, 1) }],
    ['DHPRIVATEBLOB', 0, { x: numberOf(65, 1) }],
    ['DHParameters', 0, { g: numberOf(65, 1) }],
    ['MLKEMPRIVATESEEDBLOB', 0, { key: new Uint8Array(63) }],
    ['MLKEMPRIVATESEEDBLOB', 0, { algorithm: 'ML-DSA' }],
    ['PQDSAPUBLICBLOB', 0, { key: long }],
    ['PQDSAPUBLICBLOB', 0, { parameterSet: '\u0007' }],
  ];

  test.each(
    cases.map(([type, nth, change], i) => ({
      type,
      nth,
      change,
      i,
      field: Object.keys(change)[0],
    })),
  )('$i: $type with another $field', ({ type, nth, change }) => {
    const changed = { ...sample(type, nth), ...change } as CngBlob;
    expect(codeOf(() => encodeCngBlob(changed))).toBe('PARAMETER_INVALID');
  });
});

test('numbers without their leading zeros get them', () => {
  const short = Uint8Array.of(5);
  const p = numberOf(64, 1);
  const zeros = new Uint8Array(63);
  const dh = encodeCngBlob({ type: 'DHPRIVATEBLOB', p, g: short, y: short, x: short });
  const padded = toHex(concatBytes(zeros, short));
  expect(toHex(dh.subarray(8))).toBe(toHex(p) + padded.repeat(3));
});

/** What nothing in the bytes tells. */
const UNTOLD: readonly string[] = ['Rfc3565KeyWrapBlob', 'OpaqueTransport', 'OpaqueKeyBlob'];
/** What is taken for what the caller says that it is. */
const CARRIED: readonly string[] = [...UNTOLD, 'KDFKeyBlob', 'PcpTpmProtectedKeyBlob'];
const SECRET_FIELDS = ['key', 'content', 'x', 'privateKey', 'prime1', 'privateExponent'];

/** What the reading of these bytes is written as, or the code that they are refused with. */
function writtenOrCode(bytes: Uint8Array, type: CngBlobType): string {
  let written = '';
  const code = codeOf(() => {
    written = toHex(encodeCngBlob(decodeCngBlob(bytes, type)));
  });
  return code === 'none' ? written : code;
}
