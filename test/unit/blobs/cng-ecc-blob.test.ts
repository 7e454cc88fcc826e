/** EC keys of CNG byte by byte, and each way that they can be wrong. */
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { concatBytes, toHex } from '../../../lib/bytes/octets.ts';
import {
  BlobFormatError,
  decodeEccPrivateBlob,
  decodeEccPublicBlob,
  eccPrivateBlobLength,
  encodeEccPrivateBlob,
  encodeEccPrivateBlobInto,
  encodeEccPublicBlob,
  type EccCurve,
  type EccPublicBlob,
} from '../../../lib/blobs/index.ts';
import { hex } from '../../support/bytes.ts';
import { codeOf, thrownBy } from '../../support/errors.ts';

type Kind = readonly [EccPublicBlob['algorithm'], EccCurve, number, string, string];

/** bcrypt.h: the letters of the public and of the private magic. */
const KINDS: readonly Kind[] = [
  ['ECDH', 'P-256', 32, 'ECK1', 'ECK2'],
  ['ECDH', 'P-384', 48, 'ECK3', 'ECK4'],
  ['ECDH', 'P-521', 66, 'ECK5', 'ECK6'],
  ['ECDH', 'generic', 20, 'ECKP', 'ECKV'],
  ['ECDH', 'generic', 66, 'ECKP', 'ECKV'],
  ['ECDSA', 'P-256', 32, 'ECS1', 'ECS2'],
  ['ECDSA', 'P-384', 48, 'ECS3', 'ECS4'],
  ['ECDSA', 'P-521', 66, 'ECS5', 'ECS6'],
  ['ECDSA', 'generic', 32, 'ECDP', 'ECDV'],
];
const lettersOf = (type: string): readonly string[] =>
  KINDS.map((kind) => kind[type === 'ECCPUBLICBLOB' ? 3 : 4]);

const numberOf = (length: number, first: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (first + i) & 0xff);

describe.each(KINDS)(
  '%s of %s with numbers of %i bytes',
  (algorithm, curve, length, ...letters) => {
    const numbers = [numberOf(length, 0), numberOf(length, 0x40), numberOf(length, 0x80)] as const;
    const [x, y, privateKey] = numbers;
    const halves = [
      {
        type: 'ECCPUBLICBLOB',
        decode: decodeEccPublicBlob,
        encode: () => encodeEccPublicBlob({ algorithm, curve, x, y }),
        decoded: { algorithm, curve, x, y },
        bytes: blobOf(letters[0], length, x, y),
      },
      {
        type: 'ECCPRIVATEBLOB',
        decode: decodeEccPrivateBlob,
        encode: () => encodeEccPrivateBlob({ algorithm, curve, x, y, privateKey }),
        decoded: { algorithm, curve, x, y, privateKey },
        bytes: blobOf(letters[1], length, x, y, privateKey),
      },
    ] as const;
    /** Where each field begins, and the name that its error has. */
    const fields = [
      ['dwMagic', 0],
      ['cbKey', 4],
      ['X', 8],
      ['Y', 8 + length],
      ['d', 8 + 2 * length],
    ] as const;

    test.each(halves)('$type is read field by field and written byte by byte', (kind) => {
      expect(kind.decode(kind.bytes)).toEqual({ type: kind.type, ...kind.decoded });
      expect(toHex(kind.encode())).toBe(toHex(kind.bytes));
    });

    test.each(halves)('$type: every cut is refused, at its field, and one byte more', (kind) => {
      const { type, decode, bytes } = kind;
      for (let cut = 0; cut < bytes.length; cut++) {
        const error = thrownBy(() => decode(bytes.subarray(0, cut)));
        const [field, offset] = fields.findLast(([, start]) => start <= cut)!;
        expect(error, `${cut}`).toBeInstanceOf(BlobFormatError);
        expect(error).toMatchObject({ code: 'BLOB_MALFORMED', format: type, field, offset });
      }
      const longer = concatBytes(bytes, Uint8Array.of(0));
      expect(thrownBy(() => decode(longer))).toMatchObject({ field: 'end', offset: bytes.length });
    });

    test.each(halves)('$type: a flipped bit of its magic is refused', ({ type, decode, bytes }) => {
      for (let bit = 0; bit < 32; bit++) {
        const blob = Uint8Array.from(bytes);
        blob[bit >> 3]! ^= 1 << (bit & 7);
        const magic = Buffer.from(blob.subarray(0, 4)).toString('latin1');
        // Another kind of key of the same half: its length is another.
        const isOther = lettersOf(type).includes(magic);
        const place = isOther ? { field: 'cbKey', offset: 4 } : { field: 'dwMagic', offset: 0 };
        expect(
          thrownBy(() => decode(blob)),
          magic,
        ).toMatchObject({ format: type, ...place });
      }
    });

    test.each(halves)(
      '$type: a length that lies is refused before anything is read by it',
      (kind) => {
        for (const lie of [0, 1, 19, length - 1, length + 1, 67, 0x7fffffff, 0xffffffff]) {
          const blob = Uint8Array.from(kind.bytes);
          new DataView(blob.buffer).setUint32(4, lie, true);
          // Other curves have other lengths: such a one is found out where the blob ends.
          const isPossible = curve === 'generic' && lie >= 20 && lie <= 66;
          const last = lie < length ? 'end' : kind.type === 'ECCPUBLICBLOB' ? 'Y' : 'd';
          const error = thrownBy(() => kind.decode(blob));
          expect(error, `${lie}`).toBeInstanceOf(BlobFormatError);
          expect(error, `${lie}`).toMatchObject({ field: isPossible ? last : 'cbKey' });
        }
      },
    );

    test('each half is refused where the other belongs', () => {
      const [publicHalf, privateHalf] = halves;
      const swapped = [
        () => decodeEccPublicBlob(privateHalf.bytes),
        () => decodeEccPrivateBlob(publicHalf.bytes),
      ];
      for (const decode of swapped) expect(thrownBy(decode)).toMatchObject({ field: 'dwMagic' });
    });

    test('numbers of another length are not written', () => {
      const blob = { algorithm, curve, x, y, privateKey };
      const wrong = [length - 1, length + 1, 0, 19, 67]
        .filter((size) => size !== length)
        .map((size) => new Uint8Array(size));
      for (const number of wrong)
        for (const field of ['x', 'y', 'privateKey'] as const) {
          const changed = { ...blob, [field]: number };
          expect(
            codeOf(() => encodeEccPrivateBlob(changed)),
            field,
          ).toBe('PARAMETER_INVALID');
          if (field === 'privateKey') continue;
          expect(
            codeOf(() => encodeEccPublicBlob(changed)),
            field,
          ).toBe('PARAMETER_INVALID');
        }
    });
  },
);

describe('a private key', () => {
  const blob = {
    algorithm: 'ECDH',
    curve: 'P-256',
    x: numberOf(32, 0),
    y: numberOf(32, 0x40),
    privateKey: numberOf(32, 0x80),
  } as const;

  test('is in one buffer of its own, which disposing of it wipes', () => {
    const input = encodeEccPrivateBlob(blob);
    const decoded = decodeEccPrivateBlob(input);
    input.fill(0);
    const { x, y, privateKey } = decoded;
    expect(privateKey).toEqual(blob.privateKey);
    expect([x.buffer, y.buffer]).toEqual([privateKey.buffer, privateKey.buffer]);
    expect(privateKey.buffer.byteLength).toBe(96);
    decoded[Symbol.dispose]();
    expect([...x, ...y, ...privateKey].every((byte) => byte === 0)).toBe(true);
  });

  test('prints, logs and serializes without d', () => {
    const decoded = decodeEccPrivateBlob(encodeEccPrivateBlob(blob));
    for (const shown of [inspect(decoded, { depth: 9 }), JSON.stringify(decoded)]) {
      expect(shown).toContain('[secret]');
      expect(shown).toContain('P-256');
      expect(shown).not.toMatch(/\b128,\s*129,/);
    }
  });

  test('is written into the array that the caller gave; one of another length stays as it was', () => {
    const target = new Uint8Array(eccPrivateBlobLength(blob) + 4).fill(0xee);
    expect(codeOf(() => encodeEccPrivateBlobInto(blob, target))).toBe('PARAMETER_INVALID');
    expect(target.every((byte) => byte === 0xee)).toBe(true);
    encodeEccPrivateBlobInto(blob, target.subarray(2, -2));
    expect(toHex(target)).toBe(`eeee${toHex(encodeEccPrivateBlob(blob))}eeee`);
  });
});

function blobOf(letters: string, length: number, ...numbers: readonly Uint8Array[]): Uint8Array {
  const magic = new Uint8Array(Buffer.from(letters, 'latin1'));
  return concatBytes(magic, hex(`${toHex(Uint8Array.of(length))}000000`), ...numbers);
}
