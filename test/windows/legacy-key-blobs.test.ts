/** Key blobs and RSA ciphertexts that CryptoAPI makes during this run, against lib/blobs and lib/legacy: both ways. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALG_ID, algIdName } from '../../lib/blobs/alg-id.ts';
import { decodeKeyBlob, encodeKeyBlob } from '../../lib/blobs/key-blob.ts';
import { decodeSimpleBlob } from '../../lib/blobs/simple-blob.ts';
import { reverseBytes, toHex } from '../../lib/bytes/octets.ts';
import { SecretBytes } from '../../lib/keys/secret-bytes.ts';
import { capiRsaDecrypt, capiRsaEncrypt } from '../../lib/legacy/rsa-encryption.ts';
import { unwrapSimpleBlob, wrapSimpleBlob } from '../../lib/legacy/simple-blob.ts';
import {
  AT_KEYEXCHANGE,
  AT_SIGNATURE,
  CRYPT_DELETEKEYSET,
  CRYPT_EXPORTABLE,
  CRYPT_NEWKEYSET,
  CRYPT_OAEP,
  PLAINTEXTKEYBLOB,
  PRIVATEKEYBLOB,
  PUBLICKEYBLOB,
  SIMPLEBLOB,
} from '../../native-bindings/wincrypt.ts';
import type { Handle } from '../../native-bindings/windows-dll.ts';
import { importKey, isWine, keyBytes } from '../support/capi-calls.ts';
import { acquire, api } from '../support/cryptoapi.ts';

const SESSION_KEYS = [
  { algId: ALG_ID.CALG_RC2, length: 5 },
  { algId: ALG_ID.CALG_RC2, length: 7 },
  { algId: ALG_ID.CALG_RC2, length: 16 },
  { algId: ALG_ID.CALG_RC4, length: 5 },
  { algId: ALG_ID.CALG_RC4, length: 7 },
  { algId: ALG_ID.CALG_RC4, length: 16 },
  { algId: ALG_ID.CALG_DES, length: 8 },
  { algId: ALG_ID.CALG_3DES_112, length: 16 },
  { algId: ALG_ID.CALG_3DES, length: 24 },
  { algId: ALG_ID.CALG_AES_128, length: 16 },
  { algId: ALG_ID.CALG_AES_192, length: 24 },
  { algId: ALG_ID.CALG_AES_256, length: 32 },
].map((kind) => ({ ...kind, name: `${algIdName(kind.algId) ?? ''} of ${kind.length} bytes` }));
const PADDINGS = { pkcs1: 0, oaep: CRYPT_OAEP } as const;
/** Of PKCS#1 and of OAEP with SHA-1. */
const OVERHEAD = { pkcs1: 11, oaep: 42 } as const;

const text = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (index * 7 + length) & 0xff);

describe.each([512, 768, 1024, 2048, 4096])('with RSA of %i bits', (bits) => {
  const container = `keycask-legacy-blobs-${bits}`;
  let context: Handle;
  let pair: Handle;
  let signingPair: Handle;
  let privateKey: Uint8Array;
  let publicKey: Uint8Array;

  beforeAll(async () => {
    context = acquire(container, CRYPT_NEWKEYSET);
    pair = await api.cryptGenKey(context, AT_KEYEXCHANGE, (bits << 16) | CRYPT_EXPORTABLE);
    // One of them is enough to see the other ALG_ID.
    const signingBits = Math.min(bits, 1024);
    const flags = (signingBits << 16) | CRYPT_EXPORTABLE;
    signingPair = await api.cryptGenKey(context, AT_SIGNATURE, flags);
    privateKey = api.cryptExportKey(pair, 0n, PRIVATEKEYBLOB, 0);
    publicKey = api.cryptExportKey(pair, 0n, PUBLICKEYBLOB, 0);
  });
  afterAll(() => {
    api.cryptDestroyKey(pair);
    api.cryptDestroyKey(signingPair);
    api.cryptReleaseContext(context);
    acquire(container, CRYPT_DELETEKEYSET);
  });

  test('a PUBLICKEYBLOB and a PRIVATEKEYBLOB are read, and written as they were', () => {
    const blobs = [
      publicKey,
      privateKey,
      api.cryptExportKey(signingPair, 0n, PUBLICKEYBLOB, 0),
      api.cryptExportKey(signingPair, 0n, PRIVATEKEYBLOB, 0),
    ];
    const decoded = blobs.map((blob) => decodeKeyBlob(blob));
    expect(decoded.map(({ type }) => type)).toEqual([
      'PUBLICKEYBLOB',
      'PRIVATEKEYBLOB',
      'PUBLICKEYBLOB',
      'PRIVATEKEYBLOB',
    ]);
    for (const [index, blob] of blobs.entries())
      expect(toHex(encodeKeyBlob(decoded[index]!))).toBe(toHex(blob));
  });

  describe.each(['pkcs1', 'oaep'] as const)('and padding %s', (padding) => {
    async function importAgain(blob: Uint8Array, key: Uint8Array): Promise<void> {
      const flags = CRYPT_EXPORTABLE | PADDINGS[padding];
      const imported = await api.cryptImportKey(context, blob, pair, flags);
      expect(toHex(keyBytes(imported))).toBe(toHex(key));
      api.cryptDestroyKey(imported);
    }

    const room = bits / 8 - OVERHEAD[padding];
    const fitting = SESSION_KEYS.filter(({ length }) => length <= room);

    test.each(fitting)('a SIMPLEBLOB of $name opens, and CryptoAPI opens ours', async (kind) => {
      const { algId, length } = kind;
      const native = await importKey(context, algId, text(length));
      const blob = api.cryptExportKey(native, pair, SIMPLEBLOB, PADDINGS[padding]);
      using key = await unwrapSimpleBlob(blob, privateKey, { padding });
      expect([key.algId, toHex(key.key.bytes)]).toEqual([algId, toHex(text(length))]);
      const plain = decodeKeyBlob(api.cryptExportKey(native, 0n, PLAINTEXTKEYBLOB, 0));
      expect(plain).toMatchObject({ type: 'PLAINTEXTKEYBLOB', algId });
      const ours = wrapSimpleBlob(publicKey, key, { padding });
      const { encryptedKey } = decodeSimpleBlob(ours);
      const ciphertext = reverseBytes(encryptedKey);
      const decrypted = await api.cryptDecrypt(pair, ciphertext, PADDINGS[padding]);
      expect(toHex(decrypted)).toBe(toHex(text(length)));
      // Wine's CryptImportKey does not know CRYPT_OAEP: it refuses its own blobs too.
      if (!isWine || padding === 'pkcs1') await importAgain(ours, text(length));
      api.cryptDestroyKey(native);
    });

    test('what CryptEncrypt makes opens, and CryptDecrypt opens ours', async () => {
      for (const length of [1, 8, room]) {
        if (length > room) continue;
        const ciphertext = api.cryptEncrypt(pair, text(length), PADDINGS[padding]);
        using message = capiRsaDecrypt(privateKey, ciphertext, { padding });
        expect(toHex(message.bytes), `${length} bytes`).toBe(toHex(text(length)));
        const ours = capiRsaEncrypt(publicKey, SecretBytes.copy(text(length)), { padding });
        const decrypted = await api.cryptDecrypt(pair, ours, PADDINGS[padding]);
        expect(toHex(decrypted), `${length} bytes`).toBe(toHex(text(length)));
      }
    });
  });
});
