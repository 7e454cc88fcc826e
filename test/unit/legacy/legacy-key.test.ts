/** Key pairs that legacy data was made for: every format of RSA and DSA keys that keycask reads, and what Windows tolerates of them. */
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ALG_ID } from '../../../lib/blobs/alg-id.ts';
import { concatBytes, toHex } from '../../../lib/bytes/octets.ts';
import { decodeKeyPair } from '../../../lib/key-pairs/decode.ts';
import { encodeKeyPair } from '../../../lib/key-pairs/encode.ts';
import { importLegacyPrivateKey, importLegacyPublicKey } from '../../../lib/legacy/legacy-key.ts';
import { capiRsaDecrypt } from '../../../lib/legacy/rsa-encryption.ts';
import { capiSign, capiVerify } from '../../../lib/legacy/signature.ts';
import { unwrapSimpleBlob, wrapSimpleBlob } from '../../../lib/legacy/simple-blob.ts';
import { hex, secretHex } from '../../support/bytes.ts';
import { codeOf } from '../../support/errors.ts';
import { describeShared, sharedJson } from '../../support/shared.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 });
const dsa = generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 });

describe('a legacy key', () => {
  test('is read in every format of RSA and DSA keys', () => {
    const formats = {
      RSA: [
        'PRIVATEKEYBLOB',
        'PVK',
        'RSAPRIVATEBLOB',
        'RSAFULLPRIVATEBLOB',
        'PKCS8',
        'RSAPrivateKey',
        'JWK',
      ],
      DSA: [
        'PRIVATEKEYBLOB',
        'PRIVATEKEYBLOB_VER3',
        'PVK',
        'DSAPRIVATEBLOB',
        'PKCS8',
        'DSAPrivateKey',
      ],
    } as const;
    for (const [type, { privateKey, publicKey }] of Object.entries({ RSA: rsa, DSA: dsa })) {
      const { pair } = decodeKeyPair(privateKey.export({ format: 'der', type: 'pkcs8' }));
      for (const format of formats[type as 'RSA' | 'DSA']) {
        const bytes = encodeKeyPair(pair, format);
        expect(createPublicKey(importLegacyPrivateKey(bytes)).equals(publicKey), format).toBe(true);
        expect(importLegacyPublicKey(bytes).equals(publicKey), format).toBe(true);
      }
    }
  });

  test('has a public half in every format', () => {
    const formats = {
      RSA: ['PUBLICKEYBLOB', 'StrongNamePublicKey', 'RSAPUBLICBLOB', 'SPKI', 'RSAPublicKey'],
      DSA: ['PUBLICKEYBLOB', 'PUBLICKEYBLOB_VER3', 'DSAPUBLICBLOB', 'SPKI'],
    } as const;
    for (const [type, { publicKey }] of Object.entries({ RSA: rsa, DSA: dsa })) {
      const { pair } = decodeKeyPair(publicKey.export({ format: 'der', type: 'spki' }));
      for (const format of formats[type as 'RSA' | 'DSA'])
        expect(importLegacyPublicKey(encodeKeyPair(pair, format)).equals(publicKey), format).toBe(
          true,
        );
    }
  });

  test('is answered as it is where it is a KeyObject', () => {
    expect(importLegacyPrivateKey(rsa.privateKey)).toBe(rsa.privateKey);
    expect(importLegacyPublicKey(rsa.privateKey)).toBe(rsa.privateKey);
    expect(importLegacyPublicKey(dsa.publicKey)).toBe(dsa.publicKey);
  });

  test('may lack its d and be followed by other bytes, as a PRIVATEKEYBLOB', () => {
    const blob = blobOf(rsa.privateKey);
    const withoutD = blob.subarray(0, blob.length - 128);
    for (const bytes of [withoutD, blob.subarray(0, -7), concatBytes(blob, hex('cccccccc'))])
      expect(createPublicKey(importLegacyPrivateKey(bytes)).equals(rsa.publicKey)).toBe(true);
  });

  test('may have an exponent of one', () => {
    // pubexp, and dp, dq and d of one: MS-XLDM, CryptKey.bin.
    const blob = blobOf(rsa.privateKey);
    for (const [at, length] of NULL_NUMBERS) blob.fill(0, at, at + length).fill(1, at, at + 1);
    const withoutD = blob.subarray(0, blob.length - 128);
    for (const bytes of [blob, withoutD])
      expect(importLegacyPrivateKey(bytes).asymmetricKeyDetails).toMatchObject({
        modulusLength: 1024,
        publicExponent: 1n,
      });
    const publicBlob = encodeKeyPair(
      decodeKeyPair(rsa.publicKey.export({ format: 'der', type: 'spki' })).pair,
      'PUBLICKEYBLOB',
    );
    publicBlob.set(hex('01000000'), 16);
    expect(importLegacyPublicKey(publicBlob).asymmetricKeyDetails?.publicExponent).toBe(1n);
  });

  test('is refused where it is of another kind or damaged', () => {
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const blob = blobOf(rsa.privateKey);
    const publicBlob = rsa.publicKey.export({ format: 'der', type: 'spki' });
    expect([
      codeOf(() => importLegacyPrivateKey(rsa.publicKey)),
      codeOf(() => importLegacyPrivateKey(publicBlob)),
      codeOf(() => importLegacyPrivateKey(ec.privateKey)),
      codeOf(() => importLegacyPublicKey(ec.publicKey)),
      codeOf(() => importLegacyPrivateKey(ec.privateKey.export({ format: 'der', type: 'pkcs8' }))),
      codeOf(() => importLegacyPrivateKey(hex(''))),
      codeOf(() => importLegacyPublicKey(hex(''))),
      codeOf(() => importLegacyPrivateKey(blob.subarray(0, 100))),
      codeOf(() => importLegacyPrivateKey(blob.with(1, 4))),
      codeOf(() => importLegacyPrivateKey(blob.with(16, 0).with(18, 0))),
      codeOf(() => importLegacyPublicKey(hex('3003020101'))),
    ]).toEqual([
      'PARAMETER_INVALID',
      'PARAMETER_INVALID',
      'PARAMETER_INVALID',
      'PARAMETER_INVALID',
      'PARAMETER_INVALID',
      'BLOB_MALFORMED',
      'BLOB_MALFORMED',
      'BLOB_MALFORMED',
      'BLOB_VERSION_UNSUPPORTED',
      'BLOB_MALFORMED',
      'BLOB_MALFORMED',
    ]);
  });
});

describeShared('keys of OpenSSL and of Mono’s tests', () => {
  const openssl = sharedJson('vectors/openssl-msblob-pvk.json') as {
    readonly vectors: readonly { readonly blob?: string; readonly pkcs8_pem?: string }[];
  };
  const mono = sharedJson('vectors/mono-cspblob-pvk.json') as {
    readonly vectors: readonly { readonly name: string; readonly hex: string }[];
  };

  test('are read from their blobs', () => {
    const blobs = openssl.vectors.filter(({ blob }) => blob !== undefined);
    for (const { blob, pkcs8_pem: pem } of blobs)
      expect(importLegacyPublicKey(hex(blob!)).equals(createPublicKey(pem!))).toBe(true);
    expect(blobs).toHaveLength(10);
  });

  test('are read from strong names, one of which is short of its d, and from DSS blobs', () => {
    const named = (name: string) => hex(mono.vectors.find((it) => it.name === name)!.hex);
    const keys = ['strongName', 'strongNameNUnit', 'dsaPrivBlob'].map((name) =>
      importLegacyPrivateKey(named(name)),
    );
    expect(keys.map((key) => key.asymmetricKeyType)).toEqual(['rsa', 'rsa', 'dsa']);
    const own = createPublicKey(keys[2]!);
    expect(importLegacyPublicKey(named('dsaPubBlob')).equals(own)).toBe(true);
    expect(importLegacyPublicKey(named('strongNamePublicKey')).asymmetricKeyType).toBe('rsa');
  });
});

describeShared('keys of 384 and of 1032 bits, which .NET’s tests have', () => {
  const { vectors } = sharedJson('vectors/dotnet-csp-cng.json') as {
    readonly vectors: readonly { readonly function: string | null; readonly hex: string }[];
  };

  test.each([384, 1032])('unwrap, decrypt and sign: %i bits', async (bits) => {
    const found = vectors.find((it) => it.function === `RSACng_Ctor_UnusualKeysize_${bits}`)!;
    const key = importLegacyPrivateKey(hex(found.hex));
    expect(key.asymmetricKeyDetails?.modulusLength).toBe(bits);
    for (const padding of ['pkcs1', 'oaep'] as const) {
      using secret = secretHex('0011223344');
      const blob = wrapSimpleBlob(key, { algId: ALG_ID.CALG_RC4, key: secret }, { padding });
      using sessionKey = await unwrapSimpleBlob(blob, key, { padding });
      expect(toHex(sessionKey.key.bytes)).toBe('0011223344');
      using message = capiRsaDecrypt(key, blob.subarray(12), { padding });
      expect(toHex(message.bytes)).toBe('0011223344');
    }
    const signed = { hashAlgId: ALG_ID.CALG_MD5, data: hex('00') };
    expect(await capiVerify(key, signed, await capiSign(key, signed))).toBe(true);
  });
});

function blobOf(key: KeyObject): Uint8Array {
  const { pair } = decodeKeyPair(key.export({ format: 'der', type: 'pkcs8' }));
  return encodeKeyPair(pair, 'PRIVATEKEYBLOB');
}

/** Where numbers of a PRIVATEKEYBLOB of 1024 bits are, and how long: pubexp, exponent1, exponent2, privateExponent. */
const NULL_NUMBERS: readonly (readonly [number, number])[] = [
  [16, 4],
  [20 + 128 + 2 * 64, 64],
  [20 + 128 + 3 * 64, 64],
  [20 + 128 + 5 * 64, 128],
];
