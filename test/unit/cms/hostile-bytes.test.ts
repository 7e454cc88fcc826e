/** Bytes that a stranger wrote to cost us time or memory: refused at once, by a named limit. */
import { describe, expect, it } from 'vitest';
import {
  context,
  integer,
  octetString,
  sequence,
  tlv,
  utf8String,
} from '../../../lib/bytes/der-writer.ts';
import { TAG } from '../../../lib/bytes/der-tags.ts';
import {
  decodeAuthEnvelopedData,
  encodeAuthEnvelopedData,
  MAX_PASSWORD_RECIPIENTS,
  MAX_RECIPIENTS,
} from '../../../lib/cms/auth-enveloped-data.ts';
import { decodeCertificate, MAX_CERTIFICATE } from '../../../lib/cms/certificate.ts';
import { decodeKeyMetadata } from '../../../lib/cms/metadata.ts';
import { OID } from '../../../lib/cms/oids.ts';
import { ARGON2ID_BOUNDS } from '../../../lib/cms/argon2id-parameters.ts';
import { PBKDF2_BOUNDS, type RecipientInfo } from '../../../lib/cms/recipient-info.ts';
import { MAX_MESSAGE } from '../../../lib/cms/signed-data.ts';
import { decodeSpki } from '../../../lib/cms/spki.ts';
import { decodeKeyRecord } from '../../../lib/records/decode.ts';
import { codeOf, codeOfAsync } from '../../support/errors.ts';
import { startCpuClock } from '../../support/cpu-clock.ts';

/** Far more than any of these needs, far less than what they would like to cost. */
const SOON_MS = 250;

function soon(act: () => unknown): string {
  const spent = startCpuClock();
  const code = codeOf(act);
  expect(spent()).toBeLessThan(SOON_MS);
  return code;
}

const numbered = (length: number, n: number): Uint8Array => {
  const bytes = new Uint8Array(length);
  new DataView(bytes.buffer).setUint32(0, n);
  return bytes;
};
const ecdh = (n: number): RecipientInfo => ({
  type: 'ecdh',
  keyId: numbered(20, n),
  curve: 'P-256',
  ephemeralPublicKey: Uint8Array.from([4, ...new Uint8Array(64)]),
  encryptedKey: new Uint8Array(40),
});
const password = (n: number, changes: Partial<RecipientInfo> = {}): RecipientInfo =>
  ({
    type: 'argon2id',
    salt: numbered(16, n),
    memoryKiB: 8192,
    iterations: 1,
    parallelism: 1,
    encryptedKey: new Uint8Array(40),
    ...changes,
  }) as RecipientInfo;
const envelopeOf = (recipients: readonly RecipientInfo[]) =>
  encodeAuthEnvelopedData({
    recipients,
    nonce: new Uint8Array(12),
    ciphertext: new Uint8Array(44),
    tag: new Uint8Array(16),
  });
const count = (n: number, make: (i: number) => RecipientInfo) =>
  Array.from({ length: n }, (_, i) => make(i));

describe('an envelope', () => {
  it(`has at most ${MAX_RECIPIENTS} recipients, and 10,000 are refused at the first too many`, () => {
    const codes = [64, 65, 10_000].map((n) => {
      const der = envelopeOf(count(n, ecdh));
      return soon(() => decodeAuthEnvelopedData(der));
    });
    expect(codes).toEqual(['none', 'BLOB_MALFORMED', 'BLOB_MALFORMED']);
  });

  it(`has at most ${MAX_PASSWORD_RECIPIENTS} passwords: each costs whoever tries his a key derivation`, () => {
    const codes = [8, 9].map((n) => {
      const der = envelopeOf([...count(n, password), ...count(3, ecdh)]);
      return soon(() => decodeAuthEnvelopedData(der));
    });
    expect(codes).toEqual(['none', 'BLOB_MALFORMED']);
  });

  it('has at least one recipient', () => {
    expect(codeOf(() => decodeAuthEnvelopedData(envelopeOf([])))).toBe('BLOB_MALFORMED');
  });

  it.each<[string, RecipientInfo]>([
    ['no memory', password(0, { memoryKiB: ARGON2ID_BOUNDS.memoryKiB.min - 1 })],
    ['more memory than 1 GiB', password(0, { memoryKiB: ARGON2ID_BOUNDS.memoryKiB.max + 1 })],
    ['17 iterations', password(0, { iterations: 17 })],
    ['17 lanes', password(0, { parallelism: 17 })],
    ['a salt of 15 bytes', password(0, { salt: new Uint8Array(15) })],
    ['a salt of 65 bytes', password(0, { salt: new Uint8Array(65) })],
  ])('is refused where Argon2id would take %s', (_what, recipient) => {
    expect(codeOf(() => decodeAuthEnvelopedData(envelopeOf([recipient])))).toBe('BLOB_MALFORMED');
  });

  it.each([PBKDF2_BOUNDS.iterations.min - 1, PBKDF2_BOUNDS.iterations.max + 1])(
    'is refused where PBKDF2 would take %i iterations',
    (iterations) => {
      const recipient: RecipientInfo = {
        type: 'pbkdf2',
        salt: new Uint8Array(16),
        iterations,
        iv: new Uint8Array(16),
        encryptedKey: new Uint8Array(48),
      };
      expect(codeOf(() => decodeAuthEnvelopedData(envelopeOf([recipient])))).toBe('BLOB_MALFORMED');
    },
  );

  it('is refused with a ciphertext longer than any key blob', () => {
    const parts = { recipients: [ecdh(0)], nonce: new Uint8Array(12), tag: new Uint8Array(16) };
    const codes = [140, 141].map((length) =>
      codeOf(() =>
        decodeAuthEnvelopedData(
          encodeAuthEnvelopedData({ ...parts, ciphertext: new Uint8Array(length) }),
        ),
      ),
    );
    expect(codes).toEqual(['none', 'BLOB_MALFORMED']);
  });
});

describe('a record', () => {
  it('of no bytes, of one byte and of text is refused', () => {
    for (const bytes of [[], [0x30], [0], [...Buffer.from('not a record at all')]])
      expect(codeOf(() => decodeKeyRecord(Uint8Array.from(bytes)))).toBe('BLOB_MALFORMED');
  });

  it('above 1 MiB is refused before it is looked at', () => {
    const bytes = new Uint8Array(MAX_MESSAGE + 1);
    expect(soon(() => decodeKeyRecord(bytes))).toBe('BLOB_TOO_LARGE');
  });

  it.each([
    '3084ffffffff0609',
    '3088ffffffffffffffff',
    '30847fffffff',
    '30ff',
    '3080',
    '308000000000',
  ])('that begins with the length field of %s is refused without an allocation', (digits) => {
    expect(soon(() => decodeKeyRecord(Buffer.from(digits, 'hex')))).toBe('BLOB_MALFORMED');
  });

  it('of 200,000 nested values is refused without recursion', () => {
    const levels = 200_000;
    const bytes = new Uint8Array(5 * levels);
    for (let level = 0; level < levels; level++) {
      const left = 5 * (levels - level - 1);
      bytes.set([TAG.SEQUENCE, 0x83, left >> 16, left >> 8, left], 5 * level);
    }
    expect(soon(() => decodeKeyRecord(bytes))).toBe('BLOB_MALFORMED');
    expect(soon(() => decodeSpki(bytes))).toBe('BLOB_ALGORITHM_UNSUPPORTED');
    const inside = sequence(OID.signedData, context(0, bytes.subarray(0, 500_000)));
    expect(soon(() => decodeKeyRecord(inside))).toBe('BLOB_MALFORMED');
  });

  it('of a megabyte of empty values is refused', () => {
    const many = new Uint8Array(MAX_MESSAGE - 64).fill(0).map((_, i) => (i % 2 === 0 ? 0x30 : 0));
    const bytes = sequence(OID.signedData, context(0, sequence(integer(3), tlv(TAG.SET, many))));
    expect(soon(() => decodeKeyRecord(bytes))).toBe('BLOB_MALFORMED');
  });
});

describe('metadata', () => {
  const time = tlv(TAG.GENERALIZED_TIME, Buffer.from('20260921141320Z'));
  const metadata = (attributes: readonly Uint8Array[], label = utf8String('x')) =>
    sequence(
      integer(1),
      octetString(new Uint8Array(16)),
      integer(1),
      label,
      utf8String('data'),
      integer(0x6610),
      integer(256),
      time,
      octetString(new Uint8Array(16)),
      integer(1, TAG.ENUMERATED),
      sequence(...attributes),
    );
  const pair = (i: number) => sequence(utf8String(`name ${i}`), utf8String('value'));
  const pairs = (n: number) => Array.from({ length: n }, (_, i) => pair(i));

  it('has at most 32 attributes, and 20,000 are refused at the first too many', () => {
    const codes = [32, 33, 20_000].map((n) => {
      const der = metadata(pairs(n));
      return soon(() => decodeKeyMetadata(der));
    });
    expect(codes).toEqual(['none', 'BLOB_MALFORMED', 'BLOB_MALFORMED']);
  });

  it.each([
    ['overlong UTF-8', 'c080'],
    ['UTF-8 of a surrogate', 'eda080'],
    ['UTF-8 cut short', 'e282'],
    ['a control character', '0a'],
    ['a C1 control character', 'c29b'],
  ])('is refused with %s in its label', (_what, digits) => {
    const label = tlv(TAG.UTF8_STRING, Buffer.from(digits, 'hex'));
    expect(codeOf(() => decodeKeyMetadata(metadata([], label)))).toBe('BLOB_MALFORMED');
  });

  it('keeps a byte order mark, so that a label has one encoding', () => {
    const label = tlv(TAG.UTF8_STRING, Buffer.from('efbbbf78', 'hex'));
    expect(decodeKeyMetadata(metadata([], label)).label).toBe('\ufeffx');
  });
});

describe('a certificate', () => {
  it('that is larger than 64 KiB, or nested as deep as it can be, is refused at once', async () => {
    const spent = startCpuClock();
    const large = sequence(octetString(new Uint8Array(MAX_CERTIFICATE)));
    expect(await codeOfAsync(decodeCertificate(large))).toBe('BLOB_TOO_LARGE');
    let nested = new Uint8Array(0);
    while (nested.length < 20_000) nested = new Uint8Array(sequence(nested));
    expect(await codeOfAsync(decodeCertificate(nested))).toBe('BLOB_MALFORMED');
    const many = sequence(new Uint8Array(65_000).map((_, i) => (i % 2 === 0 ? 0x30 : 0)));
    expect(await codeOfAsync(decodeCertificate(many))).toBe('BLOB_MALFORMED');
    // asn1-x509 is loaded on the first call.
    expect(spent()).toBeLessThan(4 * SOON_MS + 2000);
  });
});
