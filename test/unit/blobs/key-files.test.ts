/** PVK files and the public keys of strong names, byte by byte. */
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { concatBytes, toHex } from '../../../lib/bytes/octets.ts';
import {
  decodePvk,
  decodeStrongNamePublicKey,
  encodePublicKeyBlob,
  encodePvk,
  encodeStrongNamePublicKey,
} from '../../../lib/blobs/index.ts';
import { hex } from '../../support/bytes.ts';
import { codeOf, thrownBy } from '../../support/errors.ts';

describe('PVK', () => {
  const KEY = hex(`07020000 00240000 ${'5a'.repeat(24)}`);
  const SALT = hex('000102030405060708090a0b0c0d0e0f');
  //                 magic    reserved keytype  encrypted saltlen  keylen
  const CLEAR = hex('1ef1b5b0 00000000 02000000 00000000 00000000 20000000' + toHex(KEY));
  const SEALED = hex(
    `1ef1b5b0 00000000 01000000 01000000 10000000 20000000 ${toHex(SALT)} ${toHex(KEY)}`,
  );

  test('in the clear is its PRIVATEKEYBLOB with a header', () => {
    const pvk = decodePvk(CLEAR);
    expect(pvk).toEqual({
      type: 'PVK',
      keySpec: 2,
      isEncrypted: false,
      encryptedFlag: 0,
      algId: 0x2400,
      salt: new Uint8Array(0),
      keyBlob: KEY,
    });
    expect(toHex(encodePvk(pvk))).toBe(toHex(CLEAR));
  });

  test('that is encrypted has a salt, and its BLOBHEADER in the clear', () => {
    const pvk = decodePvk(SEALED);
    expect(pvk).toMatchObject({ keySpec: 1, isEncrypted: true, encryptedFlag: 1, salt: SALT });
    expect(pvk.keyBlob).toEqual(KEY);
    expect(toHex(encodePvk(pvk))).toBe(toHex(SEALED));
  });

  test('with a salt is encrypted, whatever the flag says, and the flag is kept', () => {
    const flagless = Uint8Array.from(SEALED);
    flagless[12] = 0;
    const pvk = decodePvk(flagless);
    expect(pvk).toMatchObject({ isEncrypted: true, encryptedFlag: 0 });
    expect(toHex(encodePvk(pvk))).toBe(toHex(flagless));
  });

  test.each([
    ['magic', 0, '1ef1b5b1', 'BLOB_MALFORMED'],
    ['reserved', 4, '01000000', 'BLOB_MALFORMED'],
    ['encrypted', 12, '02000000', 'BLOB_MALFORMED'],
    ['saltlen', 16, '00000000', 'BLOB_MALFORMED'],
    ['saltlen', 16, '01280000', 'BLOB_MALFORMED'],
    ['salt', 16, '00280000', 'BLOB_MALFORMED'],
    ['keylen', 20, '07000000', 'BLOB_MALFORMED'],
    ['keylen', 20, '01900100', 'BLOB_MALFORMED'],
    ['key', 20, '00900100', 'BLOB_MALFORMED'],
    ['end', 20, '1f000000', 'BLOB_MALFORMED'],
    ['bType', 40, '06020000', 'BLOB_MALFORMED'],
    ['bVersion', 40, '07040000', 'BLOB_VERSION_UNSUPPORTED'],
  ])('with a wrong %s is refused (offset %i: %s)', (field, offset, value, code) => {
    const wrong = Uint8Array.from(SEALED);
    wrong.set(hex(value), offset);
    expect(thrownBy(() => decodePvk(wrong))).toMatchObject({ code, field });
  });

  test('is read with bytes behind it where that is allowed', () => {
    const longer = concatBytes(CLEAR, SALT);
    expect(thrownBy(() => decodePvk(longer))).toMatchObject({ field: 'end' });
    expect(decodePvk(longer, { trailing: 'allow' }).keyBlob).toEqual(KEY);
  });

  test('shows no key', () => {
    for (const shown of [inspect(decodePvk(CLEAR)), JSON.stringify(decodePvk(CLEAR))]) {
      expect(shown).toMatch(/"?keyBlob"?: ?['"]\[secret\]['"]/);
      expect(shown).not.toMatch(/90,\s*90/);
    }
  });

  test('is not written of parts that no reader takes', () => {
    const pvk = decodePvk(SEALED);
    for (const change of [
      { salt: new Uint8Array(0) },
      { salt: new Uint8Array(10_241) },
      { keyBlob: KEY.subarray(0, 7) },
      { keyBlob: new Uint8Array(102_401) },
    ])
      expect(codeOf(() => encodePvk({ ...pvk, ...change }))).toBe('PARAMETER_INVALID');
  });
});

describe('the public key of a strong name', () => {
  const blob = encodePublicKeyBlob({
    algId: 0x2400,
    modulusBits: 384,
    exponent: 65537,
    modulus: new Uint8Array(48).fill(0xc3),
  });
  const KEY = concatBytes(hex('00240000 04800000 44000000'), blob);
  const ECMA = hex('00000000 00000000 04000000 00000000');

  test('is a PUBLICKEYBLOB with its algorithms', () => {
    const key = decodeStrongNamePublicKey(KEY);
    expect(key).toMatchObject({
      type: 'strong-name-public-key',
      signatureAlgId: 0x2400,
      hashAlgId: 0x8004,
      publicKey: { type: 'PUBLICKEYBLOB', modulusBits: 384 },
    });
    expect(toHex(encodeStrongNamePublicKey(key))).toBe(toHex(KEY));
  });

  test('of ECMA names no key', () => {
    const key = decodeStrongNamePublicKey(ECMA);
    expect(key).toEqual({ type: 'strong-name-public-key', signatureAlgId: 0, hashAlgId: 0 });
    expect(toHex(encodeStrongNamePublicKey(key))).toBe(toHex(ECMA));
  });

  test('is refused where its length or its end is wrong', () => {
    const longer = Uint8Array.from(KEY);
    longer[8] = 0x45;
    for (const [wrong, field] of [
      [longer, 'PublicKey'],
      [concatBytes(KEY, ECMA), 'end'],
      [concatBytes(ECMA, ECMA), 'end'],
      [KEY.subarray(0, 60), 'PublicKey'],
      [hex('00240000 04800000 04000000 00000000'), 'cbPublicKey'],
      [hex('00000000 00000000 05000000 00000000'), 'cbPublicKey'],
      [hex('00000000 00000000 04000000 01000000'), 'PublicKey'],
    ] as const)
      expect(
        thrownBy(() => decodeStrongNamePublicKey(wrong)),
        toHex(wrong),
      ).toMatchObject({ code: 'BLOB_MALFORMED', field });
    expect(decodeStrongNamePublicKey(concatBytes(KEY, ECMA), { trailing: 'allow' })).toEqual(
      decodeStrongNamePublicKey(KEY),
    );
  });

  test('is not written as half of both', () => {
    const { publicKey } = decodeStrongNamePublicKey(KEY);
    for (const half of [
      { signatureAlgId: 0x2400, hashAlgId: 0x8004 },
      { signatureAlgId: 0, hashAlgId: 0, publicKey: publicKey! },
    ])
      expect(codeOf(() => encodeStrongNamePublicKey(half))).toBe('PARAMETER_INVALID');
  });
});
