/** CNG's key blobs that Windows, .NET, Wine and domain controllers made: all are read and written back byte for byte, and their numbers belong together. */
import { createDecipheriv, createECDH, createPrivateKey, createPublicKey } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  decodeAesWrapKeyBlob,
  decodeCngBlob,
  decodeDsaPublicBlob,
  encodeCngBlob,
  type CngBlob,
  type CngBlobType,
} from '../../../lib/blobs/index.ts';
import { toHex } from '../../../lib/bytes/octets.ts';
import { hex } from '../../support/bytes.ts';
import { inverse, power, toBigInt } from '../../support/big-numbers.ts';
import { codeOf } from '../../support/errors.ts';
import { describeShared, sharedJson } from '../../support/shared.ts';
import { Tally } from '../../support/wycheproof.ts';

/** A vector of cng-blobs.json. */
interface BlobVector {
  readonly name: string;
  readonly blob_type: CngBlobType;
  readonly blob: string;
  readonly pkcs8_pem?: string;
  readonly kek?: string;
  readonly key?: string;
}

const FILES = ['cng-blobs', 'dotnet-csp-cng', 'wine-tests-arrays', 'dpapi-ng'];
/** RSA, EC, DSA, DH and symmetric keys; DHParameters behind their length. */
const START =
  /^(525341(31|32|33)|45(434b|4353|4344)|445350|445[06]|44485042|4b44424d|.{8}4448504d)/;

describeShared('blobs of other programs', () => {
  test('are read and written back byte for byte, and their numbers belong together', () => {
    const tally = new Tally();
    for (const [name, digits] of FILES.flatMap(blobsOf)) {
      const bytes = hex(digits);
      // Wine's tests have keys that Windows must refuse.
      if (/invalid/i.test(name)) {
        tally.right('invalid', codeOf(() => decodeCngBlob(bytes)) === 'BLOB_MALFORMED', name);
        continue;
      }
      const blob = decodeCngBlob(bytes);
      tally.right(blob.type, toHex(encodeCngBlob(blob)) === digits && isSound(blob), digits);
    }
    expect(tally.counts).toEqual({
      RSAPUBLICBLOB: 8,
      RSAPRIVATEBLOB: 7,
      RSAFULLPRIVATEBLOB: 4,
      ECCPUBLICBLOB: 7,
      ECCPRIVATEBLOB: 7,
      DSAPUBLICBLOB: 3,
      DSAPRIVATEBLOB: 2,
      DHPUBLICBLOB: 1,
      DHParameters: 5,
      KeyDataBlob: 3,
      invalid: 3,
    });
  });

  test('are the keys that OpenSSL has beside them', () => {
    const tally = new Tally();
    for (const vector of vectorsOf('cng-blobs') as BlobVector[]) {
      const { blob_type: type, blob: digits, name } = vector;
      const blob = decodeCngBlob(hex(digits), type);
      const isSame = toHex(encodeCngBlob(blob)) === digits && isKeyOf(blob, vector);
      tally.right(type, blob.type === type && isSame, name);
    }
    expect(tally.counts).toEqual({
      RSAPUBLICBLOB: 4,
      RSAPRIVATEBLOB: 4,
      RSAFULLPRIVATEBLOB: 3,
      ECCPUBLICBLOB: 4,
      ECCPRIVATEBLOB: 3,
      DSAPUBLICBLOB: 1,
      KeyDataBlob: 3,
      Rfc3565KeyWrapBlob: 3,
    });
  });

  test("a DSA key of Wine's tests verifies the signature beside it", () => {
    const arrays = vectorsOf('wine-tests-arrays') as { name: string; hex: string }[];
    const [blob, hash, signature] = ['dsaPublicBlob', 'dsaHash', 'dsaSignature'].map((name) =>
      hex(arrays.find((vector) => vector.name === name)!.hex),
    ) as [Uint8Array, Uint8Array, Uint8Array];
    const key = decodeDsaPublicBlob(blob);
    const [p, q, g, y] = [key.p, key.q, key.g, key.y].map(toBigInt) as [
      bigint,
      bigint,
      bigint,
      bigint,
    ];
    const [r, s] = [toBigInt(signature.subarray(0, 20)), toBigInt(signature.subarray(20))];
    // FIPS 186-4 section 4.7
    const w = inverse(s, q);
    const [u1, u2] = [(toBigInt(hash) * w) % q, (r * w) % q];
    expect(((power(g, u1, p) * power(y, u2, p)) % p) % q).toBe(r);
  });
});

/** Whether the numbers of a blob are those of one key. */
function isSound(blob: CngBlob): boolean {
  if (blob.type === 'RSAPRIVATEBLOB' || blob.type === 'RSAFULLPRIVATEBLOB')
    return toBigInt(blob.prime1) * toBigInt(blob.prime2) === toBigInt(blob.modulus);
  if (blob.type === 'ECCPRIVATEBLOB') {
    const ecdh = createECDH(CURVES[blob.curve]);
    ecdh.setPrivateKey(blob.privateKey);
    return ecdh.getPublicKey('hex') === `04${toHex(blob.x)}${toHex(blob.y)}`;
  }
  if (blob.type === 'DSAPUBLICBLOB' || blob.type === 'DSAPRIVATEBLOB') {
    const [p, q, g] = [toBigInt(blob.p), toBigInt(blob.q), toBigInt(blob.g)];
    const isGroup = (p - 1n) % q === 0n && power(g, q, p) === 1n;
    const x = blob.type === 'DSAPRIVATEBLOB' ? toBigInt(blob.x) : undefined;
    return isGroup && (x === undefined || power(g, x, p) === toBigInt(blob.y));
  }
  if (blob.type === 'DHPUBLICBLOB')
    return toBigInt(blob.y) > 1n && toBigInt(blob.y) < toBigInt(blob.p);
  return true;
}

/** OpenSSL's names. */
const CURVES = { 'P-256': 'prime256v1', 'P-384': 'secp384r1', 'P-521': 'secp521r1', generic: '' };

/** Whether a blob is the key that its vector has in PKCS#8, or under a key-encryption key. */
function isKeyOf(blob: CngBlob, { pkcs8_pem: pem, kek, key }: BlobVector): boolean {
  if (blob.type === 'Rfc3565KeyWrapBlob') {
    const { wrapped } = decodeAesWrapKeyBlob(encodeCngBlob(blob));
    // RFC 3394 section 2.2.3.1
    const unwrap = createDecipheriv('id-aes256-wrap', hex(kek!), Buffer.alloc(8, 0xa6));
    return toHex(Buffer.concat([unwrap.update(wrapped), unwrap.final()])) === key;
  }
  if (pem === undefined) return blob.type === 'KeyDataBlob';
  const privateKey = createPrivateKey(pem);
  if (blob.type === 'DSAPUBLICBLOB') {
    const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
    return [blob.p, blob.q, blob.g, blob.y].every((number) => spki.includes(Buffer.from(number)));
  }
  const jwk = privateKey.export({ format: 'jwk' });
  const wanted = Object.entries(JWK_NAMES).filter(([field]) => field in blob);
  const numbers = blob as unknown as Record<string, Uint8Array>;
  return (
    wanted.length > 0 &&
    wanted.every(([field, name]) => {
      const number = Buffer.from(jwk[name] as string, 'base64url');
      return toBigInt(number) === toBigInt(numbers[field]!);
    })
  );
}

/** RFC 7518 section 6 */
const JWK_NAMES = {
  modulus: 'n',
  prime1: 'p',
  prime2: 'q',
  exponent1: 'dp',
  exponent2: 'dq',
  coefficient: 'qi',
  privateExponent: 'd',
  x: 'x',
  y: 'y',
  privateKey: 'd',
} as const;

/** Every text of a vector file that begins as a blob does, with the name of its vector. */
function blobsOf(file: string): (readonly [name: string, digits: string])[] {
  const found: (readonly [string, string])[] = [];
  const collect = (name: string, value: unknown): void => {
    if (typeof value === 'string') found.push([name, value.toLowerCase()]);
    else if (typeof value === 'object' && value !== null)
      for (const part of Object.values(value)) collect(name, part);
  };
  for (const vector of vectorsOf(file) as { name?: string }[]) collect(vector.name ?? '', vector);
  return found.filter(([, text]) => START.test(text) && /^([0-9a-f]{2})+$/.test(text));
}

function vectorsOf(file: string): readonly object[] {
  return (sharedJson(`vectors/${file}.json`) as { vectors: object[] }).vectors;
}
