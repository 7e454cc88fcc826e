/** KDF in counter mode on HMAC (NIST SP 800-108r1 section 4.1): K(i) = HMAC(key, BE32(i) ‖ label ‖ 00 ‖ context ‖ BE32(bits)). */
import { createHmac } from 'node:crypto';
import { SecretBytes } from '../keys/secret-bytes.ts';

export type Sp800108Hash = 'sha1' | 'sha256' | 'sha384' | 'sha512';

/** What a key is derived from and for. */
export interface Sp800108Input {
  readonly hash: Sp800108Hash;
  /** The caller still owns, and wipes, it. */
  readonly key: Uint8Array;
  readonly label: Uint8Array;
  readonly context: Uint8Array;
  /** Bytes wanted: few, since each block is 20 to 64 of them. */
  readonly length: number;
}

/** Derives a key. */
export function sp800108(input: Sp800108Input): SecretBytes {
  const { hash, key, label, context, length } = input;
  const derived = new SecretBytes(length);
  const bits = bigEndian32(8 * length);
  for (let at = 0, round = 1; at < length; round++) {
    const mac = createHmac(hash, key).update(bigEndian32(round)).update(label).update(ZERO);
    const block = mac.update(context).update(bits).digest();
    derived.bytes.set(block.subarray(0, length - at), at);
    at += block.length;
    block.fill(0);
  }
  return derived;
}

function bigEndian32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}

const ZERO = Uint8Array.of(0);
