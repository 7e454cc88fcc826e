/** SIMPLEBLOBs, RSA ciphertexts and key blobs that CryptoAPI made under Wine, checked there by an independent program. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { expect, test } from 'vitest';
import { equalBytes, toHex } from '../../../lib/bytes/octets.ts';
import {
  decodeKeyBlob,
  decodeSimpleBlob,
  encodeKeyBlob,
  encodePlaintextKeyBlob,
  plausibleKeyLengths,
} from '../../../lib/blobs/index.ts';
import {
  rsaPrivateKeyFromBlob,
  rsaPrivateKeyToBlob,
  rsaPublicKeyToBlob,
} from '../../../lib/keys/rsa-key-blob.ts';
import { unwrapRsaOaep, wrapRsaOaep } from '../../../lib/keys/rsa-oaep.ts';
import { unpadRsaPkcs1, unwrapRsaPkcs1, wrapRsaPkcs1 } from '../../../lib/keys/rsa-pkcs1.ts';
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
  readonly publickeyblob?: string;
  readonly privatekeyblob?: string;
  /** What CryptExportKey or CryptEncrypt answered: NTE_BAD_LEN, the key is too short for OAEP. */
  readonly error?: number;
}
interface WineFile {
  readonly meta: { readonly keys: Readonly<Record<string, string>> };
  readonly vectors: readonly WineVector[];
}

describeShared('CryptoAPI under Wine', () => {
  const { meta, vectors } = sharedJson('vectors/wine-capi-simpleblob-rsa.json') as WineFile;

  test('each session key comes out of its SIMPLEBLOB', () => {
    const tally = new Tally();
    for (const vector of vectors.filter(({ kind }) => kind === 'simpleblob')) {
      const recipient = meta.keys[vector.recipient_key!]!;
      if (vector.error !== undefined) refuseToWrap(tally, vector.session_key!, recipient);
      else openSimpleBlob(tally, vector, recipient);
    }
    expect(tally.counts).toEqual({
      pkcs1v15: 29,
      'oaep-sha1': 24,
      'pkcs1v15, exponent of one: in the clear': 7,
      'oaep-sha1, exponent of one: refused': 8,
      'too long for the modulus': 3,
    });
  });

  test('each RSA ciphertext is decrypted', () => {
    const tally = new Tally();
    for (const vector of vectors.filter(({ kind }) => kind === 'rsa_encrypt')) {
      const recipient = meta.keys[vector.key!]!;
      if (vector.error !== undefined) refuseToWrap(tally, vector.plaintext!, recipient);
      else decrypt(tally, vector, recipient);
    }
    expect(tally.counts).toEqual({
      pkcs1v15: 12,
      'oaep-sha1': 11,
      'pkcs1v15, exponent of one: in the clear': 3,
      'oaep-sha1, exponent of one: refused': 4,
      'too long for the modulus': 2,
    });
  });

  test('each key blob is read, written back, and turned into PKCS#8 and back', () => {
    const tally = new Tally();
    for (const { publickeyblob, privatekeyblob } of vectors.filter(
      ({ kind }) => kind === 'rsa_blobs',
    )) {
      const [publicBlob, privateBlob] = [hex(publickeyblob!), hex(privatekeyblob!)];
      const same = [publicBlob, privateBlob].every((blob) =>
        equalBytes(encodeKeyBlob(decodeKeyBlob(blob)), blob),
      );
      const key = privateKeyOf(privatekeyblob!);
      if (key === undefined) {
        tally.right('exponent of one', same, privatekeyblob);
        continue;
      }
      const pkcs8 = key.export({ format: 'der', type: 'pkcs8' });
      const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
      using again = rsaPrivateKeyToBlob(pkcs8, 0xa400);
      const back =
        equalBytes(again.bytes, privateBlob) &&
        equalBytes(rsaPublicKeyToBlob(spki, 0xa400), publicBlob);
      tally.right('through PKCS#8 and SPKI', same && back, privatekeyblob);
    }
    expect(tally.counts).toEqual({ 'through PKCS#8 and SPKI': 3, 'exponent of one': 1 });
    expect(vectors).toHaveLength(107);
  });
});

function openSimpleBlob(tally: Tally, vector: WineVector, recipient: string): void {
  const { padding, session_key: sessionKey, algid, reimported_plaintextkeyblob: plain } = vector;
  const bytes = hex(vector.simpleblob!);
  const blob = decodeSimpleBlob(bytes);
  // RC2 and RC4 have their own lengths; so does everything else.
  const lengths = plausibleKeyLengths(blob.algId);
  const canonical = equalBytes(encodeKeyBlob(blob), bytes) && blob.algId === algid;
  const right = plain === undefined || plain === plaintextOf(blob.algId, sessionKey!);
  unwrapAs(tally, {
    padding: padding!,
    encryptedKey: blob.encryptedKey,
    lengths,
    recipient,
    expected: sessionKey!,
    extra: canonical && right,
  });
}

function decrypt(tally: Tally, vector: WineVector, recipient: string): void {
  const { padding, plaintext, ciphertext } = vector;
  unwrapAs(tally, {
    padding: padding!,
    encryptedKey: hex(ciphertext!).toReversed(),
    lengths: [plaintext!.length / 2],
    recipient,
    expected: plaintext!,
    extra: true,
  });
}

interface ToUnwrap {
  readonly padding: 'pkcs1v15' | 'oaep-sha1';
  /** Big-endian. */
  readonly encryptedKey: Uint8Array;
  readonly lengths: readonly number[];
  readonly recipient: string;
  readonly expected: string;
  /** Whatever else has to hold. */
  readonly extra: boolean;
}

function unwrapAs(tally: Tally, input: ToUnwrap): void {
  const { padding, encryptedKey, lengths, recipient, expected, extra } = input;
  const key = privateKeyOf(recipient);
  if (key === undefined && padding === 'pkcs1v15') {
    // Under an exponent of one RSA is the identity: the block lies open, and no private key is used.
    const got = secretOrCode(() => unpadRsaPkcs1(encryptedKey, lengths));
    tally.right(`${padding}, exponent of one: in the clear`, extra && got === expected, input);
  } else if (key === undefined) {
    tally.right(`${padding}, exponent of one: refused`, extra, input);
  } else {
    const got = secretOrCode(() =>
      padding === 'pkcs1v15'
        ? unwrapRsaPkcs1(key, encryptedKey, lengths)
        : unwrapRsaOaep(key, 'sha1', encryptedKey),
    );
    tally.right(padding, extra && got === expected, input);
  }
}

function refuseToWrap(tally: Tally, secret: string, recipient: string): void {
  const publicKey = createPublicKey(privateKeyOf(recipient)!);
  const oaep = codeOf(() => wrapRsaOaep(publicKey, 'sha1', secretHex(secret)));
  const fitsPkcs1 = secret.length / 2 <= 64 - 11;
  const pkcs1 = codeOf(() => wrapRsaPkcs1(publicKey, secretHex(secret)));
  const right =
    oaep === 'PARAMETER_INVALID' && pkcs1 === (fitsPkcs1 ? 'none' : 'PARAMETER_INVALID');
  tally.right('too long for the modulus', right, secret);
}

/** The recipient's private key; undefined for one with an exponent of one, which is refused. */
function privateKeyOf(blob: string): KeyObject | undefined {
  if (codeOf(() => rsaPrivateKeyFromBlob(hex(blob)).dispose()) === 'BLOB_ALGORITHM_UNSUPPORTED')
    return undefined;
  using pkcs8 = rsaPrivateKeyFromBlob(hex(blob));
  return createPrivateKey({ key: Buffer.from(pkcs8.bytes), format: 'der', type: 'pkcs8' });
}

function plaintextOf(algId: number, key: string): string {
  return toHex(encodePlaintextKeyBlob({ algId, key: hex(key) }));
}
