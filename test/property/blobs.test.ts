/** Blobs: round trips, the canonical law, and no bytes at all that throw anything but BlobFormatError. */
import * as fc from 'fast-check';
import process from 'node:process';
import { describe, expect, test } from 'vitest';
import { equalBytes, toHex } from '../../lib/bytes/octets.ts';
import {
  BLOB_TYPE,
  BlobFormatError,
  decodeKeyBlob,
  encodeKeyBlob,
  type BlobTypeName,
  type DecodeKeyBlobOptions,
  type KeyBlob,
} from '../../lib/blobs/index.ts';

const RUNS = { numRuns: process.env['SLOW'] === '1' ? 20_000 : 1000 };

const u32 = fc.nat({ max: 0xffffffff });
const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const rsaAlgId = fc.constantFrom(0xa400, 0x2400);
const modulusBits = fc.integer({ min: 384, max: 700 });

const simpleBlob = fc.record({
  type: fc.constant('SIMPLEBLOB' as const),
  algId: u32,
  encryptedKey: fc.uint8Array({ minLength: 48, maxLength: 600 }),
});
const publicKeyBlob = modulusBits.chain((bits) =>
  fc.record({
    type: fc.constant('PUBLICKEYBLOB' as const),
    algId: rsaAlgId,
    modulusBits: fc.constant(bits),
    exponent: fc.integer({ min: 1, max: 0xffffffff }),
    modulus: bytesOf(Math.ceil(bits / 8)),
  }),
);
const privateKeyBlob = modulusBits.chain((bits) => {
  const [whole, half] = [bytesOf(Math.ceil(bits / 8)), bytesOf(Math.ceil(bits / 16))];
  return fc.record({
    type: fc.constant('PRIVATEKEYBLOB' as const),
    algId: rsaAlgId,
    modulusBits: fc.constant(bits),
    exponent: fc.integer({ min: 1, max: 0xffffffff }),
    modulus: whole,
    prime1: half,
    prime2: half,
    exponent1: half,
    exponent2: half,
    coefficient: half,
    privateExponent: whole,
  });
});
const plaintextKeyBlob = fc.record({
  type: fc.constant('PLAINTEXTKEYBLOB' as const),
  algId: u32,
  key: fc.uint8Array({ minLength: 1, maxLength: 300 }),
});
const opaqueBlob = fc.record({
  type: fc.constant('opaque' as const),
  blobType: fc.constantFrom<BlobTypeName>('OPAQUEKEYBLOB', 'PUBLICKEYBLOBEX', 'KEYSTATEBLOB'),
  version: fc.constantFrom(2, 3),
  algId: u32,
  content: fc.uint8Array({ maxLength: 300 }),
});
const wrapped = { algId: u32, wrappingAlgId: u32.filter((algId) => algId !== 0xa400) };
const symmetricWrapKeyBlob = fc.record({
  type: fc.constant('SYMMETRICWRAPKEYBLOB' as const),
  ...wrapped,
  wrappedKey: fc.uint8Array({ minLength: 1, maxLength: 300 }),
});
const agreedSimpleBlob = fc.record({
  type: fc.constant('agreed-SIMPLEBLOB' as const),
  ...wrapped,
  encryptedKey: fc.uint8Array({ minLength: 1, maxLength: 300 }),
});
const primeBits = fc.integer({ min: 512, max: 700 });
const byteLength = (bits: number) => Math.ceil(bits / 8);
const seed = fc.option(fc.record({ counter: fc.nat({ max: 4095 }), seed: bytesOf(20) }));
const dssBlob: fc.Arbitrary<KeyBlob> = fc.tuple(primeBits, seed).chain(([bits, dssSeed]) => {
  const group = {
    algId: fc.constant(0x2200),
    primeBits: fc.constant(bits),
    prime: bytesOf(byteLength(bits)),
    subprime: bytesOf(20),
    generator: bytesOf(byteLength(bits)),
    ...(dssSeed && { seed: fc.constant(dssSeed) }),
  };
  return fc.oneof(
    fc.record({
      type: fc.constant('DSS-PUBLICKEYBLOB' as const),
      ...group,
      publicKey: bytesOf(byteLength(bits)),
    }),
    fc.record({
      type: fc.constant('DSS-PRIVATEKEYBLOB' as const),
      ...group,
      privateKey: bytesOf(20),
    }),
  );
});
const dhBlob: fc.Arbitrary<KeyBlob> = primeBits.chain((bits) => {
  const number = bytesOf(byteLength(bits));
  const facts = { algId: fc.constantFrom(0xaa01, 0xaa02), primeBits: fc.constant(bits) };
  return fc.oneof(
    fc.record({ type: fc.constant('DH-PUBLICKEYBLOB' as const), ...facts, publicKey: number }),
    fc.record({
      type: fc.constant('DH-PRIVATEKEYBLOB' as const),
      ...facts,
      prime: number,
      generator: number,
      privateKey: number,
    }),
  );
});
const ver3Blob: fc.Arbitrary<KeyBlob> = fc
  .tuple(
    primeBits,
    fc.nat({ max: 300 }),
    fc.nat({ max: 300 }),
    seed,
    fc.integer({ min: 1, max: 300 }),
  )
  .chain(([bits, subprimeBits, cofactorBits, dssSeed, privateKeyBits]) => {
    const number = bytesOf(byteLength(bits));
    const group = {
      algorithm: fc.constantFrom('DSS' as const, 'DH' as const),
      algId: fc.constantFrom(0x2200, 0xaa01, 0xaa02),
      primeBits: fc.constant(bits),
      subprimeBits: fc.constant(subprimeBits),
      cofactorBits: fc.constant(cofactorBits),
      prime: number,
      generator: number,
      publicKey: number,
      ...(subprimeBits > 0 && { subprime: bytesOf(byteLength(subprimeBits)) }),
      ...(cofactorBits > 0 && { cofactor: bytesOf(byteLength(cofactorBits)) }),
      ...(dssSeed && { seed: fc.constant(dssSeed) }),
    };
    return fc.oneof(
      fc.record({ type: fc.constant('VER3-PUBLICKEYBLOB' as const), ...group }),
      fc.record({
        type: fc.constant('VER3-PRIVATEKEYBLOB' as const),
        ...group,
        privateKeyBits: fc.constant(privateKeyBits),
        privateKey: bytesOf(byteLength(privateKeyBits)),
      }),
    );
  });
const anyBlob: fc.Arbitrary<KeyBlob> = fc.oneof(
  simpleBlob,
  publicKeyBlob,
  privateKeyBlob,
  plaintextKeyBlob,
  opaqueBlob,
  symmetricWrapKeyBlob,
  agreedSimpleBlob,
  dssBlob,
  dhBlob,
  ver3Blob,
);

/** Bytes that begin as a blob does more often than chance would have it. */
const almostBlob = fc
  .tuple(
    fc.constantFrom(...Object.values(BLOB_TYPE), 0, 5, 0x0d),
    fc.constantFrom(2, 2, 2, 3, 0),
    fc.constantFrom('0000a400', '00660000', '0000', 'ffffffff', '00a40000', '10660000'),
    fc.constantFrom('52534131', '52534132', '00a40000', '20000000', ''),
    fc.uint8Array({ maxLength: 400 }),
  )
  .map(([type, version, algId, next, rest]) =>
    Uint8Array.from([
      ...Buffer.from([type, version, 0, 0]),
      ...Buffer.from(algId + next, 'hex'),
      ...rest,
    ]),
  );

const options: fc.Arbitrary<DecodeKeyBlobOptions> = fc.record(
  {
    trailing: fc.constantFrom('allow' as const, 'refuse' as const),
    shortTail: fc.constantFrom('allow' as const, 'refuse' as const),
    modulusLength: fc.nat({ max: 3000 }),
  },
  { requiredKeys: [] },
);

describe('every blob', () => {
  test('comes back as it was written', () => {
    fc.assert(
      fc.property(anyBlob, (blob) => {
        expect(decodeKeyBlob(encodeKeyBlob(blob))).toEqual(blob);
      }),
      RUNS,
    );
  });

  test('fails typed when it is cut anywhere before its last length is told', () => {
    fc.assert(
      fc.property(
        fc.oneof(publicKeyBlob, privateKeyBlob, plaintextKeyBlob, dssBlob, dhBlob, ver3Blob),
        fc.nat(),
        (blob, cut) => {
          const bytes = encodeKeyBlob(blob);
          const outcome = outcomeOf(bytes.subarray(0, cut % bytes.length));
          expect(outcome).toBe('BlobFormatError');
        },
      ),
      RUNS,
    );
  });

  test('is refused with anything behind it, and read with it where that is allowed', () => {
    const behind = fc.uint8Array({ minLength: 1, maxLength: 64 });
    fc.assert(
      fc.property(
        fc.oneof(publicKeyBlob, privateKeyBlob, plaintextKeyBlob, dssBlob, dhBlob, ver3Blob),
        behind,
        (blob, more) => {
          const bytes = Uint8Array.from([...encodeKeyBlob(blob), ...more]);
          expect(outcomeOf(bytes)).toBe('BlobFormatError');
          expect(decodeKeyBlob(bytes, { trailing: 'allow' })).toEqual(blob);
        },
      ),
      RUNS,
    );
  });
});

describe('any bytes', () => {
  test('are refused with a BlobFormatError, or are exactly what their reading is written as', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 400 }), almostBlob), (bytes) => {
        expect(outcomeOf(bytes)).toMatch(/^(BlobFormatError|canonical)$/);
      }),
      RUNS,
    );
  });

  test('with one bit of a blob flipped too', () => {
    fc.assert(
      fc.property(anyBlob, fc.nat(), (blob, position) => {
        const bytes = encodeKeyBlob(blob);
        const bit = position % (bytes.length * 8);
        bytes[bit >> 3]! ^= 1 << (bit & 7);
        expect(outcomeOf(bytes)).toMatch(/^(BlobFormatError|canonical)$/);
      }),
      RUNS,
    );
  });

  test('throw nothing else under any options', () => {
    fc.assert(
      fc.property(almostBlob, options, (bytes, chosen) => {
        expect(outcomeOf(bytes, chosen)).not.toMatch(/^unexpected/);
      }),
      RUNS,
    );
  });
});

function outcomeOf(bytes: Uint8Array, chosen?: DecodeKeyBlobOptions): string {
  try {
    const blob = decodeKeyBlob(bytes, chosen);
    if (chosen !== undefined) return 'read';
    return equalBytes(encodeKeyBlob(blob), bytes) ? 'canonical' : `changed: ${toHex(bytes)}`;
  } catch (error) {
    return error instanceof BlobFormatError ? 'BlobFormatError' : `unexpected: ${String(error)}`;
  }
}
