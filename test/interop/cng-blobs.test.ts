/** CNG's key blobs put together from keys of OpenSSL, number by number: what is read is the key, and what is written is the blob. */
import {
  createDiffieHellmanGroup,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';
import { expect, test } from 'vitest';
import { decodeCngBlob, encodeCngBlob, type CngBlob } from '../../lib/blobs/index.ts';
import { DerReader } from '../../lib/bytes/der-reader.ts';
import { TAG } from '../../lib/bytes/der-tags.ts';
import { concatBytes, toHex } from '../../lib/bytes/octets.ts';
import { power, toBigInt } from '../support/big-numbers.ts';

test.each([512, 1024, 1032, 2048, 3072])('RSA of %i bits', (bits) => {
  const key = generateKeyPairSync('rsa', { modulusLength: bits }).privateKey;
  const jwk = key.export({ format: 'jwk' });
  const [whole, half] = [Math.ceil(bits / 8), Math.ceil(bits / 16)];
  const bytes = concatBytes(
    text('RSA3'),
    ulongs(bits, 3, whole, half, half),
    numberOf(jwk.e, 3),
    numberOf(jwk.n, whole),
    numberOf(jwk.p, half),
    numberOf(jwk.q, half),
    numberOf(jwk.dp, half),
    numberOf(jwk.dq, half),
    numberOf(jwk.qi, half),
    numberOf(jwk.d, whole),
  );
  const blob = readAndWritten(bytes, 'RSAFULLPRIVATEBLOB');
  const read = {
    kty: 'RSA',
    e: base64(Uint8Array.of(1, 0, 1)),
    n: base64(blob.modulus),
    p: base64(blob.prime1),
    q: base64(blob.prime2),
    dp: base64(blob.exponent1),
    dq: base64(blob.exponent2),
    qi: base64(blob.coefficient),
    d: base64(blob.privateExponent),
  };
  expect(blob.exponent).toBe(65537);
  expectSameKey(createPrivateKey({ key: read, format: 'jwk' }), key);
});

test.each([
  ['P-256', 32, 'ECS1', 'ECS2', 'P-256'],
  ['P-384', 48, 'ECS3', 'ECS4', 'P-384'],
  ['P-521', 66, 'ECS5', 'ECS6', 'P-521'],
  ['secp256k1', 32, 'ECDP', 'ECDV', 'generic'],
] as const)('%s', (namedCurve, length, publicMagic, privateMagic, curve) => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
  const jwk = privateKey.export({ format: 'jwk' });
  const point = concatBytes(numberOf(jwk.x, length), numberOf(jwk.y, length));
  const ofPublic = readAndWritten(
    concatBytes(text(publicMagic), ulongs(length), point),
    'ECCPUBLICBLOB',
  );
  const ofPrivate = readAndWritten(
    concatBytes(text(privateMagic), ulongs(length), point, numberOf(jwk.d, length)),
    'ECCPRIVATEBLOB',
  );
  const jwkOf = ({ x, y }: { x: Uint8Array; y: Uint8Array }): JsonWebKey => {
    return { kty: 'EC', crv: jwk.crv!, x: base64(x), y: base64(y) };
  };
  expect([ofPublic.curve, ofPrivate.curve]).toEqual([curve, curve]);
  expectSameKey(createPublicKey({ key: jwkOf(ofPublic), format: 'jwk' }), publicKey);
  const read = { ...jwkOf(ofPrivate), d: base64(ofPrivate.privateKey) };
  expectSameKey(createPrivateKey({ key: read, format: 'jwk' }), privateKey);
});

test('X25519, as the generic curve without Y', () => {
  const { privateKey } = generateKeyPairSync('x25519');
  const jwk = privateKey.export({ format: 'jwk' });
  const [x, d] = [numberOf(jwk.x, 32), numberOf(jwk.d, 32)];
  const bytes = concatBytes(text('ECKV'), ulongs(32), x, new Uint8Array(32), d);
  const blob = readAndWritten(bytes, 'ECCPRIVATEBLOB');
  expect(blob).toMatchObject({ algorithm: 'ECDH', curve: 'generic', y: new Uint8Array(32) });
  const read = { kty: 'OKP', crv: 'X25519', x: base64(blob.x), d: base64(blob.privateKey) };
  expectSameKey(createPrivateKey({ key: read, format: 'jwk' }), privateKey);
});

/** The last has an order that is longer than its field. */
test.each(['prime256v1', 'secp521r1', 'brainpoolP384r1', 'secp160r1'])(
  '%s by its numbers',
  (namedCurve) => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve, paramEncoding: 'explicit' });
    const { curve, point, d } = explicitKey(privateKey);
    const lengths = ulongs(curve.p.length, curve.order.length, 1, curve.seed.length);
    const numbers = concatBytes(
      curve.p,
      curve.a,
      curve.b,
      curve.g,
      curve.order,
      curve.cofactor,
      curve.seed,
      point,
    );
    const header = concatBytes(ulongs(1, 1, 0), lengths);
    const publicBytes = concatBytes(text('ECDP'), header, numbers);
    const ofPublic = readAndWritten(publicBytes, 'ECCFULLPUBLICBLOB');
    const privateBytes = concatBytes(text('ECKV'), header, numbers, d);
    const ofPrivate = readAndWritten(privateBytes, 'ECCFULLPRIVATEBLOB');
    for (const blob of [ofPublic, ofPrivate]) {
      expect(blob).toMatchObject({ curve: 'generic', curveType: 'shortWeierstrass' });
      const [p, x, y, a, b] = [blob.p, blob.x, blob.y, blob.a, blob.b].map(toBigInt);
      expect((y! * y! - x! * x! * x! - a! * x! - b!) % p!).toBe(0n);
      expect(toHex(concatBytes(blob.gx, blob.gy))).toBe(toHex(curve.g));
      expect(blob.order).toEqual(curve.order);
    }
    expect(ofPrivate.privateKey).toEqual(d);
  },
);

test.each([
  [1024, 160, 1],
  [1024, 160, 2],
  [2048, 224, 2],
  [2048, 256, 2],
])('DSA of %i and %i bits, version %i', (modulusLength, divisorLength, version) => {
  const { privateKey } = generateKeyPairSync('dsa', { modulusLength, divisorLength });
  const { p, q, g, x } = dsaNumbers(privateKey);
  const y = fromBigInt(power(toBigInt(g), toBigInt(x), toBigInt(p)), p.length);
  const unknown = (length: number): Uint8Array => new Uint8Array(length).fill(0xff);
  const header =
    version === 1
      ? concatBytes(ulongs(p.length), unknown(24))
      : concatBytes(ulongs(p.length, 1, 1, q.length, q.length), unknown(4 + q.length));
  const group = concatBytes(q, p, padded(g, p.length));
  const magics = version === 1 ? ['DSPB', 'DSPV', 'DSPM'] : ['DPB2', 'DPV2', 'DPM2'];
  const [publicMagic, privateMagic, parametersMagic] = magics.map(text);
  const ofPublic = readAndWritten(concatBytes(publicMagic!, header, group, y), 'DSAPUBLICBLOB');
  const behind = concatBytes(header, group, y, padded(x, q.length));
  const ofPrivate = readAndWritten(concatBytes(privateMagic!, behind), 'DSAPRIVATEBLOB');
  const length = 8 + header.length + group.length;
  const parameters = readAndWritten(
    concatBytes(ulongs(length), parametersMagic!, header, group),
    'DSAParameters',
  );
  for (const blob of [ofPublic, ofPrivate, parameters]) {
    expect(blob).toMatchObject({ version, count: 0xffffffff, p, q });
    expect(toBigInt(blob.g)).toBe(toBigInt(g));
  }
  expect(ofPublic.y).toEqual(y);
  expect(toBigInt(ofPrivate.x)).toBe(toBigInt(x));
});

test.each(['modp2', 'modp14', 'modp18'])('Diffie-Hellman in %s', (name) => {
  const group = createDiffieHellmanGroup(name);
  group.generateKeys();
  const p = new Uint8Array(group.getPrime());
  const [g, y, x] = [group.getGenerator(), group.getPublicKey(), group.getPrivateKey()].map(
    (number) => padded(number, p.length),
  );
  const key = concatBytes(ulongs(p.length), p, g!, y!);
  const ofPublic = readAndWritten(concatBytes(text('DHPB'), key), 'DHPUBLICBLOB');
  const ofPrivate = readAndWritten(concatBytes(text('DHPV'), key, x!), 'DHPRIVATEBLOB');
  const header = concatBytes(ulongs(12 + 2 * p.length), text('DHPM'), ulongs(p.length));
  const parameters = readAndWritten(concatBytes(header, p, g!), 'DHParameters');
  expect(parameters).toEqual({ type: 'DHParameters', p, g });
  expect(ofPublic).toEqual({ type: 'DHPUBLICBLOB', p, g, y });
  expect(ofPrivate).toEqual({ type: 'DHPRIVATEBLOB', p, g, y, x });
});

/** What these bytes are read as; that it is written as the same bytes is checked. */
function readAndWritten<Type extends CngBlob['type']>(
  bytes: Uint8Array,
  type: Type,
): Extract<CngBlob, { type: Type }> {
  const blob = decodeCngBlob(bytes);
  expect(blob.type).toBe(type);
  expect(toHex(encodeCngBlob(blob))).toBe(toHex(bytes));
  return blob as unknown as Extract<CngBlob, { type: Type }>;
}

function expectSameKey(key: KeyObject, want: KeyObject): void {
  expect(key.export({ format: 'jwk' })).toEqual(want.export({ format: 'jwk' }));
}

/** PKCS#8 with ECParameters (RFC 3279 section 2.3.5) instead of a curve's name, and ECPrivateKey (RFC 5915) inside. */
function explicitKey(key: KeyObject) {
  const info = pkcs8(key);
  const parameters = info.algorithm.enter(TAG.SEQUENCE, 'ECParameters');
  parameters.integer('version');
  const field = parameters.enter(TAG.SEQUENCE, 'fieldID');
  field.read(TAG.OBJECT_IDENTIFIER, 'fieldType');
  const p = field.positive('prime');
  const numbers = parameters.enter(TAG.SEQUENCE, 'curve');
  const [a, b] = [numbers.read(TAG.OCTET_STRING, 'a'), numbers.read(TAG.OCTET_STRING, 'b')];
  const hasSeed = numbers.peek() === TAG.BIT_STRING;
  const seed = hasSeed ? numbers.read(TAG.BIT_STRING, 'seed').subarray(1) : new Uint8Array();
  const base = parameters.read(TAG.OCTET_STRING, 'base');
  const [order, cofactor] = [parameters.positive('order'), parameters.positive('cofactor')];
  const ec = new DerReader(info.key, 'ECPrivateKey').enter(TAG.SEQUENCE, 'ECPrivateKey');
  ec.integer('version');
  const d = padded(ec.read(TAG.OCTET_STRING, 'privateKey'), order.length);
  const point = ec.enter(0xa1, 'publicKey').read(TAG.BIT_STRING, 'point').subarray(2);
  const curve = {
    p,
    a: padded(a, p.length),
    b: padded(b, p.length),
    g: base.subarray(1),
    order,
    cofactor,
    seed,
  };
  return { curve, point, d };
}

/** PKCS#8 with Dss-Parms (RFC 3279 section 2.3.2). */
function dsaNumbers(key: KeyObject): Record<'p' | 'q' | 'g' | 'x', Uint8Array> {
  const info = pkcs8(key);
  const parameters = info.algorithm.enter(TAG.SEQUENCE, 'Dss-Parms');
  const [p, q, g] = ['p', 'q', 'g'].map((name) => new Uint8Array(parameters.positive(name)));
  const x = new Uint8Array(new DerReader(info.key, 'INTEGER').positive('x'));
  return { p: p!, q: q!, g: g!, x };
}

function pkcs8(key: KeyObject): { algorithm: DerReader; key: Uint8Array } {
  const der = new Uint8Array(key.export({ format: 'der', type: 'pkcs8' }));
  const info = new DerReader(der, 'PrivateKeyInfo').enter(TAG.SEQUENCE, 'PrivateKeyInfo');
  info.integer('version');
  const algorithm = info.enter(TAG.SEQUENCE, 'privateKeyAlgorithm');
  algorithm.read(TAG.OBJECT_IDENTIFIER, 'algorithm');
  return { algorithm, key: info.read(TAG.OCTET_STRING, 'privateKey') };
}

function text(letters: string): Uint8Array {
  return new Uint8Array(Buffer.from(letters, 'latin1'));
}

function ulongs(...values: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}

/** A number of a JWK in a field of this length. */
function numberOf(value: string | undefined, length: number): Uint8Array {
  return padded(Buffer.from(value!, 'base64url'), length);
}

function padded(number: Uint8Array, length: number): Uint8Array {
  return fromBigInt(toBigInt(number), length);
}

function fromBigInt(number: bigint, length: number): Uint8Array {
  return new Uint8Array(Buffer.from(number.toString(16).padStart(2 * length, '0'), 'hex'));
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}
