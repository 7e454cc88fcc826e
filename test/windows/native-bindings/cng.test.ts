/**
 * The bindings of ncrypt and bcrypt on the real DLLs. KEYCASK_NCRYPT says whose ncrypt: unset on Windows, else `wine`, which has
 * ephemeral RSA keys alone, or `double`.
 */
import {
  constants,
  createCipheriv,
  createECDH,
  createHash,
  createPublicKey,
  publicEncrypt,
  randomUUID,
  verify,
  type KeyObject,
} from 'node:crypto';
import process from 'node:process';
import koffi from 'koffi';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { decodeEccPublicBlob, encodeEccPublicBlob } from '../../../lib/blobs/cng-ecc-blob.ts';
import { decodeRsaPublicBlob } from '../../../lib/blobs/cng-rsa-blob.ts';
import * as bcryptConstants from '../../../native-bindings/bcrypt-constants.ts';
import { loadBCrypt, type BCrypt } from '../../../native-bindings/bcrypt.ts';
import type { SignaturePadding } from '../../../native-bindings/cng-parameters.ts';
import * as constantsOfNCrypt from '../../../native-bindings/ncrypt-constants.ts';
import { loadNCrypt, type NCrypt } from '../../../native-bindings/ncrypt.ts';
import type { Handle } from '../../../native-bindings/windows-dll.ts';
import { hasStatus, WINDOWS_STATUS } from '../../../native-bindings/windows-status.ts';
import { thrownBy } from '../../support/errors.ts';

const NCRYPT = process.env['KEYCASK_NCRYPT'];
/** Wine's own ncrypt keeps nothing, and calls of what it does not have end the process. */
const KEEPS_KEYS = NCRYPT === 'wine' ? [] : [NCRYPT ?? 'Windows'];
const {
  BCRYPT_ECDH_P256_ALGORITHM,
  BCRYPT_ECDSA_P256_ALGORITHM,
  BCRYPT_ECCPUBLIC_BLOB,
  BCRYPT_RSA_ALGORITHM,
  BCRYPT_RSAFULLPRIVATE_BLOB,
  BCRYPT_RSAPUBLIC_BLOB,
} = bcryptConstants;
const {
  MS_KEY_STORAGE_PROVIDER,
  NCRYPT_EXPORT_POLICY_PROPERTY,
  NCRYPT_LENGTH_PROPERTY,
  NCRYPT_PERSIST_FLAG,
  NCRYPT_UI_PROTECT_KEY_FLAG,
} = constantsOfNCrypt;
const MESSAGE = Buffer.from('keycask');
const DIGEST = createHash('sha256').update(MESSAGE).digest();
const PADDINGS: readonly SignaturePadding[] = [
  { type: 'pkcs1', hash: 'SHA256' },
  { type: 'pss', hash: 'SHA256', saltLength: 32 },
];

let ncrypt: NCrypt;
let bcrypt: BCrypt;
let provider: Handle;

beforeEach(async () => {
  ncrypt = await loadNCrypt();
  bcrypt = await loadBCrypt();
  provider = ncrypt.openStorageProvider(MS_KEY_STORAGE_PROVIDER);
});

afterEach(() => ncrypt.freeObject(provider));

async function rsaKey(name: string | null = null): Promise<Handle> {
  const key = ncrypt.createPersistedKey(provider, BCRYPT_RSA_ALGORITHM, { name });
  ncrypt.setProperty(key, NCRYPT_LENGTH_PROPERTY, dword(2048), 0);
  ncrypt.setProperty(key, NCRYPT_EXPORT_POLICY_PROPERTY, dword(3), 0);
  await ncrypt.finalizeKey(key, 0);
  return key;
}

function publicKeyOf(key: Handle): KeyObject {
  const { modulus, exponent } = decodeRsaPublicBlob(ncrypt.exportKey(key, BCRYPT_RSAPUBLIC_BLOB));
  const n = Buffer.from(modulus).toString('base64url');
  const e = Buffer.from(exponent.toString(16).padStart(6, '0'), 'hex').toString('base64url');
  return createPublicKey({ key: { kty: 'RSA', n, e }, format: 'jwk' });
}

function dword(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

describe('an ephemeral RSA key', () => {
  test.each(PADDINGS)('signs with $type, and node, ncrypt and bcrypt verify', async (padding) => {
    const key = await rsaKey();
    const signature = await ncrypt.signHash(key, DIGEST, padding, 0);
    expect(signature.length).toBe(256);
    const nodePadding =
      padding.type === 'pss'
        ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: padding.saltLength }
        : { padding: constants.RSA_PKCS1_PADDING };
    expect(verify('sha256', MESSAGE, { key: publicKeyOf(key), ...nodePadding }, signature)).toBe(
      true,
    );
    const algorithm = bcrypt.openAlgorithmProvider(BCRYPT_RSA_ALGORITHM);
    const blob = ncrypt.exportKey(key, BCRYPT_RSAPUBLIC_BLOB);
    const publicKey = bcrypt.importKeyPair(algorithm, BCRYPT_RSAPUBLIC_BLOB, blob);
    for (const expected of [true, false]) {
      expect(ncrypt.verifySignature(key, DIGEST, signature, padding)).toBe(expected);
      expect(bcrypt.verifySignature(publicKey, DIGEST, signature, padding)).toBe(expected);
      signature[17]! ^= 1;
    }
    bcrypt.destroyKey(publicKey);
    bcrypt.closeAlgorithmProvider(algorithm);
    ncrypt.freeObject(key);
  });

  test('is exported and imported, and says its length', async () => {
    const key = await rsaKey();
    const blob = ncrypt.exportKey(key, BCRYPT_RSAFULLPRIVATE_BLOB);
    const copy = ncrypt.importKey(provider, BCRYPT_RSAFULLPRIVATE_BLOB, blob);
    expect(ncrypt.exportKey(copy, BCRYPT_RSAPUBLIC_BLOB)).toEqual(
      ncrypt.exportKey(key, BCRYPT_RSAPUBLIC_BLOB),
    );
    expect(Buffer.from(ncrypt.getProperty(copy, NCRYPT_LENGTH_PROPERTY))).toEqual(dword(2048));
    ncrypt.freeObject(copy);
    ncrypt.freeObject(key);
  });

  test('cannot be finalized twice', async () => {
    const key = await rsaKey();
    await expect(ncrypt.finalizeKey(key, 0)).rejects.toMatchObject({
      code: 'HANDLE_INVALID',
      native: { api: 'NCryptFinalizeKey', family: 'hresult', name: 'NTE_INVALID_HANDLE' },
    });
    ncrypt.freeObject(key);
  });

  test('encrypts what only it opens', async () => {
    const key = await rsaKey();
    const ciphertext = ncrypt.encrypt(key, new Uint8Array(32), { type: 'pkcs1' });
    expect(ciphertext.length).toBe(256);
    expect(ciphertext).not.toEqual(ncrypt.encrypt(key, new Uint8Array(32), { type: 'pkcs1' }));
    ncrypt.freeObject(key);
  });
});

test('algorithms that a provider has, and those that nobody has', () => {
  expect(ncrypt.isAlgSupported(provider, BCRYPT_RSA_ALGORITHM)).toBe(true);
  expect(ncrypt.isAlgSupported(provider, 'KEYCASK')).toBe(false);
});

test('bcrypt says whether FIPS algorithms are asked for', () => {
  expect(bcrypt.fipsMode()).toBeTypeOf('boolean');
});

test('AES-GCM of bcrypt is that of node, and refuses a changed tag', () => {
  const gcm = {
    key: new Uint8Array(32).fill(3),
    nonce: new Uint8Array(12).fill(5),
    associatedData: Buffer.from('associated'),
  };
  const cipher = createCipheriv('aes-256-gcm', gcm.key, gcm.nonce).setAAD(gcm.associatedData);
  const expected = Buffer.concat([cipher.update(MESSAGE), cipher.final()]);
  const { ciphertext, tag } = bcrypt.encryptGcm(MESSAGE, gcm);
  expect(Buffer.from(ciphertext)).toEqual(expected);
  expect(Buffer.from(tag)).toEqual(cipher.getAuthTag());
  expect(Buffer.from(bcrypt.decryptGcm(ciphertext, tag, gcm))).toEqual(MESSAGE);
  tag[0]! ^= 1;
  expect(thrownBy(() => bcrypt.decryptGcm(ciphertext, tag, gcm))).toMatchObject({
    code: 'KEY_UNWRAP_FAILED',
    native: { api: 'BCryptDecrypt', family: 'ntstatus', name: 'STATUS_AUTH_TAG_MISMATCH' },
  });
});

describe.each(KEEPS_KEYS)('ncrypt of %s', () => {
  describe('a persisted key', () => {
    let name: string;

    beforeEach(() => {
      name = `keycask-test-${randomUUID()}`;
    });

    test('is found by its name, listed, and gone when it is deleted', async () => {
      ncrypt.freeObject(await rsaKey(name));
      const listed = ncrypt.enumKeys(provider, 0).filter((key) => key.name === name);
      expect(listed).toEqual([{ name, algorithm: 'RSA', legacyKeySpec: 0, flags: 0 }]);
      const key = ncrypt.openKey(provider, name, 0, 0);
      expect(thrownBy(() => ncrypt.createPersistedKey(provider, 'RSA', { name }))).toMatchObject({
        code: 'CONTAINER_EXISTS',
        native: { api: 'NCryptCreatePersistedKey', value: WINDOWS_STATUS.NTE_EXISTS },
      });
      ncrypt.deleteKey(key, 0);
      const opening = thrownBy(() => ncrypt.openKey(provider, name, 0, 0));
      expect(opening).toMatchObject({ code: 'CONTAINER_NOT_FOUND' });
      expect(hasStatus(opening, WINDOWS_STATUS.NTE_BAD_KEYSET)).toBe(true);
      expect(ncrypt.enumKeys(provider, 0).map((key) => key.name)).not.toContain(name);
    });

    test('keeps properties of its own', async () => {
      const key = await rsaKey(name);
      const missing = thrownBy(() => ncrypt.getProperty(key, 'keycask test'));
      expect(hasStatus(missing, WINDOWS_STATUS.NTE_NOT_FOUND)).toBe(true);
      const value = Uint8Array.from({ length: 1000 }, (_, index) => index);
      ncrypt.setProperty(key, 'keycask test', value, NCRYPT_PERSIST_FLAG);
      ncrypt.freeObject(key);
      const again = ncrypt.openKey(provider, name, 0, 0);
      expect(ncrypt.getProperty(again, 'keycask test')).toEqual(value);
      ncrypt.deleteKey(again, 0);
    });

    test('is imported under a name', async () => {
      const key = await rsaKey();
      const blob = ncrypt.exportKey(key, BCRYPT_RSAFULLPRIVATE_BLOB);
      const options = { keyName: name };
      const copy = ncrypt.importKey(provider, BCRYPT_RSAFULLPRIVATE_BLOB, blob, options);
      const opened = ncrypt.openKey(provider, name, 0, 0);
      expect(ncrypt.exportKey(opened, BCRYPT_RSAPUBLIC_BLOB)).toEqual(
        ncrypt.exportKey(key, BCRYPT_RSAPUBLIC_BLOB),
      );
      ncrypt.freeObject(opened);
      ncrypt.deleteKey(copy, 0);
      ncrypt.freeObject(key);
    });

    test('has a UI policy with its strings', async () => {
      const key = ncrypt.createPersistedKey(provider, BCRYPT_RSA_ALGORITHM, { name });
      const policy = {
        flags: NCRYPT_UI_PROTECT_KEY_FLAG,
        creationTitle: 'Title ü',
        friendlyName: null,
        description: 'What the key is for',
      };
      ncrypt.setUiPolicy(key, policy);
      expect(ncrypt.getUiPolicy(key)).toEqual(policy);
      ncrypt.freeObject(key);
    });
  });

  describe('an RSA key', () => {
    test.each([
      { padding: { type: 'pkcs1' } as const, node: { padding: constants.RSA_PKCS1_PADDING } },
      { padding: { type: 'oaep', hash: 'SHA1' } as const, node: { oaepHash: 'sha1' } },
      { padding: { type: 'oaep', hash: 'SHA256' } as const, node: { oaepHash: 'sha256' } },
    ])('decrypts what node encrypted: $padding', async ({ padding, node }) => {
      const key = await rsaKey();
      const ciphertext = publicEncrypt({ key: publicKeyOf(key), ...node }, MESSAGE);
      const given = Uint8Array.from(ciphertext);
      expect(Buffer.from(await ncrypt.decrypt(key, given, padding))).toEqual(MESSAGE);
      expect(given).toEqual(Uint8Array.from(ciphertext));
      ncrypt.freeObject(key);
    });
  });

  describe('an elliptic-curve key', () => {
    test('signs r and s', async () => {
      const key = ncrypt.createPersistedKey(provider, BCRYPT_ECDSA_P256_ALGORITHM, { name: null });
      await ncrypt.finalizeKey(key, 0);
      const signature = await ncrypt.signHash(key, DIGEST, undefined, 0);
      expect(signature.length).toBe(64);
      const { x, y } = decodeEccPublicBlob(ncrypt.exportKey(key, BCRYPT_ECCPUBLIC_BLOB));
      const [jwkX, jwkY] = [x, y].map((number) => Buffer.from(number).toString('base64url'));
      const publicKey = createPublicKey({
        key: { kty: 'EC', crv: 'P-256', x: jwkX!, y: jwkY! },
        format: 'jwk',
      });
      const options = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
      expect(verify('sha256', MESSAGE, options, signature)).toBe(true);
      expect(ncrypt.verifySignature(key, DIGEST, signature)).toBe(true);
      signature[0]! ^= 1;
      expect(ncrypt.verifySignature(key, DIGEST, signature)).toBe(false);
      ncrypt.freeObject(key);
    });

    test('agrees with node on a secret, and derives by hash with bytes before and behind', async () => {
      const key = ncrypt.createPersistedKey(provider, BCRYPT_ECDH_P256_ALGORITHM, { name: null });
      await ncrypt.finalizeKey(key, 0);
      const own = decodeEccPublicBlob(ncrypt.exportKey(key, BCRYPT_ECCPUBLIC_BLOB));
      const node = createECDH('prime256v1');
      const point = node.generateKeys();
      const peerBlob = encodeEccPublicBlob({
        algorithm: 'ECDH',
        curve: 'P-256',
        x: point.subarray(1, 33),
        y: point.subarray(33),
      });
      const peer = ncrypt.importKey(provider, BCRYPT_ECCPUBLIC_BLOB, peerBlob);
      const secret = await ncrypt.secretAgreement(key, peer, 0);
      const z = node.computeSecret(Buffer.concat([Uint8Array.of(4), own.x, own.y]));
      const [prepend, append] = [Buffer.from('before'), Buffer.from('behind')];
      const derived = await ncrypt.deriveKey(secret, 'HASH', { hash: 'SHA256', prepend, append });
      const expected = createHash('sha256').update(prepend).update(z).update(append).digest();
      expect(Buffer.from(derived)).toEqual(expected);
      const longer = await ncrypt.deriveKey(secret, 'HASH', { hash: 'SHA384', append });
      expect(Buffer.from(longer)).toEqual(createHash('sha384').update(z).update(append).digest());
      for (const handle of [secret, peer, key]) ncrypt.freeObject(handle);
    });
  });

  test('providers are listed', () => {
    const names = ncrypt.enumStorageProviders().map((listed) => listed.name);
    expect(names).toContain(MS_KEY_STORAGE_PROVIDER);
  });
});

describe.each(NCRYPT === 'double' ? [NCRYPT] : [])('ncrypt of the %s', () => {
  test('counts what it allocated for a list, and nothing of it is left', async () => {
    const double = koffi.load('ncrypt.dll');
    const openBuffers = double.func('uint32_t __stdcall KeycaskDoubleOpenBuffers()');
    const key = await rsaKey(`keycask-test-${randomUUID()}`);
    const before: unknown = openBuffers();
    for (let round = 0; round < 100; round++) {
      expect(ncrypt.enumKeys(provider, 0).length).toBeGreaterThan(0);
      expect(ncrypt.enumStorageProviders().length).toBeGreaterThan(0);
    }
    expect(openBuffers()).toBe(before);
    ncrypt.deleteKey(key, 0);
  });
});
