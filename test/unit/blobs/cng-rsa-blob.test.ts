/** RSA keys of CNG byte by byte, and each way that they can be wrong. */
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { concatBytes, toHex } from '../../../lib/bytes/octets.ts';
import {
  BlobFormatError,
  decodeRsaFullPrivateBlob,
  decodeRsaPrivateBlob,
  decodeRsaPublicBlob,
  encodeRsaFullPrivateBlob,
  encodeRsaFullPrivateBlobInto,
  encodeRsaPrivateBlob,
  encodeRsaPublicBlob,
  rsaFullPrivateBlobLength,
} from '../../../lib/blobs/index.ts';
import { hex } from '../../support/bytes.ts';
import { codeOf, thrownBy } from '../../support/errors.ts';

/** 48 bytes: a modulus of the shortest RSA key, 384 bits. */
const WHOLE = Uint8Array.from({ length: 48 }, (_, i) => 0x80 + i);
const half = (start: number): Uint8Array => Uint8Array.from({ length: 24 }, (_, i) => start + i);

const PUBLIC = { modulusBits: 384, exponent: 65537, modulus: WHOLE };
const PRIVATE = { ...PUBLIC, prime1: half(0x01), prime2: half(0x21) };
const FULL = {
  ...PRIVATE,
  exponent1: half(0x41),
  exponent2: half(0x61),
  coefficient: half(0x81),
  privateExponent: WHOLE.toReversed(),
};

const KINDS = [
  {
    type: 'RSAPUBLICBLOB',
    decode: decodeRsaPublicBlob,
    encode: () => encodeRsaPublicBlob(PUBLIC),
    decoded: PUBLIC,
    //        Magic    BitLength cbPublicExp cbModulus cbPrime1 cbPrime2 e
    bytes: hex(`52534131 80010000 03000000 30000000 00000000 00000000 010001 ${toHex(WHOLE)}`),
  },
  {
    type: 'RSAPRIVATEBLOB',
    decode: decodeRsaPrivateBlob,
    encode: () => encodeRsaPrivateBlob(PRIVATE),
    decoded: PRIVATE,
    bytes: hex(
      `52534132 80010000 03000000 30000000 18000000 18000000 010001 ${toHex(WHOLE)}
       ${toHex(half(0x01))} ${toHex(half(0x21))}`,
    ),
  },
  {
    type: 'RSAFULLPRIVATEBLOB',
    decode: decodeRsaFullPrivateBlob,
    encode: () => encodeRsaFullPrivateBlob(FULL),
    decoded: FULL,
    bytes: hex(
      `52534133 80010000 03000000 30000000 18000000 18000000 010001 ${toHex(WHOLE)}
       ${toHex(half(0x01))} ${toHex(half(0x21))} ${toHex(half(0x41))} ${toHex(half(0x61))}
       ${toHex(half(0x81))} ${toHex(WHOLE.toReversed())}`,
    ),
  },
] as const;

/** Where each field begins, and the name that its error has. */
const FIELDS = [
  ['Magic', 0],
  ['BitLength', 4],
  ['cbPublicExp', 8],
  ['cbModulus', 12],
  ['cbPrime1', 16],
  ['cbPrime2', 20],
  ['PublicExponent', 24],
  ['Modulus', 27],
  ['Prime1', 75],
  ['Prime2', 99],
  ['Exponent1', 123],
  ['Exponent2', 147],
  ['Coefficient', 171],
  ['PrivateExponent', 195],
] as const;

describe.each(KINDS)('$type', ({ type, decode, encode, decoded, bytes }) => {
  test('is read field by field and written byte by byte', () => {
    expect(decode(bytes)).toEqual({ type, ...decoded });
    expect(toHex(encode())).toBe(toHex(bytes));
  });

  test('every cut is refused, and names the field that it cut and where that begins', () => {
    for (let length = 0; length < bytes.length; length++) {
      const error = thrownBy(() => decode(bytes.subarray(0, length)));
      const [field, offset] = FIELDS.findLast(([, start]) => start <= length)!;
      expect(error, `${length}`).toBeInstanceOf(BlobFormatError);
      expect(error).toMatchObject({ code: 'BLOB_MALFORMED', format: type, field, offset });
    }
  });

  test('one byte more is refused', () => {
    const longer = concatBytes(bytes, Uint8Array.of(0));
    expect(thrownBy(() => decode(longer))).toMatchObject({ field: 'end', offset: bytes.length });
  });

  test('every flipped bit of its magic is refused, and the magic of the others', () => {
    const magics = KINDS.filter((kind) => kind.type !== type).map((kind) => kind.bytes);
    const flipped = Array.from({ length: 32 }, (_, bit) => {
      const blob = Uint8Array.from(bytes);
      blob[bit >> 3]! ^= 1 << (bit & 7);
      return blob;
    });
    for (const blob of [...flipped, ...magics])
      expect(thrownBy(() => decode(blob))).toMatchObject({ field: 'Magic', offset: 0 });
  });

  test.each(['00000000', '01000000', '02000000', '80000000', 'ffffff7f', 'ffffffff'])(
    'a length of %s is refused wherever it is a lie',
    (length) => {
      for (const [field, offset] of FIELDS.slice(1, 6)) {
        const blob = Uint8Array.from(bytes);
        blob.set(hex(length), offset);
        if (toHex(blob) === toHex(bytes)) continue;
        const error = thrownBy(() => decode(blob));
        // A shorter exponent is a possible length: what does not fit is then the exponent itself.
        const shorter = field === 'cbPublicExp' && ['01000000', '02000000'].includes(length);
        const at = shorter ? { field: 'PublicExponent', offset: 24 } : { field, offset };
        expect(error, field).toMatchObject({ code: 'BLOB_MALFORMED', format: type, ...at });
      }
    },
  );

  test('what it gives is a copy', () => {
    const input = Uint8Array.from(bytes);
    const blob = decode(input);
    input.fill(0);
    expect(blob).toEqual({ type, ...decoded });
  });
});

describe('a public key', () => {
  const bytes = KINDS[0].bytes;

  test.each([
    ['7f010000', 'BitLength', 4], // 383
    ['01400000', 'BitLength', 4], // 16385
    ['7f010000', 'cbModulus', 12],
    ['81010000', 'cbModulus', 12],
  ])('a size of %s is refused at %s', (size, field, offset) => {
    const blob = Uint8Array.from(bytes);
    blob.set(hex(size), offset);
    expect(thrownBy(() => decodeRsaPublicBlob(blob))).toMatchObject({ field, offset });
  });

  test('a modulus of fewer or more bits than BitLength tells is refused', () => {
    const sizes = [377, 383].map((bits) => new Uint8Array(Uint16Array.of(bits).buffer));
    const shorter = Uint8Array.from(bytes);
    shorter[27] = 0x7f;
    const claims = sizes.map((size) => {
      const blob = Uint8Array.from(bytes);
      blob.set(size, 4);
      return blob;
    });
    expect(thrownBy(() => decodeRsaPublicBlob(shorter))).toMatchObject({
      field: 'Modulus',
      offset: 27,
      problem: 'want 384 bits, got 383',
    });
    for (const blob of claims)
      expect(codeOf(() => decodeRsaPublicBlob(blob))).toBe('BLOB_MALFORMED');
  });

  test('a size that is not of whole bytes is read and written', () => {
    const modulus = Uint8Array.from([0x01, ...WHOLE]);
    const blob = encodeRsaPublicBlob({ ...PUBLIC, modulusBits: 385, modulus });
    expect(toHex(blob.subarray(0, 27))).toBe(
      '525341318101000003000000310000000000000000000000010001',
    );
    expect(decodeRsaPublicBlob(blob)).toMatchObject({ modulusBits: 385, modulus });
  });

  test.each([
    [3, '03'],
    [255, 'ff'],
    [257, '0101'],
    [65537, '010001'],
    [16777217, '01000001'],
    [4294967295, 'ffffffff'],
  ])('the exponent %i is %s', (exponent, digits) => {
    const blob = encodeRsaPublicBlob({ ...PUBLIC, exponent });
    expect(blob).toHaveLength(24 + digits.length / 2 + 48);
    expect(toHex(blob.subarray(24, -48))).toBe(digits);
    expect(decodeRsaPublicBlob(blob).exponent).toBe(exponent);
  });

  test.each(['00', '01', '02', '0003', '00000003', '010000', '0000010001'])(
    'the exponent %s is refused when it is read',
    (digits) => {
      const exponent = hex(digits);
      const header = Uint8Array.from(bytes.subarray(0, 24));
      header[8] = exponent.length;
      const error = thrownBy(() => decodeRsaPublicBlob(concatBytes(header, exponent, WHOLE)));
      const tooLong = exponent.length > 4;
      expect(error).toMatchObject({
        field: tooLong ? 'cbPublicExp' : 'PublicExponent',
        offset: tooLong ? 8 : 24,
      });
    },
  );

  test.each([
    { exponent: 0 },
    { exponent: 1 },
    { exponent: 4 },
    { exponent: 3.5 },
    { exponent: -3 },
    { exponent: Number.NaN },
    { exponent: 2 ** 32 + 1 },
    { modulusBits: 383 },
    { modulusBits: 392 },
    { modulusBits: Number.NaN },
    { modulusBits: 385, modulus: WHOLE },
    { modulus: WHOLE.subarray(1) },
    { modulus: new Uint8Array(48) },
    { modulus: new Uint8Array(0) },
    { modulusBits: 16392, modulus: new Uint8Array(2049).fill(0xff) },
    { modulusBits: 2 ** 40 },
    { modulusBits: 376, modulus: WHOLE.subarray(1) },
  ])('is not written where no decoder would read it: %o', (change) => {
    for (const encode of [
      () => encodeRsaPublicBlob({ ...PUBLIC, ...change }),
      () => encodeRsaPrivateBlob({ ...PRIVATE, ...change }),
      () => encodeRsaFullPrivateBlob({ ...FULL, ...change }),
    ])
      expect(codeOf(encode)).toBe('PARAMETER_INVALID');
  });
});

describe('a private key', () => {
  const NUMBERS = ['prime1', 'prime2', 'exponent1', 'exponent2', 'coefficient'] as const;

  test('disposing of it wipes every number', () => {
    for (const { decode, bytes } of KINDS.slice(1)) {
      const blob = decode(bytes) as ReturnType<typeof decodeRsaFullPrivateBlob>;
      const numbers = Object.values(blob).filter((value) => value instanceof Uint8Array);
      expect(numbers.every((number) => number.some((byte) => byte !== 0))).toBe(true);
      blob[Symbol.dispose]();
      expect(numbers.every((number) => number.every((byte) => byte === 0))).toBe(true);
    }
  });

  test('its numbers lie in one buffer of their own', () => {
    const { prime1, privateExponent } = decodeRsaFullPrivateBlob(KINDS[2].bytes);
    expect(prime1.buffer).toBe(privateExponent.buffer);
    expect(prime1.buffer.byteLength).toBe(2 * 48 + 5 * 24);
  });

  test('prints, logs and serializes without them', () => {
    for (const { decode, bytes } of KINDS.slice(1)) {
      const blob = decode(bytes);
      for (const shown of [inspect(blob, { depth: 9 }), JSON.stringify(blob)]) {
        expect(shown).toContain('[secret]');
        expect(shown).toContain('65537');
        expect(shown).not.toMatch(/\b1,\s*2,\s*3,|\b33,\s*34,\s*35,|\b175,\s*174,/);
      }
    }
  });

  test('leading zeros do not matter, neither too many nor too few', () => {
    const zeros = new Uint8Array(3);
    for (const field of [...NUMBERS, 'privateExponent'] as const) {
      const padded = { ...FULL, [field]: concatBytes(zeros, FULL[field]) };
      expect(toHex(encodeRsaFullPrivateBlob(padded))).toBe(toHex(KINDS[2].bytes));
      const small = encodeRsaFullPrivateBlob({ ...FULL, [field]: Uint8Array.of(7) });
      const read = decodeRsaFullPrivateBlob(small)[field];
      expect(toHex(read)).toBe('07'.padStart(2 * FULL[field].length, '0'));
    }
  });

  test('a number that is too long for its field is refused, and nothing of the key is written', () => {
    for (const field of [...NUMBERS, 'privateExponent'] as const) {
      const target = new Uint8Array(KINDS[2].bytes.length);
      const longer = { ...FULL, [field]: concatBytes(Uint8Array.of(1), FULL[field]) };
      const error = thrownBy(() => encodeRsaFullPrivateBlobInto(longer, target));
      expect(error).toMatchObject({ code: 'PARAMETER_INVALID' });
      expect((error as Error).message).toContain(field);
      expect(target.every((byte) => byte === 0)).toBe(true);
    }
  });

  test('is written into the array that the caller gave, whatever was in it', () => {
    const length = rsaFullPrivateBlobLength(FULL);
    const target = new Uint8Array(length + 4).fill(0xee);
    encodeRsaFullPrivateBlobInto({ ...FULL, prime1: Uint8Array.of(7) }, target.subarray(2, -2));
    const want = encodeRsaFullPrivateBlob({ ...FULL, prime1: Uint8Array.of(7) });
    expect(toHex(target)).toBe(`eeee${toHex(want)}eeee`);
    for (const wrong of [target, target.subarray(5)])
      expect(codeOf(() => encodeRsaFullPrivateBlobInto(FULL, wrong))).toBe('PARAMETER_INVALID');
  });
});
