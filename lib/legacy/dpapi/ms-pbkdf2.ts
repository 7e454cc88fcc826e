/**
 * The key derivation of master key files, which is not PBKDF2: what is fed back is the running XOR. Source: mimikatz
 * kull_m_crypto_pkcs5_pbkdf2_hmac; dpapick pbkdf2; verified with files of Windows XP to 10.
 *
 *   block i:  U = HMAC(preKey, salt ‖ BE32(i)), T = U;  rounds - 1 times:  U = HMAC(preKey, T), T = T xor U
 */
import { setImmediate } from 'node:timers/promises';
import { SecretBytes } from '../../keys/secret-bytes.ts';
import { hmac, type DpapiHash } from './dpapi-algorithms.ts';

/** What {@link msPbkdf2} derives from. */
export interface MsPbkdf2Input {
  readonly hash: DpapiHash;
  /** The caller still owns, and wipes, it. */
  readonly preKey: Uint8Array;
  readonly salt: Uint8Array;
  /** At least 1; decoders bound it. */
  readonly rounds: number;
}

/** Derives `length` bytes. Gives way to other work now and then. */
export async function msPbkdf2(input: MsPbkdf2Input, length: number): Promise<SecretBytes> {
  const { hash, preKey, salt, rounds } = input;
  const derived = new SecretBytes(length);
  for (let at = 0, index = 1; at < length; at += hash.length, index++) {
    const block = hmac(hash.name, preKey, salt, bigEndian(index));
    for (let round = 1; round < rounds; round++) {
      const u = hmac(hash.name, preKey, block);
      for (let i = 0; i < block.length; i++) block[i]! ^= u[i]!;
      if (round % ROUNDS_BETWEEN_PAUSES === 0) await setImmediate();
    }
    derived.bytes.set(block.subarray(0, Math.min(hash.length, length - at)), at);
    block.fill(0);
  }
  return derived;
}

function bigEndian(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

/** Some milliseconds of work. */
const ROUNDS_BETWEEN_PAUSES = 1000;
