/** PKCS#8 of EC keys: the one form that OpenSSL writes, read and written byte by byte. */
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  bitString,
  context,
  integer,
  octetString,
  sequence,
} from '../../../lib/bytes/der-writer.ts';
import { concatBytes, plainBytes, toHex } from '../../../lib/bytes/octets.ts';
import {
  decodeEcPkcs8,
  ecPkcs8Length,
  encodeEcPkcs8Into,
  type EcPrivateKey,
} from '../../../lib/cms/ec-private-key.ts';
import { OID } from '../../../lib/cms/oids.ts';
import { BlobFormatError } from '../../../lib/errors.ts';
import { hex } from '../../support/bytes.ts';
import { codeOf, thrownBy } from '../../support/errors.ts';

/** RFC 6979 A.2.5 and A.2.6: private key, then X and Y of the public one. */
const RFC6979 = [
  {
    curve: 'P-256',
    d: 'c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721',
    x: '60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6',
    y: '7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299',
    // PrivateKeyInfo, 0, ecPublicKey, prime256v1, OCTET STRING, ECPrivateKey, 1, OCTET STRING | [1], BIT STRING, 04
    header: '308187 020100 301306072a8648ce3d020106082a8648ce3d030107 046d 306b 020101 0420',
    middle: 'a144 034200 04',
  },
  {
    curve: 'P-384',
    d: '6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba9aa47740787137d896d5724e4c70a825f872c9ea60d2edf5',
    x: 'ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055866064a254515480bc13',
    y: '8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd2533264720',
    header: '3081b6 020100 301006072a8648ce3d020106052b81040022 04819e 30819b 020101 0430',
    middle: 'a164 036200 04',
  },
] as const;

describe.each(RFC6979)('PKCS#8 of the $curve key of RFC 6979', ({ curve, d, x, y, ...bytes }) => {
  const oid = OID[curve === 'P-256' ? 'p256' : 'p384'];
  const der = hex(`${bytes.header} ${d} ${bytes.middle} ${x} ${y}`);
  const key: Required<EcPrivateKey> = { curve, privateKey: hex(d), point: hex(`04 ${x} ${y}`) };

  test('is read as views and written byte by byte', () => {
    const decoded = decodeEcPkcs8(der) as Required<EcPrivateKey>;
    expect(decoded).toEqual(key);
    expect([decoded.privateKey.buffer, decoded.point.buffer]).toEqual([der.buffer, der.buffer]);
    expect(toHex(encoded(key))).toBe(toHex(der));
  });

  test('is what OpenSSL makes of its numbers', () => {
    const jwk = { kty: 'EC', crv: curve, d: base64url(d), x: base64url(x), y: base64url(y) };
    const made = createPrivateKey({ key: jwk, format: 'jwk' });
    expect(made.export({ format: 'der', type: 'pkcs8' }).toString('hex')).toBe(toHex(der));
  });

  test('is read without the point too, as OpenSSL exports a key that it read without one', () => {
    const pkcs8 = { format: 'der', type: 'pkcs8' } as const;
    const short = built({ curve: oid, d: key.privateKey });
    const { privateKey } = key;
    const exported = createPrivateKey({ key: Buffer.from(short), ...pkcs8 }).export(pkcs8);
    expect(exported.toString('hex')).toBe(toHex(short));
    expect(decodeEcPkcs8(short)).toEqual({ curve, privateKey });
    for (let length = 0; length < short.length; length++)
      expect(codeOf(() => decodeEcPkcs8(short.subarray(0, length)))).toBe('BLOB_MALFORMED');
  });

  test('every cut is refused, and a byte more', () => {
    for (let length = 0; length < der.length; length++) {
      const error = thrownBy(() => decodeEcPkcs8(der.subarray(0, length)));
      expect(error, `${length}`).toBeInstanceOf(BlobFormatError);
    }
    const longer = concatBytes(der, Uint8Array.of(0));
    expect(codeOf(() => decodeEcPkcs8(longer))).toBe('BLOB_MALFORMED');
  });

  test('with a bit flipped it is refused, or only its numbers are others', () => {
    const read: number[] = [];
    for (let bit = 0; bit < der.length * 8; bit++) {
      const flipped = Uint8Array.from(der);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      let outcome: unknown;
      try {
        outcome = toHex(encoded(decodeEcPkcs8(flipped) as Required<EcPrivateKey>));
        read.push(bit >> 3);
      } catch (error) {
        outcome = error;
      }
      if (outcome instanceof BlobFormatError) continue;
      expect(outcome).toBe(toHex(flipped));
    }
    const numbers = 3 * hex(d).length;
    expect(read).toHaveLength(8 * numbers);
  });

  test.each([
    ['an algorithm with another curve', { curve: OID.sha256 }, 'BLOB_ALGORITHM_UNSUPPORTED'],
    ['an algorithm other than EC', { algorithm: OID.rsaEncryption }, 'BLOB_ALGORITHM_UNSUPPORTED'],
    ['another version', { version: integer(1) }, 'BLOB_MALFORMED'],
    ['another version inside', { innerVersion: integer(2) }, 'BLOB_MALFORMED'],
    ['d cut', { d: hex(d).subarray(1) }, 'BLOB_MALFORMED'],
    ['d with a zero before it', { d: hex(`00 ${d}`) }, 'BLOB_MALFORMED'],
    ['no d', { d: new Uint8Array(0) }, 'BLOB_MALFORMED'],
    ['a compressed point', { point: hex(`02 ${x}`) }, 'BLOB_MALFORMED'],
    ['a hybrid point', { point: hex(`06 ${x} ${y}`) }, 'BLOB_MALFORMED'],
    ['a point of a byte more', { point: hex(`04 ${x} ${y} 00`) }, 'BLOB_MALFORMED'],
    ['the point at infinity', { point: hex('00') }, 'BLOB_MALFORMED'],
    ['the curve named twice', { parameters: true }, 'BLOB_MALFORMED'],
    ['attributes', { attributes: context(0) }, 'BLOB_MALFORMED'],
    ['attributes inside', { innerAttributes: context(2) }, 'BLOB_MALFORMED'],
  ] as const)('with %s it is refused', (_what, change, code) => {
    const parts = { curve: oid, d: key.privateKey, point: key.point };
    expect(toHex(built(parts))).toBe(toHex(der));
    expect(codeOf(() => decodeEcPkcs8(built({ ...parts, ...change })))).toBe(code);
  });

  test('numbers and targets of another length are not written', () => {
    const shorter = key.privateKey.subarray(1);
    for (const change of [{ privateKey: shorter }, { point: key.point.subarray(1) }])
      expect(codeOf(() => encoded({ ...key, ...change }))).toBe('PARAMETER_INVALID');
    for (const length of [0, der.length - 1, der.length + 1]) {
      const target = new Uint8Array(length);
      expect(codeOf(() => encodeEcPkcs8Into(key, target))).toBe('PARAMETER_INVALID');
    }
  });
});

test('keys of other kinds are told from damage', () => {
  const keys = [
    generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey,
    generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey,
    generateKeyPairSync('ed25519').privateKey,
  ].map((key) => plainBytes(key.export({ format: 'der', type: 'pkcs8' })));
  for (const der of keys)
    expect(codeOf(() => decodeEcPkcs8(der))).toBe('BLOB_ALGORITHM_UNSUPPORTED');
});

interface Parts {
  readonly curve: Uint8Array;
  readonly d: Uint8Array;
  readonly point?: Uint8Array;
  readonly version?: Uint8Array;
  readonly algorithm?: Uint8Array;
  readonly innerVersion?: Uint8Array;
  readonly parameters?: boolean;
  readonly attributes?: Uint8Array;
  readonly innerAttributes?: Uint8Array;
}

/** PKCS#8 of any parts, in the order of RFC 5208 and RFC 5915. */
function built(parts: Parts): Uint8Array {
  const key = sequence(
    parts.innerVersion ?? integer(1),
    octetString(parts.d),
    ...(parts.parameters ? [context(0, parts.curve)] : []),
    ...(parts.point ? [context(1, bitString(parts.point))] : []),
    ...(parts.innerAttributes ? [parts.innerAttributes] : []),
  );
  return sequence(
    parts.version ?? integer(0),
    sequence(parts.algorithm ?? OID.ecPublicKey, parts.curve),
    octetString(key),
    ...(parts.attributes ? [parts.attributes] : []),
  );
}

function encoded(key: Required<EcPrivateKey>): Uint8Array {
  const target = new Uint8Array(ecPkcs8Length(key.curve));
  encodeEcPkcs8Into(key, target);
  return target;
}

function base64url(digits: string): string {
  return Buffer.from(digits, 'hex').toString('base64url');
}
