/** Byte arrays of Wine's tests, which run on Windows as well: those that are whole keys, and those whose other half is known. */
import { expect } from 'vitest';
import {
  ALG_ID,
  decodeCngBlob,
  decodeKeyBlob,
  encodeCngBlob,
  encodeKeyBlob,
} from '../../../lib/blobs/index.ts';
import { toHex } from '../../../lib/bytes/octets.ts';
import { checkKeyPair, decodeKeyPair } from '../../../lib/key-pairs/index.ts';
import {
  bcryptDeriveKeyCapi,
  capiCbcMac,
  capiDecrypt,
  capiHash,
  capiHmac,
  capiVerify,
  cryptDeriveKey,
  unwrapSimpleBlob,
  type CapiKey,
  type CryptDeriveKeyOptions,
} from '../../../lib/legacy/index.ts';
import { describeSharedVectors, type Verdict } from '../../support/account.ts';
import { hex, revealed } from '../../support/bytes.ts';
import { codeOf } from '../../support/errors.ts';

interface Vector {
  readonly name: string;
  readonly function: string | null;
  readonly source: string;
  readonly hex: string;
}
interface File {
  readonly vectors: readonly Vector[];
}

describeSharedVectors<Vector, File>('wine-tests-arrays.json', async (vector, file) => {
  const bytes = hex(vector.hex);
  const key = judgeKey(vector, bytes);
  if (key !== undefined) return key;
  if (vector.source.includes('/rsaenh.c:')) {
    const judge =
      RSAENH[vector.name] ?? (vector.name.startsWith('abSignature') ? signature : undefined);
    if (judge !== undefined) return await judge(bytes, vector, file.vectors);
  }
  const length = CAPI_LENGTHS[vector.name];
  if (vector.function === 'test_BcryptDeriveKeyCapi' && length !== undefined) {
    // Of SHA-1: first of nothing, then of a word.
    const data = new TextEncoder().encode(length === 20 ? '' : 'test');
    const hash = { hashAlgId: ALG_ID.CALG_SHA1, value: await capiHash(ALG_ID.CALG_SHA1, data) };
    expect(revealed(await bcryptDeriveKeyCapi(hash, length))).toBe(vector.hex);
    return { passed: 'bytes of BCryptDeriveKeyCapi' };
  }
  const [, room = ''] = /dlls\/(\w+)\//.exec(vector.source) ?? [];
  const outOfScope = ROOMS[room];
  if (outOfScope === undefined) throw new TypeError('an unknown file');
  return { outOfScope };
});

/** What is a key blob or a key pair has to be read, unless its name says that Windows refuses it. */
function judgeKey({ name, hex: digits }: Vector, bytes: Uint8Array): Verdict | undefined {
  const isKeyBlob = /^0[67]020000(00[2a]4|0022)0000(525341|445353)3[12]/u.test(digits);
  const isSimpleBlob = /^01020000..(68|4c|66)000000(a4|24)0000/u.test(digits);
  const isCngBlob = /^(525341|45434b|45435|44535)3[0-9]|^(525341|45434b|445350)/u.test(digits);
  if (isKeyBlob || isSimpleBlob) {
    // One of the buffers is longer than its blob, as Windows lets it be.
    const decoded = decodeKeyBlob(bytes, { trailing: 'allow' });
    expect(digits.startsWith(toHex(encodeKeyBlob(decoded)))).toBe(true);
    return { passed: 'key blobs of CryptoAPI' };
  }
  if (isCngBlob || /invalid_rsa/.test(name)) {
    if (/invalid/i.test(name)) {
      expect(codeOf(() => decodeCngBlob(bytes))).toBe('BLOB_MALFORMED');
      return { passed: 'invalid blobs of CNG, refused' };
    }
    expect(toHex(encodeCngBlob(decodeCngBlob(bytes)))).toBe(digits);
    return { passed: 'blobs of CNG' };
  }
  if (!/^(rsaPrivKeyDer|pubKey|asnEncodedPublicKey)$/.test(name)) return undefined;
  expect(checkKeyPair(decodeKeyPair(bytes).pair)).toEqual([]);
  return { passed: 'keys of PKCS #1' };
}

type RsaenhJudge = (
  bytes: Uint8Array,
  vector: Vector,
  all: readonly Vector[],
) => Verdict | Promise<Verdict>;

/** Every test of rsaenh.c hashes, encrypts and derives keys from 00 01 02 ... */
const count = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i & 0xff);

function hashed(hashAlgId: number, length = 2048): RsaenhJudge {
  return async (bytes) => {
    expect(toHex(await capiHash(hashAlgId, count(length)))).toBe(toHex(bytes));
    return { passed: 'hashes' };
  };
}

/** derive_key: from MD2 of 2000 bytes. */
async function derived(algId: number, options: Partial<CryptDeriveKeyOptions>): Promise<CapiKey> {
  const hashAlgId = ALG_ID.CALG_MD2;
  const value = await capiHash(hashAlgId, count(2000));
  return await cryptDeriveKey({ hashAlgId, value }, { algId, ...options });
}

function encrypted(
  algId: number,
  keyBits = 0,
  mode: 'cbc' | 'ecb' | 'cfb' = 'cbc',
  options: Partial<CryptDeriveKeyOptions> = {},
): RsaenhJudge {
  return async (bytes) => {
    using key = await derived(algId, { keyBits, ...options });
    const plaintext = await capiDecrypt(key, bytes, { mode });
    expect(plaintext.length).toBeGreaterThan(12);
    expect(toHex(plaintext)).toBe(toHex(count(plaintext.length)));
    return { passed: 'ciphertexts decrypted with derived keys' };
  };
}

const signature: RsaenhJudge = async (bytes, { name }, all) => {
  const [, hash = '', noOid] = /^abSignature(MD2|MD4|MD5|SHA)(NoOID)?$/.exec(name) ?? [];
  const hashAlgId = {
    MD2: ALG_ID.CALG_MD2,
    MD4: ALG_ID.CALG_MD4,
    MD5: ALG_ID.CALG_MD5,
    SHA: ALG_ID.CALG_SHA1,
  }[hash]!;
  const publicKey = hex(all.find((it) => it.name === 'abPubKey')!.hex);
  const signed = { hashAlgId, data: new TextEncoder().encode('Wine rocks!\0') };
  const options = { noHashOid: noOid !== undefined };
  expect(await capiVerify(publicKey, signed, bytes, options)).toBe(true);
  return { passed: 'signatures verified' };
};

const RSAENH: Readonly<Record<string, RsaenhJudge>> = {
  md2hash: hashed(ALG_ID.CALG_MD2),
  md4hash: hashed(ALG_ID.CALG_MD4),
  md5hash: hashed(ALG_ID.CALG_MD5),
  empty_md5hash: hashed(ALG_ID.CALG_MD5, 0),
  sha1hash: hashed(ALG_ID.CALG_SHA1),
  sha256hash: hashed(ALG_ID.CALG_SHA_256),
  sha384hash: hashed(ALG_ID.CALG_SHA_384),
  sha512hash: hashed(ALG_ID.CALG_SHA_512),
  ecb: encrypted(ALG_ID.CALG_RC2, 40, 'ecb'),
  cbc: encrypted(ALG_ID.CALG_RC2, 40, 'cbc'),
  cfb: encrypted(ALG_ID.CALG_RC2, 40, 'cfb'),
  rc2_40_encrypted: encrypted(ALG_ID.CALG_RC2, 40),
  rc4: encrypted(ALG_ID.CALG_RC4, 56),
  hmac: async (bytes) => {
    using key = await derived(ALG_ID.CALG_RC2, { keyBits: 56 });
    const macs = [ALG_ID.CALG_MD5, ALG_ID.CALG_MD2].map(
      async (hash) => await capiHmac(hash, key.key.bytes, count(256)),
    );
    expect((await Promise.all(macs)).map(toHex)).toContain(toHex(bytes));
    return { passed: 'MACs' };
  },
  mac_40: async (bytes) => {
    using key = await derived(ALG_ID.CALG_RC2, { keyBits: 40 });
    expect(toHex(await capiCbcMac(key, count(256)))).toBe(toHex(bytes));
    return { passed: 'MACs' };
  },
  abEncryptedMessage: async (bytes, _, all) => {
    const [blob, privateKey] = ['abSessionKey', 'abPlainPrivateKey'].map((name) =>
      hex(all.find((it) => it.name === name && it.source.includes('/rsaenh.c:'))!.hex),
    );
    using key = await unwrapSimpleBlob(blob!, privateKey!);
    expect(new TextDecoder().decode(await capiDecrypt(key, bytes))).toBe('Wine rocks!\0');
    return { passed: 'ciphertexts decrypted with a session key unwrapped' };
  },
};

/** test_BcryptDeriveKeyCapi */
const CAPI_LENGTHS: Readonly<Record<string, number>> = { expect: 20, expect2: 40 };
const HALF =
  'bytes of tests whose other half (key, input, salt or padding) is code, not in the file';
/** By the library whose tests they are of. */
const ROOMS: Readonly<Record<string, string>> = {
  rsaenh: HALF,
  dssenh: HALF,
  advapi32: HALF,
  bcrypt: 'ciphertexts, hashes and signatures of bcrypt.dll, which are in no format of a key',
  ncrypt: 'ciphertexts, hashes and signatures of bcrypt.dll, which are in no format of a key',
  crypt32: 'names, certificates, CRLs, CTLs, OCSP, messages and their parts of crypt32.dll',
};
