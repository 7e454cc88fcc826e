/** ECDSA signatures as r ‖ s and as DER: against OpenSSL, Wycheproof, and numbers of every size. */
import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { concatBytes, toHex } from '../../../lib/bytes/octets.ts';
import { schemeHash } from '../../../lib/cms/algorithms.ts';
import { ecdsaSignatureFromDer, ecdsaSignatureToDer } from '../../../lib/keys/ecdsa-signature.ts';
import { hex } from '../../support/bytes.ts';
import { codeOf, thrownBy } from '../../support/errors.ts';
import { describeShared } from '../../support/shared.ts';
import { Tally, wycheproof, type WycheproofTest } from '../../support/wycheproof.ts';

const CURVES = [
  { curve: 'P-256', hash: 'sha256', size: 32 },
  { curve: 'P-384', hash: 'sha384', size: 48 },
] as const;

describe.each(CURVES)('on $curve', ({ curve, hash, size }) => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: curve });
  const message = Buffer.from('a message');
  const der = { key: publicKey, dsaEncoding: 'der' } as const;
  const p1363 = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;

  test('OpenSSL verifies each form that was made of the other', () => {
    for (let i = 0; i < 20; i++) {
      const rs = new Uint8Array(sign(hash, message, { ...p1363, key: privateKey }));
      const value = ecdsaSignatureToDer(rs);
      expect(verify(hash, message, der, value)).toBe(true);
      expect(toHex(ecdsaSignatureFromDer(curve, value))).toBe(toHex(rs));
      const made = new Uint8Array(sign(hash, message, { ...der, key: privateKey }));
      const decoded = ecdsaSignatureFromDer(curve, made);
      expect(verify(hash, message, p1363, decoded)).toBe(true);
      expect(toHex(ecdsaSignatureToDer(decoded))).toBe(toHex(made));
    }
  });

  test.each([
    ['the smallest', '01', '020101'],
    ['without a sign bit', '7f', '02017f'],
    ['with a sign bit', '80', '02020080'],
    ['of two bytes', '0100', '02020100'],
    ['of two bytes with a sign bit', 'ff00', '020300ff00'],
  ])('a number %s is written in its one form', (_what, digits, integer) => {
    const number = hex(digits.padStart(2 * size, '0'));
    const value = ecdsaSignatureToDer(concatBytes(number, number));
    expect(toHex(value.subarray(2))).toBe(integer + integer);
    expect(toHex(ecdsaSignatureFromDer(curve, value))).toBe(toHex(number).repeat(2));
  });

  test('the longest signature has a sign byte before each number', () => {
    const longest = new Uint8Array(2 * size).fill(0xff);
    const value = ecdsaSignatureToDer(longest);
    expect(value).toHaveLength(2 + 2 * (3 + size));
    expect(ecdsaSignatureFromDer(curve, value)).toEqual(longest);
  });

  test('r ‖ s of another length, and with a zero in it, is refused', () => {
    for (const length of [0, 1, size, 2 * size - 1, 2 * size + 1, 2 * size + 2]) {
      const signature = new Uint8Array(length).fill(1);
      expect(codeOf(() => ecdsaSignatureToDer(signature))).toBe('PARAMETER_INVALID');
    }
    for (const zeros of [0, size]) {
      const signature = new Uint8Array(2 * size).fill(1).fill(0, zeros, zeros + size);
      expect(codeOf(() => ecdsaSignatureToDer(signature))).toBe('PARAMETER_INVALID');
    }
  });

  test('every cut of the DER is refused, and a byte more', () => {
    const value = ecdsaSignatureToDer(new Uint8Array(2 * size).fill(0xff));
    for (let length = 0; length < value.length; length++) {
      const cut = value.subarray(0, length);
      expect(codeOf(() => ecdsaSignatureFromDer(curve, cut))).toBe('BLOB_MALFORMED');
    }
    const longer = concatBytes(value, Uint8Array.of(0));
    expect(codeOf(() => ecdsaSignatureFromDer(curve, longer))).toBe('BLOB_MALFORMED');
  });
});

test.each([
  ['r that is zero', '3006 020100 020101', 'r', 2],
  ['r that is negative', '3006 0201ff 020101', 'r', 2],
  ['r without a byte', '3005 0200 020101', 'r', 2],
  ['s with a zero too many', '3007 020101 02020001', 's', 5],
  ['s that is zero', '3006 020101 020100', 's', 5],
  ['a length field that is too long', '308106 020101 020101', 'Ecdsa-Sig-Value', 0],
  ['an indefinite length', '3080 020101 020101 0000', 'Ecdsa-Sig-Value', 0],
  ['a third number', '3009 020101 020101 020101', 'end', 8],
  ['no s', '3003 020101', 's', 5],
  ['r of 33 bytes', `3026 022101 ${'00'.repeat(32)} 020101`, 'r', 2],
])('DER with %s is refused', (_what, digits, field, offset) => {
  expect(thrownBy(() => ecdsaSignatureFromDer('P-256', hex(digits)))).toMatchObject({
    code: 'BLOB_MALFORMED',
    format: 'Ecdsa-Sig-Value',
    field,
    offset,
  });
});

describeShared('Wycheproof ECDSA', () => {
  test.each([
    ['ecdsa_secp256r1_sha256_p1363', 'P-256', { verified: 173, refused: 54, unwritten: 35 }],
    ['ecdsa_secp384r1_sha384_p1363', 'P-384', { verified: 193, refused: 54, unwritten: 33 }],
  ] as const)(
    '%s: r ‖ s that is none is not written, or does not verify',
    (name, curve, counts) => {
      const tally = new Tally();
      for (const { key, scheme, tests } of groupsOf(name, curve)) {
        for (const { tcId, msg, sig, result } of tests) {
          let fits: boolean | undefined;
          const code = codeOf(() => {
            fits = verify(schemeHash(scheme), hex(msg), key, ecdsaSignatureToDer(hex(sig)));
          });
          const outcome = fits === undefined ? 'unwritten' : fits ? 'verified' : 'refused';
          expect(code).toBe(outcome === 'unwritten' ? 'PARAMETER_INVALID' : 'none');
          tally.right(outcome, (fits === true) === (result === 'valid'), tcId);
        }
      }
      expect(tally.counts).toEqual(counts);
    },
  );

  test('ecdsa_secp256r1_sha256: DER that is none is not read', () => {
    const tally = new Tally();
    for (const { key, tests } of groupsOf('ecdsa_secp256r1_sha256', 'P-256')) {
      const p1363 = { key, dsaEncoding: 'ieee-p1363' } as const;
      for (const { tcId, msg, sig, result } of tests) {
        let fits: boolean | undefined;
        const code = codeOf(() => {
          fits = verify('sha256', hex(msg), p1363, ecdsaSignatureFromDer('P-256', hex(sig)));
        });
        const outcome = fits === undefined ? 'unread' : fits ? 'verified' : 'refused';
        expect(code).toBe(outcome === 'unread' ? 'BLOB_MALFORMED' : 'none');
        tally.right(outcome, (fits === true) === (result === 'valid'), tcId);
      }
    }
    expect(tally.counts).toEqual({ verified: 174, refused: 59, unread: 251 });
  });
});

function groupsOf(name: string, curve: 'P-256' | 'P-384') {
  const file = wycheproof<{ publicKeyPem: string }, WycheproofTest<'msg' | 'sig'>>(name);
  const scheme = curve === 'P-256' ? 'ecdsa-sha256' : 'ecdsa-sha384';
  return file.testGroups.map(
    ({ publicKeyPem, tests }) =>
      ({
        key: createPublicKey(publicKeyPem),
        scheme,
        tests,
      }) as const,
  );
}
