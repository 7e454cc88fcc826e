/** No failure carries a secret: every one is serialized, printed and searched. */
import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { concatBytes, plainBytes, toHex } from '../../../lib/bytes/octets.ts';
import {
  decodeKeyBlob,
  decodePlaintextKeyBlob,
  encodePlaintextKeyBlob,
  encodePlaintextKeyBlobInto,
  encodePrivateKeyBlobInto,
} from '../../../lib/blobs/index.ts';
import { decodeRsaPkcs8 } from '../../../lib/cms/rsa-private-key.ts';
import { decodeSpki, type EcPublicKey } from '../../../lib/cms/spki.ts';
import { KeyStoreError } from '../../../lib/errors.ts';
import { openAesGcm, sealAesGcm } from '../../../lib/keys/aes-gcm.ts';
import { unwrapAesKey, wrapAesKey } from '../../../lib/keys/aes-key-wrap.ts';
import { EcdhPrivateKey, unwrapEcdh, wrapEcdh } from '../../../lib/keys/ecdh.ts';
import { unwrapPwriKek, wrapPwriKek } from '../../../lib/keys/pwri-kek.ts';
import { rsaPrivateKeyFromBlob, rsaPrivateKeyToBlob } from '../../../lib/keys/rsa-key-blob.ts';
import { unwrapRsaOaep, wrapRsaOaep } from '../../../lib/keys/rsa-oaep.ts';
import { unpadRsaPkcs1, unwrapRsaPkcs1, wrapRsaPkcs1 } from '../../../lib/keys/rsa-pkcs1.ts';
import { SecretBytes } from '../../../lib/keys/secret-bytes.ts';
import { argon2id } from '../../../lib/kdf/argon2id.ts';
import { hkdf } from '../../../lib/kdf/hkdf.ts';
import { pbkdf2 } from '../../../lib/kdf/pbkdf2.ts';
import { thrownBy } from '../../support/errors.ts';

/** Bytes that do not occur by chance in a message or a path. */
const SECRET = Uint8Array.from({ length: 32 }, (_, i) => (0xc3 + 59 * i) & 0xff);
const secret = (): SecretBytes => SecretBytes.copy(SECRET);
const stranger = Uint8Array.from(SECRET, (byte) => byte ^ 0x5a);
const nonce = new Uint8Array(12);

const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ecPoint = decodeSpki(
  plainBytes(ec.publicKey.export({ format: 'der', type: 'spki' })),
) as EcPublicKey;
const pkcs8 = plainBytes(rsa.privateKey.export({ format: 'der', type: 'pkcs8' }));
const privateBlob = rsaPrivateKeyToBlob(pkcs8, 0xa400).bytes;
const { prime1 } = decodeRsaPkcs8(pkcs8);

const sealed = { key: SECRET, nonce, ...sealAesGcm({ key: SECRET, nonce, plaintext: SECRET }) };
const plainBlob = encodePlaintextKeyBlob({ algId: 0x6610, key: SECRET });
const pwri = wrapPwriKek(SECRET, secret());
const ecdh = wrapEcdh(ecPoint, secret(), new Uint8Array(0));
const oaep = wrapRsaOaep(rsa.publicKey, 'sha1', secret());
const pkcs1 = wrapRsaPkcs1(rsa.publicKey, secret());
const otherEc = EcdhPrivateKey.from(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
const otherRsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;

const FAILURES: readonly (readonly [string, () => unknown])[] = [
  ['AES-GCM, wrong key', () => openAesGcm({ ...sealed, key: stranger })],
  ['AES-GCM, wrong associated data', () => openAesGcm({ ...sealed, aad: stranger })],
  ['AES-GCM, key too long', () => openAesGcm({ ...sealed, key: concatBytes(SECRET, SECRET) })],
  ['AES key wrap, wrong key', () => unwrapAesKey(stranger, wrapAesKey(SECRET, secret()))],
  ['AES key wrap, bad key', () => wrapAesKey(SECRET.subarray(1), secret())],
  ['PWRI-KEK, wrong key', () => unwrapPwriKek(stranger, pwri.iv, pwri.wrapped)],
  ['RSA-OAEP, wrong key', () => unwrapRsaOaep(otherRsa, 'sha1', oaep)],
  ['RSA-OAEP, too long', () => wrapRsaOaep(rsa.publicKey, 'sha256', SecretBytes.copy(prime1))],
  ['RSA PKCS#1, wrong key', () => unwrapRsaPkcs1(otherRsa, pkcs1, [32])],
  ['RSA PKCS#1, wrong length', () => unwrapRsaPkcs1(rsa.privateKey, pkcs1, [16])],
  ['RSA PKCS#1, bad block', () => unpadRsaPkcs1(concatBytes(SECRET, SECRET), [16])],
  ['ECDH, wrong key', () => unwrapEcdh(otherEc, { ...ecdh, sharedInfo: nonce })],
  ['HKDF, too long', () => hkdf('sha256', SECRET, nonce, nonce, 1e6)],
  ['PLAINTEXTKEYBLOB, cut', () => decodePlaintextKeyBlob(plainBlob.subarray(0, -1))],
  ['PLAINTEXTKEYBLOB, continued', () => decodeKeyBlob(concatBytes(plainBlob, SECRET))],
  ['PLAINTEXTKEYBLOB, no room', () => encodePlaintextKeyBlobInto({ algId: 1, key: SECRET }, nonce)],
  ['PRIVATEKEYBLOB, cut', () => rsaPrivateKeyFromBlob(privateBlob.subarray(0, -1))],
  [
    'PRIVATEKEYBLOB, no room',
    () =>
      encodePrivateKeyBlobInto({ algId: 1, modulusBits: 1024, ...decodeRsaPkcs8(pkcs8) }, nonce),
  ],
  ['PKCS#8, cut', () => decodeRsaPkcs8(pkcs8.subarray(0, -1))],
  ['PKCS#8, garbled', () => decodeRsaPkcs8(concatBytes(pkcs8.subarray(0, 200), SECRET))],
  ['SecretBytes, used after its end', () => usedAfterDispose()],
];

describe('a failure carries no secret', () => {
  test.each(FAILURES)('%s', (_, act) => {
    const error = thrownBy(act);
    for (const text of textsOf(error)) {
      for (const form of formsOf(SECRET)) expect(text).not.toContain(form);
      for (const form of formsOf(prime1)) expect(text).not.toContain(form);
    }
    expect((error as Error).cause).toBeUndefined();
    expect(KeyStoreError.is(error)).toBe(true);
  });

  test.each([
    ['PBKDF2', () => pbkdf2(SECRET, SECRET, 0, 32)],
    [
      'Argon2id',
      () => argon2id(SECRET, { salt: SECRET, memoryKiB: 1, iterations: 1, parallelism: 1 }, 32),
    ],
  ])('%s', async (_, act) => {
    const error: unknown = await act().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(KeyStoreError.is(error)).toBe(true);
    for (const text of textsOf(error)) {
      for (const form of formsOf(SECRET)) expect(text).not.toContain(form);
    }
  });

  test('and the search would find one', () => {
    const leaking = new Error(`key ${toHex(SECRET)}`);
    expect(
      textsOf(leaking).some((text) => formsOf(SECRET).some((form) => text.includes(form))),
    ).toBe(true);
  });

  test('a SecretBytes shows nothing of itself', () => {
    const holder = { key: secret() };
    for (const text of [...textsOf(holder), holder.key.toString(), String(holder.key)]) {
      for (const form of formsOf(SECRET)) expect(text).not.toContain(form);
    }
  });
});

function usedAfterDispose(): number {
  const gone = secret();
  gone.dispose();
  return gone.length;
}

/** What a log, a pipe or a terminal would get of a value. */
function textsOf(value: unknown): string[] {
  const { message, stack } = value as Partial<Error>;
  const shown = inspect(value, { depth: 9, showHidden: true, maxArrayLength: null });
  return [message ?? '', stack ?? '', shown, JSON.stringify(value), String(value)];
}

/** Any four bytes in a row, in each way that bytes are usually written. */
function formsOf(bytes: Uint8Array): string[] {
  return Array.from({ length: bytes.length - 4 }, (_, i) => bytes.subarray(i, i + 4)).flatMap(
    (part) => [
      toHex(part),
      toHex(part).toUpperCase(),
      [...part].map((byte) => byte.toString(16).padStart(2, '0')).join(' '),
      part.join(','),
      part.join(', '),
      Buffer.from(part).toString('latin1'),
      Buffer.from(part).toString('base64').slice(0, 5),
    ],
  );
}
