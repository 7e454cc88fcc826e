/**
 * RSAES-PKCS1-v1_5 (RFC 8017 section 7.2), padded and unpadded here: Node 20 refuses to unpad, Node 22 and later
 * answer a wrong block with random bytes.
 *
 *   EM = 00 ‖ 02 ‖ PS, at least 8 bytes, none zero ‖ 00 ‖ key
 */
import {
  constants,
  privateDecrypt,
  publicEncrypt,
  randomFillSync,
  type KeyObject,
} from 'node:crypto';
import { plainBytes } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import { SecretBytes, type RandomFill } from './secret-bytes.ts';

/**
 * Wraps a key as CryptExportKey does without CRYPT_OAEP.
 *
 * @param random - Fills the padding; replaced only to get known answers in tests.
 * @returns As long as the modulus, big-endian: a SIMPLEBLOB holds it reversed.
 * @throws KeyStoreError PARAMETER_INVALID where the key is too long for the modulus, or `publicKey` is not RSA.
 */
export function wrapRsaPkcs1(
  publicKey: KeyObject,
  key: SecretBytes,
  random: RandomFill = randomFillSync,
): Uint8Array {
  using block = padRsaPkcs1(modulusLength(publicKey), key.bytes, random);
  return plainBytes(
    publicEncrypt({ key: publicKey, padding: constants.RSA_NO_PADDING }, block.bytes),
  );
}

/**
 * The padded block of a key, before RSA.
 *
 * @param length - Bytes of the modulus.
 * @throws KeyStoreError PARAMETER_INVALID where the key is too long for the modulus.
 */
export function padRsaPkcs1(
  length: number,
  key: Uint8Array,
  random: RandomFill = randomFillSync,
): SecretBytes {
  if (key.length > length - OVERHEAD)
    throw new KeyStoreError(
      'PARAMETER_INVALID',
      'the key does not fit this RSA key with PKCS#1 v1.5',
    );
  const block = new SecretBytes(length);
  const em = block.bytes;
  em[1] = BLOCK_TYPE;
  fillNonZero(em.subarray(2, length - key.length - 1), random);
  em.set(key, length - key.length);
  return block;
}

/**
 * Unwraps a key. There is one failure, without a cause, for a ciphertext of another length, a bad block, an implausible
 * length, the wrong key and an RSA error; it says nothing that a chosen-ciphertext attack (Bleichenbacher) could use
 * beyond the fact itself, so callers verify a signature first.
 *
 * @param plausibleLengths - Lengths in bytes that the key may have.
 * @throws KeyStoreError KEY_UNWRAP_FAILED (NTE_DECRYPTION_FAILURE).
 */
export function unwrapRsaPkcs1(
  privateKey: KeyObject,
  encryptedKey: Uint8Array,
  plausibleLengths: readonly number[],
): SecretBytes {
  using block = rawDecrypt(privateKey, encryptedKey);
  return unpadRsaPkcs1(block.bytes, plausibleLengths);
}

/**
 * Takes the key out of a padded block in constant time: no branch and no index depends on the block before the one decision
 * whether it is good. What the JavaScript engine makes of that is best effort.
 *
 * @param em - The block as RSA gave it, big-endian, as long as the modulus. The caller still owns, and wipes, it.
 * @throws KeyStoreError KEY_UNWRAP_FAILED (NTE_DECRYPTION_FAILURE).
 */
export function unpadRsaPkcs1(em: Uint8Array, plausibleLengths: readonly number[]): SecretBytes {
  // No longer key leaves PS its 8 bytes, so that PS needs no check of its own.
  const possible = plausibleLengths.filter(
    (length) => length >= 0 && length <= em.length - OVERHEAD,
  );
  if (possible.length === 0) throw new KeyStoreError('KEY_UNWRAP_FAILED');
  const keyLength = lengthOfKey(em);
  // Masks: all ones for yes, zero for no.
  let good = equalMask(em[0]!, 0) & equalMask(em[1]!, BLOCK_TYPE);
  let plausible = 0;
  using found = new SecretBytes(Math.max(...possible));
  for (const length of possible) {
    const mask = equalMask(keyLength, length);
    plausible |= mask;
    for (let i = 0; i < length; i++) found.bytes[i]! |= em[em.length - length + i]! & mask;
  }
  good &= plausible;
  if (good === 0) throw new KeyStoreError('KEY_UNWRAP_FAILED');
  return SecretBytes.copy(found.bytes.subarray(0, keyLength));
}

/** Bytes after the first zero byte that follows 00 02; of a block without one, more than any key can have. */
function lengthOfKey(em: Uint8Array): number {
  let separator = 0;
  let searching = -1;
  for (let i = 2; i < em.length; i++) {
    const here = searching & equalMask(em[i]!, 0);
    separator |= i & here;
    searching &= ~here;
  }
  return em.length - 1 - separator;
}

/** All ones where two non-negative numbers are equal, else zero. */
function equalMask(a: number, b: number): number {
  return ((a ^ b) - 1) >> 31;
}

/** RSADP. An empty block, which cannot be unpadded, where RSA itself fails. */
function rawDecrypt(privateKey: KeyObject, encryptedKey: Uint8Array): SecretBytes {
  try {
    // RSA_NO_PADDING takes shorter input as a smaller number; RFC 8017 section 7.2.2 step 1 does not.
    if (encryptedKey.length !== modulusLength(privateKey)) return new SecretBytes(0);
    const options = { key: privateKey, padding: constants.RSA_NO_PADDING };
    return SecretBytes.take(privateDecrypt(options, encryptedKey));
  } catch {
    return new SecretBytes(0);
  }
}

function modulusLength(key: KeyObject): number {
  const bits = key.asymmetricKeyDetails?.modulusLength;
  if (key.asymmetricKeyType !== 'rsa' || bits === undefined)
    throw new KeyStoreError('PARAMETER_INVALID', 'this is not an RSA key');
  return Math.ceil(bits / 8);
}

function fillNonZero(target: Uint8Array, random: RandomFill): void {
  random(target);
  const one = new Uint8Array(1);
  for (let i = 0; i < target.length; i++) {
    while (target[i] === 0) {
      random(one);
      target[i] = one[0]!;
    }
  }
}

const BLOCK_TYPE = 0x02;
const MIN_PADDING = 8;
/** 00 02, PS, 00 */
const OVERHEAD = 3 + MIN_PADDING;
