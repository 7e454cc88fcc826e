/** Key pairs themselves: what is computed, what is refused, what is shown, what is wiped. */
import { createECDH, createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { concatBytes, encodeUtf8, toHex } from '../../../lib/bytes/octets.ts';
import {
  BlobFormatError,
  checkKeyPair,
  decodeKeyPair,
  dhKeyPair,
  dsaKeyPair,
  ecKeyPair,
  encodeKeyPair,
  isPrivateKeyPair,
  publicHalfOf,
  rsaKeyPair,
  x25519KeyPair,
  type DhKeyPair,
  type DsaKeyPair,
  type EcKeyPair,
  type KeyPair,
  type KeyPairFormat,
  type RsaKeyPair,
  type RsaPrivateNumbers,
} from '../../../lib/key-pairs/index.ts';
import { EC_CURVES, ecPublicPoint } from '../../../lib/key-pairs/curves.ts';
import { fromBigInt, toBigInt } from '../../../lib/key-pairs/big-numbers.ts';
import { codeOf, thrownBy } from '../../support/errors.ts';
import { OPENSSL_KEYS, opensslKey } from '../../support/key-pairs.ts';

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the type of a key stands in its name
const pairOf = <Pair extends KeyPair>(name: string): Pair =>
  decodeKeyPair(opensslKey(name)).pair as Pair;
const RSA = pairOf<RsaKeyPair & { privateNumbers: RsaPrivateNumbers }>('rsa-1024');
const EC = pairOf<Required<EcKeyPair>>('ec-p256');
const DSA = pairOf<Required<DsaKeyPair>>('dsa-1024');
const DH = pairOf<Required<DhKeyPair>>('dh-2048');
const spki = (pair: KeyPair): string => toHex(encodeKeyPair(pair, 'SPKI'));

describe('what a format leaves out', () => {
  const { modulus, publicExponent, privateNumbers } = RSA;
  const { privateExponent, prime1, prime2 } = privateNumbers;

  it('is computed of an RSA key from its primes', () => {
    const pair = rsaKeyPair({ modulus, publicExponent, prime1, prime2 });
    expect(checkKeyPair(pair)).toEqual([]);
    expect(pair.privateNumbers!.coefficient).toEqual(privateNumbers.coefficient);
  });

  it('is computed of an RSA key from n, e and d', () => {
    const pair = rsaKeyPair({ modulus, publicExponent, privateExponent });
    expect(checkKeyPair(pair)).toEqual([]);
    expect(pair.privateNumbers!.privateExponent).toEqual(privateExponent);
    const primes = [pair.privateNumbers!.prime1, pair.privateNumbers!.prime2].map(toHex);
    expect(primes.toSorted()).toEqual([toHex(prime1), toHex(prime2)].toSorted());
  });

  it('is d mod lcm(p-1, q-1), and a d of the other form is carried as it is', () => {
    const [p, q, e] = [prime1, prime2, publicExponent].map(toBigInt) as [bigint, bigint, bigint];
    const computed = rsaKeyPair({ modulus, publicExponent, prime1, prime2 }).privateNumbers!;
    const phi = (p - 1n) * (q - 1n);
    let d = toBigInt(computed.privateExponent);
    const lcm = (e * d - 1n) % phi === 0n ? phi : phi / 2n;
    d += lcm === phi ? 0n : lcm;
    const other = rsaKeyPair({ ...RSA, ...privateNumbers, privateExponent: fromBigInt(d) });
    expect(toBigInt(other.privateNumbers!.privateExponent)).toBe(d);
    expect(checkKeyPair(other)).toEqual([]);
  });

  it('is the point of an EC key', () => {
    for (const name of ['ec-p256', 'ec-p384', 'ec-p521']) {
      const { curve, privateKey, x, y } = pairOf<Required<EcKeyPair>>(name);
      const pair = ecKeyPair({ curve, privateKey });
      expect([pair.x, pair.y]).toEqual([x, y]);
    }
  });

  it('is the public key of X25519, DSA and Diffie-Hellman keys', () => {
    const { privateKey, publicKey } = pairOf<Extract<KeyPair, { type: 'X25519' }>>('x25519');
    const der = createPublicKey(
      createPrivateKey({ key: Buffer.from(opensslKey('x25519')), format: 'der', type: 'pkcs8' }),
    ).export({ format: 'der', type: 'spki' });
    expect(toHex(der)).toContain(toHex(publicKey));
    expect(x25519KeyPair({ privateKey: privateKey! }).publicKey).toEqual(publicKey);
    expect(spki(dsaKeyPair({ p: DSA.p, q: DSA.q, g: DSA.g, privateKey: DSA.privateKey }))).toBe(
      toHex(opensslKey('dsa-1024', 'SPKI')),
    );
    expect(spki(dhKeyPair({ p: DH.p, g: DH.g, privateKey: DH.privateKey }))).toBe(spki(DH));
  });
});

describe('curves', () => {
  it.each([
    ['P-256', 'prime256v1'],
    ['P-384', 'secp384r1'],
    ['P-521', 'secp521r1'],
  ] as const)(
    '%s gives the points that OpenSSL gives, at the ends of its order too',
    (curve, name) => {
      const { order, fieldLength } = EC_CURVES[curve];
      for (const d of [1n, 2n, 3n, order - 1n, order - 2n, order >> 1n]) {
        const privateKey = fromBigInt(d, fieldLength);
        const own = createECDH(name);
        own.setPrivateKey(privateKey);
        const { x, y } = ecPublicPoint(curve, privateKey);
        expect(toHex(concatBytes(Uint8Array.of(4), x, y))).toBe(own.getPublicKey('hex'));
      }
    },
  );

  it('X25519 gives the public keys that OpenSSL gives, whatever is to be clamped', () => {
    const counting = Uint8Array.from({ length: 32 }, (_, i) => i);
    const ones = new Uint8Array(32).fill(0xff);
    for (const privateKey of [new Uint8Array(32), ones, counting, counting.toReversed()]) {
      const pair = x25519KeyPair({ privateKey });
      const der = Buffer.from(encodeKeyPair(pair, 'PKCS8'));
      const publicKey = createPublicKey(
        createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }),
      );
      const spkiOfOpenssl = publicKey.export({ format: 'der', type: 'spki' });
      expect(spki(pair)).toBe(toHex(spkiOfOpenssl));
    }
  });
});

describe('a conversion is refused', () => {
  const publicRsa = publicHalfOf(RSA);
  const big = rsaKeyPair({ ...RSA, publicExponent: fromBigInt((1n << 33n) + 1n) });
  const { modulus, privateNumbers, publicExponent } = RSA;
  // A prime that is much longer than the other one.
  const uneven = rsaKeyPair({
    modulus,
    publicExponent,
    ...privateNumbers,
    prime1: concatBytes(Uint8Array.of(3), privateNumbers.prime1),
  });

  it.each<[string, KeyPair, KeyPairFormat]>([
    ['from a public key to a private one', publicRsa, 'PKCS8'],
    ['from a public key to a blob of a private one', publicRsa, 'PRIVATEKEYBLOB'],
    ['to a format of another type', EC, 'PRIVATEKEYBLOB'],
    ['of DSA to JOSE', DSA, 'JWK'],
    ['of an exponent over 32 bits to CryptoAPI', big, 'PUBLICKEYBLOB'],
    ['of an exponent over 32 bits to CNG', big, 'RSAPUBLICBLOB'],
    ['of primes of different lengths to CryptoAPI', uneven, 'PRIVATEKEYBLOB'],
    ['of primes of different lengths to CNG', uneven, 'RSAFULLPRIVATEBLOB'],
    ['of a long q to version 2 of DSS', pairOf('dsa-2048-256'), 'PRIVATEKEYBLOB'],
    ['of a long q to PVK', pairOf('dsa-2048-256'), 'PVK'],
  ])('%s', (_, pair, format) => {
    const error = thrownBy(() => encodeKeyPair(pair, format));
    expect(error).toMatchObject({ code: 'NOT_SUPPORTED' });
    expect((error as Error).message).toMatch(new RegExp(`${format}.* (holds|cannot hold) `));
  });

  it('to what is no format, and with options that a format does not have', () => {
    expect(codeOf(() => encodeKeyPair(RSA, 'toString' as KeyPairFormat))).toBe('PARAMETER_INVALID');
    expect(codeOf(() => encodeKeyPair(RSA, 'JWK', { pem: true }))).toBe('PARAMETER_INVALID');
  });

  it('but an exponent over 32 bits has PKCS#1, SPKI and JWK', () => {
    for (const format of ['RSAPublicKey', 'SPKI', 'JWK'] as const) {
      const { pair } = decodeKeyPair(encodeKeyPair(big, format));
      expect((pair as RsaKeyPair).publicExponent).toEqual(big.publicExponent);
    }
  });
});

describe('what is no key pair', () => {
  const jwk = (members: object) => encodeUtf8(JSON.stringify(members));
  const pem = (label: string, body: string) =>
    encodeUtf8(`-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`);

  it.each<[string, Uint8Array, string]>([
    ['no bytes', new Uint8Array(0), 'BLOB_MALFORMED'],
    ['zeros', new Uint8Array(64), 'BLOB_MALFORMED'],
    ['a DER sequence of nothing', Uint8Array.of(0x30, 0), 'BLOB_MALFORMED'],
    ['JSON that is cut', encodeUtf8('{"kty":"RSA"'), 'BLOB_MALFORMED'],
    ['a JWK without its modulus', jwk({ kty: 'RSA', e: 'AQAB' }), 'BLOB_MALFORMED'],
    ['a symmetric JWK', jwk({ kty: 'oct', k: 'AAAA' }), 'BLOB_ALGORITHM_UNSUPPORTED'],
    ['a JWK of another curve', jwk({ kty: 'EC', crv: 'secp256k1' }), 'BLOB_ALGORITHM_UNSUPPORTED'],
    ['a JWK of three primes', jwk({ kty: 'RSA', oth: [] }), 'NOT_SUPPORTED'],
    ['an encrypted PEM', pem('ENCRYPTED PRIVATE KEY', 'MAA='), 'NOT_SUPPORTED'],
    [
      'a PEM of the older encryption',
      pem('RSA PRIVATE KEY', 'Proc-Type: 4,ENCRYPTED\n\nMAA='),
      'NOT_SUPPORTED',
    ],
    ['a certificate in PEM', pem('CERTIFICATE', 'MAA='), 'BLOB_MALFORMED'],
    [
      'two keys in PEM',
      concatBytes(
        encodeKeyPair(RSA, 'PKCS8', { pem: true }),
        encodeKeyPair(RSA, 'SPKI', { pem: true }),
      ),
      'BLOB_MALFORMED',
    ],
    ['a blob of a session key', Uint8Array.of(8, 2, 0, 0), 'BLOB_MALFORMED'],
    ['a DH1 blob', encodeKeyPair(DH, 'PUBLICKEYBLOB'), 'NOT_SUPPORTED'],
  ])('is refused: %s', (_, bytes, code) => {
    const error = thrownBy(() => decodeKeyPair(bytes));
    expect(error).toBeInstanceOf(BlobFormatError);
    expect(error).toMatchObject({ code });
  });

  it('is refused: PKCS#8 that a password encrypts', () => {
    const { privateKey } = { privateKey: Buffer.from(opensslKey('ec-p256')) };
    const key = createPrivateKey({ key: privateKey, format: 'der', type: 'pkcs8' });
    const options = { type: 'pkcs8', cipher: 'aes-128-cbc', passphrase: 'x' } as const;
    const der = key.export({ format: 'der', ...options });
    expect(codeOf(() => decodeKeyPair(der))).toBe('NOT_SUPPORTED');
    const text = encodeUtf8(key.export({ format: 'pem', ...options }).toString());
    expect(codeOf(() => decodeKeyPair(text))).toBe('NOT_SUPPORTED');
  });

  it('is refused: keys of an algorithm with the shortest of names', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    for (const der of [
      privateKey.export({ format: 'der', type: 'pkcs8' }),
      publicKey.export({ format: 'der', type: 'spki' }),
    ])
      expect(codeOf(() => decodeKeyPair(der))).toBe('BLOB_ALGORITHM_UNSUPPORTED');
  });

  it('is refused: numbers that no key has', () => {
    const { modulus, publicExponent } = RSA;
    const even = Uint8Array.from(modulus);
    even[even.length - 1]! &= 0xfe;
    const zero = new Uint8Array(32);
    const refused = [
      () => rsaKeyPair({ modulus: even, publicExponent }),
      () => rsaKeyPair({ modulus, publicExponent: Uint8Array.of(2) }),
      () => rsaKeyPair({ modulus, publicExponent: modulus }),
      () => rsaKeyPair({ modulus, publicExponent, prime1: modulus }),
      () => rsaKeyPair({ modulus, publicExponent, privateExponent: Uint8Array.of(5) }),
      () => ecKeyPair({ curve: 'P-256', privateKey: zero }),
      () => ecKeyPair({ curve: 'P-256', privateKey: zero.fill(0xff) }),
      () => ecKeyPair({ curve: 'P-256' }),
      () => ecKeyPair({ curve: 'toString' as 'P-256', privateKey: Uint8Array.of(1) }),
      () => x25519KeyPair({ privateKey: Uint8Array.of(1) }),
      () => dsaKeyPair({ ...DSA, privateKey: DSA.q }),
      () => dsaKeyPair({ ...DSA, g: DSA.p }),
      () => dhKeyPair({ p: DH.p, g: DH.g }),
      () => dhKeyPair({ ...DH, publicKey: DH.p }),
    ];
    expect(refused.map(codeOf)).toEqual(refused.map(() => 'PARAMETER_INVALID'));
    expect(codeOf(() => rsaKeyPair({ modulus, publicExponent: Uint8Array.of(1) }))).toBe(
      'BLOB_ALGORITHM_UNSUPPORTED',
    );
  });
});

describe('checkKeyPair', () => {
  const { privateNumbers } = RSA;
  const other = pairOf<RsaKeyPair>('rsa-1024-e3');

  it('says what does not belong together', () => {
    const wrong = (numbers: Partial<RsaPrivateNumbers>) =>
      checkKeyPair(rsaKeyPair({ ...RSA, ...privateNumbers, ...numbers })).length;
    expect(wrong({ privateExponent: other.privateNumbers!.privateExponent })).toBeGreaterThan(0);
    expect(wrong({ prime1: other.privateNumbers!.prime1 })).toBe(1);
    expect(wrong({ exponent1: privateNumbers.exponent2 })).toBe(1);
    expect(wrong({ exponent2: privateNumbers.exponent1 })).toBe(1);
    expect(wrong({ coefficient: privateNumbers.exponent1 })).toBe(1);
    expect(checkKeyPair(ecKeyPair({ ...EC, y: EC.x }))).toHaveLength(1);
    expect(checkKeyPair(ecKeyPair({ ...EC, privateKey: Uint8Array.of(7) }))).toHaveLength(1);
    expect(checkKeyPair(dsaKeyPair({ ...DSA, privateKey: Uint8Array.of(7) }))).toHaveLength(1);
    expect(
      checkKeyPair(dsaKeyPair({ ...(publicHalfOf(DSA) as DsaKeyPair), q: Uint8Array.of(0xfb) })),
    ).toHaveLength(1);
    expect(checkKeyPair(dhKeyPair({ ...DH, privateKey: Uint8Array.of(7) }))).toHaveLength(1);
  });
});

describe('a secret', () => {
  /** Every private number of a key. */
  function secretsOf(pair: KeyPair): Uint8Array[] {
    const own = pair.type === 'RSA' ? Object.values(pair.privateNumbers!) : [pair.privateKey!];
    return own as Uint8Array[];
  }

  it.each(OPENSSL_KEYS)('of %s is not shown, and is wiped', (name) => {
    const { pair } = decodeKeyPair(opensslKey(name));
    const secrets = secretsOf(pair);
    expect(secrets.length).toBeGreaterThan(0);
    const shown = `${JSON.stringify(pair)} ${inspect(pair, { depth: 9, maxArrayLength: null })}`;
    expect(shown).toContain('[secret]');
    for (const secret of secrets) {
      expect(shown).not.toContain([...secret].join(','));
      expect(shown).not.toContain(toHex(secret));
    }
    pair[Symbol.dispose]();
    for (const secret of secrets) expect(secret.every((byte) => byte === 0)).toBe(true);
  });

  it('is not in the public half', () => {
    for (const name of OPENSSL_KEYS) {
      const { pair } = decodeKeyPair(opensslKey(name));
      const half = publicHalfOf(pair);
      expect(isPrivateKeyPair(half)).toBe(false);
      expect(spki(half)).toBe(spki(pair));
      pair[Symbol.dispose]();
      expect(spki(half)).toBe(toHex(opensslKey(name, 'SPKI')));
    }
  });
});

describe('details', () => {
  it('say what a key is for, and it is written again', () => {
    const read = (format: KeyPairFormat, pair: KeyPair, keyUse: 'exchange' | 'signature') =>
      decodeKeyPair(encodeKeyPair(pair, format, { keyUse })).details.keyUse;
    for (const keyUse of ['exchange', 'signature'] as const) {
      expect(read('PRIVATEKEYBLOB', RSA, keyUse)).toBe(keyUse);
      expect(read('PVK', RSA, keyUse)).toBe(keyUse);
      expect(read('ECCPRIVATEBLOB', EC, keyUse)).toBe(keyUse);
      expect(read('ECCFULLPUBLICBLOB', EC, keyUse)).toBe(keyUse);
      expect(read('JWK', EC, keyUse)).toBe(keyUse);
    }
  });

  it('name the aiKeyAlg, which may be another of the same keys', () => {
    const blob = encodeKeyPair(DH, 'PRIVATEKEYBLOB', { algId: 0xaa02 });
    expect(decodeKeyPair(blob).details).toEqual({ algId: 0xaa02, keyUse: 'exchange' });
    expect(codeOf(() => encodeKeyPair(DH, 'PRIVATEKEYBLOB', { algId: 0xa400 }))).toBe(
      'PARAMETER_INVALID',
    );
  });

  it('name what is not carried', () => {
    const members = { kty: 'EC', crv: 'P-256', kid: 'mine', x: '', y: '' };
    const text = JSON.parse(new TextDecoder().decode(encodeKeyPair(EC, 'JWK'))) as object;
    const { details } = decodeKeyPair(encodeUtf8(JSON.stringify({ ...members, ...text })));
    expect(details.dropped).toEqual(['kid']);
  });

  it('and the group of a DH1 blob is given', () => {
    const bytes = encodeKeyPair(DH, 'PUBLICKEYBLOB');
    expect(spki(decodeKeyPair(bytes, { dhParameters: DH }).pair)).toBe(spki(DH));
  });
});
