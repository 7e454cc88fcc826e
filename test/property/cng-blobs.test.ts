/** CNG's blobs: round trips, the canonical law, and no bytes at all that throw anything but BlobFormatError. */
import { createECDH } from 'node:crypto';
import * as fc from 'fast-check';
import process from 'node:process';
import { describe, expect, test } from 'vitest';
import { concatBytes, equalBytes, plainBytes, toHex } from '../../lib/bytes/octets.ts';
import {
  BlobFormatError,
  decodeEccPrivateBlob,
  decodeEccPublicBlob,
  decodeRsaFullPrivateBlob,
  decodeRsaPrivateBlob,
  decodeRsaPublicBlob,
  encodeEccPrivateBlob,
  encodeEccPublicBlob,
  encodeRsaFullPrivateBlob,
  encodeRsaPrivateBlob,
  encodeRsaPublicBlob,
  type EccPrivateBlob,
  type EccPublicBlob,
  type RsaFullPrivateBlob,
  type RsaPrivateBlob,
  type RsaPublicBlob,
} from '../../lib/blobs/index.ts';
import { ecPkcs8Length, encodeEcPkcs8Into } from '../../lib/cms/ec-private-key.ts';
import { ecdsaSignatureFromDer, ecdsaSignatureToDer } from '../../lib/keys/ecdsa-signature.ts';
import { encodeRsaPkcs8Into, rsaPkcs8Length } from '../../lib/cms/rsa-private-key.ts';
import { encodeEcSpki, encodeRsaSpki } from '../../lib/cms/spki.ts';
import { ecPublicPoint } from '../../lib/keys/ecdh.ts';
import {
  privateKeyFromCngBlob,
  privateKeyToCngBlob,
  publicKeyFromCngBlob,
  publicKeyToCngBlob,
} from '../../lib/keys/cng-key-blob.ts';
import { revealed } from '../support/bytes.ts';

const RUNS = { numRuns: process.env['SLOW'] === '1' ? 20_000 : 1000 };

type Blob = RsaPublicBlob | RsaPrivateBlob | RsaFullPrivateBlob | EccPublicBlob | EccPrivateBlob;

const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const exponent = fc.integer({ min: 1, max: 0x7fffffff }).map((half) => 2 * half + 1);

/** The numbers of an RSA key of any size; they do not belong together. */
const rsaNumbers = fc.integer({ min: 384, max: 700 }).chain((modulusBits) => {
  const [whole, half] = [bytesOf(Math.ceil(modulusBits / 8)), bytesOf(Math.ceil(modulusBits / 16))];
  const modulus = whole.map((bytes) => {
    const top = (modulusBits - 1) % 8;
    bytes[0] = (bytes[0]! & ((1 << top) - 1)) | (1 << top);
    return bytes;
  });
  return fc.record({
    modulusBits: fc.constant(modulusBits),
    exponent,
    modulus,
    prime1: half,
    prime2: half,
    exponent1: half,
    exponent2: half,
    coefficient: half,
    privateExponent: whole,
  });
});
const rsaBlob: fc.Arbitrary<Blob> = rsaNumbers.chain((key) => {
  const { modulusBits, exponent, modulus, prime1, prime2 } = key;
  return fc.constantFrom<Blob>(
    { type: 'RSAPUBLICBLOB', modulusBits, exponent, modulus },
    { type: 'RSAPRIVATEBLOB', modulusBits, exponent, modulus, prime1, prime2 },
    { type: 'RSAFULLPRIVATEBLOB', ...key },
  );
});
const eccBlob: fc.Arbitrary<Blob> = fc
  .oneof(
    fc.constantFrom(['P-256', 32] as const, ['P-384', 48] as const, ['P-521', 66] as const),
    fc.integer({ min: 20, max: 66 }).map((length) => ['generic', length] as const),
  )
  .chain(([curve, length]) => {
    const number = bytesOf(length);
    const algorithm = fc.constantFrom('ECDH' as const, 'ECDSA' as const);
    const key = { algorithm, curve: fc.constant(curve), x: number, y: number };
    return fc.oneof(
      fc.record({ type: fc.constant('ECCPUBLICBLOB' as const), ...key }),
      fc.record({ type: fc.constant('ECCPRIVATEBLOB' as const), ...key, privateKey: number }),
    );
  });
const anyBlob = fc.oneof(rsaBlob, eccBlob);

const MAGICS =
  'RSA1 RSA2 RSA3 ECK1 ECK2 ECK3 ECK4 ECK5 ECK6 ECKP ECKV ECS1 ECS2 ECS3 ECS4 ECS5 ECS6 ECDP ECDV KDBM'.split(
    ' ',
  );
/** Counts that the fields of a header may have: right ones, small ones, and such as would take 4 GiB. */
const count = fc.constantFrom(0, 1, 3, 24, 32, 48, 64, 66, 384, 512, 0x7fffffff, 0xffffffff);
/** Bytes that begin as a blob does more often than chance would have it. */
const almostBlob = fc
  .tuple(
    fc.constantFrom(...MAGICS),
    fc.array(count, { maxLength: 5 }),
    fc.uint8Array({ maxLength: 400 }),
  )
  .map(([magic, counts, rest]) =>
    concatBytes(
      Buffer.from(magic, 'latin1'),
      new Uint8Array(Uint32Array.from(counts).buffer),
      rest,
    ),
  );

const CODECS = [
  [decodeRsaPublicBlob, encodeRsaPublicBlob],
  [decodeRsaPrivateBlob, encodeRsaPrivateBlob],
  [decodeRsaFullPrivateBlob, encodeRsaFullPrivateBlob],
  [decodeEccPublicBlob, encodeEccPublicBlob],
  [decodeEccPrivateBlob, encodeEccPrivateBlob],
] as readonly (readonly [(bytes: Uint8Array) => Blob, (blob: Blob) => Uint8Array])[];

const TYPES: readonly Blob['type'][] = [
  'RSAPUBLICBLOB',
  'RSAPRIVATEBLOB',
  'RSAFULLPRIVATEBLOB',
  'ECCPUBLICBLOB',
  'ECCPRIVATEBLOB',
];

describe('every blob', () => {
  test('comes back as it was written, from its own decoder and from no other', () => {
    fc.assert(
      fc.property(anyBlob, (blob) => {
        const bytes = encode(blob);
        expect(decode(blob.type, bytes)).toEqual(blob);
        const outcomes = CODECS.map((codec) => outcomeOf(codec, bytes));
        expect(outcomes).toEqual(
          TYPES.map((type) => (type === blob.type ? 'canonical' : 'BlobFormatError')),
        );
      }),
      RUNS,
    );
  });

  test('fails typed when it is cut anywhere, and with anything behind it', () => {
    const behind = fc.uint8Array({ minLength: 1, maxLength: 64 });
    fc.assert(
      fc.property(anyBlob, fc.nat(), behind, (blob, cut, more) => {
        const bytes = encode(blob);
        for (const changed of [bytes.subarray(0, cut % bytes.length), concatBytes(bytes, more)])
          for (const codec of CODECS) expect(outcomeOf(codec, changed)).toBe('BlobFormatError');
      }),
      RUNS,
    );
  });
});

describe('any bytes', () => {
  test('are refused with a BlobFormatError, or are exactly what their reading is written as', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 400 }), almostBlob), (bytes) => {
        for (const codec of CODECS)
          expect(outcomeOf(codec, bytes)).toMatch(/^(BlobFormatError|canonical)$/);
      }),
      RUNS,
    );
  });

  test('with one bit of a blob flipped too', () => {
    fc.assert(
      fc.property(anyBlob, fc.nat(), (blob, position) => {
        const bytes = encode(blob);
        const bit = position % (bytes.length * 8);
        bytes[bit >> 3]! ^= 1 << (bit & 7);
        for (const codec of CODECS)
          expect(outcomeOf(codec, bytes)).toMatch(/^(BlobFormatError|canonical)$/);
      }),
      RUNS,
    );
  });

  test('throw nothing else where a key is made of them', () => {
    fc.assert(
      fc.property(fc.oneof(anyBlob.map(encode), almostBlob), (bytes) => {
        expect(failureOf(() => publicKeyFromCngBlob(bytes))).toMatch(/^(none|BlobFormatError)$/);
        const made = failureOf(() => privateKeyFromCngBlob(bytes).dispose());
        expect(made).toMatch(/^(none|BlobFormatError)$/);
      }),
      RUNS,
    );
  });
});

describe('keys', () => {
  test('of EC come back from their blobs as they were, with their point or without', () => {
    const key = fc.constantFrom('P-256' as const, 'P-384' as const).chain((curve) => {
      const length = curve === 'P-256' ? 32 : 48;
      // Small enough for either curve's order, and now and then with zeros at its beginning.
      const d = fc.tuple(fc.nat({ max: length - 1 }), bytesOf(length)).map(([zeros, bytes]) => {
        bytes.fill(0, 0, zeros);
        if (zeros === 0) bytes[0]! &= 0x7f;
        bytes[length - 1]! |= 1;
        return bytes;
      });
      return fc.record({ curve: fc.constant(curve), privateKey: d });
    });
    fc.assert(
      fc.property(key, fc.constantFrom('ECDH', 'ECDSA'), ({ curve, privateKey }, use) => {
        const algorithm = `${use as 'ECDH'}_${curve === 'P-256' ? 'P256' : 'P384'}` as const;
        const ecdh = createECDH(curve === 'P-256' ? 'prime256v1' : 'secp384r1');
        ecdh.setPrivateKey(privateKey);
        const point = plainBytes(ecdh.getPublicKey());
        expect(ecPublicPoint(curve, privateKey)).toEqual(point);
        const pkcs8 = new Uint8Array(ecPkcs8Length(curve));
        encodeEcPkcs8Into({ curve, privateKey, point }, pkcs8);
        using blob = privateKeyToCngBlob(pkcs8, algorithm);
        expect(revealed(privateKeyFromCngBlob(blob.bytes))).toBe(toHex(pkcs8));
        const spki = encodeEcSpki(curve, point);
        expect(publicKeyFromCngBlob(publicKeyToCngBlob(spki, algorithm))).toEqual(spki);
      }),
      { numRuns: RUNS.numRuns / 5 },
    );
  });

  test('of RSA come back from their blobs as they were', () => {
    fc.assert(
      fc.property(rsaNumbers.filter(hasNoZeros), (key) => {
        const pkcs8 = new Uint8Array(rsaPkcs8Length(key));
        encodeRsaPkcs8Into(key, pkcs8);
        using blob = privateKeyToCngBlob(pkcs8, 'RSA');
        expect(revealed(privateKeyFromCngBlob(blob.bytes))).toBe(toHex(pkcs8));
        if (key.modulusBits % 8 !== 0) return;
        const spki = encodeRsaSpki(key.modulus, key.exponent);
        expect(publicKeyFromCngBlob(publicKeyToCngBlob(spki, 'RSA'))).toEqual(spki);
      }),
      RUNS,
    );
  });
});

describe('ECDSA signatures', () => {
  const signature = fc.constantFrom('P-256' as const, 'P-384' as const).chain((curve) => {
    const half = bytesOf(curve === 'P-256' ? 32 : 48).filter((bytes) => bytes.some(Boolean));
    return fc.record({ curve: fc.constant(curve), r: half, s: half });
  });

  test('come back from DER as they were', () => {
    fc.assert(
      fc.property(signature, ({ curve, r, s }) => {
        const rs = concatBytes(r, s);
        expect(ecdsaSignatureFromDer(curve, ecdsaSignatureToDer(rs))).toEqual(rs);
      }),
      RUNS,
    );
  });

  test('with a bit of their DER flipped are refused, or are exactly what they are written as', () => {
    fc.assert(
      fc.property(signature, fc.nat(), ({ curve, r, s }, position) => {
        const der = ecdsaSignatureToDer(concatBytes(r, s));
        const bit = position % (der.length * 8);
        der[bit >> 3]! ^= 1 << (bit & 7);
        let outcome = '';
        const failure = failureOf(() => {
          outcome = toHex(ecdsaSignatureToDer(ecdsaSignatureFromDer(curve, der)));
        });
        expect([toHex(der), 'BlobFormatError']).toContain(failure === 'none' ? outcome : failure);
      }),
      RUNS,
    );
  });
});

function codecOf(type: Blob['type']) {
  return CODECS[TYPES.indexOf(type)]!;
}

function encode(blob: Blob): Uint8Array {
  return codecOf(blob.type)[1](blob);
}

function decode(type: Blob['type'], bytes: Uint8Array): Blob {
  return codecOf(type)[0](bytes);
}

function outcomeOf([decode, encode]: (typeof CODECS)[number], bytes: Uint8Array): string {
  let written: Uint8Array | undefined;
  const failure = failureOf(() => {
    written = encode(decode(bytes));
  });
  if (!written) return failure;
  return equalBytes(written, bytes) ? 'canonical' : `changed: ${toHex(bytes)}`;
}

/** Which error `act` throws, by its class; `none` where it throws none. */
function failureOf(act: () => unknown): string {
  try {
    act();
    return 'none';
  } catch (error) {
    return error instanceof BlobFormatError ? 'BlobFormatError' : `unexpected: ${String(error)}`;
  }
}

/** PKCS#8 has no number that is zero. */
function hasNoZeros(key: Record<string, Uint8Array | number>): boolean {
  return Object.values(key).every(
    (value) => typeof value === 'number' || value.some((byte) => byte !== 0),
  );
}
