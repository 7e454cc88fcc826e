/** Bounds and field lengths that the RSA blobs share. */

/** PP_ENUMALGS_EX: no Microsoft provider makes RSA keys shorter than 384 or longer than 16384 bits. */
export const MIN_RSA_BITS = 384;
export const MAX_RSA_BITS = 16384;

/** RSAPUBKEY.magic of a public key: "RSA1". */
export const RSA1 = 0x31415352;
/** RSAPUBKEY.magic of a private key: "RSA2". */
export const RSA2 = 0x32415352;

/** Bytes of RSAPUBKEY: magic, bitlen, pubexp. */
export const RSAPUBKEY_LENGTH = 12;

/** Bytes of the modulus and of d. */
export const wholeLength = (modulusBits: number): number => (modulusBits + 7) >>> 3;

/** Bytes of each prime and CRT number. */
export const halfLength = (modulusBits: number): number => (modulusBits + 15) >>> 4;

/** A big-endian number without leading zeros: a view. */
export function significant(number: Uint8Array): Uint8Array {
  let first = 0;
  while (first < number.length && number[first] === 0) first++;
  return number.subarray(first);
}

/** Bits of a big-endian number. */
export function bitLength(number: Uint8Array): number {
  const bytes = significant(number);
  return bytes.length === 0 ? 0 : 8 * bytes.length - (Math.clz32(bytes[0]!) - 24);
}
