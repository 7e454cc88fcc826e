/** The vectors of test/vectors that Wine's CryptoAPI and OpenSSL made for keycask, opened on any system. */
import { expect } from 'vitest';
import { ALG_ID, decodeKeyBlob, encodeKeyBlob } from '../../../lib/blobs/index.ts';
import { toHex } from '../../../lib/bytes/octets.ts';
import { decodeKeyPair, encodeKeyPair, publicHalfOf } from '../../../lib/key-pairs/index.ts';
import {
  capiCbcMac,
  capiDecrypt,
  capiHash,
  capiHmac,
  capiRsaDecrypt,
  capiSign,
  capiVerify,
  cryptDeriveKey,
  hashSessionKey,
  importCapiKey,
  openPvk,
  unwrapSimpleBlob,
  type CapiKey,
  type CapiMode,
} from '../../../lib/legacy/index.ts';
import { describeOwnVectors, type Verdict } from '../../support/account.ts';
import { hex, revealed } from '../../support/bytes.ts';

type Fields = Readonly<Record<string, string>>;

interface Vector {
  readonly kind: string;
  readonly input: Fields & {
    readonly keyBits: number;
    readonly effectiveBits?: number;
    readonly salt: 'default' | 'none' | 'create';
    readonly mode?: CapiMode;
  };
  readonly expect: Fields;
}
interface WineFile {
  readonly keys: Readonly<Record<string, string>>;
}

describeOwnVectors<Vector, WineFile>('wine-capi.json', async (vector, file): Promise<Verdict> => {
  const judge = KINDS[vector.kind];
  if (judge === undefined) throw new TypeError('an unknown kind');
  const privateKey = hex(file.keys[vector.input['privateKey'] ?? ''] ?? '');
  const found = await judge(vector, privateKey);
  expect(found).toEqual(vector.expect);
  return { passed: NAMES[vector.kind]! };
});

const NAMES: Readonly<Record<string, string>> = {
  derive: 'derived keys and what they encrypted',
  decrypt: 'ciphertexts decrypted',
  cbcMac: 'CBC-MACs',
  hmac: 'HMACs',
  hashSessionKey: 'hashes of session keys',
  simpleBlob: 'session keys unwrapped',
  rsaDecrypt: 'messages decrypted with RSA',
  signature: 'signatures verified and made again',
};

/** What keycask finds, in the fields of `expect`. */
const KINDS: Readonly<Record<string, (vector: Vector, privateKey: Uint8Array) => Promise<Fields>>> =
  {
    derive: async ({ input }) => {
      const hashAlgId = idOf(input['hash']);
      const value = await capiHash(hashAlgId, hex(input['data']!));
      const { keyBits, salt } = input;
      // Wine leaves the parity bits of DES keys as they come.
      const options = { algId: idOf(input['alg']), keyBits, salt, parity: 'as-is' } as const;
      using key = await cryptDeriveKey({ hashAlgId, value }, options);
      const plaintext = await capiDecrypt(key, hex(input['ciphertext']!));
      return { key: toHex(key.key.bytes), salt: toHex(key.salt), plaintext: toHex(plaintext) };
    },
    decrypt: async ({ input }) => {
      const { effectiveBits, mode } = input;
      using key = keyOf(input, effectiveBits);
      const iv = input['iv'];
      const options = { ...(mode && { mode }), ...(iv && { iv: hex(iv) }) };
      return { plaintext: toHex(await capiDecrypt(key, hex(input['ciphertext']!), options)) };
    },
    cbcMac: async ({ input }) => {
      using key = keyOf(input);
      return { mac: toHex(await capiCbcMac(key, hex(input['message']!))) };
    },
    hmac: async ({ input }) => {
      const mac = await capiHmac(idOf(input['hash']), hex(input['key']!), hex(input['message']!));
      return { mac: toHex(mac) };
    },
    hashSessionKey: async ({ input }) => {
      using key = keyOf(input);
      const littleEndian = input['order'] === 'little-endian';
      return { sha1: toHex(await hashSessionKey(ALG_ID.CALG_SHA1, key, { littleEndian })) };
    },
    simpleBlob: async ({ input, expect: { alg = '' } }, privateKey) => {
      using key = await unwrapSimpleBlob(hex(input['blob']!), privateKey);
      expect(key.algId).toBe(idOf(alg));
      return { alg, key: toHex(key.key.bytes) };
    },
    rsaDecrypt: async ({ input }, privateKey) => {
      return { plaintext: revealed(capiRsaDecrypt(privateKey, hex(input['ciphertext']!))) };
    },
    signature: async ({ input, expect: { signature = '' } }, privateKey) => {
      const { description, value, form, data = '' } = input;
      const hashAlgId = idOf(input['hash']);
      const signed = value
        ? { hashAlgId, value: hex(value) }
        : { hashAlgId, data: hex(data), ...(description && { description }) };
      const options = form === undefined ? {} : { [form]: true };
      expect(await capiVerify(privateKey, signed, hex(signature), options)).toBe(true);
      return { signature: toHex(await capiSign(privateKey, signed, options)) };
    },
  };

describeOwnVectors<Vector>('openssl-legacy.json', async (vector): Promise<Verdict> => {
  const { kind, input, expect: want } = vector;
  if (kind === 'pvk') {
    const password = input['password'];
    const secret = password === undefined ? undefined : new TextEncoder().encode(password);
    using opened = await openPvk(hex(input['pvk']!), secret);
    expect(opened.protection).toBe(want['protection']);
    const { pair } = decodeKeyPair(opened.blob.bytes);
    expect(toHex(encodeKeyPair(pair, 'PKCS8'))).toBe(want['pkcs8']);
    return { passed: `PVK files opened, protection ${opened.protection}` };
  }
  expect(['privateBlob', 'publicBlob']).toContain(kind);
  const bytes = hex(input['blob']!);
  expect(toHex(encodeKeyBlob(decodeKeyBlob(bytes)))).toBe(input['blob']);
  const { pair } = decodeKeyPair(bytes);
  if (kind === 'privateBlob') expect(toHex(encodeKeyPair(pair, 'PKCS8'))).toBe(want['pkcs8']);
  else expect(toHex(encodeKeyPair(publicHalfOf(pair), 'SPKI'))).toBe(want['spki']);
  return { passed: 'blobs read, written back, and the keys of their PKCS #8 and SPKI' };
});

function keyOf(input: Fields, effectiveBits?: number): CapiKey {
  const options = effectiveBits === undefined ? {} : { effectiveBits };
  return importCapiKey(idOf(input['alg']), hex(input['key']!), options);
}

function idOf(name = ''): number {
  return ALG_ID[name as keyof typeof ALG_ID];
}
