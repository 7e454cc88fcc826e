/** The double of ncrypt.dll: providers, handles, and the life of a key. */
import { publicEncrypt, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hasDouble, useFreshStore } from '../../native/ncrypt-double/fresh-store.ts';
import {
  createKey,
  crypt,
  deleteKey,
  enumerateKeys,
  exportKey,
  finalizeKey,
  freeObject,
  getNumber,
  getProperty,
  must,
  openKey,
  openProvider,
  raw,
  signHash,
  statusName,
  verifySignature,
} from '../../native/ncrypt-double/raw-ncrypt.ts';
import { ECDSA, NO_PADDING, wide } from '../../native/ncrypt-double/raw-structures.ts';
import { forkTest, race } from '../../support/fork.ts';
import { rsaPublicKeyOf } from './blob-keys.ts';

const MACHINE = 0x20;
const OVERWRITE = 0x80;
const PREFER_VBS = 0x1_0000;
const REQUIRE_VBS = 0x2_0000;
const PER_BOOT = 0x4_0000;
const CHILD = 'native/ncrypt-double/children/other-process.ts';
const HASH = Buffer.alloc(32, 7);

describe.runIf(hasDouble)('the ncrypt double: providers and handles', () => {
  const store = useFreshStore();

  test('opens the software provider, by name or by default, and no other', () => {
    expect(openProvider('Microsoft Software Key Storage Provider')[0]).toBe('ok');
    expect(openProvider(null)[0]).toBe('ok');
    expect(openProvider('No Such Provider')[0]).toBe('NTE_PROV_DLL_NOT_FOUND');
    expect(openProvider('Microsoft Platform Crypto Provider')[0]).toBe('NTE_DEVICE_NOT_READY');
    expect(openProvider(null, 0x1)[0]).toBe('NTE_BAD_FLAGS');
    store.set('KEYCASK_DOUBLE_TPM', '1');
    expect(openProvider('Microsoft Platform Crypto Provider')[0]).toBe('ok');
  });

  test('tells a provider’s properties', () => {
    const name = wide('Microsoft Software Key Storage Provider');
    expect(must(getProperty(store.provider, 'Name'))).toEqual(name);
    expect(getNumber(store.provider, 'Impl Type')).toEqual(['ok', 2]);
    expect(getNumber(store.provider, 'Version')).toEqual(['ok', 0x1_0000]);
    expect(getNumber(store.provider, 'Max Name Length')).toEqual(['ok', 512]);
    expect(getProperty(store.provider, 'Length')[0]).toBe('NTE_NOT_SUPPORTED');
  });

  test('refuses handles that are freed, made up, or of another kind', () => {
    const key = must(createKey(store.provider, 'ECDSA_P256', null));
    expect(finalizeKey(store.provider)).toBe('NTE_INVALID_HANDLE');
    expect(createKey(key, 'RSA', null)[0]).toBe('NTE_INVALID_HANDLE');
    expect(freeObject(key)).toBe('ok');
    for (const handle of [key, 0n, 1n, 0xdead_beefn, key + 16n, key & 0xffff_ffffn]) {
      expect(finalizeKey(handle)).toBe('NTE_INVALID_HANDLE');
      expect(getProperty(handle, 'Length')[0]).toBe('NTE_INVALID_HANDLE');
      expect(exportKey(handle, 'ECCPUBLICBLOB')[0]).toBe('NTE_INVALID_HANDLE');
      expect(signHash(handle, HASH, ECDSA)[0]).toBe('NTE_INVALID_HANDLE');
      expect(freeObject(handle)).toBe('NTE_INVALID_HANDLE');
    }
    // The place in the table is used again; the old handle is not the new one.
    const next = must(createKey(store.provider, 'ECDSA_P256', null));
    expect(next).not.toBe(key);
    expect(freeObject(key)).toBe('NTE_INVALID_HANDLE');
    const isKeyHandle = raw('NCryptIsKeyHandle', 'uintptr_t');
    expect([isKeyHandle(next), isKeyHandle(key), isKeyHandle(store.provider)]).toEqual([1, 0, 0]);
  });

  test('says of what it lacks that it is not supported, and goes on', () => {
    const entries = ['NCryptProtectSecret', 'NCryptTranslateHandle', 'NCryptKeyDerivation'];
    for (const name of [...entries, 'NCryptEncapsulate']) {
      expect(statusName(raw(name)())).toBe('NTE_NOT_SUPPORTED');
    }
    expect(statusName(raw('NCryptFreeBuffer', 'void *')(HASH))).toBe('NTE_INVALID_PARAMETER');
  });
});

describe.runIf(hasDouble)('the ncrypt double: the life of a key', () => {
  const store = useFreshStore();

  /** A finalized key. */
  function makeKey(algorithm: string, name: string | null, flags = 0): bigint {
    const key = must(createKey(store.provider, algorithm, name, { flags }));
    expect(finalizeKey(key)).toBe('ok');
    return key;
  }

  test('refuses arguments that are not valid', () => {
    const { provider } = store;
    expect(createKey(provider, 'AES', 'k')[0]).toBe('NTE_NOT_SUPPORTED');
    expect(createKey(provider, null, 'k')[0]).toBe('NTE_INVALID_PARAMETER');
    expect(createKey(provider, 'RSA', '')[0]).toBe('NTE_INVALID_PARAMETER');
    expect(createKey(provider, 'RSA', 'k'.repeat(513))[0]).toBe('NTE_INVALID_PARAMETER');
    expect(createKey(provider, 'RSA', 'k', { spec: 3 })[0]).toBe('NTE_INVALID_PARAMETER');
    expect(createKey(provider, 'RSA', 'k', { flags: 0x1 })[0]).toBe('NTE_BAD_FLAGS');
    expect(openKey(provider, null)[0]).toBe('NTE_INVALID_PARAMETER');
    expect(openKey(provider, 'k', { flags: OVERWRITE })[0]).toBe('NTE_BAD_FLAGS');
    expect(openKey(provider, 'k')[0]).toBe('NTE_BAD_KEYSET');
  });

  test('lets a key be used when it is finalized and not before, and finalizes once', () => {
    const key = must(createKey(store.provider, 'ECDSA_P256', 'k'));
    expect(signHash(key, HASH, ECDSA)[0]).toBe('NTE_BAD_KEY_STATE');
    expect(verifySignature(key, HASH, Buffer.alloc(64), ECDSA)).toBe('NTE_BAD_KEY_STATE');
    expect(exportKey(key, 'ECCPUBLICBLOB')[0]).toBe('NTE_BAD_KEY_STATE');
    expect(openKey(store.provider, 'k')[0]).toBe('NTE_BAD_KEYSET');
    expect(finalizeKey(key, 0x1)).toBe('NTE_BAD_FLAGS');
    expect(finalizeKey(key)).toBe('ok');
    expect(finalizeKey(key)).toBe('NTE_INVALID_HANDLE');
    const signature = must(signHash(key, HASH, ECDSA));
    const again = must(openKey(store.provider, 'k'));
    expect(verifySignature(again, HASH, signature, ECDSA)).toBe('ok');
    const rsa = must(createKey(store.provider, 'RSA', null));
    const input = Buffer.alloc(256);
    expect(crypt('NCryptDecrypt', rsa, input, NO_PADDING)[0]).toBe('NTE_BAD_KEY_STATE');
    expect(crypt('NCryptEncrypt', rsa, input, NO_PADDING)[0]).toBe('NTE_BAD_KEY_STATE');
  });

  test('knows a name in any case and for any spec as one, of user and machine as two', () => {
    makeKey('ECDSA_P256', 'Ärger');
    const taken = createKey(store.provider, 'RSA', 'äRGER', { spec: 2 });
    expect(taken[0]).toBe('NTE_EXISTS');
    expect(openKey(store.provider, 'ÄRGER', { flags: MACHINE })[0]).toBe('NTE_BAD_KEYSET');
    makeKey('ECDH_P384', 'ärger', MACHINE);
    const machine = must(openKey(store.provider, 'ÄRGER', { flags: MACHINE }));
    expect(getNumber(machine, 'Length')).toEqual(['ok', 384]);
    expect(getNumber(machine, 'Key Type')).toEqual(['ok', MACHINE]);
    expect(enumerateKeys(store.provider)).toEqual(['NTE_NO_MORE_ITEMS', ['Ärger ECDSA_P256 0 0']]);
    const listed = ['NTE_NO_MORE_ITEMS', [`ärger ECDH_P384 0 ${MACHINE}`]];
    expect(enumerateKeys(store.provider, MACHINE)).toEqual(listed);
  });

  test('overwrites when told to, at finalize; older handles keep the key that they have', () => {
    const first = makeKey('ECDSA_P256', 'k');
    const before = must(exportKey(first, 'ECCPUBLICBLOB'));
    const second = must(createKey(store.provider, 'ECDSA_P384', 'k', { flags: OVERWRITE }));
    expect(getNumber(must(openKey(store.provider, 'k')), 'Length')).toEqual(['ok', 256]);
    expect(finalizeKey(second)).toBe('ok');
    expect(getNumber(must(openKey(store.provider, 'k')), 'Length')).toEqual(['ok', 384]);
    expect(must(exportKey(first, 'ECCPUBLICBLOB'))).toEqual(before);
    // Its successor is not its own to delete.
    expect(deleteKey(first)).toBe('NTE_BAD_KEYSET');
    expect(openKey(store.provider, 'k')[0]).toBe('ok');
  });

  test('deletes a key with its handle; other handles go on in memory', async () => {
    const key = makeKey('ECDSA_P256', 'k');
    const other = must(openKey(store.provider, 'k'));
    expect(deleteKey(key, 0x1)).toBe('NTE_BAD_FLAGS');
    expect(deleteKey(key)).toBe('ok');
    expect(freeObject(key)).toBe('NTE_INVALID_HANDLE');
    expect(openKey(store.provider, 'k')[0]).toBe('NTE_BAD_KEYSET');
    expect(signHash(other, HASH, ECDSA)[0]).toBe('ok');
    expect(deleteKey(other)).toBe('NTE_BAD_KEYSET');
    expect(freeObject(other)).toBe('ok');
    expect(enumerateKeys(store.provider)).toEqual(['NTE_NO_MORE_ITEMS', []]);
    expect(await filesOfUser()).toEqual([]);
  });

  test('opens a key in another process', async () => {
    const key = makeKey('RSA', 'k');
    const secret = randomBytes(32);
    const publicKey = rsaPublicKeyOf(must(exportKey(key, 'RSAPUBLICBLOB')));
    const sealed = publicEncrypt({ key: publicKey, oaepHash: 'sha256' }, secret);
    const child = await forkTest(CHILD, ['decrypt', 'k', sealed.toString('hex')]);
    expect(await race([child])).toEqual([secret.toString('hex')]);
  });

  test('lets one of several processes make a name', async () => {
    const children = await Promise.all(
      Array.from({ length: 4 }, () => forkTest(CHILD, ['create', 'k', ''])),
    );
    const statuses = await race<string>(children);
    expect(statuses.toSorted()).toEqual(['NTE_EXISTS', 'NTE_EXISTS', 'NTE_EXISTS', 'ok']);
    // Of two that were begun at once, too.
    const [one, two] = [1, 2].map(() => must(createKey(store.provider, 'ECDSA_P256', 'both')));
    expect([finalizeKey(one!), finalizeKey(two!)]).toEqual(['ok', 'NTE_EXISTS']);
  });

  test('says what is wrong with a key file', async () => {
    const key = makeKey('ECDSA_P256', 'k');
    const unique = Buffer.from(must(getProperty(key, 'Unique Name'))).toString('utf16le');
    const path = join(store.folder, 'user', unique.replace('\0', ''));
    const whole = await readFile(path);
    for (let at = 0; at < whole.length; at += 7) {
      const damaged = Buffer.from(whole);
      damaged[at]! ^= 1;
      await writeFile(path, damaged);
      expect(openKey(store.provider, 'k')[0]).toBe('NTE_KEYSET_ENTRY_BAD');
    }
    expect(enumerateKeys(store.provider)).toEqual(['NTE_NO_MORE_ITEMS', []]);
    await writeFile(path, whole);
    expect(openKey(store.provider, 'k')[0]).toBe('ok');
    expect(deleteKey(key)).toBe('ok');
    // What may not be opened: Windows refuses a folder as it refuses a file of another account.
    await mkdir(path);
    expect(openKey(store.provider, 'k')[0]).toBe('NTE_PERM');
  });

  test('keeps nothing of a key that could not be written', async () => {
    const key = must(createKey(store.provider, 'ECDSA_P256', 'k'));
    store.set('KEYCASK_DOUBLE_FAULT', 'disk-full');
    expect(finalizeKey(key)).toBe('NTE_TOKEN_KEYSET_STORAGE_FULL');
    expect(await filesOfUser()).toEqual([]);
    expect(signHash(key, HASH, ECDSA)[0]).toBe('NTE_BAD_KEY_STATE');
    store.set('KEYCASK_DOUBLE_FAULT', '');
    expect(finalizeKey(key)).toBe('ok');
  });

  test('has VBS when it is told so', () => {
    const { provider } = store;
    const make = (flags: number) => createKey(provider, 'ECDSA_P256', 'k', { flags });
    expect(make(PER_BOOT)[0]).toBe('NTE_BAD_FLAGS');
    expect(make(PREFER_VBS | REQUIRE_VBS)[0]).toBe('NTE_BAD_FLAGS');
    expect(make(REQUIRE_VBS)[0]).toBe('NTE_VBS_UNAVAILABLE');
    const software = must(make(PREFER_VBS | OVERWRITE));
    expect(finalizeKey(software)).toBe('ok');
    expect(getProperty(software, 'Virtual Iso')[0]).toBe('NTE_NOT_SUPPORTED');

    store.set('KEYCASK_DOUBLE_VBS', '1');
    store.set('KEYCASK_DOUBLE_BOOT', '1');
    expect(getNumber(software, 'Virtual Iso')).toEqual(['ok', 0]);
    const isolated = must(make(REQUIRE_VBS | PER_BOOT | OVERWRITE));
    expect(finalizeKey(isolated)).toBe('ok');
    expect(getNumber(isolated, 'Virtual Iso')).toEqual(['ok', 1]);
    expect(getNumber(isolated, 'Per Boot Key')).toEqual(['ok', 1]);
    expect(getNumber(isolated, 'Impl Type')).toEqual(['ok', 0x22]);
    expect(exportKey(isolated, 'ECCPRIVATEBLOB')[0]).toBe('NTE_NOT_SUPPORTED');
    expect(openKey(provider, 'k')[0]).toBe('ok');
    store.set('KEYCASK_DOUBLE_BOOT', '2');
    expect(openKey(provider, 'k')[0]).toBe('NTE_VBS_CANNOT_DECRYPT_KEY');
    store.set('KEYCASK_DOUBLE_VBS', '');
    expect(openKey(provider, 'k')[0]).toBe('NTE_VBS_UNAVAILABLE');
  });

  test('keeps an ephemeral key nowhere', async () => {
    const key = makeKey('ECDH_P256', null);
    expect(exportKey(key, 'ECCPUBLICBLOB')[0]).toBe('ok');
    expect(await filesOfUser()).toEqual([]);
    expect(getProperty(key, 'Modified')[0]).toBe('NTE_NOT_SUPPORTED');
    expect(deleteKey(key)).toBe('ok');
  });

  async function filesOfUser(): Promise<string[]> {
    return readdir(join(store.folder, 'user')).catch(() => []);
  }
});
