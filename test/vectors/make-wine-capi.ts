/**
 * Makes wine-capi.json: what CryptoAPI of Wine answers to fixed inputs. In Wine, which is where its output goes from:
 *
 *     npm run --silent wine -- node --import tsx test/vectors/make-wine-capi.ts >test/vectors/wine-capi.json
 *
 * Each run makes the same file but for the SIMPLEBLOBs and what CryptEncrypt makes with RSA, whose padding is random.
 */
import { ALG_ID, algIdName } from '../../lib/blobs/alg-id.ts';
import { toHex } from '../../lib/bytes/octets.ts';
import {
  AT_KEYEXCHANGE,
  CRYPT_CREATE_SALT,
  CRYPT_DELETEKEYSET,
  CRYPT_EXPORTABLE,
  CRYPT_IPSEC_HMAC_KEY,
  CRYPT_NEWKEYSET,
  CRYPT_NO_SALT,
  CRYPT_NOHASHOID,
  KP_EFFECTIVE_KEYLEN,
  SIMPLEBLOB,
} from '../../native-bindings/wincrypt.ts';
import type { Handle } from '../../native-bindings/windows-dll.ts';
import {
  contextOf,
  deriveKey,
  hashOf,
  hashSessionKeyInto,
  importKey,
  keyBytes,
  number32,
  number32From,
  saltOfKey,
  setMode,
  signData,
} from '../support/capi-calls.ts';
import { acquire, api } from '../support/cryptoapi.ts';
import { opensslKey } from '../support/key-pairs.ts';

type Fields = Readonly<Record<string, string | number>>;

const {
  CALG_RC2,
  CALG_RC4,
  CALG_DES,
  CALG_3DES_112,
  CALG_3DES,
  CALG_AES_128,
  CALG_AES_192,
  CALG_AES_256,
} = ALG_ID;
/** Every cipher with the lengths of its keys in bytes; those of RC2 and RC4 at both ends, and between. */
const CIPHERS: readonly (readonly [algId: number, length: number])[] = [
  [CALG_RC2, 5],
  [CALG_RC2, 7],
  [CALG_RC2, 16],
  [CALG_RC4, 5],
  [CALG_RC4, 7],
  [CALG_RC4, 16],
  [CALG_DES, 8],
  [CALG_3DES_112, 16],
  [CALG_3DES, 24],
  [CALG_AES_128, 16],
  [CALG_AES_192, 24],
  [CALG_AES_256, 32],
];
const BLOCK_CIPHERS = CIPHERS.filter(([algId]) => algId !== CALG_RC4);
const HASHES = [
  ALG_ID.CALG_MD2,
  ALG_ID.CALG_MD4,
  ALG_ID.CALG_MD5,
  ALG_ID.CALG_SHA1,
  ALG_ID.CALG_SHA_256,
  ALG_ID.CALG_SHA_384,
  ALG_ID.CALG_SHA_512,
];
/** Of SHA-384 and SHA-512 Wine's HMACs are not those of RFC 2104. */
const HMAC_HASHES = HASHES.slice(0, 5);
const MODES = ['cbc', 'ecb', 'cfb'] as const;
/** Around the ends of blocks of 8 and of 16 bytes. */
const LENGTHS = [1, 7, 8, 9, 15, 16, 17, 40];
const SALTS = { default: 0, none: CRYPT_NO_SALT, create: CRYPT_CREATE_SALT };

const tests: unknown[] = [];
const add = (kind: string, input: Fields, expect: Fields): void => {
  tests.push({ id: tests.length + 1, kind, input, expect });
};
const nameOf = (algId: number): string => algIdName(algId) ?? String(algId);
/** Bytes that differ from each other. */
const bytes = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (index * 7 + length) & 0xff);

const aes = contextOf('aes');

function addDerivedKeys(): void {
  const password = bytes(12);
  for (const hashAlgId of HASHES)
    for (const [algId, length] of CIPHERS)
      for (const [salt, flag] of Object.entries(SALTS)) {
        if (salt !== 'default' && algId !== CALG_RC2 && algId !== CALG_RC4) continue;
        const keyBits = 8 * length;
        const flags = (keyBits << 16) | flag;
        const key = deriveKey(aes, password, { hashAlgId, algId, flags });
        const input = { hash: nameOf(hashAlgId), data: toHex(password), alg: nameOf(algId), keyBits, salt };
        const [plaintext, ownBytes] = [bytes(20), keyBytes(key)];
        const ownSalt = algId === CALG_RC2 || algId === CALG_RC4 ? saltOfKey(key) : bytes(0);
        const ciphertext = api.cryptEncrypt(key, plaintext, 0);
        add('derive', { ...input, ciphertext: toHex(ciphertext) }, {
          key: toHex(ownBytes),
          salt: toHex(ownSalt),
          plaintext: toHex(plaintext),
        });
        api.cryptDestroyKey(key);
      }
}

async function addCiphers(): Promise<void> {
  for (const [algId, length] of CIPHERS) {
    const key = await importKey(aes, algId, bytes(length));
    const input = { alg: nameOf(algId), key: toHex(bytes(length)) };
    const isStream = algId === CALG_RC4;
    const ivLength = algId >= CALG_AES_128 ? 16 : 8;
    for (const mode of isStream ? (['cbc'] as const) : MODES)
      for (const iv of isStream || mode === 'ecb' ? [undefined] : [undefined, bytes(ivLength)]) {
        if (!isStream) setMode(key, mode, iv ?? new Uint8Array(ivLength));
        for (const size of LENGTHS) {
          const ciphertext = api.cryptEncrypt(key, bytes(size), 0);
          const form = { ...(!isStream && { mode }), ...(iv && { iv: toHex(iv) }) };
          const found = { ...input, ...form, ciphertext: toHex(ciphertext) };
          add('decrypt', found, { plaintext: toHex(bytes(size)) });
        }
      }
    api.cryptDestroyKey(key);
  }
}

async function addEffectiveLengths(): Promise<void> {
  for (const length of [5, 16])
    for (const effectiveBits of [1, 7, 8, 39, 40, 41, 63, 64, 65, 127, 128, 129, 256, 1023, 1024]) {
      const key = await importKey(aes, CALG_RC2, bytes(length));
      api.cryptSetKeyParam(key, KP_EFFECTIVE_KEYLEN, number32(effectiveBits));
      const held = number32From(api.cryptGetKeyParam(key, KP_EFFECTIVE_KEYLEN));
      const ciphertext = toHex(api.cryptEncrypt(key, bytes(20), 0));
      const input = { alg: nameOf(CALG_RC2), key: toHex(bytes(length)), effectiveBits: held };
      add('decrypt', { ...input, ciphertext }, { plaintext: toHex(bytes(20)) });
      api.cryptDestroyKey(key);
    }
}

async function addMacs(): Promise<void> {
  for (const [algId, length] of BLOCK_CIPHERS) {
    const key = await importKey(aes, algId, bytes(length));
    for (const size of LENGTHS) {
      const mac = hashOf(aes, ALG_ID.CALG_MAC, (hash) => api.cryptHashData(hash, bytes(size)), key);
      const input = { alg: nameOf(algId), key: toHex(bytes(length)), message: toHex(bytes(size)) };
      add('cbcMac', input, { mac: toHex(mac) });
    }
    api.cryptDestroyKey(key);
  }
  for (const hashAlgId of HMAC_HASHES)
    for (const length of [5, 16, 64]) {
      const key = await importKey(aes, CALG_RC2, bytes(length), CRYPT_IPSEC_HMAC_KEY);
      const fill = (hash: Handle): void => {
        const info = new Uint8Array(40);
        info.set(number32(hashAlgId));
        api.cryptSetHashParam(hash, HP_HMAC_INFO, info);
        api.cryptHashData(hash, bytes(100));
      };
      const mac = hashOf(aes, ALG_ID.CALG_HMAC, fill, key);
      const input = { hash: nameOf(hashAlgId), key: toHex(bytes(length)), message: toHex(bytes(100)) };
      add('hmac', input, { mac: toHex(mac) });
      api.cryptDestroyKey(key);
    }
  for (const [algId, length] of CIPHERS) {
    const key = await importKey(aes, algId, bytes(length));
    for (const order of ['big-endian', 'little-endian']) {
      const flags = order === 'little-endian' ? CRYPT_LITTLE_ENDIAN : 0;
      const hash = hashOf(aes, ALG_ID.CALG_SHA1, (handle) => hashSessionKeyInto(handle, key, flags));
      const input = { alg: nameOf(algId), key: toHex(bytes(length)), order };
      add('hashSessionKey', input, { sha1: toHex(hash) });
    }
    api.cryptDestroyKey(key);
  }
}

/** What RSA keys of OpenSSL's sign, wrap and encrypt. */
async function addRsa(name: string, privateKeyBlob: Uint8Array): Promise<void> {
  const container = `keycask-vectors-${name}`;
  const context = acquire(container, CRYPT_NEWKEYSET);
  const pair = await api.cryptImportKey(context, privateKeyBlob, 0n, CRYPT_EXPORTABLE);
  for (const hashAlgId of HASHES) addSignatures(name, context, hashAlgId);
  const value = bytes(36);
  const hashAlgId = ALG_ID.CALG_SSL3_SHAMD5;
  const signature = signData(context, value, { hashAlgId, keySpec: AT_KEYEXCHANGE });
  add('signature', { privateKey: name, hash: nameOf(hashAlgId), value: toHex(value) }, {
    signature: toHex(signature),
  });
  for (const [algId, length] of CIPHERS) {
    const key = await importKey(context, algId, bytes(length));
    const blob = api.cryptExportKey(key, pair, SIMPLEBLOB, 0);
    add('simpleBlob', { privateKey: name, blob: toHex(blob) }, {
      alg: nameOf(algId),
      key: toHex(bytes(length)),
    });
    api.cryptDestroyKey(key);
  }
  for (const size of [1, 20, 53]) {
    const ciphertext = api.cryptEncrypt(pair, bytes(size), 0);
    const input = { privateKey: name, ciphertext: toHex(ciphertext) };
    add('rsaDecrypt', input, { plaintext: toHex(bytes(size)) });
  }
  api.cryptDestroyKey(pair);
  api.cryptReleaseContext(context);
  acquire(container, CRYPT_DELETEKEYSET);
}

function addSignatures(name: string, context: Handle, hashAlgId: number): void {
  const data = bytes(50);
  const forms = { noHashOid: CRYPT_NOHASHOID, x931: CRYPT_X931_FORMAT };
  const input = { privateKey: name, hash: nameOf(hashAlgId), data: toHex(data) };
  const call = { hashAlgId, keySpec: AT_KEYEXCHANGE };
  const description = 'Stra\u00dfe \u20ac';
  add('signature', input, { signature: toHex(signData(context, data, call)) });
  const described = signData(context, data, { ...call, description });
  add('signature', { ...input, description }, { signature: toHex(described) });
  for (const [form, flags] of Object.entries(forms)) {
    const signature = signData(context, data, { ...call, flags });
    add('signature', { ...input, form }, { signature: toHex(signature) });
  }
}

/** wincrypt.h */
const HP_HMAC_INFO = 5;
const CRYPT_LITTLE_ENDIAN = 1;
const CRYPT_X931_FORMAT = 4;

addDerivedKeys();
await addCiphers();
await addEffectiveLengths();
await addMacs();
const keys: Record<string, string> = {};
for (const name of ['rsa-1024', 'rsa-2048']) {
  const blob = opensslKey(name, 'PRIVATEKEYBLOB');
  keys[name] = toHex(blob);
  await addRsa(name, blob);
}
console.log(
  `{
"source": "CryptoAPI of Wine 10.0 (rsaenh.dll), Microsoft Enhanced RSA and AES Cryptographic Provider; RSA keys of OpenSSL (key-pairs.json)",
"license": "made for keycask; the keys protect nothing",
"howMade": "npm run --silent wine -- node --import tsx test/vectors/make-wine-capi.ts",
"remark": "Wine leaves the parity bits of derived DES keys as they come",
"keys": ${JSON.stringify(keys)},
"tests": [
${tests.map((test) => JSON.stringify(test)).join(',\n')}
]
}`,
);
