/**
 * MD2 (RFC 1319), which neither node:crypto nor OpenSSL's builds of Node have; CryptoAPI's providers do.
 *
 *   message ‖ n bytes of value n, 1 to 16    ‖ checksum of all that, 16 bytes    →    18 rounds for each block of 16 bytes
 */

/** MD2 of the parts, one after the other: 16 bytes. For reading old data; it keeps nothing secret and resists nobody. */
export function md2(...parts: readonly Uint8Array[]): Uint8Array {
  const state = new Uint8Array(STATE_LENGTH);
  const checksum = new Uint8Array(BLOCK_LENGTH);
  const block = new Uint8Array(BLOCK_LENGTH);
  let filled = 0;
  for (const part of parts)
    for (const byte of part) {
      block[filled++] = byte;
      if (filled < BLOCK_LENGTH) continue;
      compress(state, block);
      addToChecksum(checksum, block);
      filled = 0;
    }
  // Section 3.1: always padded, a whole block when the message fills its last one.
  block.fill(BLOCK_LENGTH - filled, filled);
  compress(state, block);
  addToChecksum(checksum, block);
  compress(state, checksum);
  const value = state.slice(0, BLOCK_LENGTH);
  for (const used of [state, checksum, block]) used.fill(0);
  return value;
}

/** Section 3.4. */
function compress(state: Uint8Array, block: Uint8Array): void {
  for (let j = 0; j < BLOCK_LENGTH; j++) {
    state[BLOCK_LENGTH + j] = block[j]!;
    state[2 * BLOCK_LENGTH + j] = block[j]! ^ state[j]!;
  }
  let t = 0;
  for (let round = 0; round < ROUNDS; round++) {
    for (let k = 0; k < STATE_LENGTH; k++) t = state[k]! ^= PI_SUBST[t]!;
    t = (t + round) & 0xff;
  }
}

/** Section 3.2, with the erratum of RFC 1319: the checksum's byte is XORed, not set. */
function addToChecksum(checksum: Uint8Array, block: Uint8Array): void {
  let last = checksum[BLOCK_LENGTH - 1]!;
  for (let j = 0; j < BLOCK_LENGTH; j++) last = checksum[j]! ^= PI_SUBST[block[j]! ^ last]!;
}

const BLOCK_LENGTH = 16;
const STATE_LENGTH = 48;
const ROUNDS = 18;

/** RFC 1319 section 3.2: a permutation of 0 to 255 that is made from the digits of pi. */
const PI_SUBST = Uint8Array.from(
  (
    '292e43c9a2d87c013d3654a1ecf0061362a705f3c0c7738c98932bd9bc4c82ca1e9b573cfdd4e01667426f188a17e512be4ec4d6da9ede49a0fbf58ebb2fee7a' +
    'a968799115b2073f94c210890b225f21807f5d9a5a903227353ecce7bff79703ff1930b348a5b5d1d75e922aac56aac64fb838d296a47db676fc6be29c7404f1' +
    '459d705964718720865bcf65e62da8021b6025adaeb0b9f61c46616934407e0f5547a323dd51af3ac35cf9cebac5ea262c530d6e85288409d3dfcdf441814d52' +
    '6adc37c86cc1abfa24e17b080cbdb14a7888958be363e86de9cbd5fe3b001d39f2efb70e6658d0e4a67772f8eb754b0a314450b48fed1f1adb998d339f118314'
  ).match(/../gu)!,
  (byte) => Number.parseInt(byte, 16),
);
