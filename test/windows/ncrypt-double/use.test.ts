/** The double of ncrypt.dll: what keys do, against node:crypto. */
import {
  constants,
  createECDH,
  createHash,
  createHmac,
  generateKeyPairSync,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
  sign,
  verify,
} from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { hasDouble, useFreshStore } from '../../native/ncrypt-double/fresh-store.ts';
import {
  agree,
  createKey,
  crypt,
  deriveKey,
  dword,
  exportKey,
  finalizeKey,
  freeObject,
  importKey,
  must,
  raw,
  setProperty,
  signHash,
  statusName,
  verifySignature,
} from '../../native/ncrypt-double/raw-ncrypt.ts';
import {
  ECDSA,
  NO_PADDING,
  oaep,
  pkcs1,
  PKCS1_ENCRYPTION,
  pss,
  wide,
} from '../../native/ncrypt-double/raw-structures.ts';
import { ecBlobOf, ecPublicKeyOf, rsaBlobOf, rsaPublicKeyOf } from './blob-keys.ts';

const SILENT = 0x40;
const MESSAGE = Buffer.from('a message');
const SECRET = randomBytes(32);
const LABEL = Buffer.from('a label');

describe.runIf(hasDouble)('the ncrypt double: RSA', () => {
  const store = useFreshStore();

  function makeKey({ bits = 2048, usage = 3, ui = 0 } = {}): bigint {
    const key = must(createKey(store.provider, 'RSA', null));
    expect(setProperty(key, 'Length', dword(bits))).toBe('ok');
    expect(setProperty(key, 'Key Usage', dword(usage))).toBe('ok');
    // Version 1, the flags, and three strings that are not there.
    const policy = Buffer.concat([dword(1), dword(ui), Buffer.alloc(24)]);
    expect(setProperty(key, 'UI Policy', policy)).toBe('ok');
    expect(finalizeKey(key)).toBe('ok');
    return key;
  }

  test.each([1024, 2048, 3072])('opens what node seals for a key of %i bits', (bits) => {
    const key = makeKey({ bits });
    const publicKey = rsaPublicKeyOf(must(exportKey(key, 'RSAPUBLICBLOB')));
    for (const [hash, name] of [
      ['sha1', 'SHA1'],
      ['sha256', 'SHA256'],
    ] as const) {
      for (const label of [undefined, LABEL]) {
        const sealed = publicEncrypt(
          { key: publicKey, oaepHash: hash, ...(label && { oaepLabel: label }) },
          SECRET,
        );
        expect(crypt('NCryptDecrypt', key, sealed, oaep(name, label))).toEqual(['ok', SECRET]);
        const other = label ? undefined : LABEL;
        expect(crypt('NCryptDecrypt', key, sealed, oaep(name, other))[0]).toBe(
          'NTE_INVALID_PARAMETER',
        );
      }
    }
    const padding = constants.RSA_PKCS1_PADDING;
    const sealed = publicEncrypt({ key: publicKey, padding }, SECRET);
    expect(crypt('NCryptDecrypt', key, sealed, PKCS1_ENCRYPTION)).toEqual(['ok', SECRET]);
    const block = must(crypt('NCryptDecrypt', key, sealed, NO_PADDING));
    expect([block.length, block[0], block[1]]).toEqual([bits / 8, 0, 2]);
  });

  test('seals what node opens', () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const key = must(importKey(store.provider, 'RSAPUBLICBLOB', rsaBlobOf(publicKey, 2)));
    for (const data of [SECRET, Buffer.alloc(0), randomBytes(190)]) {
      const sealed = must(crypt('NCryptEncrypt', key, data, oaep('SHA256', LABEL)));
      const options = { key: privateKey, oaepHash: 'sha256', oaepLabel: LABEL };
      expect(privateDecrypt(options, sealed)).toEqual(data);
      const padded = must(crypt('NCryptEncrypt', key, data, PKCS1_ENCRYPTION));
      const bare = { key: privateKey, padding: constants.RSA_NO_PADDING };
      const block = privateDecrypt(bare, padded);
      expect([block[0], block[1]]).toEqual([0, 2]);
      expect(block.subarray(block.indexOf(0, 2) + 1)).toEqual(data);
    }
    expect(crypt('NCryptEncrypt', key, randomBytes(191), oaep('SHA256'))[0]).toBe(
      'NTE_INVALID_PARAMETER',
    );
    expect(crypt('NCryptEncrypt', key, SECRET, NO_PADDING)[0]).toBe('NTE_INVALID_PARAMETER');
    expect(crypt('NCryptDecrypt', key, randomBytes(256), PKCS1_ENCRYPTION)[0]).toBe('NTE_NO_KEY');
  });

  test('opens in place, says which size it needs, and gives one answer to all that does not open', () => {
    const key = makeKey();
    const publicKey = rsaPublicKeyOf(must(exportKey(key, 'RSAPUBLICBLOB')));
    const sealed = publicEncrypt({ key: publicKey, oaepHash: 'sha1' }, SECRET);
    const types = ['uintptr_t', 'void *', 'uint32_t', 'void *', 'void *', 'uint32_t'];
    const call = raw('NCryptDecrypt', ...types, '_Out_ uint32_t *', 'uint32_t');
    const decrypt = (output: Uint8Array | null, size: number): [string, number] => {
      const result = [0];
      const { info, flags } = oaep('SHA1');
      const status = call(key, sealed, sealed.length, info, output, size, result, flags);
      return [statusName(status), result[0]!];
    };
    expect(decrypt(null, 0)).toEqual(['ok', 256]);
    expect(decrypt(Buffer.alloc(31), 31)).toEqual(['NTE_BUFFER_TOO_SMALL', 32]);
    expect(decrypt(Buffer.alloc(32), 32)).toEqual(['ok', 32]);
    expect(decrypt(sealed, 256)).toEqual(['ok', 32]);
    expect(sealed.subarray(0, 32)).toEqual(SECRET);

    const above = Buffer.alloc(256, 0xff);
    for (const damaged of [randomBytes(256).fill(0, 0, 1), above, sealed.subarray(1)]) {
      for (const padding of [oaep('SHA1'), oaep('SHA256'), PKCS1_ENCRYPTION]) {
        expect(crypt('NCryptDecrypt', key, damaged, padding)[0]).toBe('NTE_INVALID_PARAMETER');
      }
    }
    const flags = (value: number) => crypt('NCryptDecrypt', key, sealed, { flags: value })[0];
    expect([0, 3, 8, 0x100].map(flags)).toEqual(Array.from({ length: 4 }, () => 'NTE_BAD_FLAGS'));
    expect(flags(4)).toBe('NTE_INVALID_PARAMETER');
    expect(crypt('NCryptDecrypt', key, sealed, oaep('AES'))[0]).toBe('NTE_NOT_SUPPORTED');
  });

  test.each(['sha256', 'sha384', 'sha512'])('signs and verifies %s with node', (hash) => {
    const name = hash.toUpperCase();
    const key = makeKey();
    const publicKey = rsaPublicKeyOf(must(exportKey(key, 'RSAPUBLICBLOB')));
    const digest = createHash(hash).update(MESSAGE).digest();
    const plain = must(signHash(key, digest, pkcs1(name)));
    expect(verify(hash, MESSAGE, publicKey, plain)).toBe(true);
    expect(verifySignature(key, digest, plain, pkcs1(name))).toBe('ok');
    const options = {
      key: publicKey,
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: digest.length,
    };
    const salted = must(signHash(key, digest, pss(name, digest.length)));
    expect(verify(hash, MESSAGE, options, salted)).toBe(true);
    expect(verifySignature(key, digest, salted, pss(name, digest.length))).toBe('ok');
    salted[20]! ^= 1;
    expect(verifySignature(key, digest, salted, pss(name, digest.length))).toBe(
      'NTE_BAD_SIGNATURE',
    );
    expect(verifySignature(key, digest, plain.subarray(1), pkcs1(name))).toBe('NTE_BAD_SIGNATURE');
    expect(signHash(key, digest.subarray(1), pkcs1(name))[0]).toBe('NTE_INVALID_PARAMETER');
    expect(signHash(key, digest, { flags: 2 })[0]).toBe('NTE_INVALID_PARAMETER');
    expect(signHash(key, digest, { ...pkcs1(name), flags: 0x80 })[0]).toBe('NTE_BAD_FLAGS');
  });

  test('lets a key do what its usage says', () => {
    const [opener, signer] = [makeKey({ usage: 1 }), makeKey({ usage: 2 })];
    const digest = createHash('sha256').update(MESSAGE).digest();
    expect(signHash(opener, digest, pkcs1('SHA256'))[0]).toBe('NTE_PERM');
    expect(signHash(signer, digest, pkcs1('SHA256'))[0]).toBe('ok');
    expect(crypt('NCryptDecrypt', signer, Buffer.alloc(256), NO_PADDING)[0]).toBe('NTE_PERM');
    expect(crypt('NCryptDecrypt', opener, Buffer.alloc(256), NO_PADDING)[0]).toBe('ok');
  });

  test('keeps a key for the calls that use it while its handle is freed', async () => {
    const key = makeKey();
    const types = ['uintptr_t', 'void *', 'void *', 'uint32_t', 'void *', 'uint32_t'];
    const call = raw('NCryptSignHash', ...types, '_Out_ uint32_t *', 'uint32_t');
    const digest = createHash('sha256').update(MESSAGE).digest();
    const statuses: string[] = [];
    const use = async (index: number) => {
      const { info, flags } = pkcs1('SHA256');
      const signature = Buffer.alloc(256);
      const args = [key, info, digest, 32, signature, 256, [0], flags];
      const status = await new Promise<number>((resolve, reject) => {
        const done = (error: Error | null, value: number) =>
          error ? reject(error) : resolve(value);
        call.async(...args, done);
      });
      statuses.push(statusName(status));
      if (index === 8) freeObject(key);
    };
    await Promise.all(Array.from({ length: 64 }, (_, index) => use(index)));
    // One that began after the handle was freed, whatever the others met.
    await use(64);
    expect(new Set(statuses)).toEqual(new Set(['ok', 'NTE_INVALID_HANDLE']));
    expect(statuses.filter((status) => status === 'ok').length).toBeGreaterThan(8);
    expect(statuses.at(-1)).toBe('NTE_INVALID_HANDLE');
  });

  test('asks a person before a protected key is used, and is refused when silent', () => {
    const key = makeKey({ ui: 1 });
    const digest = createHash('sha256').update(MESSAGE).digest();
    const { info, flags } = pkcs1('SHA256');
    const padding = { ...(info !== undefined && { info }), flags: flags | SILENT };
    expect(signHash(key, digest, padding)[0]).toBe('NTE_SILENT_CONTEXT');
    expect(signHash(key, digest, pkcs1('SHA256'))[0]).toBe('ok');
    store.set('KEYCASK_DOUBLE_UI', 'cancel');
    expect(signHash(key, digest, pkcs1('SHA256'))[0]).toBe('NTE_USER_CANCELLED');
  });
});

const CURVES = [
  { bits: 256, curve: 'prime256v1', hash: 'sha256', point: 'ECK1', signer: 'ECS1' },
  { bits: 384, curve: 'secp384r1', hash: 'sha384', point: 'ECK3', signer: 'ECS3' },
] as const;

describe.runIf(hasDouble).each(CURVES)('the ncrypt double: P-$bits', (kind) => {
  const store = useFreshStore();
  const { bits, curve, hash } = kind;
  const HASH_NAME = hash.toUpperCase();

  function makeKey(group: 'ECDH' | 'ECDSA'): bigint {
    const key = must(createKey(store.provider, `${group}_P${bits}`, null));
    expect(finalizeKey(key)).toBe('ok');
    return key;
  }

  test('signs what node verifies and verifies what node signs', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: curve });
    const theirs = must(
      importKey(store.provider, 'ECCPUBLICBLOB', ecBlobOf(publicKey, kind.signer)),
    );
    const own = makeKey('ECDSA');
    const ownPublic = ecPublicKeyOf(must(exportKey(own, 'ECCPUBLICBLOB')));
    for (const name of ['sha1', 'sha256', 'sha384', 'sha512']) {
      const digest = createHash(name).update(MESSAGE).digest();
      const made = must(signHash(own, digest, ECDSA));
      const key = { key: ownPublic, dsaEncoding: 'ieee-p1363' } as const;
      expect(verify(name, MESSAGE, key, made)).toBe(true);
      const given = sign(name, MESSAGE, { key: privateKey, dsaEncoding: 'ieee-p1363' });
      expect(verifySignature(theirs, digest, given, ECDSA)).toBe('ok');
      given[9]! ^= 1;
      expect(verifySignature(theirs, digest, given, ECDSA)).toBe('NTE_BAD_SIGNATURE');
    }
    const digest = createHash(hash).update(MESSAGE).digest();
    expect(signHash(theirs, digest, ECDSA)[0]).toBe('NTE_NO_KEY');
    expect(signHash(own, digest, pkcs1(HASH_NAME))[0]).toBe('NTE_BAD_FLAGS');
    expect(signHash(makeKey('ECDH'), digest, ECDSA)[0]).toBe('NTE_BAD_ALGID');
    expect(agree(own, theirs)[0]).toBe('NTE_NOT_SUPPORTED');
    expect(crypt('NCryptDecrypt', own, digest, NO_PADDING)[0]).toBe('NTE_NOT_SUPPORTED');
  });

  test.each([0, 1])('agrees on a secret as node does; zeros that it begins with: %i', (zeros) => {
    const own = makeKey('ECDH');
    // 04 x y: the last byte of the blob's header is 0.
    const point = Buffer.from(must(exportKey(own, 'ECCPUBLICBLOB')).subarray(7)).fill(4, 0, 1);
    const ecdh = createECDH(curve);
    let z: Buffer;
    do {
      ecdh.generateKeys();
      z = ecdh.computeSecret(point);
    } while (z.findIndex((byte) => byte !== 0) !== zeros);

    const blob = Buffer.concat([
      Buffer.from(kind.point),
      dword(bits / 8),
      ecdh.getPublicKey().subarray(1),
    ]);
    const theirs = must(importKey(store.provider, 'ECCPUBLICBLOB', blob));
    const secret = must(agree(own, theirs));
    const counter = Buffer.from([0, 0, 0, 1]);
    const parameters = [
      [0, wide(HASH_NAME)],
      [2, counter],
      [1, MESSAGE],
      [2, SECRET],
      [1, LABEL],
    ] as const;
    const expected = createHash(hash);
    for (const part of [MESSAGE, LABEL, z, counter, SECRET]) expected.update(part);
    expect(deriveKey(secret, 'HASH', parameters)).toEqual(['ok', expected.digest()]);
  });

  test('derives with every function that it has', () => {
    const own = makeKey('ECDH');
    const other = makeKey('ECDH');
    const secret = must(agree(own, other));
    const truncated = must(deriveKey(secret, 'TRUNCATE'));
    const z = Buffer.from(truncated.toReversed());
    expect(z.length).toBe(bits / 8);
    expect(deriveKey(must(agree(other, own)), 'TRUNCATE')).toEqual(['ok', truncated]);
    // SHA-1 when nothing is said.
    const sha1 = createHash('sha1').update(z).digest();
    expect(deriveKey(secret, 'HASH')).toEqual(['ok', sha1]);
    expect(deriveKey(secret, 'HASH', [], { length: 16 })).toEqual(['ok', sha1.subarray(0, 16)]);
    expect(deriveKey(secret, 'HASH', [], { length: 64 })).toEqual(['ok', sha1]);
    const hmac = (key: Uint8Array) => createHmac(hash, key).update(z).update(LABEL).digest();
    const parameters = [
      [0, wide(HASH_NAME)],
      [2, LABEL],
    ] as const;
    expect(deriveKey(secret, 'HMAC', [...parameters, [3, SECRET]])).toEqual(['ok', hmac(SECRET)]);
    expect(deriveKey(secret, 'HMAC', parameters, { flags: 1 })).toEqual(['ok', hmac(z)]);
    expect(deriveKey(secret, 'TLS_PRF')[0]).toBe('NTE_NOT_SUPPORTED');
    expect(deriveKey(secret, 'HASH', [], { flags: 1 })[0]).toBe('NTE_BAD_FLAGS');
    expect(deriveKey(secret, 'HASH', [[9, LABEL]])[0]).toBe('NTE_INVALID_PARAMETER');
    expect(deriveKey(secret, 'HASH', [[0, LABEL]])[0]).toBe('NTE_INVALID_PARAMETER');
    expect(deriveKey(secret, 'HASH', [[0, wide('AES')]])[0]).toBe('NTE_NOT_SUPPORTED');
    expect(deriveKey(own, 'HASH')[0]).toBe('NTE_INVALID_HANDLE');
    expect(freeObject(secret)).toBe('ok');
    expect(deriveKey(secret, 'HASH')[0]).toBe('NTE_INVALID_HANDLE');
    const third = must(createKey(store.provider, bits === 256 ? 'ECDH_P384' : 'ECDH_P256', null));
    expect(agree(own, third)[0]).toBe('NTE_BAD_KEY_STATE');
    expect(finalizeKey(third)).toBe('ok');
    expect(agree(own, third)[0]).toBe('NTE_INVALID_PARAMETER');
    expect(agree(third, 5n)[0]).toBe('NTE_INVALID_HANDLE');
  });
});
