/** Post-quantum keys of CNG: every magic, the lengths of FIPS 203 and 204, and sets that nobody knows yet. */
import { describe, expect, test } from 'vitest';
import {
  BlobFormatError,
  decodePostQuantumKeyBlob,
  encodePostQuantumKeyBlob,
} from '../../../lib/blobs/index.ts';
import { concatBytes, toHex } from '../../../lib/bytes/octets.ts';
import { codeOf, thrownBy } from '../../support/errors.ts';

/** bcrypt.h, MS "BCRYPT_MLKEM_KEY_BLOB" and "BCRYPT_PQDSA_KEY_BLOB". */
const MAGICS = [
  ['MLKP', 'ML-KEM', 'MLKEMPUBLICBLOB'],
  ['MLKR', 'ML-KEM', 'MLKEMPRIVATEBLOB'],
  ['MLKS', 'ML-KEM', 'MLKEMPRIVATESEEDBLOB'],
  ['DSPK', 'ML-DSA', 'PQDSAPUBLICBLOB'],
  ['DSSK', 'ML-DSA', 'PQDSAPRIVATEBLOB'],
  ['DSSS', 'ML-DSA', 'PQDSAPRIVATESEEDBLOB'],
  ['SHPK', 'SLH-DSA', 'PQDSAPUBLICBLOB'],
  ['SHSK', 'SLH-DSA', 'PQDSAPRIVATEBLOB'],
  ['LMPK', 'LMS', 'PQDSAPUBLICBLOB'],
  ['XMPK', 'XMSS', 'PQDSAPUBLICBLOB'],
  ['CMKP', 'Composite-ML-KEM', 'MLKEMPUBLICBLOB'],
  ['CMKR', 'Composite-ML-KEM', 'MLKEMPRIVATEBLOB'],
  ['CMKS', 'Composite-ML-KEM', 'MLKEMPRIVATESEEDBLOB'],
  ['CMPK', 'Composite-ML-DSA', 'PQDSAPUBLICBLOB'],
  ['CMSK', 'Composite-ML-DSA', 'PQDSAPRIVATEBLOB'],
] as const;

/** FIPS 203 section 8, FIPS 204 section 4: magic, set, bytes of the key. */
const LENGTHS = [
  ['MLKP', '512', 800],
  ['MLKR', '512', 1632],
  ['MLKS', '512', 64],
  ['MLKP', '768', 1184],
  ['MLKR', '768', 2400],
  ['MLKS', '768', 64],
  ['MLKP', '1024', 1568],
  ['MLKR', '1024', 3168],
  ['MLKS', '1024', 64],
  ['DSPK', '44', 1312],
  ['DSSK', '44', 2560],
  ['DSSS', '44', 32],
  ['DSPK', '65', 1952],
  ['DSSK', '65', 4032],
  ['DSSS', '65', 32],
  ['DSPK', '87', 2592],
  ['DSSK', '87', 4896],
  ['DSSS', '87', 32],
] as const;

test.each(MAGICS)('%s is %s as %s, with a set that is not known', (magic, algorithm, type) => {
  const key = Uint8Array.of(1, 2, 3);
  const bytes = blobOf(magic, 'next\0', key);
  const blob = { type, algorithm, parameterSet: 'next', key };
  expect(decodePostQuantumKeyBlob(bytes)).toEqual(blob);
  expect(decodePostQuantumKeyBlob(bytes, type)).toEqual(blob);
  expect(toHex(encodePostQuantumKeyBlob(blob))).toBe(toHex(bytes));
  const other = type === 'PQDSAPUBLICBLOB' ? 'MLKEMPUBLICBLOB' : 'PQDSAPUBLICBLOB';
  expect(thrownBy(() => decodePostQuantumKeyBlob(bytes, other))).toMatchObject({
    field: 'dwMagic',
    offset: 0,
  });
});

test.each(LENGTHS)('%s of set %s has %i bytes, and no other length', (magic, set, length) => {
  const bytes = blobOf(magic, `${set}\0`, new Uint8Array(length).fill(7));
  const blob = decodePostQuantumKeyBlob(bytes);
  expect(blob).toMatchObject({ parameterSet: set, key: { length } });
  expect(toHex(encodePostQuantumKeyBlob(blob))).toBe(toHex(bytes));
  for (const wrong of [length - 1, length + 1, 1]) {
    const error = thrownBy(() =>
      decodePostQuantumKeyBlob(blobOf(magic, `${set}\0`, new Uint8Array(wrong))),
    );
    expect(error).toBeInstanceOf(BlobFormatError);
    expect(error).toMatchObject({ field: 'cbKey', offset: 8 });
    const changed = { ...blob, key: new Uint8Array(wrong) };
    expect(codeOf(() => encodePostQuantumKeyBlob(changed))).toBe('PARAMETER_INVALID');
  }
});

describe('a parameter set', () => {
  const key = Uint8Array.of(9);

  test('may be absent', () => {
    const bytes = blobOf('LMPK', '', key);
    const blob = decodePostQuantumKeyBlob(bytes);
    expect(blob.parameterSet).toBe('');
    expect(toHex(encodePostQuantumKeyBlob(blob))).toBe(toHex(bytes));
  });

  test.each(['\0', '44', '4\x004\0', '44\0\0', '\u001b[2J\0', '\ud83d\0', `${'4'.repeat(128)}\0`])(
    '%j is refused',
    (text) => {
      const error = thrownBy(() => decodePostQuantumKeyBlob(blobOf('SHPK', text, key)));
      expect(error).toBeInstanceOf(BlobFormatError);
      expect(error).toMatchObject({ field: 'parameterSet', offset: 12 });
    },
  );

  test('of an odd number of bytes is refused', () => {
    const bytes = blobOf('SHPK', '44\0', key);
    bytes[4] = 5;
    expect(thrownBy(() => decodePostQuantumKeyBlob(bytes))).toMatchObject({
      field: 'parameterSet',
    });
  });

  test('may be any text that prints', () => {
    const bytes = blobOf('SHPK', 'Kurve \u00e4\ud83d\ude00\0', key);
    expect(decodePostQuantumKeyBlob(bytes).parameterSet).toBe('Kurve \u00e4\ud83d\ude00');
  });
});

function blobOf(magic: string, parameterSet: string, key: Uint8Array): Uint8Array {
  const set = new Uint8Array(Buffer.from(parameterSet, 'utf16le'));
  const lengths = new Uint8Array(Uint32Array.of(set.length, key.length).buffer);
  return concatBytes(new Uint8Array(Buffer.from(magic, 'latin1')), lengths, set, key);
}
