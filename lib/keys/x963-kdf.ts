/** The key derivation function of ANSI X9.63 (SEC 1 section 3.6.1): H(Z ‖ counter ‖ SharedInfo), counter from 1. */
import { createHash } from 'node:crypto';
import { SecretBytes } from './secret-bytes.ts';

/**
 * Derives a key from a shared secret.
 *
 * @param sharedSecret - Z. The caller still owns, and wipes, it.
 * @param length - Bytes wanted.
 */
// oxlint-disable-next-line max-params -- the four inputs that the standard names
export function x963Kdf(
  hash: 'sha256' | 'sha384',
  sharedSecret: Uint8Array,
  sharedInfo: Uint8Array,
  length: number,
): SecretBytes {
  const key = new SecretBytes(length);
  const counter = new Uint8Array(4);
  const counterView = new DataView(counter.buffer);
  for (let at = 0, round = 1; at < length; round++) {
    counterView.setUint32(0, round);
    const block = createHash(hash).update(sharedSecret).update(counter).update(sharedInfo).digest();
    key.bytes.set(block.subarray(0, length - at), at);
    at += block.length;
    block.fill(0);
  }
  return key;
}
