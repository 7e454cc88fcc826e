/** Hashes, MACs and signatures that CryptoAPI makes during this run, against lib/legacy. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALG_ID, algIdName } from '../../lib/blobs/alg-id.ts';
import { toHex } from '../../lib/bytes/octets.ts';
import { importCapiKey } from '../../lib/legacy/capi-key.ts';
import { capiHash } from '../../lib/legacy/hash.ts';
import { hashSessionKey } from '../../lib/legacy/hash-session-key.ts';
import { capiCbcMac, capiHmac } from '../../lib/legacy/mac.ts';
import { capiSign, capiVerify } from '../../lib/legacy/signature.ts';
import {
  AT_KEYEXCHANGE,
  AT_SIGNATURE,
  CRYPT_DELETEKEYSET,
  CRYPT_EXPORTABLE,
  CRYPT_IPSEC_HMAC_KEY,
  CRYPT_NEWKEYSET,
  CRYPT_NOHASHOID,
  PRIVATEKEYBLOB,
  PUBLICKEYBLOB,
} from '../../native-bindings/wincrypt.ts';
import type { Handle } from '../../native-bindings/windows-dll.ts';
import {
  contextOf,
  hashOf,
  hashSessionKeyInto,
  importKey,
  isWine,
  number32,
  signData,
} from '../support/capi-calls.ts';
import { acquire, api } from '../support/cryptoapi.ts';

const HASHES = (['MD2', 'MD4', 'MD5', 'SHA1', 'SHA_256', 'SHA_384', 'SHA_512'] as const).map(
  (name) => ({ name, hashAlgId: ALG_ID[`CALG_${name}`] }),
);
const BLOCK_CIPHERS = [
  { algId: ALG_ID.CALG_RC2, length: 5 },
  { algId: ALG_ID.CALG_RC2, length: 16 },
  { algId: ALG_ID.CALG_DES, length: 8 },
  { algId: ALG_ID.CALG_3DES_112, length: 16 },
  { algId: ALG_ID.CALG_3DES, length: 24 },
  { algId: ALG_ID.CALG_AES_128, length: 16 },
  { algId: ALG_ID.CALG_AES_192, length: 24 },
  { algId: ALG_ID.CALG_AES_256, length: 32 },
].map((kind) => ({ ...kind, name: `${algIdName(kind.algId) ?? ''} of ${kind.length} bytes` }));

const text = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (index * 7 + length) & 0xff);

const aes = contextOf('aes');
afterAll(() => api.cryptReleaseContext(aes));

test.each(HASHES)('$name is the same', async ({ hashAlgId }) => {
  for (const length of [0, 1, 55, 56, 63, 64, 65, 111, 112, 127, 128, 129, 1000]) {
    const native = hashOf(aes, hashAlgId, (hash) => api.cryptHashData(hash, text(length)));
    expect(toHex(await capiHash(hashAlgId, text(length))), `${length} bytes`).toBe(toHex(native));
  }
});

/** HMAC_INFO (wincrypt.h) on x64: HashAlgid, then two pointers with their lengths, all of them zero for the default strings. */
function hmacInfo(hashAlgId: number): Uint8Array {
  const info = new Uint8Array(40);
  info.set(number32(hashAlgId));
  return info;
}

test.each(HASHES)('HMAC of $name is the same', async ({ hashAlgId, name }) => {
  // Wine pads the key of SHA-384 and SHA-512 to 64 bytes as well: the given strings of 64 make the same of it.
  const strings =
    isWine && (name === 'SHA_384' || name === 'SHA_512')
      ? {
          innerString: new Uint8Array(64).fill(0x36),
          outerString: new Uint8Array(64).fill(0x5c),
        }
      : {};
  for (const length of [5, 16, 64]) {
    // Only as an RC2 key can a key of any length be imported.
    const native = await importKey(aes, ALG_ID.CALG_RC2, text(length), CRYPT_IPSEC_HMAC_KEY);
    const mac = hashOf(
      aes,
      ALG_ID.CALG_HMAC,
      (hash) => {
        api.cryptSetHashParam(hash, HP_HMAC_INFO, hmacInfo(hashAlgId));
        api.cryptHashData(hash, text(100));
      },
      native,
    );
    const own = await capiHmac(hashAlgId, text(length), text(100), strings);
    expect(toHex(own), `key of ${length} bytes`).toBe(toHex(mac));
    api.cryptDestroyKey(native);
  }
});

test.each(BLOCK_CIPHERS)('CBC-MAC with $name is the same', async ({ algId, length }) => {
  const native = await importKey(aes, algId, text(length));
  using key = importCapiKey(algId, text(length));
  for (const size of [1, 7, 8, 15, 16, 17, 100]) {
    const fill = (hash: Handle): void => api.cryptHashData(hash, text(size));
    const mac = hashOf(aes, ALG_ID.CALG_MAC, fill, native);
    expect(toHex(await capiCbcMac(key, text(size))), `${size} bytes`).toBe(toHex(mac));
  }
  api.cryptDestroyKey(native);
});

test.each([...BLOCK_CIPHERS, { algId: ALG_ID.CALG_RC4, length: 16, name: 'CALG_RC4' }])(
  'CryptHashSessionKey of $name is the same in both orders',
  async ({ algId, length }) => {
    const native = await importKey(aes, algId, text(length));
    using key = importCapiKey(algId, text(length));
    for (const littleEndian of [false, true]) {
      const hash = hashOf(aes, ALG_ID.CALG_SHA1, (handle) => {
        api.cryptHashData(handle, text(3));
        hashSessionKeyInto(handle, native, littleEndian ? CRYPT_LITTLE_ENDIAN : 0);
        api.cryptHashData(handle, text(4));
      });
      const options = { littleEndian, before: [text(3)], after: [text(4)] };
      const own = await hashSessionKey(ALG_ID.CALG_SHA1, key, options);
      expect(toHex(own)).toBe(toHex(hash));
    }
    api.cryptDestroyKey(native);
  },
);

describe.each([1024, 2048])('signatures of %i bits', (bits) => {
  const container = `keycask-legacy-${bits}`;
  const slots = [AT_KEYEXCHANGE, AT_SIGNATURE] as const;
  let context: Handle;
  let pairs: { keySpec: number; privateKey: Uint8Array; publicKey: Uint8Array; handle: Handle }[];

  beforeAll(async () => {
    context = acquire(container, CRYPT_NEWKEYSET);
    pairs = [];
    for (const keySpec of slots) {
      const handle = await api.cryptGenKey(context, keySpec, (bits << 16) | CRYPT_EXPORTABLE);
      const privateKey = api.cryptExportKey(handle, 0n, PRIVATEKEYBLOB, 0);
      const publicKey = api.cryptExportKey(handle, 0n, PUBLICKEYBLOB, 0);
      pairs.push({ keySpec, privateKey, publicKey, handle });
    }
  });
  afterAll(() => {
    for (const { handle } of pairs) api.cryptDestroyKey(handle);
    api.cryptReleaseContext(context);
    acquire(container, CRYPT_DELETEKEYSET);
  });

  test.each(HASHES)('of $name are the same, with every flag', async ({ hashAlgId }) => {
    const data = text(50);
    for (const { keySpec, privateKey, publicKey } of pairs) {
      for (const noHashOid of [false, true]) {
        const flags = noHashOid ? CRYPT_NOHASHOID : 0;
        const native = signData(context, data, { hashAlgId, keySpec, flags });
        const signed = { hashAlgId, data };
        expect(await capiVerify(publicKey, signed, native, { noHashOid })).toBe(true);
        expect(toHex(await capiSign(privateKey, signed, { noHashOid }))).toBe(toHex(native));
        expect(await capiVerify(publicKey, { hashAlgId, data: text(51) }, native)).toBe(false);
      }
    }
  });

  test('of a hash with a description are the same', async () => {
    const hashAlgId = ALG_ID.CALG_SHA1;
    for (const { keySpec, privateKey, publicKey } of pairs) {
      const description = 'Straße \u20ac';
      const native = signData(context, text(50), { hashAlgId, keySpec, description });
      const signed = { hashAlgId, data: text(50), description };
      expect(await capiVerify(publicKey, signed, native)).toBe(true);
      expect(toHex(await capiSign(privateKey, signed))).toBe(toHex(native));
      expect(await capiVerify(publicKey, { hashAlgId, data: text(50) }, native)).toBe(false);
    }
  });

  test('of MD5 and SHA-1 together (CALG_SSL3_SHAMD5) are the same', async () => {
    const hashAlgId = ALG_ID.CALG_SSL3_SHAMD5;
    const value = text(36);
    const [{ keySpec, privateKey, publicKey }] = pairs as [(typeof pairs)[0]];
    const native = signData(context, value, { hashAlgId, keySpec });
    expect(await capiVerify(publicKey, { hashAlgId, value }, native)).toBe(true);
    expect(toHex(await capiSign(privateKey, { hashAlgId, value }))).toBe(toHex(native));
  });

  test.each(HASHES)(
    'CryptVerifySignature takes what keycask signs with $name',
    async ({ hashAlgId }) => {
      for (const { privateKey, handle } of pairs) {
        const signature = await capiSign(privateKey, { hashAlgId, data: text(50) });
        const hash = api.cryptCreateHash(context, hashAlgId);
        api.cryptHashData(hash, text(50));
        expect(api.cryptVerifySignature(hash, signature, handle, 0)).toBe(true);
        api.cryptDestroyHash(hash);
      }
    },
  );
});

/** wincrypt.h */
const HP_HMAC_INFO = 5;
const CRYPT_LITTLE_ENDIAN = 1;
