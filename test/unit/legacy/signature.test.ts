/** Signatures that CryptSignHash made under Wine, checked there by an independent program; DSA by node:crypto. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ALG_ID, decodePrivateKeyBlob } from '../../../lib/blobs/index.ts';
import { concatBytes, reverseBytes, toHex } from '../../../lib/bytes/octets.ts';
import { fromBigInt, inverse, power, toBigInt } from '../../../lib/key-pairs/big-numbers.ts';
import { decodeKeyPair } from '../../../lib/key-pairs/decode.ts';
import type { DsaKeyPair } from '../../../lib/key-pairs/discrete-log-key-pair.ts';
import { capiHash } from '../../../lib/legacy/hash.ts';
import { importLegacyPrivateKey } from '../../../lib/legacy/legacy-key.ts';
import {
  capiSign,
  capiVerify,
  type CapiSignatureOptions,
  type CapiSigned,
} from '../../../lib/legacy/signature.ts';
import { hex } from '../../support/bytes.ts';
import { codeOfAsync } from '../../support/errors.ts';
import { describeShared, sharedJson } from '../../support/shared.ts';
import { Tally } from '../../support/wycheproof.ts';

interface SignatureVector {
  readonly key: string;
  readonly hash: string;
  readonly message?: string;
  readonly hash_value: string;
  readonly variant: 'pkcs1v15' | 'nohashoid' | 'x931' | 'description';
  readonly description?: string;
  readonly signature_le: string;
  readonly verify: number;
  readonly verify_flags0: number;
}
interface SignatureFile {
  readonly meta: { readonly keys: Readonly<Record<string, string>> };
  readonly vectors: readonly SignatureVector[];
}

const HASHES: Readonly<Record<string, number>> = {
  md2: ALG_ID.CALG_MD2,
  md4: ALG_ID.CALG_MD4,
  md5: ALG_ID.CALG_MD5,
  sha1: ALG_ID.CALG_SHA1,
  sha256: ALG_ID.CALG_SHA_256,
  sha384: ALG_ID.CALG_SHA_384,
  sha512: ALG_ID.CALG_SHA_512,
  ssl3_shamd5: ALG_ID.CALG_SSL3_SHAMD5,
};

const FLAGS: Readonly<Record<SignatureVector['variant'], CapiSignatureOptions>> = {
  pkcs1v15: {},
  nohashoid: { noHashOid: true },
  x931: { x931: true },
  description: {},
};

describeShared('signatures of CryptoAPI under Wine', () => {
  const { meta, vectors } = sharedJson('vectors/wine-capi-signatures.json') as SignatureFile;

  /** The data where the file has them, else the value that was set. */
  function signedOf(vector: SignatureVector): CapiSigned {
    const hashAlgId = HASHES[vector.hash]!;
    if (vector.message === undefined) return { hashAlgId, value: hex(vector.hash_value) };
    const { description } = vector;
    return { hashAlgId, data: hex(vector.message), ...(description && { description }) };
  }

  test('each is made again, bit for bit', async () => {
    const tally = new Tally();
    for (const vector of vectors) {
      const privateKey = hex(meta.keys[vector.key]!);
      const signed = signedOf(vector);
      const signature = await capiSign(privateKey, signed, FLAGS[vector.variant]);
      tally.right(vector.variant, toHex(signature) === vector.signature_le, vector);
    }
    expect(tally.counts).toEqual(COUNTS);
  });

  test('each verifies under its flags, and without flags where it does for Windows', async () => {
    const tally = new Tally();
    for (const vector of vectors) {
      const { modulus } = decodePrivateKeyBlob(hex(meta.keys[vector.key]!));
      const publicKey = publicBlobOf(hex(meta.keys[vector.key]!), modulus.length);
      const signature = hex(vector.signature_le);
      const signed = signedOf(vector);
      const withFlags = await capiVerify(publicKey, signed, signature, FLAGS[vector.variant]);
      const without = await capiVerify(publicKey, signed, signature);
      const isRight =
        withFlags === (vector.verify === 1) && without === (vector.verify_flags0 === 1);
      tally.right(vector.variant, isRight, vector);
    }
    expect(tally.counts).toEqual(COUNTS);
  });

  test('the value of a hash stands for the data, and a description is part of it', async () => {
    const tally = new Tally();
    for (const vector of vectors) {
      const signed = { hashAlgId: HASHES[vector.hash]!, value: hex(vector.hash_value) };
      const privateKey = importLegacyPrivateKey(hex(meta.keys[vector.key]!));
      const isGenuine = await capiVerify(
        privateKey,
        signed,
        hex(vector.signature_le),
        FLAGS[vector.variant],
      );
      tally.right(vector.variant, isGenuine, vector);
    }
    expect(tally.counts).toEqual(COUNTS);
  });

  test('a form that the flags do not name is refused', async () => {
    const tally = new Tally();
    for (const vector of vectors.filter(({ hash }) => hash !== 'ssl3_shamd5')) {
      const privateKey = importLegacyPrivateKey(hex(meta.keys[vector.key]!));
      for (const [variant, flags] of Object.entries(FLAGS)) {
        // Without flags both forms of PKCS#1 are read.
        const isOwn = FLAGS[vector.variant] === flags || Object.keys(flags).length === 0;
        if (isOwn || variant === 'description') continue;
        const signature = hex(vector.signature_le);
        const isGenuine = await capiVerify(privateKey, signedOf(vector), signature, flags);
        tally.add(`${vector.variant} as ${variant}: ${isGenuine}`);
      }
    }
    expect(tally.counts).toEqual({
      'pkcs1v15 as nohashoid: false': 16,
      'pkcs1v15 as x931: false': 16,
      'description as nohashoid: false': 15,
      'description as x931: false': 15,
      'nohashoid as x931: false': 17,
      'x931 as nohashoid: false': 16,
    });
  });
});

describe('signatures of RSA keys', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const data = hex('0011223344');
  const sha256 = { hashAlgId: ALG_ID.CALG_SHA_256, data };

  test('are those of node:crypto, turned around', async () => {
    for (const [hashAlgId, name] of [
      [ALG_ID.CALG_MD5, 'md5'],
      [ALG_ID.CALG_SHA1, 'sha1'],
      [ALG_ID.CALG_SHA_256, 'sha256'],
      [ALG_ID.CALG_SHA_384, 'sha384'],
      [ALG_ID.CALG_SHA_512, 'sha512'],
    ] as const) {
      const theirs = sign(name, data, privateKey);
      expect(toHex(await capiSign(privateKey, { hashAlgId, data }))).toBe(
        toHex(reverseBytes(theirs)),
      );
    }
  });

  test('hash a description after the data, in UTF-16LE without its end, surrogates as they are', async () => {
    const description = 'Gr\u00fc\u00dfe \ud83d\ude00 \ud800';
    const utf16 = hex('4700 7200 fc00 df00 6500 2000 3dd8 00de 2000 00d8');
    const signature = await capiSign(privateKey, { ...sha256, description });
    const whole = { ...sha256, data: concatBytes(data, utf16) };
    expect(await capiVerify(publicKey, whole, signature)).toBe(true);
    expect(await capiVerify(publicKey, sha256, signature)).toBe(false);
    const empty = await capiSign(privateKey, { ...sha256, description: '' });
    expect(await capiVerify(publicKey, sha256, empty)).toBe(true);
  });

  test('are false, not errors, when they are changed, cut, longer, the wrong way round or of another key', async () => {
    const signature = await capiSign(privateKey, sha256);
    const changed = Uint8Array.from(signature, (byte, i) => (i === 0 ? byte ^ 1 : byte));
    const other = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey;
    const longer = generateKeyPairSync('rsa', { modulusLength: 1032 }).publicKey;
    const cases = {
      genuine: capiVerify(publicKey, sha256, signature),
      changed: capiVerify(publicKey, sha256, changed),
      cut: capiVerify(publicKey, sha256, signature.subarray(1)),
      longer: capiVerify(publicKey, sha256, concatBytes(signature, hex('00'))),
      empty: capiVerify(publicKey, sha256, hex('')),
      'wrong way round': capiVerify(publicKey, sha256, reverseBytes(signature)),
      'not below the modulus': capiVerify(
        publicKey,
        sha256,
        signature.map(() => 0xff),
      ),
      'another key': capiVerify(other, sha256, signature),
      'another size of key': capiVerify(longer, sha256, signature),
      'other data': capiVerify(publicKey, { ...sha256, data: hex('00') }, signature),
      'another hash': capiVerify(publicKey, { ...sha256, hashAlgId: ALG_ID.CALG_SHA1 }, signature),
    };
    const answers = await Promise.all(
      Object.entries(cases).map(async ([name, answer]) => [name, await answer]),
    );
    expect(Object.fromEntries(answers)).toEqual({
      ...Object.fromEntries(Object.keys(cases).map((name) => [name, false])),
      genuine: true,
    });
  });

  test('of X9.31 may be the modulus less the number, which other formats may not', async () => {
    const modulus = toBigInt(Buffer.from(publicKey.export({ format: 'jwk' }).n!, 'base64url'));
    for (const flags of [{ x931: true }, {}]) {
      const signature = await capiSign(privateKey, sha256, flags);
      const number = modulus - toBigInt(reverseBytes(signature));
      const other = reverseBytes(fromBigInt(number, 128));
      expect(await capiVerify(publicKey, sha256, signature, flags)).toBe(true);
      expect(await capiVerify(privateKey, sha256, other, flags)).toBe(flags.x931 === true);
    }
  });

  test('need a hash of its length that fits the modulus, flags that go together, and a private key', async () => {
    const small = generateKeyPairSync('rsa', { modulusLength: 512 }).privateKey;
    const value = new Uint8Array(64);
    const sha512 = { hashAlgId: ALG_ID.CALG_SHA_512, value };
    const both = { noHashOid: true, x931: true };
    expect({
      'too long': await codeOfAsync(capiSign(small, sha512)),
      'too long without OID': await codeOfAsync(capiSign(small, sha512, { noHashOid: true })),
      'too long for X9.31': await codeOfAsync(capiSign(small, sha512, { x931: true })),
      'another length': await codeOfAsync(capiSign(privateKey, { ...sha256, value })),
      'no hash': await codeOfAsync(capiSign(privateKey, { hashAlgId: ALG_ID.CALG_AES, data })),
      'both flags': await codeOfAsync(capiSign(privateKey, sha256, both)),
      'both flags, verified': await codeOfAsync(capiVerify(publicKey, sha256, value, both)),
      'public key': await codeOfAsync(capiSign(publicKey, sha256)),
    }).toEqual({
      'too long': 'PARAMETER_INVALID',
      'too long without OID': 'PARAMETER_INVALID',
      'too long for X9.31': 'PARAMETER_INVALID',
      'another length': 'PARAMETER_INVALID',
      'no hash': 'ALGORITHM_UNSUPPORTED',
      'both flags': 'FLAGS_INVALID',
      'both flags, verified': 'FLAGS_INVALID',
      'public key': 'PARAMETER_INVALID',
    });
  });

  test('that could not be made for this size of key verify as false', async () => {
    const small = generateKeyPairSync('rsa', { modulusLength: 512 }).publicKey;
    const sha512 = { hashAlgId: ALG_ID.CALG_SHA_512, value: new Uint8Array(64) };
    expect(await capiVerify(small, sha512, new Uint8Array(64).fill(1))).toBe(false);
  });
});

describe('signatures of DSS keys', () => {
  const options = { modulusLength: 1024, divisorLength: 160 };
  const { privateKey, publicKey } = generateKeyPairSync('dsa', options);
  const data = hex('0011223344');
  const sha1 = { hashAlgId: ALG_ID.CALG_SHA1, data };

  test('are 40 bytes, r and s of node:crypto, each turned around', async () => {
    const theirs = sign('sha1', data, { key: privateKey, dsaEncoding: 'ieee-p1363' });
    const halves = [theirs.subarray(0, 20), theirs.subarray(20)].map(reverseBytes);
    const signature = concatBytes(...halves);
    expect(await capiVerify(publicKey, sha1, signature)).toBe(true);
    expect(await capiVerify(publicKey, sha1, theirs)).toBe(false);
    const own = await capiSign(privateKey, sha1);
    expect(own.length).toBe(40);
    expect(await capiVerify(privateKey, sha1, own)).toBe(true);
  });

  test('verify data, a hash, and a description', async () => {
    const described = { ...sha1, description: 'x' };
    const signature = await capiSign(privateKey, described);
    const { hashAlgId } = sha1;
    const value = await capiHash(hashAlgId, data, hex('7800'));
    expect(await capiVerify(publicKey, described, signature)).toBe(true);
    expect(await capiVerify(publicKey, { hashAlgId, value }, signature)).toBe(true);
    expect(await capiVerify(publicKey, sha1, signature)).toBe(false);
  });

  test('of MD5 verify, and of longer hashes by their first 20 bytes', async () => {
    const pkcs8 = privateKey.export({ format: 'der', type: 'pkcs8' });
    const { pair } = decodeKeyPair(pkcs8);
    for (const hashAlgId of [ALG_ID.CALG_MD5, ALG_ID.CALG_SHA_256]) {
      const value = await capiHash(hashAlgId, data);
      const signature = dssOf(pair as DsaKeyPair, value.subarray(0, 20));
      expect(await capiVerify(publicKey, { hashAlgId, data }, signature)).toBe(true);
      expect(await capiVerify(publicKey, sha1, signature)).toBe(false);
    }
  });

  test('are false when they are changed, cut, zero or out of range', async () => {
    const signature = await capiSign(privateKey, sha1);
    const changed = Uint8Array.from(signature, (byte, i) => (i === 0 ? byte ^ 1 : byte));
    const forgeries = [
      changed,
      signature.subarray(1),
      new Uint8Array(40),
      signature.map(() => 255),
    ];
    const answers = forgeries.map((forgery) => capiVerify(publicKey, sha1, forgery));
    expect(await Promise.all(answers)).toEqual([false, false, false, false]);
  });

  test('have one format, one size, and are made of data', async () => {
    const long = generateKeyPairSync('dsa', { modulusLength: 2048, divisorLength: 256 });
    const value = new Uint8Array(20);
    expect([
      await codeOfAsync(capiSign(privateKey, sha1, { noHashOid: true })),
      await codeOfAsync(capiSign(privateKey, { hashAlgId: ALG_ID.CALG_SHA1, value })),
      await codeOfAsync(capiSign(privateKey, { ...sha1, hashAlgId: ALG_ID.CALG_MD5 })),
      await codeOfAsync(capiSign(long.privateKey, sha1)),
      await codeOfAsync(capiVerify(long.publicKey, sha1, new Uint8Array(40))),
    ]).toEqual([
      'FLAGS_INVALID',
      'NOT_SUPPORTED',
      'ALGORITHM_UNSUPPORTED',
      'NOT_SUPPORTED',
      'NOT_SUPPORTED',
    ]);
  });
});

const COUNTS = { pkcs1v15: 18, nohashoid: 20, x931: 19, description: 15 };

/** PUBLICKEYBLOB of a PRIVATEKEYBLOB of RSA: its beginning, under another type and magic. */
function publicBlobOf(privateBlob: Uint8Array, modulusLength: number): Uint8Array {
  const blob = privateBlob.slice(0, 20 + modulusLength);
  blob[0] = 0x06;
  blob[11] = 0x31;
  return blob;
}

/** A DSS signature of a number (FIPS 186-2 section 5), with a k that is good enough for tests: r and s, each little-endian. */
function dssOf(pair: DsaKeyPair, hash: Uint8Array): Uint8Array {
  const [p, q, g, x] = [pair.p, pair.q, pair.g, pair.privateKey!].map(toBigInt) as [
    bigint,
    bigint,
    bigint,
    bigint,
  ];
  const k = 0x1234567890abcdefn;
  const r = power(g, k, p) % q;
  const s = (inverse(k, q)! * (toBigInt(hash) + x * r)) % q;
  return concatBytes(reverseBytes(fromBigInt(r, 20)), reverseBytes(fromBigInt(s, 20)));
}
