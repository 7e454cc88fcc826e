/** Both ways between keycask and bare calls of CryptoAPI: session keys of every algorithm, signatures, records, RSA of three sizes. */
import { createPrivateKey, randomBytes, type KeyObject } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Handle } from '../../native-bindings/windows-dll.ts';
import {
  AT_KEYEXCHANGE,
  AT_SIGNATURE,
  CRYPT_EXPORTABLE,
  CRYPT_VERIFYCONTEXT,
  PLAINTEXTKEYBLOB,
  PRIVATEKEYBLOB,
  PUBLICKEYBLOB,
  SIMPLEBLOB,
} from '../../native-bindings/wincrypt.ts';
import { ALG_ID, algIdName, plausibleKeyLengths } from '../../lib/blobs/alg-id.ts';
import { decodePlaintextKeyBlob } from '../../lib/blobs/plaintext-key-blob.ts';
import { decodeSimpleBlob, encodeSimpleBlob } from '../../lib/blobs/simple-blob.ts';
import { reverseBytes, toHex } from '../../lib/bytes/octets.ts';
import type { PersistedKey, Provider } from '../../lib/contracts/provider.ts';
import { rsaPrivateKeyFromBlob, rsaPublicKeyToBlob } from '../../lib/keys/rsa-key-blob.ts';
import { unwrapRsaPkcs1, wrapRsaPkcs1 } from '../../lib/keys/rsa-pkcs1.ts';
import { SecretBytes } from '../../lib/keys/secret-bytes.ts';
import { parsePublicKey, signMessage, verifySignature } from '../../lib/keys/signature.ts';
import { openSoftwareProvider } from '../../lib/providers/software/index.ts';
import { openKeyRecord } from '../../lib/records/open.ts';
import {
  classicRecordOf,
  recordFor,
  type TestRecord,
} from '../../lib/testing/provider/test-messages.ts';
import {
  acquire,
  api,
  cryptoApiHome,
  keyIn,
  spkiOf,
  type CryptoApiHome,
} from '../support/cryptoapi.ts';

/** What CryptGenKey makes; the length in bits where the algorithm leaves it open. */
const SESSION_KEYS = [
  { algId: ALG_ID.CALG_AES_128, length: 16 },
  { algId: ALG_ID.CALG_AES_192, length: 24 },
  { algId: ALG_ID.CALG_AES_256, length: 32 },
  { algId: ALG_ID.CALG_3DES, length: 24 },
  { algId: ALG_ID.CALG_3DES_112, length: 16 },
  { algId: ALG_ID.CALG_DES, length: 8 },
  { algId: ALG_ID.CALG_RC2, bits: 40, length: 5 },
  { algId: ALG_ID.CALG_RC2, bits: 128, length: 16 },
  { algId: ALG_ID.CALG_RC4, bits: 40, length: 5 },
  { algId: ALG_ID.CALG_RC4, bits: 128, length: 16 },
].map((kind) => ({ bits: 0, ...kind, title: `${algIdName(kind.algId)} of ${kind.length} bytes` }));

describe.each([1024, 2048, 4096])('with an RSA key of %i bits', (rsaBits) => {
  let home: CryptoApiHome;
  let context: Handle;
  let pair: Handle;
  /** The same pair: in node:crypto, in a software key, in a cryptoapi key. */
  let privateKey: KeyObject;
  let publicKey: Uint8Array;
  let software: Provider;
  let cryptoApi: Provider;
  let softwareKey: PersistedKey;
  let cryptoApiKey: PersistedKey;

  beforeAll(async () => {
    home = await cryptoApiHome();
    context = acquire(null, CRYPT_VERIFYCONTEXT);
    pair = await api.cryptGenKey(context, AT_KEYEXCHANGE, (rsaBits << 16) | CRYPT_EXPORTABLE);
    using blob = SecretBytes.take(api.cryptExportKey(pair, 0n, PRIVATEKEYBLOB, 0));
    using pkcs8 = rsaPrivateKeyFromBlob(blob.bytes);
    privateKey = createPrivateKey({
      key: Buffer.from(pkcs8.bytes),
      format: 'der',
      type: 'pkcs8',
    });
    publicKey = spkiOf(context, AT_KEYEXCHANGE);
    software = await openSoftwareProvider();
    cryptoApi = await home.open();
    softwareKey = await keyIn(software, null, 'AT_KEYEXCHANGE', { key: privateKey });
    cryptoApiKey = await keyIn(cryptoApi, 'keycask test interop', 'AT_KEYEXCHANGE', {
      key: privateKey,
    });
  });

  afterAll(async () => {
    await software.close();
    await cryptoApi.close();
    api.cryptDestroyKey(pair);
    api.cryptReleaseContext(context);
    await home.remove();
  });

  describe.each(SESSION_KEYS)('$title', ({ algId, bits, length }) => {
    it('comes out of the SIMPLEBLOB that CryptExportKey made, here and as a classic record', async () => {
      const key = await api.cryptGenKey(context, algId, (bits << 16) | CRYPT_EXPORTABLE);
      const simpleBlob = api.cryptExportKey(key, pair, SIMPLEBLOB, 0);
      using sessionKey = plaintextOf(key);
      api.cryptDestroyKey(key);
      expect(sessionKey.length).toBe(length);

      const decoded = decodeSimpleBlob(simpleBlob);
      expect(decoded.algId).toBe(algId);
      const lengths = plausibleKeyLengths(algId);
      using unwrapped = unwrapRsaPkcs1(privateKey, decoded.encryptedKey, lengths);
      expect(toHex(unwrapped.bytes)).toBe(toHex(sessionKey.bytes));

      const record = await classicRecordOf(publicKey, sessionKey, simpleBlob);
      for (const opener of [softwareKey, cryptoApiKey])
        expect(await opened(opener, record)).toBe(toHex(sessionKey.bytes));
    });

    it('goes into CryptImportKey as the SIMPLEBLOB that was made here, and comes out again', async () => {
      using sessionKey = makeSessionKey(length, algId);
      const encryptedKey = wrapRsaPkcs1(parsePublicKey(publicKey), sessionKey);
      const simpleBlob = encodeSimpleBlob({ algId, encryptedKey });
      const key = await api.cryptImportKey(context, simpleBlob, pair, CRYPT_EXPORTABLE);
      using imported = plaintextOf(key);
      expect(toHex(imported.bytes)).toBe(toHex(sessionKey.bytes));
      // Wrapped once more by CryptoAPI, it is still that key.
      const again = api.cryptExportKey(key, pair, SIMPLEBLOB, 0);
      api.cryptDestroyKey(key);
      using unwrapped = unwrapRsaPkcs1(privateKey, decodeSimpleBlob(again).encryptedKey, [length]);
      expect(toHex(unwrapped.bytes)).toBe(toHex(sessionKey.bytes));
      const record = await classicRecordOf(publicKey, sessionKey, simpleBlob);
      for (const opener of [softwareKey, cryptoApiKey])
        expect(await opened(opener, record)).toBe(toHex(sessionKey.bytes));
    });
  });

  it.each(['oaep-sha1', 'pkcs1'] as const)(
    'opens a record by %s through either provider',
    async (rsa) => {
      const record = await recordFor(publicKey, rsa);
      for (const opener of [softwareKey, cryptoApiKey])
        expect(await opened(opener, record)).toBe(toHex(record.sessionKey));
    },
  );

  it('makes a SIMPLEBLOB that a bare CryptImportKey and the software provider open', async () => {
    const { simpleBlob, sessionKey } = await cryptoApiKey.createSessionKeyBlob(256);
    using made = sessionKey;
    const key = await api.cryptImportKey(context, simpleBlob, pair, CRYPT_EXPORTABLE);
    using imported = plaintextOf(key);
    api.cryptDestroyKey(key);
    expect(toHex(imported.bytes)).toBe(toHex(made.bytes));
    const record = await classicRecordOf(publicKey, made, simpleBlob);
    expect(await opened(softwareKey, record)).toBe(toHex(made.bytes));
  });

  it('verifies here what CryptSignHash signed, with either key', async () => {
    const other = acquire(null, CRYPT_VERIFYCONTEXT);
    api.cryptDestroyKey(await api.cryptGenKey(other, AT_SIGNATURE, 1024 << 16));
    for (const [signer, slot] of [
      [context, AT_KEYEXCHANGE],
      [other, AT_SIGNATURE],
    ] as const) {
      const data = randomBytes(1000);
      const hash = hashOf(signer, data);
      const signature = reverseBytes(await api.cryptSignHash(hash, slot, 0));
      api.cryptDestroyHash(hash);
      const spki = spkiOf(signer, slot);
      expect(verifySignature(spki, 'rsa-pkcs1-sha256', data, signature)).toBe(true);
      data[0]! ^= 1;
      expect(verifySignature(spki, 'rsa-pkcs1-sha256', data, signature)).toBe(false);
    }
    api.cryptReleaseContext(other);
  });

  it('signs here what CryptVerifySignature verifies', async () => {
    const data = randomBytes(1000);
    const signature = await signMessage(privateKey, 'rsa-pkcs1-sha256', data);
    const blob = rsaPublicKeyToBlob(publicKey, ALG_ID.CALG_RSA_KEYX);
    expect(toHex(blob)).toBe(toHex(api.cryptExportKey(pair, 0n, PUBLICKEYBLOB, 0)));
    const verifier = acquire(null, CRYPT_VERIFYCONTEXT);
    const key = await api.cryptImportKey(verifier, blob, 0n, 0);
    const verifies = (signed: Uint8Array): boolean => {
      const hash = hashOf(verifier, signed);
      const fits = api.cryptVerifySignature(hash, reverseBytes(signature), key, 0);
      api.cryptDestroyHash(hash);
      return fits;
    };
    expect(verifies(data)).toBe(true);
    data[0]! ^= 1;
    expect(verifies(data)).toBe(false);
    api.cryptDestroyKey(key);
    api.cryptReleaseContext(verifier);
  });
});

async function opened(key: PersistedKey, { record, keyId }: TestRecord): Promise<string> {
  using sessionKey = await openKeyRecord(record, { exchangeKeys: [{ key, keyId }] });
  return toHex(sessionKey.bytes);
}

function plaintextOf(key: Handle): SecretBytes {
  using blob = SecretBytes.take(api.cryptExportKey(key, 0n, PLAINTEXTKEYBLOB, 0));
  return SecretBytes.copy(decodePlaintextKeyBlob(blob.bytes).key);
}

/** Random; of DES with odd parity in each byte, as its keys have it. */
function makeSessionKey(length: number, algId: number): SecretBytes {
  const key = SecretBytes.random(length);
  if (!algIdName(algId)?.includes('DES')) return key;
  for (const [at, byte] of key.bytes.entries()) {
    const ones = byte.toString(2).replaceAll('0', '').length;
    if (ones % 2 === 0) key.bytes[at] = byte ^ 1;
  }
  return key;
}

function hashOf(provider: Handle, data: Uint8Array): Handle {
  const hash = api.cryptCreateHash(provider, ALG_ID.CALG_SHA_256);
  api.cryptHashData(hash, data);
  return hash;
}
