/** The double of ncrypt.dll and CryptoAPI: a key that is written to both, and one that CryptoAPI made. */
import { constants, publicEncrypt, randomBytes, type KeyObject } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { loadAdvapi32, type Advapi32 } from '../../../native-bindings/advapi32.ts';
import { hasDouble, useFreshStore } from '../../native/ncrypt-double/fresh-store.ts';
import {
  createKey,
  crypt,
  deleteKey,
  dword,
  exportKey,
  finalizeKey,
  getNumber,
  getProperty,
  importKey,
  must,
  openKey,
  setProperty,
} from '../../native/ncrypt-double/raw-ncrypt.ts';
import { oaep, PKCS1_ENCRYPTION, wide } from '../../native/ncrypt-double/raw-structures.ts';
import { codeOf, codeOfAsync } from '../../support/errors.ts';
import { rsaPublicKeyOf } from './blob-keys.ts';

const PROVIDER = 'Microsoft Enhanced RSA and AES Cryptographic Provider';
const PROV_RSA_AES = 24;
const NEW_KEYSET = 0x8;
const DELETE_KEYSET = 0x10;
const WRITE_TO_LEGACY_STORE = 0x200;
const DO_NOT_FINALIZE = 0x400;
const OVERWRITE = 0x80;
const EXPORTABLE = 0x1;
const EXCHANGE = 1;
const SIGNATURE = 2;
const PRIVATEKEYBLOB = 7;
const CONTAINER = 'ncrypt-double-test';
const SECRET = randomBytes(32);

describe.runIf(hasDouble)('the ncrypt double: the legacy store', () => {
  const store = useFreshStore();

  afterEach(async () => {
    const advapi32 = await loadAdvapi32();
    codeOf(() => advapi32.cryptAcquireContext(CONTAINER, PROVIDER, PROV_RSA_AES, DELETE_KEYSET));
  });

  const acquire = (advapi32: Advapi32, flags = 0): bigint =>
    advapi32.cryptAcquireContext(CONTAINER, PROVIDER, PROV_RSA_AES, flags);

  /** A key that is in both stores. */
  function makeKey(spec: number, policy: number, flags = 0): string {
    const key = must(createKey(store.provider, 'RSA', CONTAINER, { spec, flags }));
    expect(setProperty(key, 'Export Policy', dword(policy))).toBe('ok');
    return finalizeKey(key, WRITE_TO_LEGACY_STORE);
  }

  function publicKeyOf(key: bigint): KeyObject {
    return rsaPublicKeyOf(must(exportKey(key, 'RSAPUBLICBLOB')));
  }

  test.each([EXCHANGE, SIGNATURE])('writes a key to slot %i of a container', async (spec) => {
    const advapi32 = await loadAdvapi32();
    expect(makeKey(spec, 3)).toBe('ok');
    const key = must(openKey(store.provider, CONTAINER));
    const provider = acquire(advapi32);
    const legacy = advapi32.cryptGetUserKey(provider, spec);
    const blob = advapi32.cryptExportKey(legacy, 0n, PRIVATEKEYBLOB, 0);
    expect(must(exportKey(key, 'CAPIPRIVATEBLOB'))).toEqual(Buffer.from(blob));
    expect(codeOf(() => advapi32.cryptGetUserKey(provider, 3 - spec))).toBe('CONTAINER_NOT_FOUND');
    advapi32.cryptDestroyKey(legacy);
    advapi32.cryptReleaseContext(provider);
  });

  test('writes a key that may not leave so that it may not leave CryptoAPI either', async () => {
    const advapi32 = await loadAdvapi32();
    expect(makeKey(EXCHANGE, 0)).toBe('ok');
    const provider = acquire(advapi32);
    const legacy = advapi32.cryptGetUserKey(provider, EXCHANGE);
    expect(codeOf(() => advapi32.cryptExportKey(legacy, 0n, PRIVATEKEYBLOB, 0))).toBe(
      'EXPORT_FORBIDDEN',
    );
    const publicKey = publicKeyOf(must(openKey(store.provider, CONTAINER)));
    const padding = constants.RSA_PKCS1_PADDING;
    const sealed = publicEncrypt({ key: publicKey, padding }, SECRET);
    // CryptoAPI's numbers are little-endian.
    const opened = await advapi32.cryptDecrypt(legacy, sealed.toReversed(), 0);
    expect(Buffer.from(opened)).toEqual(SECRET);
    advapi32.cryptDestroyKey(legacy);
    advapi32.cryptReleaseContext(provider);
  });

  test('does not replace a key in the container unless told to', () => {
    expect(makeKey(EXCHANGE, 0)).toBe('ok');
    expect(deleteKey(must(openKey(store.provider, CONTAINER)))).toBe('ok');
    expect(makeKey(EXCHANGE, 0)).toBe('NTE_EXISTS');
    expect(makeKey(EXCHANGE, 0, OVERWRITE)).toBe('ok');
    const curve = must(createKey(store.provider, 'ECDH_P256', 'curve'));
    expect(finalizeKey(curve, WRITE_TO_LEGACY_STORE)).toBe('NTE_NOT_SUPPORTED');
    const ephemeral = must(createKey(store.provider, 'RSA', null));
    expect(finalizeKey(ephemeral, WRITE_TO_LEGACY_STORE)).toBe('NTE_BAD_FLAGS');
  });

  test.each([EXPORTABLE, 0])('opens a container that CryptoAPI made, flags %i', async (flags) => {
    const advapi32 = await loadAdvapi32();
    const provider = acquire(advapi32, NEW_KEYSET);
    for (const spec of [SIGNATURE, EXCHANGE]) {
      expect(openKey(store.provider, CONTAINER, { spec })[0]).toBe('NTE_BAD_KEYSET');
      const made = await advapi32.cryptGenKey(provider, spec, (2048 << 16) | flags);
      advapi32.cryptDestroyKey(made);
    }
    advapi32.cryptReleaseContext(provider);
    const exchange = must(openKey(store.provider, CONTAINER));
    const signature = must(openKey(store.provider, CONTAINER, { spec: SIGNATURE }));
    expect(publicKeyOf(exchange).equals(publicKeyOf(signature))).toBe(false);
    expect(getNumber(exchange, 'Length')).toEqual(['ok', 2048]);
    expect(must(getProperty(exchange, 'Name'))).toEqual(wide(CONTAINER));
    expect(setProperty(exchange, 'custom', wide('x'), 0x8000_0000)).toBe('NTE_NOT_SUPPORTED');
    expect(exportKey(exchange, 'RSAPRIVATEBLOB')[0]).toBe(flags ? 'ok' : 'NTE_NOT_SUPPORTED');
    const sealed = publicEncrypt({ key: publicKeyOf(exchange), oaepHash: 'sha1' }, SECRET);
    expect(crypt('NCryptDecrypt', exchange, sealed, oaep('SHA1'))).toEqual(['ok', SECRET]);

    // One slot goes, the other stays; then the container goes.
    expect(deleteKey(exchange)).toBe('ok');
    expect(openKey(store.provider, CONTAINER, { spec: EXCHANGE })[0]).toBe('NTE_BAD_KEYSET');
    const left = must(openKey(store.provider, CONTAINER));
    expect(publicKeyOf(left).equals(publicKeyOf(signature))).toBe(true);
    expect(deleteKey(left)).toBe('ok');
    expect(await codeOfAsync(Promise.resolve().then(() => acquire(advapi32)))).toBe(
      'CONTAINER_NOT_FOUND',
    );
  });

  test('prefers its own file to a container', async () => {
    const advapi32 = await loadAdvapi32();
    const provider = acquire(advapi32, NEW_KEYSET);
    advapi32.cryptDestroyKey(await advapi32.cryptGenKey(provider, EXCHANGE, 1024 << 16));
    advapi32.cryptReleaseContext(provider);
    const own = must(createKey(store.provider, 'RSA', CONTAINER, { spec: EXCHANGE }));
    expect(finalizeKey(own)).toBe('ok');
    const opened = must(openKey(store.provider, CONTAINER, { spec: EXCHANGE }));
    expect(getNumber(opened, 'Length')).toEqual(['ok', 2048]);
    expect(deleteKey(opened)).toBe('ok');
    const legacy = must(openKey(store.provider, CONTAINER));
    expect(getNumber(legacy, 'Length')).toEqual(['ok', 1024]);
  });

  test('takes a PRIVATEKEYBLOB of CryptoAPI, and CryptoAPI opens what its public half seals', async () => {
    const advapi32 = await loadAdvapi32();
    const provider = acquire(advapi32, NEW_KEYSET);
    const legacy = await advapi32.cryptGenKey(provider, EXCHANGE, (2048 << 16) | EXPORTABLE);
    const blob = advapi32.cryptExportKey(legacy, 0n, PRIVATEKEYBLOB, 0);
    const flags = DO_NOT_FINALIZE;
    const key = must(importKey(store.provider, 'CAPIPRIVATEBLOB', blob, { name: 'capi', flags }));
    expect(finalizeKey(key)).toBe('ok');
    const sealed = must(crypt('NCryptEncrypt', key, SECRET, PKCS1_ENCRYPTION));
    const opened = await advapi32.cryptDecrypt(legacy, sealed.toReversed(), 0);
    expect(Buffer.from(opened)).toEqual(SECRET);
    advapi32.cryptDestroyKey(legacy);
    advapi32.cryptReleaseContext(provider);
  });
});
