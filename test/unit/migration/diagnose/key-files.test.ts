/** Pains of key files: formats that others do not read, encrypted private keys, limits of providers. */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ALG_ID } from '../../../../lib/blobs/alg-id.ts';
import { encodePlaintextKeyBlob } from '../../../../lib/blobs/plaintext-key-blob.ts';
import { encodePvk } from '../../../../lib/blobs/pvk.ts';
import { concatBytes, encodeUtf8, plainBytes } from '../../../../lib/bytes/octets.ts';
import { decodeKeyPair } from '../../../../lib/key-pairs/decode.ts';
import { encodeKeyPair } from '../../../../lib/key-pairs/encode.ts';
import type { KeyPairFormat } from '../../../../lib/key-pairs/formats.ts';
import { SecretBytes } from '../../../../lib/keys/secret-bytes.ts';
import { importCapiKey, type CapiKey } from '../../../../lib/legacy/capi-key.ts';
import { capiEncrypt, type CapiMode } from '../../../../lib/legacy/cipher.ts';
import { cryptDeriveKey } from '../../../../lib/legacy/derive-key.ts';
import { capiHash } from '../../../../lib/legacy/hash.ts';
import { sealPvk } from '../../../../lib/legacy/pvk.ts';
import { wrapSimpleBlob } from '../../../../lib/legacy/simple-blob.ts';
import { diagnoseWith, findingOf, idsOf, oldKey } from '../../../support/diagnosing.ts';

const ours = oldKey();
const pair = decodeKeyPair(ours.blob).pair;

describe('pain 12: blobs of CryptoAPI are no PEM', () => {
  test.each<[KeyPairFormat, string]>([
    ['PRIVATEKEYBLOB', 'PKCS8'],
    ['PUBLICKEYBLOB', 'SPKI'],
    ['PVK', 'PKCS8'],
    ['RSAPUBLICBLOB', 'SPKI'],
  ])('%s, which the hint makes %s', async (format, target) => {
    const bytes = encodeKeyPair(pair, format);
    const symptom = messageOf(() => createPublicKey(Buffer.from(bytes)));
    const diagnosis = await diagnoseWith({ bytes, symptom });
    expect(findingOf(diagnosis, 'CSP_BLOB_IS_NO_PEM')?.hint).toContain(
      `encodeKeyPair(decodeKeyPair(bytes).pair, '${target}', { pem: true })`,
    );
    const pem = encodeKeyPair(decodeKeyPair(bytes).pair, target as 'SPKI', { pem: true });
    const read = target === 'SPKI' ? createPublicKey : createPrivateKey;
    expect(read(Buffer.from(pem)).asymmetricKeyType).toBe('rsa');
  });

  test('RSA_CSP_PUBLICKEYBLOB encoded is a key without the header that PEM wants', async () => {
    const bytes = encodeKeyPair(pair, 'RSAPublicKey');
    const diagnosis = await diagnoseWith({ bytes });
    expect(diagnosis.outcome).toBe('nothing-to-open');
    expect(findingOf(diagnosis, 'SPKI_HEADER_MISSING')).toMatchObject({
      cause: expect.stringContaining('SubjectPublicKeyInfo'),
      hint: expect.stringContaining("'SPKI'"),
    });
  });
});

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return String(error);
  }
  throw new TypeError('OpenSSL reads it');
}

describe('pain 13: an encrypted PRIVATEKEYBLOB does not tell with what', () => {
  const header = ours.blob.subarray(0, 8);
  const body = ours.blob.subarray(8);

  async function sealed(key: CapiKey, mode?: CapiMode): Promise<Uint8Array> {
    const ciphertext = await capiEncrypt(key, body, mode ? { mode } : {});
    return concatBytes(header, ciphertext);
  }

  test.each([
    ['CALG_3DES', ALG_ID.CALG_3DES, 24, 'cbc'],
    ['CALG_AES_128', ALG_ID.CALG_AES_128, 16, 'ecb'],
    ['CALG_RC4', ALG_ID.CALG_RC4, 16, undefined],
  ] as const)('under a session key of %s (%i, %i bytes, %s)', async (name, algId, length, mode) => {
    using secret = SecretBytes.random(length);
    using key = importCapiKey(algId, secret.bytes);
    const bytes = await sealed(key, mode);
    const alone = await diagnoseWith({ bytes });
    expect(alone.outcome).toBe('closed');
    expect(findingOf(alone, 'PRIVATE_KEY_BLOB_ENCRYPTED')?.hint).toContain('PLAINTEXTKEYBLOB');
    const files = { 'session.key': encodePlaintextKeyBlob({ algId, key: secret.bytes }) };
    const diagnosis = await diagnoseWith({ bytes }, { files });
    expect(diagnosis).toMatchObject({ outcome: 'opened', opened: { algorithm: name } });
    expect(findingOf(diagnosis, 'PRIVATE_KEY_BLOB_OPENED')?.cause).toContain(name);
  });

  test('under a key of a password', async () => {
    const value = await capiHash(ALG_ID.CALG_SHA1, encodeUtf8('backup1999'));
    const hash = { hashAlgId: ALG_ID.CALG_SHA1, value };
    using key = await cryptDeriveKey(hash, { algId: ALG_ID.CALG_3DES });
    const bytes = await sealed(key);
    const diagnosis = await diagnoseWith({ bytes }, { passwords: ['wrong', 'backup1999'] });
    expect(diagnosis).toMatchObject({
      outcome: 'opened',
      opened: { by: 'password 2', hash: 'CALG_SHA1', algorithm: 'CALG_3DES' },
    });
    expect(idsOf(diagnosis)).toContain('KEY_IS_CRYPT_DERIVE_KEY');
  });
});

describe('a PVK file', () => {
  test('whose password is in another encoding than ASCII', async () => {
    const password = plainBytes(Buffer.from('Käse', 'latin1'));
    const bytes = await sealPvk(ours.blob, { keySpec: 1, password, protection: 'weak' });
    const closed = await diagnoseWith({ bytes }, { passwords: ['other'] });
    expect(closed.outcome).toBe('closed');
    expect(idsOf(closed)).toContain('PVK_PASSWORD');
    const opened = await diagnoseWith({ bytes }, { passwords: ['Käse'] });
    expect(opened.opened?.passwordEncoding).toBe('ANSI (Windows-1252)');
    expect(idsOf(opened)).toEqual(
      expect.arrayContaining(['PVK_IS_WEAK', 'PASSWORD_ENCODING', 'CSP_BLOB_IS_NO_PEM']),
    );
  });

  test('that is not encrypted opens by itself', async () => {
    const bytes = encodePvk({
      keySpec: 1,
      encryptedFlag: 0,
      salt: new Uint8Array(0),
      keyBlob: ours.blob,
    });
    const diagnosis = await diagnoseWith({ bytes });
    expect(diagnosis).toMatchObject({ outcome: 'opened', opened: { by: 'no key' } });
  });
});

describe('pain 8: what the Base Provider takes', () => {
  test('an exchange key of 2048 bits is bad data there', async () => {
    const { blob } = oldKey(2048);
    const diagnosis = await diagnoseWith({ bytes: blob, symptom: 'System error: Bad Data' });
    expect(findingOf(diagnosis, 'BASE_PROVIDER_LIMIT')).toMatchObject({
      cause: expect.stringContaining(
        'takes at most 1024 bits of CALG_RSA_KEYX (0xa400), and this key has 2048',
      ),
      hint: expect.stringContaining('PROV_RSA_AES (24)'),
    });
    const small = await diagnoseWith({ bytes: ours.blob, symptom: 'System error: Bad Data' });
    expect(idsOf(small)).not.toContain('BASE_PROVIDER_LIMIT');
  });

  test('a session key of RC4 with 128 bits too', async () => {
    using key = SecretBytes.random(16);
    const bytes = encodePlaintextKeyBlob({ algId: ALG_ID.CALG_RC4, key: key.bytes });
    const diagnosis = await diagnoseWith({ bytes, symptom: 'NTE_BAD_DATA' });
    expect(findingOf(diagnosis, 'BASE_PROVIDER_LIMIT')?.cause).toContain('56 bits of CALG_RC4');
  });
});

test('a key file that stays closed is named, with what it lacks', async () => {
  using key = SecretBytes.random(16);
  const bytes = wrapSimpleBlob(ours.privateKey, { algId: ALG_ID.CALG_AES_128, key });
  const password = encodeUtf8('secret');
  const pvk = await sealPvk(ours.blob, { keySpec: 1, password, protection: 'strong' });
  const diagnosis = await diagnoseWith({ bytes }, { files: { 'exchange.pvk': pvk } });
  expect(findingOf(diagnosis, 'KEY_FILE_CLOSED')?.cause).toMatch(
    /exchange\.pvk \(PASSWORD_REQUIRED\)/u,
  );
  const files = { 'exchange.pvk': pvk };
  const opened = await diagnoseWith({ bytes }, { files, passwords: ['secret'] });
  expect(opened).toMatchObject({ outcome: 'opened', findings: [] });
});

test('pain 20: an HMAC key of one byte is refused as an RC2 key', async () => {
  const bytes = encodePlaintextKeyBlob({ algId: ALG_ID.CALG_RC2, key: Uint8Array.of(7) });
  const diagnosis = await diagnoseWith({ bytes, symptom: '0x80090005' });
  expect(findingOf(diagnosis, 'HMAC_KEY_TOO_SHORT')).toMatchObject({
    cause: expect.stringContaining('1 bytes'),
    hint: expect.stringContaining('CRYPT_IPSEC_HMAC_KEY'),
  });
});
