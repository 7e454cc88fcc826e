/** Session keys that CryptoAPI wrapped under Wine, what it encrypted with RSA keys, and what Wine's tests assert on Windows. */
import { createPublicKey } from 'node:crypto';
import { expect, test } from 'vitest';
import { ALG_ID, decodePlaintextKeyBlob } from '../../../lib/blobs/index.ts';
import { equalBytes, toHex } from '../../../lib/bytes/octets.ts';
import { capiDecrypt } from '../../../lib/legacy/cipher.ts';
import { importLegacyPrivateKey } from '../../../lib/legacy/legacy-key.ts';
import { capiRsaDecrypt, capiRsaEncrypt } from '../../../lib/legacy/rsa-encryption.ts';
import { capiVerify } from '../../../lib/legacy/signature.ts';
import {
  readNullKeySimpleBlob,
  unwrapSimpleBlob,
  wrapSimpleBlob,
} from '../../../lib/legacy/simple-blob.ts';
import { hex, secretHex } from '../../support/bytes.ts';
import { codeOf, secretOrCode } from '../../support/errors.ts';
import { describeShared, sharedJson } from '../../support/shared.ts';
import { Tally } from '../../support/wycheproof.ts';

interface WineVector {
  readonly kind: 'simpleblob' | 'rsa_encrypt' | 'rsa_blobs';
  readonly recipient_key?: string;
  readonly key?: string;
  readonly padding?: 'pkcs1v15' | 'oaep-sha1';
  readonly algid?: number;
  readonly session_key?: string;
  readonly simpleblob?: string;
  readonly reimported_plaintextkeyblob?: string;
  readonly plaintext?: string;
  readonly ciphertext?: string;
  readonly ciphertext_with_key?: string;
  readonly error?: number;
}
interface WineFile {
  readonly meta: { readonly keys: Readonly<Record<string, string>> };
  readonly vectors: readonly WineVector[];
}

describeShared('CryptoAPI under Wine', () => {
  const { meta, vectors } = sharedJson('vectors/wine-capi-simpleblob-rsa.json') as WineFile;
  const keyOf = (name: string) => hex(meta.keys[name]!);
  const paddingOf = ({ padding }: WineVector) => (padding === 'oaep-sha1' ? 'oaep' : 'pkcs1');

  test('each session key comes out of its SIMPLEBLOB and decrypts what was encrypted with it', async () => {
    const tally = new Tally();
    for (const vector of vectors.filter((it) => it.simpleblob !== undefined)) {
      const padding = paddingOf(vector);
      const blob = hex(vector.simpleblob!);
      using key = await unwrapSimpleBlob(blob, keyOf(vector.recipient_key!), { padding });
      const isKey = toHex(key.key.bytes) === vector.session_key && key.algId === vector.algid;
      if (vector.ciphertext_with_key === undefined) {
        tally.right(padding, isKey, vector);
        continue;
      }
      const again = decodePlaintextKeyBlob(hex(vector.reimported_plaintextkeyblob!));
      const isSame = equalBytes(again.key, key.key.bytes) && again.algId === key.algId;
      const text = await capiDecrypt(key, hex(vector.ciphertext_with_key));
      tally.right(
        `${padding}, with data`,
        isKey && isSame && toHex(text) === vector.plaintext,
        vector,
      );
    }
    expect(tally.counts).toEqual({ 'pkcs1, with data': 36, oaep: 32 });
  });

  test('session keys wrapped for an exponent of one are told from all others without a key', () => {
    const tally = new Tally();
    for (const vector of vectors.filter((it) => it.simpleblob !== undefined)) {
      using key = readNullKeySimpleBlob(hex(vector.simpleblob!));
      const isNull = vector.recipient_key!.includes('expo1');
      const outcome = `${isNull ? 'exponent of one' : 'wrapped'}, ${paddingOf(vector)}`;
      const isRight = key ? toHex(key.key.bytes) === vector.session_key : undefined;
      tally.add(`${outcome}: ${isRight ?? 'not read'}`);
    }
    expect(tally.counts).toEqual({
      'exponent of one, pkcs1: true': 7,
      'exponent of one, oaep: not read': 8,
      'wrapped, pkcs1: not read': 29,
      'wrapped, oaep: not read': 24,
    });
  });

  test('each message that an RSA key encrypted is decrypted', () => {
    const tally = new Tally();
    for (const vector of vectors.filter((it) => it.ciphertext !== undefined)) {
      const padding = paddingOf(vector);
      const found = secretOrCode(() =>
        capiRsaDecrypt(keyOf(vector.key!), hex(vector.ciphertext!), { padding }),
      );
      tally.right(padding, found === vector.plaintext, vector);
    }
    expect(tally.counts).toEqual({ pkcs1: 15, oaep: 15 });
  });

  test('what Wine could not wrap or encrypt does not fit here either', () => {
    const tally = new Tally();
    for (const vector of vectors.filter((it) => it.error !== undefined)) {
      const publicKey = createPublicKey(
        importLegacyPrivateKey(keyOf(vector.recipient_key ?? vector.key!)),
      );
      const padding = paddingOf(vector);
      using secret = secretHex(vector.session_key ?? vector.plaintext!);
      const { kind, algid: algId = 0 } = vector;
      const code = codeOf(() =>
        kind === 'simpleblob'
          ? wrapSimpleBlob(publicKey, { algId, key: secret }, { padding })
          : capiRsaEncrypt(publicKey, secret, { padding }),
      );
      tally.add(`${kind}: ${code}`);
    }
    expect(tally.counts).toEqual({
      'simpleblob: PARAMETER_INVALID': 3,
      'rsa_encrypt: PARAMETER_INVALID': 2,
    });
  });

  test('each key wraps and encrypts what it then opens', async () => {
    const tally = new Tally();
    for (const vector of vectors.filter((it) => (it.session_key ?? it.ciphertext) !== undefined)) {
      if (vector.error !== undefined) continue;
      const padding = paddingOf(vector);
      const privateKey = importLegacyPrivateKey(keyOf(vector.recipient_key ?? vector.key!));
      const publicKey = createPublicKey(privateKey);
      const expected = vector.session_key ?? vector.plaintext!;
      using secret = secretHex(expected);
      if (vector.algid === undefined) {
        const ciphertext = capiRsaEncrypt(publicKey, secret, { padding });
        const found = secretOrCode(() => capiRsaDecrypt(privateKey, ciphertext, { padding }));
        tally.right('message', found === expected, vector);
      } else {
        const blob = wrapSimpleBlob(publicKey, { algId: vector.algid, key: secret }, { padding });
        using key = await unwrapSimpleBlob(blob, privateKey, { padding });
        tally.right('session key', toHex(key.key.bytes) === expected, vector);
      }
    }
    expect(tally.counts).toEqual({ message: 30, 'session key': 68 });
  });
});

interface WineArray {
  readonly name: string;
  readonly source: string;
  readonly hex: string;
}

describeShared('what the tests of Wine assert on Windows', () => {
  const { vectors } = sharedJson('vectors/wine-tests-arrays.json') as {
    readonly vectors: readonly WineArray[];
  };
  const array = (name: string) =>
    hex(vectors.find((it) => it.name === name && it.source.includes('/rsaenh.c:'))!.hex);
  const privateKey = importLegacyPrivateKey(array('abPlainPrivateKey'));
  const wineRocks = new TextEncoder().encode('Wine rocks!\0');

  test('a session key of RC4, 56 bits, in a buffer with 8 bytes too many, decrypts "Wine rocks!"', async () => {
    using key = await unwrapSimpleBlob(array('abSessionKey'), privateKey);
    const text = await capiDecrypt(key, array('abEncryptedMessage'));
    expect([key.algId, key.key.length, toHex(text)]).toEqual([
      ALG_ID.CALG_RC4,
      7,
      toHex(wineRocks),
    ]);
  });

  test('a master secret of TLS 1.0 is 48 bytes and begins with its version', async () => {
    using key = await unwrapSimpleBlob(array('abTLS1Master'), privateKey);
    expect([key.algId, key.key.length, key.salt.length, key.effectiveBits]).toEqual([
      ALG_ID.CALG_TLS1_MASTER,
      48,
      0,
      384,
    ]);
    expect(toHex(key.key.bytes.subarray(0, 2))).toBe('0301');
  });

  test('signatures with MD2, MD4, MD5 and SHA-1, with and without OID, verify', async () => {
    const tally = new Tally();
    for (const [name, hashAlgId] of Object.entries(SIGNATURE_HASHES))
      for (const noHashOid of [false, true]) {
        const signature = array(`abSignature${name}${noHashOid ? 'NoOID' : ''}`);
        const signed = { hashAlgId, data: wineRocks };
        const isRight =
          (await capiVerify(array('abPubKey'), signed, signature)) &&
          (await capiVerify(array('abPubKey'), signed, signature, { noHashOid: true })) ===
            noHashOid;
        tally.right(noHashOid ? 'without OID' : 'with OID', isRight, name);
      }
    expect(tally.counts).toEqual({ 'with OID': 4, 'without OID': 4 });
  });
});

const SIGNATURE_HASHES = {
  MD2: ALG_ID.CALG_MD2,
  MD4: ALG_ID.CALG_MD4,
  MD5: ALG_ID.CALG_MD5,
  SHA: ALG_ID.CALG_SHA1,
};
