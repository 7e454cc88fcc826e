/** HKDF (RFC 5869). On HMAC directly: hkdfSync takes twice as long for the short outputs that records need. */
import { createHmac } from 'node:crypto';
import { KeyStoreError } from '../errors.ts';
import { SecretBytes } from '../keys/secret-bytes.ts';

export type HkdfHash = 'sha256' | 'sha384';

/**
 * Extract, then expand.
 *
 * @param ikm - Input key material. The caller still owns, and wipes, it.
 * @param salt - Empty for none.
 * @param length - Bytes wanted; at most 255 hashes.
 * @throws KeyStoreError PARAMETER_INVALID for more.
 */
// oxlint-disable-next-line max-params -- the inputs in RFC 5869's order
export function hkdf(
  hash: HkdfHash,
  ikm: Uint8Array,
  salt: Uint8Array,
  info: Uint8Array,
  length: number,
): SecretBytes {
  using prk = hkdfExtract(hash, ikm, salt);
  return hkdfExpand(hash, prk, info, length);
}

/** HKDF-Extract (section 2.2): one pseudorandom key that several {@link hkdfExpand} can share. */
export function hkdfExtract(hash: HkdfHash, ikm: Uint8Array, salt: Uint8Array): SecretBytes {
  return SecretBytes.take(createHmac(hash, salt).update(ikm).digest());
}

/** HKDF-Expand (section 2.3): T(i) = HMAC(PRK, T(i-1) ‖ info ‖ i). */
// oxlint-disable-next-line max-params -- the inputs in RFC 5869's order
export function hkdfExpand(
  hash: HkdfHash,
  prk: SecretBytes,
  info: Uint8Array,
  length: number,
): SecretBytes {
  if (length > MAX_ROUNDS * prk.length)
    throw new KeyStoreError('PARAMETER_INVALID', `HKDF gives at most ${MAX_ROUNDS} hashes`);
  const okm = new SecretBytes(length);
  const counter = new Uint8Array(1);
  let previous: Buffer | undefined;
  for (let at = 0; at < length; at += prk.length) {
    counter[0]! += 1;
    const mac = createHmac(hash, prk.bytes);
    if (previous) mac.update(previous);
    previous?.fill(0);
    previous = mac.update(info).update(counter).digest();
    okm.bytes.set(previous.subarray(0, length - at), at);
  }
  previous?.fill(0);
  return okm;
}

/** The counter is one byte. */
const MAX_ROUNDS = 255;
