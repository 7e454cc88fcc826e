/** Any key file that can be written is read back the same, and no other bytes are. */
import * as fc from 'fast-check';
import process from 'node:process';
import { describe, expect, test } from 'vitest';
import { BlobFormatError } from '../../lib/errors.ts';
import type { KeyFacts } from '../../lib/providers/key-files/key-facts.ts';
import { decodeKeyFile, encodeKeyFile } from '../../lib/providers/key-files/key-file.ts';
import { testKeyPair } from '../support/signing-identity.ts';

const RUNS = { numRuns: process.env['SLOW'] === '1' ? 10_000 : 300 };
const { spki } = testKeyPair('p-256');
const bytes = (minLength: number, maxLength = minLength) => fc.uint8Array({ minLength, maxLength });
const text = (maxLength: number) =>
  fc.string({ unit: 'grapheme', minLength: 1, maxLength }).filter((s) => !/\p{Cc}/u.test(s));

const facts: fc.Arbitrary<KeyFacts> = fc.record(
  {
    generation: fc.integer({ min: 1, max: 999_999_999 }),
    content: fc.constantFrom('pkcs8', 'PRIVATEKEYBLOB'),
    name: text(40),
    scope: fc.constantFrom('user', 'machine'),
    legacyKeySpec: fc.constantFrom('none', 'AT_KEYEXCHANGE', 'AT_SIGNATURE'),
    algorithm: fc.constantFrom('ECDH_P256', 'ECDSA_P256'),
    publicKey: fc.constant(spki),
    properties: fc.record({
      exportPolicy: fc.record({
        export: fc.boolean(),
        plaintextExport: fc.boolean(),
        archive: fc.boolean(),
        plaintextArchive: fc.boolean(),
      }),
      keyUsage: fc.constantFrom(
        ['sign'] as const,
        ['decrypt', 'sign'] as const,
        ['agree'] as const,
      ),
      uiPolicy: fc.record(
        { level: fc.constantFrom('none', 'protect', 'force-high'), title: text(40) },
        { requiredKeys: ['level'] },
      ),
      isolation: fc.constantFrom('none', 'prefer-vbs', 'require-vbs'),
      modified: fc.integer({ min: 0, max: 4e9 }).map((seconds) => new Date(seconds * 1000)),
      custom: fc
        .array(fc.tuple(text(12), bytes(0, 64)), { maxLength: 5 })
        .map((all) => new Map(all)),
    }),
    bootSecretId: bytes(16),
  },
  {
    requiredKeys: [
      'generation',
      'content',
      'name',
      'scope',
      'legacyKeySpec',
      'algorithm',
      'publicKey',
      'properties',
    ],
  },
);
const keyFile = fc.record({
  facts,
  protector: fc.record({
    name: fc.constantFrom('machine-secret', 'passphrase', 'dpapi'),
    parameters: bytes(0, 40).map((inner) => Uint8Array.from([0x30, inner.length, ...inner])),
    wrappedFileKey: bytes(40, 400),
  }),
  nonce: bytes(12),
  ciphertext: bytes(32, 300),
  tag: bytes(16),
});

describe('a key file', () => {
  test('is read back as it was written, byte for byte', () => {
    fc.assert(
      fc.property(keyFile, (file) => {
        const encoded = encodeKeyFile(file);
        const { associatedData: _, ...decoded } = decodeKeyFile(encoded);
        expect(decoded).toEqual(file);
        expect(encodeKeyFile(decoded)).toEqual(encoded);
      }),
      RUNS,
    );
  });

  test('is refused when it is changed, or is another one that is written just so', () => {
    fc.assert(
      fc.property(keyFile, fc.nat(), fc.integer({ min: 1, max: 255 }), (file, position, change) => {
        const encoded = encodeKeyFile(file);
        encoded[position % encoded.length]! ^= change;
        expect(isRefusedOrCanonical(encoded)).toBe(true);
      }),
      RUNS,
    );
  });

  test('is refused with a place and nothing else where bytes are random', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (random) => {
        expect(() => decodeKeyFile(random)).toThrow(BlobFormatError);
      }),
      RUNS,
    );
  });
});

function isRefusedOrCanonical(encoded: Uint8Array): boolean {
  try {
    return Buffer.from(encodeKeyFile(decodeKeyFile(encoded))).equals(encoded);
  } catch (error) {
    return error instanceof BlobFormatError;
  }
}
