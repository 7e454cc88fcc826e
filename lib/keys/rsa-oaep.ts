/** RSAES-OAEP (RFC 8017 section 7.1): MGF1 with the same hash, an empty label unless one is given. */
import { constants, privateDecrypt, publicEncrypt, type KeyObject } from 'node:crypto';
import { plainBytes } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import { SecretBytes } from './secret-bytes.ts';

/**
 * Wraps a key for the owner of an RSA key.
 *
 * @returns As long as the modulus, big-endian.
 * @throws KeyStoreError PARAMETER_INVALID where the key is too long for the modulus (RFC 8017: k - 2 hLen - 2), or `publicKey` is not RSA.
 */
// oxlint-disable-next-line max-params -- the inputs of RFC 8017 section 7.1.1
export function wrapRsaOaep(
  publicKey: KeyObject,
  hash: 'sha1' | 'sha256',
  key: SecretBytes,
  label?: Uint8Array,
): Uint8Array {
  try {
    const options = { key: publicKey, padding: OAEP, oaepHash: hash, ...labelled(label) };
    return plainBytes(publicEncrypt(options, key.bytes));
  } catch {
    throw new KeyStoreError('PARAMETER_INVALID', 'the key does not fit this RSA key with OAEP');
  }
}

/** @throws KeyStoreError KEY_UNWRAP_FAILED (NTE_DECRYPTION_FAILURE) whatever does not fit. */
// oxlint-disable-next-line max-params -- the inputs of RFC 8017 section 7.1.2
export function unwrapRsaOaep(
  privateKey: KeyObject,
  hash: 'sha1' | 'sha256',
  encryptedKey: Uint8Array,
  label?: Uint8Array,
): SecretBytes {
  const bits = privateKey.asymmetricKeyDetails?.modulusLength ?? 0;
  // RFC 8017 section 7.1.2 step 1b: exactly as long as the modulus. OpenSSL would take shorter input as a smaller number.
  if (encryptedKey.length !== Math.ceil(bits / 8)) throw new KeyStoreError('KEY_UNWRAP_FAILED');
  try {
    const options = { key: privateKey, padding: OAEP, oaepHash: hash, ...labelled(label) };
    return SecretBytes.take(privateDecrypt(options, encryptedKey));
  } catch {
    throw new KeyStoreError('KEY_UNWRAP_FAILED');
  }
}

/** node:crypto takes no empty label, which is the same as none. */
function labelled(label: Uint8Array | undefined): { oaepLabel?: Uint8Array } {
  return label === undefined || label.length === 0 ? {} : { oaepLabel: label };
}

const OAEP = constants.RSA_PKCS1_OAEP_PADDING;
