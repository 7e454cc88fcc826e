/** The hashes and ciphers of DPAPI by ALG_ID. Source: gentilkiwi/mimikatz kull_m_dpapi.c; jordanbtucker/dpapick crypto.py. */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  timingSafeEqual,
} from 'node:crypto';
import { ALG_ID, describeAlgId } from '../../blobs/alg-id.ts';
import { plainBytes } from '../../bytes/octets.ts';
import { KeyStoreError } from '../../errors.ts';
import { SecretBytes } from '../../keys/secret-bytes.ts';

/** A hash, in bytes. */
export interface DpapiHash {
  /** In node:crypto. */
  readonly name: string;
  readonly length: number;
  /** B of RFC 2104. */
  readonly blockLength: number;
}

/** A block cipher in CBC mode, in bytes. */
export interface DpapiCipher {
  /** In node:crypto. */
  readonly name: string;
  readonly keyLength: number;
  readonly blockLength: number;
}

/** @throws KeyStoreError ALGORITHM_UNSUPPORTED (NTE_BAD_ALGID). */
export function dpapiHash(algId: number): DpapiHash {
  return HASHES.get(algId) ?? unsupported(algId);
}

/** @throws KeyStoreError ALGORITHM_UNSUPPORTED (NTE_BAD_ALGID). */
export function dpapiCipher(algId: number): DpapiCipher {
  return CIPHERS.get(algId) ?? unsupported(algId);
}

export function hash(name: string, ...parts: readonly Uint8Array[]): Uint8Array {
  const state = createHash(name);
  for (const part of parts) state.update(part);
  return plainBytes(state.digest());
}

export function hmac(name: string, key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const state = createHmac(name, key);
  for (const part of parts) state.update(part);
  return plainBytes(state.digest());
}

/** Are two byte strings the same? Takes as long whatever they hold. */
export function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

export interface CbcInput {
  /** As long as the cipher's keys, or longer: what is more is not used. */
  readonly key: Uint8Array;
  /** As long as a block. Default zeros. */
  readonly iv?: Uint8Array;
}

/** CBC without padding; undefined where a part of a block is left, or nothing is there. */
export function decryptCbc(
  cipher: DpapiCipher,
  input: CbcInput,
  ciphertext: Uint8Array,
): SecretBytes | undefined {
  if (ciphertext.length === 0 || ciphertext.length % cipher.blockLength !== 0) return undefined;
  using key = cipherKey(cipher, input.key);
  const iv = input.iv ?? new Uint8Array(cipher.blockLength);
  const state = createDecipheriv(cipher.name, key.bytes, iv).setAutoPadding(false);
  const plaintext = state.update(ciphertext);
  state.final();
  return SecretBytes.take(plaintext);
}

/** The way back of {@link decryptCbc}, for whole blocks. */
export function encryptCbc(
  cipher: DpapiCipher,
  input: CbcInput,
  plaintext: Uint8Array,
): Uint8Array {
  using key = cipherKey(cipher, input.key);
  const iv = input.iv ?? new Uint8Array(cipher.blockLength);
  const state = createCipheriv(cipher.name, key.bytes, iv).setAutoPadding(false);
  const ciphertext = plainBytes(state.update(plaintext));
  state.final();
  return ciphertext;
}

/** DES and two-key 3DES are 3DES whose keys repeat. */
function cipherKey(cipher: DpapiCipher, key: Uint8Array): SecretBytes {
  const isDes = cipher.blockLength === DES_BLOCK_LENGTH;
  const own = new SecretBytes(isDes ? TRIPLE_DES_KEY_LENGTH : cipher.keyLength);
  for (let i = 0; i < own.length; i++) own.bytes[i] = key[i % cipher.keyLength]!;
  return own;
}

function unsupported(algId: number): never {
  throw new KeyStoreError(
    'ALGORITHM_UNSUPPORTED',
    `${describeAlgId(algId)} is no algorithm of DPAPI that keycask knows`,
    { hint: 'Please report it, with the version of Windows that wrote the file.' },
  );
}

const DES_BLOCK_LENGTH = 8;
const TRIPLE_DES_KEY_LENGTH = 24;

const SHA1: DpapiHash = { name: 'sha1', length: 20, blockLength: 64 };
const HASHES = new Map<number, DpapiHash>([
  [ALG_ID.CALG_MD5, { name: 'md5', length: 16, blockLength: 64 }],
  [ALG_ID.CALG_SHA1, SHA1],
  // In master key files CALG_HMAC stands for HMAC-SHA-1.
  [ALG_ID.CALG_HMAC, SHA1],
  [ALG_ID.CALG_SHA_256, { name: 'sha256', length: 32, blockLength: 64 }],
  [ALG_ID.CALG_SHA_384, { name: 'sha384', length: 48, blockLength: 128 }],
  [ALG_ID.CALG_SHA_512, { name: 'sha512', length: 64, blockLength: 128 }],
]);

const CIPHERS = new Map<number, DpapiCipher>([
  [ALG_ID.CALG_DES, { name: 'des-ede3-cbc', keyLength: 8, blockLength: 8 }],
  [ALG_ID.CALG_3DES_112, { name: 'des-ede3-cbc', keyLength: 16, blockLength: 8 }],
  [ALG_ID.CALG_3DES, { name: 'des-ede3-cbc', keyLength: 24, blockLength: 8 }],
  [ALG_ID.CALG_AES_128, { name: 'aes-128-cbc', keyLength: 16, blockLength: 16 }],
  [ALG_ID.CALG_AES_192, { name: 'aes-192-cbc', keyLength: 24, blockLength: 16 }],
  [ALG_ID.CALG_AES_256, { name: 'aes-256-cbc', keyLength: 32, blockLength: 16 }],
]);
