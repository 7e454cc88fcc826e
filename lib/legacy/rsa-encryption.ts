/**
 * CryptEncrypt and CryptDecrypt with an RSA key: one block, written little-endian. Source: MS "CryptEncrypt"; RFC 8017 section 7.
 *
 *   default       RSAES-PKCS1-v1_5: 00 02 ‖ PS, at least 8 bytes, none zero ‖ 00 ‖ message
 *   CRYPT_OAEP    RSAES-OAEP with SHA-1; the label is empty unless KP_OAEP_PARAMS was set
 */
import { publicEncrypt, constants, type KeyObject } from 'node:crypto';
import { reverseBytes } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import { unwrapRsaOaep, wrapRsaOaep } from '../keys/rsa-oaep.ts';
import { padRsaPkcs1, unwrapRsaPkcs1 } from '../keys/rsa-pkcs1.ts';
import type { RandomFill, SecretBytes } from '../keys/secret-bytes.ts';
import {
  importLegacyPrivateKey,
  importLegacyPublicKey,
  rsaModulusLength,
  type LegacyPrivateKey,
  type LegacyPublicKey,
} from './legacy-key.ts';

/** What a ciphertext of CryptoAPI does not say of itself. */
export interface CapiRsaOptions {
  /** `pkcs1` (default), or `oaep` where CRYPT_OAEP was given. */
  readonly padding?: 'pkcs1' | 'oaep';
  /** KP_OAEP_PARAMS: the label of OAEP. Default empty. */
  readonly label?: Uint8Array;
}

/**
 * Decrypts what CryptEncrypt made with an RSA key.
 *
 * For data at rest only: there is one failure for all that does not fit, but who may ask often enough learns the message from it
 * (Bleichenbacher). Synchronous and on the calling thread: for much data use worker threads, which take KeyObjects.
 *
 * @param ciphertext - As long as the modulus, little-endian as CryptEncrypt writes it. .NET's RSACryptoServiceProvider reverses it: reverse it back.
 * @returns 0 bytes to the modulus less 11 (PKCS#1) or 42 (OAEP), which the caller owns, and disposes of.
 * @throws KeyStoreError KEY_UNWRAP_FAILED (NTE_DECRYPTION_FAILURE), without a cause, for another key, another padding, another length, a changed block.
 * Of the private key: as {@link importLegacyPrivateKey} does.
 * @example
 * ```ts
 * using message = capiRsaDecrypt(privateKey, await readFile('message.rsa'), { padding: 'oaep' });
 * ```
 */
export function capiRsaDecrypt(
  privateKey: LegacyPrivateKey,
  ciphertext: Uint8Array,
  options: CapiRsaOptions = {},
): SecretBytes {
  const key = importLegacyPrivateKey(privateKey);
  const length = rsaModulusLength(key);
  const lengths = Array.from({ length: Math.max(length - OVERHEAD, 0) + 1 }, (_, i) => i);
  return decryptRsaBlock(key, reverseBytes(ciphertext), { ...options, lengths });
}

/**
 * RSA and the padding of one block. One failure, KEY_UNWRAP_FAILED, without a cause.
 *
 * @param block - Big-endian.
 * @param options - `lengths`: what the message may have, in bytes.
 */
export function decryptRsaBlock(
  privateKey: KeyObject,
  block: Uint8Array,
  options: CapiRsaOptions & { readonly lengths: readonly number[] },
): SecretBytes {
  const { padding = 'pkcs1', label, lengths } = options;
  if (padding === 'pkcs1') return unwrapRsaPkcs1(privateKey, block, lengths);
  const message = unwrapRsaOaep(privateKey, 'sha1', block, label);
  if (lengths.includes(message.length)) return message;
  message.dispose();
  throw new KeyStoreError('KEY_UNWRAP_FAILED');
}

/** What {@link capiRsaEncrypt} can be told. */
export interface CapiRsaEncryptOptions extends CapiRsaOptions {
  /** Fills the padding of PKCS#1; replaced only to get known answers in tests. */
  readonly random?: RandomFill;
  /** CRYPT_SSL2_FALLBACK: the last 8 bytes of PS are 03. */
  readonly ssl2Fallback?: boolean;
}

/** Encrypts as CryptEncrypt does; not exported: for tests, and for SIMPLEBLOBs. */
export function capiRsaEncrypt(
  publicKey: LegacyPublicKey,
  message: SecretBytes,
  options: CapiRsaEncryptOptions = {},
): Uint8Array {
  return reverseBytes(encryptRsaBlock(importLegacyPublicKey(publicKey), message, options));
}

/** @throws KeyStoreError PARAMETER_INVALID where the message is too long for the modulus, or the key is none that RSA can use. */
export function encryptRsaBlock(
  publicKey: KeyObject,
  message: SecretBytes,
  options: CapiRsaEncryptOptions = {},
): Uint8Array {
  const length = rsaModulusLength(publicKey);
  if (options.padding === 'oaep') return wrapRsaOaep(publicKey, 'sha1', message, options.label);
  using block = padRsaPkcs1(length, message.bytes, options.random);
  if (options.ssl2Fallback === true) {
    const end = length - message.length - 1;
    block.bytes.fill(SSL2_FALLBACK, end - SSL2_FALLBACK_LENGTH, end);
  }
  try {
    return new Uint8Array(publicEncrypt({ key: publicKey, ...RAW }, block.bytes));
  } catch {
    throw new KeyStoreError('PARAMETER_INVALID', 'this RSA key cannot encrypt');
  }
}

const RAW = { padding: constants.RSA_NO_PADDING } as const;
/** 00 02, PS of 8 bytes, 00 */
const OVERHEAD = 11;
/** MS "CryptExportKey", CRYPT_SSL2_FALLBACK. */
const SSL2_FALLBACK = 0x03;
const SSL2_FALLBACK_LENGTH = 8;
