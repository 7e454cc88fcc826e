/**
 * What BlobOpener does not take, since CryptoAPI never made it: blocks of other programs' making, shown as they are after RSA.
 *
 *   OAEP with SHA-256, SHA-384, SHA-512    CNG, where the hash of MGF1 is that of OAEP
 *   00 02 ‖ PS ‖ 00 ‖ key, PS too short    Wine reads it
 *   00 02 ‖ PS ‖ 00 ‖ other bytes          the length is none of the ALG_ID's
 *   00 ... 00 ‖ key                        RSA without padding
 *
 * For data at rest: whoever may have blobs tried here learns more than whether they open.
 */
import { constants, privateDecrypt, type KeyObject } from 'node:crypto';
import { reverseBytes } from '../../bytes/octets.ts';
import { SecretBytes } from '../../keys/secret-bytes.ts';
import { keyLengthsOf } from '../../legacy/simple-blob.ts';
import type { Wrapping } from '../diagnosis.ts';

/** A block that was understood. Disposing of it wipes the key. */
export interface UnusualBlock extends Disposable {
  readonly padding: Wrapping;
  readonly byteOrder: 'little-endian' | 'big-endian';
  readonly key: SecretBytes;
  /** Whether keys of the blob's ALG_ID can have this length. */
  readonly isPlausible: boolean;
}

/**
 * Looks at a block under one private key.
 *
 * @param block - As it lies in the SIMPLEBLOB, as long as the modulus.
 */
export function readUnusualBlock(
  block: Uint8Array,
  privateKey: KeyObject,
  algId: number,
): UnusualBlock | undefined {
  const lengths = lengthsOf(algId);
  for (const byteOrder of ['little-endian', 'big-endian'] as const) {
    const number = byteOrder === 'little-endian' ? reverseBytes(block) : block;
    const found = withOaep(number, privateKey) ?? withoutOaep(number, privateKey, lengths);
    if (!found) continue;
    const { key } = found;
    return {
      ...found,
      byteOrder,
      isPlausible: lengths.includes(key.length),
      [Symbol.dispose]: () => key.dispose(),
    };
  }
  return undefined;
}

type Found = Pick<UnusualBlock, 'padding' | 'key'>;

function withOaep(block: Uint8Array, key: KeyObject): Found | undefined {
  for (const hash of ['sha256', 'sha384', 'sha512'] as const) {
    try {
      const options = { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: hash };
      const found = SecretBytes.take(privateDecrypt(options, block));
      if (found.length > 0) return { padding: `oaep-${hash}`, key: found };
    } catch {
      // Another hash, or another key.
    }
  }
  return undefined;
}

// oxlint-disable-next-line max-params -- a block, its key, and what may be in it
function withoutOaep(
  block: Uint8Array,
  key: KeyObject,
  lengths: readonly number[],
): Found | undefined {
  try {
    const options = { key, padding: constants.RSA_NO_PADDING };
    using padded = SecretBytes.take(privateDecrypt(options, block));
    return pkcs1(padded.bytes, lengths) ?? unpadded(padded.bytes, lengths);
  } catch {
    return undefined;
  }
}

/** Any length of PS and of what follows; of a wrong key's blocks one in a million looks so with a plausible key, or with one of 64 bytes at most. */
function pkcs1(em: Uint8Array, lengths: readonly number[]): Found | undefined {
  if (em[0] !== 0 || em[1] !== 2) return undefined;
  const end = em.indexOf(0, 2);
  const length = em.length - end - 1;
  if (end < 0 || length === 0) return undefined;
  if (!lengths.includes(length) && length > MAX_KEY) return undefined;
  const padding = end - 2 < MIN_PS ? 'pkcs1-short' : 'pkcs1';
  return { padding, key: SecretBytes.copy(em.subarray(end + 1)) };
}

function unpadded(em: Uint8Array, lengths: readonly number[]): Found | undefined {
  const start = em.findIndex((byte) => byte !== 0);
  // A key may begin with zeros: the least length that holds it.
  const length = lengths.find((each) => each >= em.length - start);
  if (start < em.length / 2 || length === undefined) return undefined;
  return { padding: 'none', key: SecretBytes.copy(em.subarray(em.length - length)) };
}

function lengthsOf(algId: number): readonly number[] {
  try {
    return keyLengthsOf(algId);
  } catch {
    return [];
  }
}

const MIN_PS = 8;
const MAX_KEY = 64;
