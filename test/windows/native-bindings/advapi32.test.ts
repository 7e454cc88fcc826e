/** The bindings of advapi32 on the real DLL: containers, keys, hashes, lists, the registry. */
import { createHash, randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ALG_ID } from '../../../lib/blobs/alg-id.ts';
import { loadAdvapi32, type Advapi32 } from '../../../native-bindings/advapi32.ts';
import * as wincrypt from '../../../native-bindings/wincrypt.ts';
import type { Handle } from '../../../native-bindings/windows-dll.ts';
import { WINDOWS_STATUS } from '../../../native-bindings/windows-status.ts';
import { thrownBy } from '../../support/errors.ts';

const { AT_KEYEXCHANGE, AT_SIGNATURE, CRYPT_EXPORTABLE, MS_ENH_RSA_AES_PROV, PROV_RSA_AES } =
  wincrypt;
/** CryptGenKey has the length in bits in the upper half of its flags. */
const RSA_2048 = 2048 << 16;

let advapi32: Advapi32;
let name: string;
let provider: Handle;

beforeEach(async () => {
  advapi32 = await loadAdvapi32();
  name = `keycask-test-${randomUUID()}`;
  provider = acquire(name, wincrypt.CRYPT_NEWKEYSET);
});

afterEach(() => {
  advapi32.cryptReleaseContext(provider);
  acquire(name, wincrypt.CRYPT_DELETEKEYSET);
});

function acquire(container: string | null, flags: number): Handle {
  return advapi32.cryptAcquireContext(container, MS_ENH_RSA_AES_PROV, PROV_RSA_AES, flags);
}

describe('containers', () => {
  test('are handles, kept as bigints', () => {
    expect(typeof provider).toBe('bigint');
    expect(provider).not.toBe(0n);
  });

  test('one that is there already is CONTAINER_EXISTS', () => {
    expect(thrownBy(() => acquire(name, wincrypt.CRYPT_NEWKEYSET))).toMatchObject({
      code: 'CONTAINER_EXISTS',
      native: { api: 'CryptAcquireContext', value: WINDOWS_STATUS.NTE_EXISTS },
    });
  });

  test('a provider that is not registered is PROVIDER_UNAVAILABLE', () => {
    const act = () => advapi32.cryptAcquireContext(null, 'No such provider', PROV_RSA_AES, 0);
    expect(thrownBy(act)).toMatchObject({ native: { name: 'NTE_KEYSET_NOT_DEF' } });
    expect(thrownBy(act)).toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
  });

  test('are listed under their names', () => {
    const other = `keycask-test-${randomUUID()}`;
    advapi32.cryptReleaseContext(acquire(other, wincrypt.CRYPT_NEWKEYSET));
    try {
      expect(advapi32.enumContainers(provider)).toEqual(expect.arrayContaining([name, other]));
    } finally {
      acquire(other, wincrypt.CRYPT_DELETEKEYSET);
    }
    expect(advapi32.enumContainers(provider)).not.toContain(other);
  });

  test('say their name and where their keys are, and refuse an unknown parameter', () => {
    const ownName = advapi32.cryptGetProvParam(provider, wincrypt.PP_CONTAINER);
    expect(Buffer.from(ownName).toString('latin1')).toBe(`${name}\0`);
    const kind = advapi32.cryptGetProvParam(provider, wincrypt.PP_IMPTYPE);
    expect(Buffer.from(kind)).toEqual(Buffer.from([wincrypt.CRYPT_IMPL_SOFTWARE, 0, 0, 0]));
    expect(thrownBy(() => advapi32.cryptGetProvParam(provider, 0x7777))).toMatchObject({
      native: { api: 'CryptGetProvParam', name: 'NTE_BAD_TYPE' },
    });
  });
});

describe('lists', () => {
  test('providers with their types', () => {
    expect(advapi32.enumProviders()).toContainEqual({
      type: PROV_RSA_AES,
      name: MS_ENH_RSA_AES_PROV,
    });
  });

  test('algorithms with their lengths', () => {
    const algorithms = advapi32.enumAlgorithms(provider);
    const aes = { algId: ALG_ID.CALG_AES_256, defaultLength: 256, minLength: 256, maxLength: 256 };
    expect(algorithms).toContainEqual(expect.objectContaining(aes));
    const rsa = algorithms.find(({ algId }) => algId === ALG_ID.CALG_RSA_KEYX);
    expect(rsa).toMatchObject({ maxLength: 16384 });
    expect(rsa?.name).toMatch(/^RSA_KEYX\0?$/u);
  });
});

describe('keys', () => {
  test('a session key is generated, exported and imported again', async () => {
    const exchange = await advapi32.cryptGenKey(provider, AT_KEYEXCHANGE, RSA_2048);
    const session = await advapi32.cryptGenKey(provider, ALG_ID.CALG_AES_256, CRYPT_EXPORTABLE);
    const blob = advapi32.cryptExportKey(session, exchange, wincrypt.SIMPLEBLOB, 0);
    expect(blob.length).toBe(12 + 256);
    const again = await advapi32.cryptImportKey(provider, blob, exchange, CRYPT_EXPORTABLE);
    const plain = advapi32.cryptExportKey(session, 0n, wincrypt.PLAINTEXTKEYBLOB, 0);
    expect(plain.length).toBe(12 + 32);
    expect(advapi32.cryptExportKey(again, 0n, wincrypt.PLAINTEXTKEYBLOB, 0)).toEqual(plain);
    for (const key of [again, session, exchange]) advapi32.cryptDestroyKey(key);
  });

  test('a private key that is not exportable is EXPORT_FORBIDDEN', async () => {
    const key = await advapi32.cryptGenKey(provider, AT_KEYEXCHANGE, RSA_2048);
    const act = () => advapi32.cryptExportKey(key, 0n, wincrypt.PRIVATEKEYBLOB, 0);
    expect(thrownBy(act)).toMatchObject({
      code: 'EXPORT_FORBIDDEN',
      native: { api: 'CryptExportKey', value: WINDOWS_STATUS.NTE_BAD_KEY_STATE },
    });
    expect(thrownBy(() => advapi32.cryptGetUserKey(provider, AT_SIGNATURE))).toMatchObject({
      native: { api: 'CryptGetUserKey', name: 'NTE_NO_KEY' },
    });
    advapi32.cryptDestroyKey(key);
  });

  test('a blob that is none rejects, and leaves the caller’s bytes alone', async () => {
    const blob = new Uint8Array(40).fill(9);
    await expect(advapi32.cryptImportKey(provider, blob, 0n, 0)).rejects.toMatchObject({
      native: { api: 'CryptImportKey', family: 'win32' },
    });
    expect(blob).toEqual(new Uint8Array(40).fill(9));
  });

  test('decrypt what they encrypted, and refuse what was changed', async () => {
    const key = await advapi32.cryptGenKey(provider, AT_KEYEXCHANGE, RSA_2048);
    const data = Uint8Array.of(1, 2, 3);
    const ciphertext = advapi32.cryptEncrypt(key, data, 0);
    expect(ciphertext.length).toBe(256);
    const given = Uint8Array.from(ciphertext);
    expect(await advapi32.cryptDecrypt(key, given, 0)).toEqual(data);
    expect(given).toEqual(ciphertext);
    given[200]! ^= 1;
    await expect(advapi32.cryptDecrypt(key, given, 0)).rejects.toMatchObject({
      native: { api: 'CryptDecrypt' },
    });
    const tooLong = () => advapi32.cryptEncrypt(key, new Uint8Array(300), 0);
    expect(thrownBy(tooLong)).toMatchObject({ native: { api: 'CryptEncrypt' } });
    advapi32.cryptDestroyKey(key);
  });

  test('a symmetric key takes parameters', async () => {
    const key = await advapi32.cryptGenKey(provider, ALG_ID.CALG_AES_128, 0);
    const iv = new Uint8Array(16).fill(5);
    advapi32.cryptSetKeyParam(key, wincrypt.KP_IV, iv);
    expect(advapi32.cryptGetKeyParam(key, wincrypt.KP_IV)).toEqual(iv);
    const ciphertext = advapi32.cryptEncrypt(key, new Uint8Array(16), 0);
    expect(ciphertext.length).toBe(32);
    advapi32.cryptSetKeyParam(key, wincrypt.KP_IV, iv);
    expect(await advapi32.cryptDecrypt(key, ciphertext, 0)).toEqual(new Uint8Array(16));
    advapi32.cryptDestroyKey(key);
  });

  test('many calls at once do not wait for each other’s promises', async () => {
    const calls = Array.from({ length: 300 }, () =>
      advapi32.cryptGenKey(provider, ALG_ID.CALG_AES_256, 0),
    );
    const keys = await Promise.all(calls);
    expect(new Set(keys).size).toBe(300);
    for (const key of keys) advapi32.cryptDestroyKey(key);
  });
});

describe('hashes', () => {
  test('are signed and verified; a changed signature is not that of the hash', async () => {
    const key = await advapi32.cryptGenKey(provider, AT_SIGNATURE, RSA_2048);
    const hash = advapi32.cryptCreateHash(provider, ALG_ID.CALG_SHA_256);
    advapi32.cryptHashData(hash, Buffer.from('keycask'));
    const signature = await advapi32.cryptSignHash(hash, AT_SIGNATURE, 0);
    expect(signature.length).toBe(256);
    expect(advapi32.cryptVerifySignature(hash, signature, key, 0)).toBe(true);
    signature[10]! ^= 1;
    expect(advapi32.cryptVerifySignature(hash, signature, key, 0)).toBe(false);
    await expect(advapi32.cryptSignHash(hash, AT_KEYEXCHANGE, 0)).rejects.toMatchObject({
      native: { api: 'CryptSignHash', name: 'NTE_NO_KEY' },
    });
    advapi32.cryptDestroyHash(hash);
    advapi32.cryptDestroyKey(key);
  });

  test('are computed, or given', () => {
    const digest = createHash('sha256').update('keycask').digest();
    const computed = advapi32.cryptCreateHash(provider, ALG_ID.CALG_SHA_256);
    advapi32.cryptHashData(computed, Buffer.from('keycask'));
    const given = advapi32.cryptCreateHash(provider, ALG_ID.CALG_SHA_256);
    advapi32.cryptSetHashParam(given, wincrypt.HP_HASHVAL, digest);
    for (const hash of [computed, given]) {
      const value = advapi32.cryptGetHashParam(hash, wincrypt.HP_HASHVAL);
      expect(Buffer.from(value)).toEqual(digest);
      advapi32.cryptDestroyHash(hash);
    }
  });
});

test('random bytes differ', () => {
  const [one, other] = [
    advapi32.cryptGenRandom(provider, 32),
    advapi32.cryptGenRandom(provider, 32),
  ];
  expect(one.length).toBe(32);
  expect(one).not.toEqual(other);
});

describe('the registry', () => {
  test('has strings of any length, or says that there is none', () => {
    const key = String.raw`Software\Microsoft\Cryptography`;
    expect(advapi32.regGetString('HKLM', key, 'MachineGuid')).toMatch(/^[0-9a-f-]{36}$/iu);
    expect(advapi32.regGetString('HKLM', key, 'keycask no such value')).toBeUndefined();
    expect(advapi32.regGetString('HKCU', 'keycask no such key', 'x')).toBeUndefined();
  });
});
