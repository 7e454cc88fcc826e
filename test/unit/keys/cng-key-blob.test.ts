/** Keys of OpenSSL in CNG's blobs and back. */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto';
import { describe, expect, test, vi } from 'vitest';
import { concatBytes, plainBytes, toHex } from '../../../lib/bytes/octets.ts';
import {
  decodeEccPrivateBlob,
  decodeEccPublicBlob,
  decodeRsaFullPrivateBlob,
  decodeRsaPrivateBlob,
  encodeEccPrivateBlob,
  encodeEccPublicBlob,
  encodeRsaPrivateBlob,
  encodeRsaPublicBlob,
  type EccCurve,
} from '../../../lib/blobs/index.ts';
import { encodeRsaPkcs8Into, rsaPkcs8Length } from '../../../lib/cms/rsa-private-key.ts';
import { BlobFormatError } from '../../../lib/errors.ts';
import {
  privateKeyFromCngBlob,
  privateKeyToCngBlob,
  publicKeyFromCngBlob,
  publicKeyToCngBlob,
} from '../../../lib/keys/cng-key-blob.ts';
import type { KeyAlgorithm } from '../../../lib/keys/key-algorithms.ts';
import { SecretBytes } from '../../../lib/keys/secret-bytes.ts';
import { hex, revealed } from '../../support/bytes.ts';
import { codeOf, secretOrCode, thrownBy } from '../../support/errors.ts';
import { describeShared, sharedJson } from '../../support/shared.ts';
import { Tally } from '../../support/wycheproof.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const p521 = generateKeyPairSync('ec', { namedCurve: 'P-521' });

const pkcs8Of = (key: KeyObject): Uint8Array =>
  plainBytes(key.export({ format: 'der', type: 'pkcs8' }));
const spkiOf = (key: KeyObject): Uint8Array =>
  plainBytes(key.export({ format: 'der', type: 'spki' }));

/** Letters of both magics, and bytes of both blobs. */
const ALGORITHMS = [
  ['RSA', rsa, 'RSA1', 283, 'RSA3', 1179],
  ['ECDH_P256', p256, 'ECK1', 72, 'ECK2', 104],
  ['ECDH_P384', p384, 'ECK3', 104, 'ECK4', 152],
  ['ECDSA_P256', p256, 'ECS1', 72, 'ECS2', 104],
  ['ECDSA_P384', p384, 'ECS3', 104, 'ECS4', 152],
] as const;

describe.each(ALGORITHMS)('a key of %s', (algorithm, pair, ...expected) => {
  const [publicMagic, publicLength, privateMagic, privateLength] = expected;
  const spki = spkiOf(pair.publicKey);
  const pkcs8 = pkcs8Of(pair.privateKey);

  test('SPKI to its public blob and back is the same, byte for byte', () => {
    const blob = publicKeyToCngBlob(spki, algorithm);
    expect([letters(blob), blob.length]).toEqual([publicMagic, publicLength]);
    expect(toHex(publicKeyFromCngBlob(blob))).toBe(toHex(spki));
  });

  test('PKCS#8 to its private blob and back is the same, byte for byte', () => {
    using blob = privateKeyToCngBlob(pkcs8, algorithm);
    expect([letters(blob.bytes), blob.length]).toEqual([privateMagic, privateLength]);
    expect(revealed(privateKeyFromCngBlob(blob.bytes))).toBe(toHex(pkcs8));
  });

  test('neither changes what it was given', () => {
    const before = Uint8Array.from(pkcs8);
    using blob = privateKeyToCngBlob(pkcs8, algorithm);
    const given = Uint8Array.from(blob.bytes);
    privateKeyFromCngBlob(blob.bytes).dispose();
    expect([toHex(pkcs8), toHex(blob.bytes)]).toEqual([toHex(before), toHex(given)]);
  });

  test('what was copied on the way is wiped', () => {
    const made = buffersMadeBy(() => {
      using blob = privateKeyToCngBlob(pkcs8, algorithm);
      expect(blob.bytes.some(Boolean)).toBe(true);
      using back = privateKeyFromCngBlob(blob.bytes);
      expect(back.bytes.some(Boolean)).toBe(true);
    });
    // The blob, the decoded blob, the PKCS#8.
    expect(made).toHaveLength(3);
    for (const buffer of made) expect(new Uint8Array(buffer).some(Boolean)).toBe(false);
  });

  test('its public blob begins its private one, magic aside', () => {
    using blob = privateKeyToCngBlob(pkcs8, algorithm);
    const publicBlob = publicKeyToCngBlob(spki, algorithm);
    // RSA tells the lengths of its primes before the numbers.
    const from = algorithm === 'RSA' ? 24 : 4;
    expect(toHex(blob.bytes.subarray(from, publicBlob.length))).toBe(
      toHex(publicBlob.subarray(from)),
    );
  });

  test('every cut of its blobs, and a byte more, is refused', () => {
    using privateBlob = privateKeyToCngBlob(pkcs8, algorithm);
    const publicBlob = publicKeyToCngBlob(spki, algorithm);
    const longer = (bytes: Uint8Array) => concatBytes(bytes, Uint8Array.of(0));
    for (let length = 0; length <= privateLength; length++) {
      const bytes =
        length === privateLength
          ? longer(privateBlob.bytes)
          : privateBlob.bytes.subarray(0, length);
      expect(thrownBy(() => privateKeyFromCngBlob(bytes))).toBeInstanceOf(BlobFormatError);
    }
    for (let length = 0; length <= publicLength; length++) {
      const bytes = length === publicLength ? longer(publicBlob) : publicBlob.subarray(0, length);
      expect(thrownBy(() => publicKeyFromCngBlob(bytes))).toBeInstanceOf(BlobFormatError);
    }
  });

  test('each half is refused where the other belongs', () => {
    using privateBlob = privateKeyToCngBlob(pkcs8, algorithm);
    const publicBlob = publicKeyToCngBlob(spki, algorithm);
    expect(codeOf(() => publicKeyFromCngBlob(privateBlob.bytes))).toBe('BLOB_MALFORMED');
    expect(codeOf(() => privateKeyFromCngBlob(publicBlob))).toBe('BLOB_MALFORMED');
  });

  test('it has no blob of another algorithm', () => {
    const others = ALGORITHMS.filter(([other, { publicKey }]) => {
      return other !== algorithm && publicKey !== pair.publicKey;
    });
    for (const [other] of others) {
      const isOfOtherKind = (algorithm === 'RSA') !== (other === 'RSA');
      const refusal = isOfOtherKind ? 'BLOB_ALGORITHM_UNSUPPORTED' : 'PARAMETER_INVALID';
      expect(codeOf(() => publicKeyToCngBlob(spki, other))).toBe('PARAMETER_INVALID');
      expect(codeOf(() => privateKeyToCngBlob(pkcs8, other))).toBe(refusal);
    }
  });
});

describe('an EC key', () => {
  test('that OpenSSL exports without its point gets it', () => {
    for (const [algorithm, { privateKey }] of ALGORITHMS.slice(1)) {
      const pkcs8 = pkcs8Of(privateKey);
      const short = pkcs8Of(withoutPoint(privateKey));
      expect(short.length).toBeLessThan(pkcs8.length);
      using blob = privateKeyToCngBlob(short, algorithm);
      expect(revealed(privateKeyFromCngBlob(blob.bytes))).toBe(toHex(pkcs8));
    }
  });

  test('without its point and with a d that the curve does not have is refused', () => {
    const short = pkcs8Of(withoutPoint(p256.privateKey));
    for (const byte of [0x00, 0xff]) {
      const changed = Uint8Array.from(short).fill(byte, -32);
      expect(codeOf(() => privateKeyToCngBlob(changed, 'ECDH_P256'))).toBe('BLOB_MALFORMED');
    }
  });

  test.each<[EccCurve, number]>([
    ['P-521', 66],
    ['generic', 32],
  ])('of a curve that keycask does not have is told from damage: %s', (curve, length) => {
    const number = new Uint8Array(length).fill(1);
    const blob = { algorithm: 'ECDH', curve, x: number, y: number } as const;
    const acts = [
      () => publicKeyFromCngBlob(encodeEccPublicBlob(blob)),
      () => privateKeyFromCngBlob(encodeEccPrivateBlob({ ...blob, privateKey: number })),
    ];
    for (const act of acts)
      expect(thrownBy(act)).toMatchObject({
        code: 'BLOB_ALGORITHM_UNSUPPORTED',
        field: 'dwMagic',
        offset: 0,
      });
    for (const act of [
      () => publicKeyToCngBlob(spkiOf(p521.publicKey), 'ECDH_P384'),
      () => privateKeyToCngBlob(pkcs8Of(p521.privateKey), 'ECDH_P384'),
    ])
      expect(codeOf(act)).toBe('BLOB_ALGORITHM_UNSUPPORTED');
  });
});

describe('an RSA key', () => {
  const pkcs8 = pkcs8Of(rsa.privateKey);

  test('by its primes alone has 539 bytes, and lacks numbers that PKCS#8 has', () => {
    using full = privateKeyToCngBlob(pkcs8, 'RSA');
    using key = decodeRsaFullPrivateBlob(full.bytes);
    const blob = encodeRsaPrivateBlob(key);
    expect([letters(blob), blob.length]).toEqual(['RSA2', 539]);
    expect(toHex(blob.subarray(4))).toBe(toHex(full.bytes.subarray(4, 539)));
    expect(thrownBy(() => privateKeyFromCngBlob(blob))).toMatchObject({
      code: 'BLOB_MALFORMED',
      field: 'Magic',
      offset: 0,
    });
  });

  test('whose modulus is not of whole bytes is told from damage', () => {
    const modulus = new Uint8Array(128).fill(0x7f);
    const blob = encodeRsaPublicBlob({ modulusBits: 1023, exponent: 3, modulus });
    expect(thrownBy(() => publicKeyFromCngBlob(blob))).toMatchObject({
      code: 'BLOB_ALGORITHM_UNSUPPORTED',
      field: 'BitLength',
      offset: 4,
    });
  });

  test('that the blob cannot hold is refused', () => {
    using full = privateKeyToCngBlob(pkcs8, 'RSA');
    using key = decodeRsaFullPrivateBlob(full.bytes);
    const changes = [
      { prime1: concatBytes(Uint8Array.of(1), key.prime1) },
      { privateExponent: concatBytes(Uint8Array.of(1), key.privateExponent) },
      { exponent: 1 },
      { exponent: 65536 },
      { modulus: key.modulus.subarray(0, 40) },
      { modulus: new Uint8Array(2049).fill(0xff) },
    ];
    for (const change of changes) {
      const changed = { ...key, ...change };
      using der = new SecretBytes(rsaPkcs8Length(changed));
      encodeRsaPkcs8Into(changed, der.bytes);
      expect(secretOrCode(() => privateKeyToCngBlob(der.bytes, 'RSA'))).toBe('NOT_SUPPORTED');
    }
  });
});

describeShared('CNG blobs that other programs made', () => {
  interface Vector {
    readonly name: string;
    readonly blob_type: string;
    readonly alg: KeyAlgorithm;
    readonly blob: string;
    readonly pkcs8_pem: string;
  }
  const { vectors } = sharedJson('vectors/cng-blobs.json') as { vectors: Vector[] };
  const ofType = (type: string) =>
    vectors.filter(({ blob_type: other, alg }) => other === type && !alg.endsWith('P521'));

  test.each([...ofType('RSAPUBLICBLOB'), ...ofType('ECCPUBLICBLOB')])(
    '$name is the SPKI that OpenSSL has',
    ({ alg, blob, pkcs8_pem: pem }) => {
      const spki = spkiOf(createPublicKey(pem));
      expect(toHex(publicKeyToCngBlob(spki, alg))).toBe(blob);
      expect(toHex(publicKeyFromCngBlob(hex(blob)))).toBe(toHex(spki));
    },
  );

  test.each([...ofType('RSAFULLPRIVATEBLOB'), ...ofType('ECCPRIVATEBLOB')])(
    '$name is the PKCS#8 that OpenSSL has',
    ({ alg, blob, pkcs8_pem: pem }) => {
      const pkcs8 = pkcs8Of(createPrivateKey(pem));
      expect(revealed(privateKeyToCngBlob(pkcs8, alg))).toBe(blob);
      expect(revealed(privateKeyFromCngBlob(hex(blob)))).toBe(toHex(pkcs8));
    },
  );

  test.each(ofType('RSAPRIVATEBLOB'))('$name begins as its full blob does', (vector) => {
    const bytes = hex(vector.blob);
    using decoded = decodeRsaPrivateBlob(bytes);
    expect(toHex(encodeRsaPrivateBlob(decoded))).toBe(vector.blob);
    using full = privateKeyToCngBlob(pkcs8Of(createPrivateKey(vector.pkcs8_pem)), 'RSA');
    expect(toHex(full.bytes.subarray(4, bytes.length))).toBe(vector.blob.slice(8));
  });

  test('there are 18 of them; two are of P-521, and are read and written back', () => {
    const count = (type: string) => ofType(type).length;
    const p521Blobs = vectors.filter(({ alg }) => alg.endsWith('P521')).map(({ blob }) => blob);
    expect(p521Blobs).toHaveLength(2);
    for (const blob of p521Blobs)
      expect(toHex(encodeEccPublicBlob(decodeEccPublicBlob(hex(blob))))).toBe(blob);
    expect({
      RSAPUBLICBLOB: count('RSAPUBLICBLOB'),
      RSAPRIVATEBLOB: count('RSAPRIVATEBLOB'),
      RSAFULLPRIVATEBLOB: count('RSAFULLPRIVATEBLOB'),
      ECCPUBLICBLOB: count('ECCPUBLICBLOB'),
      ECCPRIVATEBLOB: count('ECCPRIVATEBLOB'),
    }).toEqual({
      RSAPUBLICBLOB: 4,
      RSAPRIVATEBLOB: 4,
      RSAFULLPRIVATEBLOB: 3,
      ECCPUBLICBLOB: 2,
      ECCPRIVATEBLOB: 3,
    });
  });

  test('those of .NET are read and written back, and their keys sign', () => {
    const file = sharedJson('vectors/dotnet-csp-cng.json') as { vectors: { hex: string }[] };
    const tally = new Tally();
    for (const { hex: text } of file.vectors) {
      const bytes = hex(text);
      const magic = letters(bytes);
      if (!/^(RSA\d|EC[KS]\d)$/.test(magic)) continue;
      const isKey = !/^EC[KS][24]$/.test(magic) || signs(bytes);
      tally.right(magic, isKey && toHex(rewritten(magic, bytes)) === text, text);
    }
    expect(tally.counts).toEqual({ ECK1: 1, ECS2: 1, ECS4: 1, ECS6: 1, RSA2: 2 });
  });
});

/** Buffers of their own that `act` makes; those of secrets are. */
function buffersMadeBy(act: () => void): ArrayBuffer[] {
  const made: ArrayBuffer[] = [];
  class RecordedBuffer extends ArrayBuffer {
    constructor(length: number) {
      super(length);
      made.push(this);
    }
  }
  vi.stubGlobal('ArrayBuffer', RecordedBuffer);
  try {
    act();
  } finally {
    vi.unstubAllGlobals();
  }
  return made;
}

function letters(blob: Uint8Array): string {
  return Buffer.from(blob.subarray(0, 4)).toString('latin1');
}

function rewritten(magic: string, bytes: Uint8Array): Uint8Array {
  if (magic === 'RSA2') return encodeRsaPrivateBlob(decodeRsaPrivateBlob(bytes));
  const isPublic = Number(magic[3]) % 2 === 1;
  if (isPublic) return encodeEccPublicBlob(decodeEccPublicBlob(bytes));
  return encodeEccPrivateBlob(decodeEccPrivateBlob(bytes));
}

function signs(blob: Uint8Array): boolean {
  using pkcs8 = privateKeyFromCngBlob(blob);
  const key = createPrivateKey({ key: Buffer.from(pkcs8.bytes), format: 'der', type: 'pkcs8' });
  const message = Buffer.from('a message');
  return verify('sha256', message, createPublicKey(key), sign('sha256', message, key));
}

/** The same key, as OpenSSL has it after it read an ECPrivateKey without publicKey. */
function withoutPoint(key: KeyObject): KeyObject {
  const jwk = key.export({ format: 'jwk' });
  const d = Buffer.from(jwk.d!, 'base64url');
  const curve = jwk.crv === 'P-256' ? '06082a8648ce3d030107' : '06052b81040022';
  const body = `020101 04${byte(d.length)}${d.toString('hex')}`;
  const sequence = hex(`30${byte(3 + 2 + d.length)} ${body}`);
  const algorithm = hex(`30${byte(9 + curve.length / 2)} 06072a8648ce3d0201 ${curve}`);
  const wrapped = concatBytes(hex(`04${byte(sequence.length)}`), sequence);
  const info = concatBytes(hex('020100'), algorithm, wrapped);
  const der = concatBytes(hex(`30${byte(info.length)}`), info);
  return createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' });
}

function byte(value: number): string {
  return toHex(Uint8Array.of(value));
}
