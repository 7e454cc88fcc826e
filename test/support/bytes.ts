/** Byte strings in tests. */
import { fromHex, toHex } from '../../lib/bytes/octets.ts';
import { SecretBytes } from '../../lib/keys/secret-bytes.ts';

/** Bytes of hex digits; spaces are for the reader. */
export function hex(digits: string): Uint8Array {
  const bytes = fromHex(digits.replaceAll(/\s/g, ''));
  if (!bytes) throw new TypeError(`not hex: ${digits}`);
  return bytes;
}

/** Hex digits of a secret, which is disposed of. */
export function revealed(secret: SecretBytes): string {
  using own = secret;
  return toHex(own.bytes);
}

/** A secret of hex digits. */
export function secretHex(digits: string): SecretBytes {
  return SecretBytes.take(hex(digits));
}

/** Randomness that counts: 00 01 02 ... */
export function countingRandom(start = 0): (target: Uint8Array) => void {
  let next = start;
  return (target) => {
    for (let i = 0; i < target.length; i++) target[i] = next++ & 0xff;
  };
}
