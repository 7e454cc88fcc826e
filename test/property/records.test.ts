/** Laws of the record codec for values and bytes that nobody chose. */
import { fc, test } from '@fast-check/vitest';
import process from 'node:process';
import { beforeAll, describe, expect } from 'vitest';
import { equalBytes } from '../../lib/bytes/octets.ts';
import {
  decodeAuthEnvelopedData,
  encodeAuthEnvelopedData,
} from '../../lib/cms/auth-enveloped-data.ts';
import { decodeCertificate } from '../../lib/cms/certificate.ts';
import {
  decodeKeyMetadata,
  encodeKeyMetadata,
  withBind,
  withoutBind,
  type KeyMetadata,
} from '../../lib/cms/metadata.ts';
import type { RecipientInfo } from '../../lib/cms/recipient-info.ts';
import { decodeSpki, encodeEcSpki, encodeRsaSpki } from '../../lib/cms/spki.ts';
import { decodeKeyRecord } from '../../lib/records/decode.ts';
import { verifyKeyRecord } from '../../lib/records/verify.ts';
import { codeOf, codeOfAsync } from '../support/errors.ts';
import {
  pinned,
  RECORD_KINDS,
  sampleRecord,
  type SampleRecord,
} from '../support/sample-records.ts';

const numRuns = process.env['SLOW'] === '1' ? 100_000 : 500;

const bytes = (min: number, max = min) => fc.uint8Array({ minLength: min, maxLength: max });
const second = fc
  .date({
    min: new Date('0100-01-01T00:00:00Z'),
    max: new Date('9999-12-31T23:59:59Z'),
    noInvalidDate: true,
  })
  .map((date) => new Date(Math.floor(date.getTime() / 1000) * 1000));
const text = (max: number, min = 0) =>
  fc
    .string({ unit: 'grapheme', minLength: min, maxLength: max })
    .filter((value) => !/[\u0000-\u001f\u007f-\u009f]/.test(value))
    .filter((value) => Buffer.byteLength(value) <= max && Buffer.byteLength(value) >= min)
    .filter((value) => !/\p{Surrogate}/u.test(value));

const metadata: fc.Arbitrary<KeyMetadata> = fc
  .record(
    {
      recordId: bytes(16),
      recordVersion: fc.integer({ min: 1, max: 0xffffffff }),
      label: text(255),
      purpose: text(64),
      algorithm: fc.integer({ min: 0, max: 0xffff }),
      effectiveBits: fc.integer({ min: 1, max: 1024 }),
      created: second,
      notAfter: second,
      storeId: bytes(16),
      provenance: fc.constantFrom('generated', 'imported-signed', 'imported-unsigned', 'adopted'),
      attributes: fc.uniqueArray(fc.tuple(text(64, 1), text(200)), {
        maxLength: 32,
        selector: ([name]) => name,
      }),
      commitment: bytes(32),
      bind: bytes(32),
    },
    {
      requiredKeys: [
        'recordId',
        'recordVersion',
        'label',
        'purpose',
        'algorithm',
        'effectiveBits',
        'created',
        'storeId',
        'provenance',
        'attributes',
        'bind',
      ],
    },
  )
  // bind is there exactly where commitment is.
  .map(({ bind, ...rest }) =>
    rest.commitment ? { ...rest, bind } : rest,
  ) as fc.Arbitrary<KeyMetadata>;

const recipient: fc.Arbitrary<RecipientInfo> = fc.oneof(
  fc.record({
    type: fc.constant('rsa-oaep' as const),
    keyId: bytes(1, 64),
    hash: fc.constantFrom('sha1' as const, 'sha256' as const),
    encryptedKey: bytes(128, 512),
  }),
  fc.record({
    type: fc.constant('rsa-pkcs1' as const),
    keyId: bytes(1, 64),
    encryptedKey: bytes(128, 512),
  }),
  fc.constantFrom(['P-256', 64] as const, ['P-384', 96] as const).chain(([curve, length]) =>
    fc.record({
      type: fc.constant('ecdh' as const),
      keyId: bytes(1, 64),
      curve: fc.constant(curve),
      ephemeralPublicKey: bytes(length).map((xy) => Uint8Array.from([4, ...xy])),
      encryptedKey: bytes(40),
    }),
  ),
  fc.record({
    type: fc.constant('argon2id' as const),
    salt: bytes(16, 64),
    memoryKiB: fc.integer({ min: 8192, max: 1 << 20 }),
    iterations: fc.integer({ min: 1, max: 16 }),
    parallelism: fc.integer({ min: 1, max: 16 }),
    encryptedKey: bytes(40),
  }),
  fc.record({
    type: fc.constant('pbkdf2' as const),
    salt: bytes(8, 64),
    iterations: fc.integer({ min: 1000, max: 10_000_000 }),
    iv: bytes(16),
    encryptedKey: bytes(48),
  }),
);

describe('decoding what was encoded', () => {
  test.prop([metadata], { numRuns })('gives the same metadata', (value) => {
    const der = encodeKeyMetadata(value);
    const decoded = decodeKeyMetadata(der);
    expect(decoded).toEqual(value);
    expect(encodeKeyMetadata(decoded)).toEqual(der);
  });

  test.prop([metadata.filter(({ bind }) => bind !== undefined)], { numRuns: numRuns / 5 })(
    'gives the same metadata with its bind taken off and put on',
    (value) => {
      const der = encodeKeyMetadata(value);
      const { bind, ...unbound } = value;
      expect(withoutBind(der)).toEqual(encodeKeyMetadata(unbound));
      expect(withBind(withoutBind(der), bind!)).toEqual(der);
    },
  );

  test.prop(
    [fc.array(recipient, { minLength: 1, maxLength: 8 }), bytes(12), bytes(13, 140), bytes(16)],
    {
      numRuns,
    },
  )(
    'gives the same envelope, its recipients in DER order',
    (recipients, nonce, ciphertext, tag) => {
      const der = encodeAuthEnvelopedData({ recipients, nonce, ciphertext, tag });
      const code = codeOf(() => decodeAuthEnvelopedData(der));
      fc.pre(code === 'none'); // the same recipient twice
      const decoded = decodeAuthEnvelopedData(der);
      expect(decoded).toMatchObject({ nonce, ciphertext, tag });
      expect(decoded.recipients).toHaveLength(recipients.length);
      expect(decoded.recipients).toEqual(expect.arrayContaining([...recipients]));
      expect(encodeAuthEnvelopedData(decoded)).toEqual(der);
    },
  );

  test.prop([bytes(64), bytes(128, 512), fc.integer({ min: 3, max: 0xffffffff })], {
    numRuns: numRuns / 5,
  })('gives the same public key', (xy, modulus, exponent) => {
    const point = Uint8Array.from([4, ...xy]);
    expect(decodeSpki(encodeEcSpki('P-256', point))).toEqual({ type: 'ec', curve: 'P-256', point });
    modulus[0]! |= 0x80;
    const rsa = { type: 'rsa', modulus, exponent, modulusBits: modulus.length * 8 };
    expect(decodeSpki(encodeRsaSpki(modulus, exponent))).toEqual(rsa);
  });
});

const DECODERS: Readonly<Record<string, (input: Uint8Array) => unknown>> = {
  decodeKeyRecord,
  decodeAuthEnvelopedData,
  decodeKeyMetadata,
  decodeSpki,
};

describe('bytes that nobody chose', () => {
  test.prop([fc.uint8Array({ maxLength: 400 })], { numRuns })(
    'are refused by every decoder with a KeyStoreError',
    async (input) => {
      const codes = Object.values(DECODERS).map((decode) => codeOf(() => decode(input)));
      codes.push(await codeOfAsync(decodeCertificate(input)));
      expect(codes.filter((code) => !code.startsWith('BLOB_'))).toEqual([]);
    },
  );

  /** Starts as DER does, so that decoders get further. */
  const der: fc.Arbitrary<Uint8Array> = fc.letrec<{ value: Uint8Array }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 6 },
      fc
        .tuple(
          fc.constantFrom(0x02, 0x04, 0x05, 0x06, 0x0c, 0x18, 0x80),
          fc.uint8Array({ maxLength: 20 }),
        )
        .map(([tag, contents]) => Uint8Array.from([tag, contents.length, ...contents])),
      fc
        .tuple(
          fc.constantFrom(0x30, 0x31, 0xa0, 0xa1, 0xa3),
          fc.array(tie('value'), { maxLength: 5 }),
        )
        .map(([tag, children]) => {
          const contents = children.flatMap((child) => [...child]);
          const length =
            contents.length < 128
              ? [contents.length]
              : [0x82, contents.length >> 8, contents.length & 0xff];
          return Uint8Array.from([tag, ...length, ...contents]);
        }),
    ),
  })).value;

  test.prop([der], { numRuns })('are refused by every decoder where they are DER too', (input) => {
    const codes = Object.values(DECODERS).map((decode) => codeOf(() => decode(input)));
    expect(codes.filter((code) => !code.startsWith('BLOB_'))).toEqual([]);
  });
});

describe('a mutated record', () => {
  const samples: SampleRecord[] = [];
  beforeAll(async () => {
    for (const kind of RECORD_KINDS) samples.push(await sampleRecord(kind));
  });

  const edits = fc.array(
    fc.record({
      at: fc.nat({ max: 4095 }),
      remove: fc.nat({ max: 8 }),
      insert: fc.uint8Array({ maxLength: 8 }),
    }),
    { minLength: 1, maxLength: 4 },
  );
  const edited = (
    input: Uint8Array,
    changes: readonly { at: number; remove: number; insert: Uint8Array }[],
  ) => {
    const out = [...input];
    for (const { at, remove, insert } of changes) out.splice(at % out.length, remove, ...insert);
    return Uint8Array.from(out);
  };

  test.prop([fc.nat({ max: RECORD_KINDS.length - 1 }), edits], { numRuns })(
    'is refused with a KeyStoreError by verify, and read or refused by decode',
    (index, changes) => {
      const { bytes: record, signer } = samples[index]!;
      const mutated = edited(record, changes);
      fc.pre(!equalBytes(mutated, record));
      expect(codeOf(() => verifyKeyRecord(mutated, pinned(signer)))).toMatch(/^BLOB_/);
      expect(codeOf(() => decodeKeyRecord(mutated))).toMatch(/^BLOB_|^none$/);
    },
  );

  test.prop(
    [
      fc.nat({ max: RECORD_KINDS.length - 1 }),
      fc.nat({ max: RECORD_KINDS.length - 1 }),
      fc.nat(),
      fc.nat(),
    ],
    { numRuns },
  )('spliced from two records is refused', (first, other, cut, resume) => {
    const [a, b] = [samples[first]!, samples[other]!];
    const at = cut % a.bytes.length;
    const from = resume % b.bytes.length;
    const spliced = Uint8Array.from([...a.bytes.subarray(0, at), ...b.bytes.subarray(from)]);
    fc.pre(!equalBytes(spliced, a.bytes));
    expect(codeOf(() => verifyKeyRecord(spliced, pinned(a.signer)))).toMatch(/^BLOB_/);
  });
});
