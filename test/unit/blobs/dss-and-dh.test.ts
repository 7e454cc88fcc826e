/** The layouts of DSS and Diffie-Hellman byte by byte, and each way that they can be wrong. */
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { concatBytes, toHex } from '../../../lib/bytes/octets.ts';
import {
  ALG_ID,
  BlobFormatError,
  decodeKeyBlob,
  decodeVer3PublicKeyBlob,
  dhPrivateKeyBlobLength,
  dssPrivateKeyBlobLength,
  encodeDssPrivateKeyBlob,
  encodeDssPublicKeyBlob,
  encodeKeyBlob,
  encodeVer3PrivateKeyBlob,
  encodeVer3PublicKeyBlob,
  type DssPrivateKeyBlob,
  type KeyBlob,
  type Ver3PrivateKeyBlob,
} from '../../../lib/blobs/index.ts';
import { hex } from '../../support/bytes.ts';
import { codeOf, thrownBy } from '../../support/errors.ts';

/** Big-endian numbers that show which they are and where they begin. */
const numberOf = (length: number, start: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (start + i) & 0xff);
const reversed = (bytes: Uint8Array): string => toHex(bytes.toReversed());

const P = numberOf(64, 0xc1);
const Q = numberOf(20, 0xa1);
const G = numberOf(64, 0x11);
const Y = numberOf(64, 0x31);
const X = numberOf(20, 0x51);
const J = numberOf(44, 0x71);
const SEED = numberOf(20, 0x91);
/** counter 105, or none */
const DSSSEED = `69000000 ${reversed(SEED)}`;
const NO_DSSSEED = 'ff'.repeat(24);
const GROUP = { primeBits: 512, prime: P, generator: G };
const seed = { counter: 105, seed: SEED };

/** Blob by blob: its bytes, and what is in them. */
const TABLE: readonly (readonly [what: string, bytes: Uint8Array, blob: KeyBlob])[] = [
  [
    'DSS1',
    hex(`06020000 00220000 44535331 00020000
         ${reversed(P)} ${reversed(Q)} ${reversed(G)} ${reversed(Y)} ${DSSSEED}`),
    {
      type: 'DSS-PUBLICKEYBLOB',
      algId: ALG_ID.CALG_DSS_SIGN,
      ...GROUP,
      subprime: Q,
      publicKey: Y,
      seed,
    },
  ],
  [
    'DSS2 without a seed',
    hex(`07020000 00220000 44535332 00020000
         ${reversed(P)} ${reversed(Q)} ${reversed(G)} ${reversed(X)} ${NO_DSSSEED}`),
    {
      type: 'DSS-PRIVATEKEYBLOB',
      algId: ALG_ID.CALG_DSS_SIGN,
      ...GROUP,
      subprime: Q,
      privateKey: X,
    },
  ],
  [
    'DH1',
    hex(`06020000 01aa0000 00444831 00020000 ${reversed(Y)}`),
    { type: 'DH-PUBLICKEYBLOB', algId: ALG_ID.CALG_DH_SF, primeBits: 512, publicKey: Y },
  ],
  [
    'DH2',
    hex(`07020000 02aa0000 00444832 00020000 ${reversed(P)} ${reversed(G)} ${reversed(Y)}`),
    { type: 'DH-PRIVATEKEYBLOB', algId: ALG_ID.CALG_DH_EPHEM, ...GROUP, privateKey: Y },
  ],
  [
    'DSS3',
    hex(`06030000 00220000 44535333 00020000 a0000000 5f010000 ${DSSSEED}
         ${reversed(P)} ${reversed(Q)} ${reversed(G)} ${reversed(J)} ${reversed(Y)}`),
    {
      type: 'VER3-PUBLICKEYBLOB',
      algorithm: 'DSS',
      algId: ALG_ID.CALG_DSS_SIGN,
      ...GROUP,
      subprimeBits: 160,
      subprime: Q,
      cofactorBits: 351,
      cofactor: J,
      publicKey: Y,
      seed,
    },
  ],
  [
    'DH3 of p, g and y alone',
    hex(`06030000 01aa0000 00444833 00020000 00000000 00000000 ${NO_DSSSEED}
         ${reversed(P)} ${reversed(G)} ${reversed(Y)}`),
    {
      type: 'VER3-PUBLICKEYBLOB',
      algorithm: 'DH',
      algId: ALG_ID.CALG_DH_SF,
      ...GROUP,
      subprimeBits: 0,
      cofactorBits: 0,
      publicKey: Y,
    },
  ],
  [
    'DSS4',
    hex(`07030000 00220000 44535334 00020000 a0000000 00000000 9f000000 ${DSSSEED}
         ${reversed(P)} ${reversed(Q)} ${reversed(G)} ${reversed(Y)} ${reversed(X)}`),
    {
      type: 'VER3-PRIVATEKEYBLOB',
      algorithm: 'DSS',
      algId: ALG_ID.CALG_DSS_SIGN,
      ...GROUP,
      subprimeBits: 160,
      subprime: Q,
      cofactorBits: 0,
      publicKey: Y,
      privateKeyBits: 159,
      privateKey: X,
      seed,
    },
  ],
  [
    'DH4',
    hex(`07030000 02aa0000 00444834 00020000 a0000000 5f010000 9f000000 ${NO_DSSSEED}
         ${reversed(P)} ${reversed(Q)} ${reversed(G)} ${reversed(J)} ${reversed(Y)} ${reversed(X)}`),
    {
      type: 'VER3-PRIVATEKEYBLOB',
      algorithm: 'DH',
      algId: ALG_ID.CALG_DH_EPHEM,
      ...GROUP,
      subprimeBits: 160,
      subprime: Q,
      cofactorBits: 351,
      cofactor: J,
      publicKey: Y,
      privateKeyBits: 159,
      privateKey: X,
    },
  ],
];
const bytesOf = (what: string): Uint8Array => TABLE.find(([name]) => name === what)![1];
const blobOf = (what: string): KeyBlob => TABLE.find(([name]) => name === what)![2];

describe.each(TABLE)('%s', (_what, bytes, blob) => {
  test('is read field by field and written byte by byte', () => {
    expect(decodeKeyBlob(bytes)).toEqual(blob);
    expect(toHex(encodeKeyBlob(blob))).toBe(toHex(bytes));
  });

  test('is not read when it is cut anywhere', () => {
    for (let length = 0; length < bytes.length; length++) {
      const error = thrownBy(() => decodeKeyBlob(bytes.subarray(0, length)));
      expect(error).toBeInstanceOf(BlobFormatError);
    }
  });

  test('is refused with a byte more, and read where that is allowed', () => {
    const longer = concatBytes(bytes, Uint8Array.of(0));
    const end = { field: 'end', offset: bytes.length };
    expect(thrownBy(() => decodeKeyBlob(longer))).toMatchObject(end);
    expect(decodeKeyBlob(longer, { trailing: 'allow' })).toEqual(blob);
  });

  test.each([
    ['bVersion', 1, '05', 'BLOB_VERSION_UNSUPPORTED'],
    ['reserved', 2, '01', 'BLOB_MALFORMED'],
    // The magic of the other half, which is not what ciphertext looks like.
    ['magic', 8, '52534131', 'BLOB_MALFORMED'],
  ])('with a wrong %s is refused at offset %i', (field, offset, value, code) => {
    const wrong = Uint8Array.from(bytes);
    wrong.set(hex(value), offset);
    expect(thrownBy(() => decodeKeyBlob(wrong))).toMatchObject({ code, field, offset });
  });

  test.each(['ff010000', '01400000', 'ffffffff'])('of %s bits is refused', (bits) => {
    const wrong = Uint8Array.from(bytes);
    wrong.set(hex(bits), 12);
    expect(thrownBy(() => decodeKeyBlob(wrong))).toMatchObject({
      code: 'BLOB_MALFORMED',
      offset: 12,
    });
  });
});

describe('a private key', () => {
  const PRIVATE = TABLE.filter(([, bytes]) => bytes[0] === 7);

  test.each(PRIVATE)('%s shows no secret, and wipes every number', (_what, bytes) => {
    const blob = decodeKeyBlob(bytes) as DssPrivateKeyBlob & Disposable;
    for (const shown of [inspect(blob), JSON.stringify(blob)]) {
      expect(shown).toMatch(/"?privateKey"?: ?['"]\[secret\]['"]/);
      expect(shown).toContain('generator');
    }
    blob[Symbol.dispose]();
    const numbers = [blob.prime, blob.generator, blob.privateKey];
    expect(numbers.flatMap((number) => [...number]).every((byte) => byte === 0)).toBe(true);
    expect(bytes.subarray(40).some((byte) => byte !== 0)).toBe(true);
  });

  test('has the length that is told beforehand', () => {
    expect([dssPrivateKeyBlobLength(1024), dhPrivateKeyBlobLength(1024)]).toEqual([336, 400]);
    expect(dssPrivateKeyBlobLength(512)).toBe(bytesOf('DSS2 without a seed').length);
    expect(dhPrivateKeyBlobLength(512)).toBe(bytesOf('DH2').length);
  });
});

describe('a DSSSEED', () => {
  test('of no counter but with a seed is carried', () => {
    const bytes = Uint8Array.from(bytesOf('DSS1'));
    bytes.fill(0xff, bytes.length - 24, bytes.length - 20);
    const blob = decodeKeyBlob(bytes);
    expect(blob).toMatchObject({ seed: { counter: 0xffffffff, seed: SEED } });
    expect(encodeKeyBlob(blob)).toEqual(bytes);
  });

  test('has 20 bytes', () => {
    const blob = blobOf('DSS2 without a seed') as DssPrivateKeyBlob;
    const wrong = { ...blob, seed: { counter: 1, seed: P } };
    expect(codeOf(() => encodeDssPrivateKeyBlob(wrong))).toBe('PARAMETER_INVALID');
  });
});

describe('numbers', () => {
  test('of a size that is no whole number of bytes have a byte for its rest', () => {
    const prime = concatBytes(Uint8Array.of(1), P);
    const key = { algId: ALG_ID.CALG_DSS_SIGN, primeBits: 513, prime, subprime: Q };
    const bytes = encodeDssPublicKeyBlob({ ...key, generator: G, publicKey: Y });
    expect(bytes).toHaveLength(16 + 3 * 65 + 20 + 24);
    const blob = decodeKeyBlob(bytes);
    expect(blob).toMatchObject({ prime, generator: concatBytes(Uint8Array.of(0), G) });
    expect(encodeKeyBlob(blob)).toEqual(bytes);
  });

  test('that are too long for their fields are refused by name, leading zeros aside', () => {
    const blob = blobOf('DH4') as Ver3PrivateKeyBlob;
    const padded = concatBytes(new Uint8Array(3), X);
    expect(toHex(encodeVer3PrivateKeyBlob({ ...blob, privateKey: padded }))).toBe(
      toHex(bytesOf('DH4')),
    );
    for (const field of ['prime', 'subprime', 'generator', 'cofactor', 'publicKey', 'privateKey']) {
      const longer = { ...blob, [field]: numberOf(65, 1) };
      expect(() => encodeVer3PrivateKeyBlob(longer), field).toThrow(`${field}: want at most`);
    }
  });

  test('that are there without bits are refused, and so are bits that no decoder takes', () => {
    const blob = blobOf('DH4') as Ver3PrivateKeyBlob;
    for (const change of [
      { subprimeBits: 0 },
      { cofactorBits: 0 },
      { privateKeyBits: 0 },
      { privateKeyBits: 513 },
      { primeBits: 511 },
      { primeBits: 16385 },
      { subprimeBits: 513 },
      { cofactorBits: -1 },
    ])
      expect(
        codeOf(() => encodeVer3PrivateKeyBlob({ ...blob, ...change })),
        JSON.stringify(change),
      ).toBe('PARAMETER_INVALID');
  });

  test.each([
    ['bitlenQ', 16],
    ['bitlenJ', 20],
  ])('%s longer than p are refused', (field, offset) => {
    const wrong = Uint8Array.from(bytesOf('DSS3'));
    wrong.set(hex('01020000'), offset);
    expect(thrownBy(() => decodeVer3PublicKeyBlob(wrong))).toMatchObject({ field, offset });
  });

  test('of a public key are copies', () => {
    const bytes = Uint8Array.from(bytesOf('DSS3'));
    const blob = decodeVer3PublicKeyBlob(bytes);
    bytes.fill(0);
    expect(blob.cofactor).toEqual(J);
    expect(encodeVer3PublicKeyBlob(blob)).toEqual(bytesOf('DSS3'));
  });
});
