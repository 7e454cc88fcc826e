/**
 * Parameters of Argon2id version 0x13 (RFC 9106), in records and in key files.
 *
 *   Argon2idParams ::= SEQUENCE { salt OCTET STRING (16..64), memoryKiB, iterations, parallelism, keyLength INTEGER (32) }
 */
import type { DerReader } from '../bytes/der-reader.ts';
import { TAG } from '../bytes/der-tags.ts';
import { integer, octetString, sequence } from '../bytes/der-writer.ts';

/** Cost of Argon2id version 0x13 (RFC 9106). */
export interface Argon2idParameters {
  /** 16 to 64 bytes. */
  readonly salt: Uint8Array;
  readonly memoryKiB: number;
  readonly iterations: number;
  readonly parallelism: number;
}

/** What a reader accepts from a stranger; what a writer makes is stronger (kdf/). DESIGN section 4. */
export const ARGON2ID_BOUNDS = {
  memoryKiB: { min: 8 * 1024, max: 1024 * 1024 },
  iterations: { min: 1, max: 16 },
  parallelism: { min: 1, max: 16 },
  salt: { min: 16, max: 64 },
} as const;

/** The derived key is always a key-encryption key of AES-256. */
const KEY_LENGTH = 32;

export function encodeArgon2idParameters(parameters: Argon2idParameters): Uint8Array {
  const { salt, memoryKiB, iterations, parallelism } = parameters;
  const numbers = [memoryKiB, iterations, parallelism, KEY_LENGTH].map((n) => integer(n));
  return sequence(octetString(salt), ...numbers);
}

/** Reads the next value of `reader`. */
export function readArgon2idParameters(reader: DerReader): Argon2idParameters {
  const r = reader.enter(TAG.SEQUENCE, 'Argon2idParams');
  const salt = r.octets('Argon2idParams.salt', ARGON2ID_BOUNDS.salt);
  const memoryKiB = r.integer('Argon2idParams.memoryKiB', ARGON2ID_BOUNDS.memoryKiB);
  const iterations = r.integer('Argon2idParams.iterations', ARGON2ID_BOUNDS.iterations);
  const parallelism = r.integer('Argon2idParams.parallelism', ARGON2ID_BOUNDS.parallelism);
  r.integer('Argon2idParams.keyLength', { min: KEY_LENGTH, max: KEY_LENGTH });
  r.end();
  return { salt, memoryKiB, iterations, parallelism };
}
