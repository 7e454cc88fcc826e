/** PKCS8_PRIVATEKEY and PKCS7_ENVELOPE: told apart, carried, refused where they are anything else. */
import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import {
  BlobFormatError,
  decodeCngBlob,
  decodePkcs7EnvelopeBlob,
  decodePkcs8Blob,
  encodeCngBlob,
  encodePkcs7EnvelopeBlob,
  encodePkcs8Blob,
} from '../../../lib/blobs/index.ts';
import { integer, octetString, oid, sequence, setOf, tlv } from '../../../lib/bytes/der-writer.ts';
import { concatBytes, toHex } from '../../../lib/bytes/octets.ts';
import { hex } from '../../support/bytes.ts';
import { codeOf, thrownBy } from '../../support/errors.ts';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const PKCS8 = new Uint8Array(privateKey.export({ format: 'der', type: 'pkcs8' }));
const ENCRYPTED = new Uint8Array(
  privateKey.export({ format: 'der', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'p' }),
);
const ALGORITHM = sequence(oid('1.2.840.113549.1.1.1'));
const KEY = octetString(Uint8Array.of(1));
/** RFC 5958: with attributes and with the public key. */
const ONE_ASYMMETRIC_KEY = sequence(
  integer(1),
  ALGORITHM,
  KEY,
  tlv(0xa0, sequence()),
  tlv(0x81, Uint8Array.of(0, 4)),
);
const ENVELOPED = sequence(integer(0), setOf(sequence(integer(2))), sequence());
const ENVELOPE = sequence(oid('1.2.840.113549.1.7.3'), tlv(0xa0, ENVELOPED));

test.each([
  ['a PrivateKeyInfo', PKCS8, false],
  ['a OneAsymmetricKey', ONE_ASYMMETRIC_KEY, false],
  ['an EncryptedPrivateKeyInfo', ENCRYPTED, true],
])('%s is told and carried', (_, der, isEncrypted) => {
  for (const name of [undefined, 'PKCS8_PRIVATEKEY'] as const) {
    const blob = decodeCngBlob(der, name);
    expect(blob).toEqual({ type: 'PKCS8_PRIVATEKEY', isEncrypted, der });
    expect(toHex(encodeCngBlob(blob))).toBe(toHex(der));
    for (const shown of [inspect(blob), JSON.stringify(blob)]) expect(shown).toContain('[secret]');
  }
  expect(codeOf(() => decodeCngBlob(der, 'PKCS7_ENVELOPE'))).toBe('BLOB_MALFORMED');
});

test('EnvelopedData is told and carried', () => {
  for (const name of [undefined, 'PKCS7_ENVELOPE'] as const) {
    const blob = decodeCngBlob(ENVELOPE, name);
    expect(blob).toEqual({ type: 'PKCS7_ENVELOPE', der: ENVELOPE });
    expect(toHex(encodeCngBlob(blob))).toBe(toHex(ENVELOPE));
  }
  expect(codeOf(() => decodeCngBlob(ENVELOPE, 'PKCS8_PRIVATEKEY'))).toBe('BLOB_MALFORMED');
});

describe.each([
  ['PKCS8_PRIVATEKEY', PKCS8, decodePkcs8Blob],
  ['PKCS8_PRIVATEKEY', ENCRYPTED, decodePkcs8Blob],
  ['PKCS7_ENVELOPE', ENVELOPE, decodePkcs7EnvelopeBlob],
] as const)('%s', (format, der, decode) => {
  test('every cut is refused, and one byte more', () => {
    for (let cut = 0; cut < der.length; cut++) {
      const error = thrownBy(() => decode(der.subarray(0, cut)));
      expect(error, `${cut}`).toBeInstanceOf(BlobFormatError);
      expect(error, `${cut}`).toMatchObject({ code: 'BLOB_MALFORMED', format });
    }
    expect(codeOf(() => decode(concatBytes(der, Uint8Array.of(0))))).toBe('BLOB_MALFORMED');
  });
});

test.each([
  ['version 2', sequence(integer(2), ALGORITHM, KEY)],
  ['no key', sequence(integer(0), ALGORITHM)],
  ['something behind the key', sequence(integer(0), ALGORITHM, KEY, KEY)],
  ['something behind the ciphertext', sequence(ALGORITHM, KEY, KEY)],
  ['a SET', hex('3100')],
  ['nothing inside', hex('3000')],
  ['an indefinite length', hex('3080 0000')],
])('PKCS#8 with %s is refused, and not written', (_, der) => {
  expect(thrownBy(() => decodePkcs8Blob(der))).toBeInstanceOf(BlobFormatError);
  expect(codeOf(() => encodePkcs8Blob({ der }))).toBe('PARAMETER_INVALID');
});

test.each([
  ['SignedData', sequence(oid('1.2.840.113549.1.7.2'), tlv(0xa0, ENVELOPED))],
  ['no content', sequence(oid('1.2.840.113549.1.7.3'))],
  ['two contents', sequence(oid('1.2.840.113549.1.7.3'), tlv(0xa0, ENVELOPED, ENVELOPED))],
  ['a bare EnvelopedData', ENVELOPED],
])('%s is no PKCS7_ENVELOPE, and not written as one', (_, der) => {
  expect(thrownBy(() => decodePkcs7EnvelopeBlob(der))).toBeInstanceOf(BlobFormatError);
  expect(codeOf(() => encodePkcs7EnvelopeBlob({ der }))).toBe('PARAMETER_INVALID');
});
