import { describe, expect, test } from 'vitest';
import { encodeUtf8, fromHex } from '../../../lib/bytes/octets.ts';
import { inspect } from '../../../lib/migration/inspect.ts';
import { describeShared, sharedJson } from '../../support/shared.ts';

/** A field of a vector file, and what its values are: format and number. Damaged ones are told with the refused field. */
const WANTED: readonly (readonly [file: string, field: string, is: Record<string, number>])[] = [
  ['wine-capi-simpleblob-rsa', 'simpleblob', { simpleblob: 68 }],
  ['wine-capi-simpleblob-rsa', 'reimported_plaintextkeyblob', { plaintextkeyblob: 36 }],
  ['wine-capi-simpleblob-rsa', 'privatekeyblob', { privatekeyblob: 4 }],
  ['wine-capi-simpleblob-rsa', 'publickeyblob', { publickeyblob: 4 }],
  ['rfc3217-symmetricwrap', 'symmetricwrapkeyblob', { symmetricwrapkeyblob: 2 }],
  [
    'encrypted-privatekeyblob-unverified',
    'privatekeyblob_encrypted',
    { 'privatekeyblob, PRIVATEKEYBLOB (encrypted)': 14 },
  ],
  ['encrypted-privatekeyblob-unverified', 'privatekeyblob_plain', { privatekeyblob: 14 }],
  ['openssl-msblob-pvk', 'pvk', { pvk: 12 }],
  ['openssl-msblob-pvk', 'private_blob', { privatekeyblob: 12 }],
  ['openssl-msblob-pvk', 'blob', { privatekeyblob: 5, publickeyblob: 5 }],
  ['openssl-msblob-pvk', 'pkcs8_pem', { pem: 20 }],
  [
    'cng-blobs',
    'blob',
    {
      dsapublicblob: 1,
      eccprivateblob: 3,
      eccpublicblob: 4,
      keydatablob: 3,
      rsafullprivateblob: 3,
      rsaprivateblob: 4,
      rsapublicblob: 4,
      // Rfc3565KeyWrapBlob: nothing in it tells it from ciphertext.
      unknown: 3,
    },
  ],
  ['dpapi', 'blob', { 'dpapi-blob': 6 }],
  ['dpapi', 'masterkey_file', { 'master-key-file': 5 }],
  ['dpapi', 'capi_key_file', { 'capi-container-file': 1 }],
  ['dpapi', 'backup_key_secret', { 'domain-backup-key': 1 }],
  ['dpapi', 'private_plaintext', { 'capi-private-key': 1 }],
  [
    'dpapi',
    'file',
    {
      'capi-container-file': 1,
      'cng-container-file': 1,
      credhist: 1,
      'domain-backup-key': 1,
      'roamed-cng-key': 1,
      // A certificate as credential roaming keeps it, with a header of its own.
      unknown: 1,
    },
  ],
  // One is for a certificate, and looks like everybody's CMS.
  ['dpapi-ng', 'protected_blob', { 'cms, DPAPI-NG blob (CMS)': 13, cms: 1 }],
  ['wine-container-protectdata', 'KeyExchangeKeyPair', { 'wine-protect-blob': 3 }],
  ['wine-container-protectdata', 'blob', { 'wine-protect-blob': 4 }],
  ['cms', 'cms', { cms: 18 }],
  ['cms', 'cert', { certificate: 2 }],
  ['cms', 'pkcs8', { pkcs8: 1 }],
  ['cms', 'spki', { spki: 1 }],
];

/** Arrays of Wine's tests, by what their names say that they are. Wine has bogus ones on purpose. */
const WINE_ARRAYS: readonly (readonly [name: string, is: string])[] = [
  ['abSessionKey', 'simpleblob'],
  ['abPlainPublicKey', 'publickeyblob'],
  ['priv_key_with_high_bit', 'privatekeyblob'],
  ['AT_SIGNATURE_PrivateKey', 'privatekeyblob'],
  ['rsaPrivKeyDer', 'pkcs1-private'],
  ['rsaFullPrivateBlob', 'rsafullprivateblob'],
  ['dsaPublicBlob', 'dsapublicblob'],
  ['rootWithKeySignAndCRLSign', 'certificate'],
  ['rsaPublicBlobWithInvalidPublicExpSize', 'rsapublicblob damaged at cbPublicExp'],
  ['rsa_key_blob_with_invalid_bit_length', 'rsapublicblob damaged at cbModulus'],
  ['bogusPubKeyInfo', 'spki damaged at BOOLEAN'],
];

describeShared('files that others made', () => {
  test.each(WANTED)('%s: every %s is what it is', (file, field, is) => {
    const found: Record<string, number> = {};
    for (const bytes of valuesOf(vectorsOf(file), field)) {
      const label = labelOf(bytes, is);
      found[label] = (found[label] ?? 0) + 1;
    }
    expect(found).toEqual(is);
  });

  describe('arrays of Wine', () => {
    const arrays = vectorsOf('wine-tests-arrays') as { name: string; hex: string }[];

    test.each(WINE_ARRAYS)('%s is %s', (name, is) => {
      const found = arrays.filter((array) => array.name === name).map(({ hex }) => fromHex(hex)!);
      expect(found.length).toBeGreaterThan(0);
      for (const bytes of found) expect(labelOf(bytes, {})).toBe(is);
    });
  });

  test('what holds other formats is read down to these', () => {
    const [chain] = (vectorsOf('dpapi') as Record<string, string>[]).filter(
      ({ capi_key_file: file }) => file !== undefined,
    );
    const { parts } = inspect(fromHex(chain!['capi_key_file']!)!);
    expect(parts.map(({ name, format, offset }) => [name, format, offset])).toEqual([
      ['exPublicKey', 'capi-public-key', 97],
      ['exPrivateKey', 'dpapi-blob', 381],
      ['exExportFlag', 'dpapi-blob', 1995],
    ]);
  });
});

function vectorsOf(file: string): unknown[] {
  return (sharedJson(`vectors/${file}.json`) as { vectors: unknown[] }).vectors;
}

function valuesOf(vectors: unknown[], field: string): Uint8Array[] {
  return (vectors as Record<string, unknown>[]).flatMap((vector) => {
    const text = vector[field];
    if (typeof text !== 'string' || text === '') return [];
    if (text.startsWith('-----')) return [encodeUtf8(text)];
    // Some vectors name a file there.
    const bytes = fromHex(text);
    return bytes === undefined ? [] : [bytes];
  });
}

/** The format; with its name where the wanted labels have names, with the field where one is refused. */
function labelOf(bytes: Uint8Array, wanted: Record<string, number>): string {
  const { format, what, state, fault } = inspect(bytes);
  if (state === 'damaged') return `${format} damaged at ${fault?.field ?? '?'}`;
  return `${format}, ${what}` in wanted ? `${format}, ${what}` : format;
}
