/** PBKDF2 with HMAC-SHA-256 (RFC 8018 section 5.2), on the thread pool. */
import { pbkdf2 as nodePbkdf2 } from 'node:crypto';
import { KeyStoreError } from '../errors.ts';
import { SecretBytes } from '../keys/secret-bytes.ts';

/**
 * Derives a key from a password.
 *
 * @param password - The caller still owns, and wipes, it.
 * @param iterations - At least 1. What a record may ask for is bounded by its codec.
 * @param length - Bytes wanted.
 * @throws KeyStoreError PARAMETER_INVALID for numbers out of range.
 */
// oxlint-disable-next-line max-params -- the inputs in RFC 8018's order
export function pbkdf2(
  password: Uint8Array,
  salt: Uint8Array,
  iterations: number,
  length: number,
): Promise<SecretBytes> {
  return new Promise((resolve, reject) => {
    const fail = (): void =>
      reject(new KeyStoreError('PARAMETER_INVALID', 'PBKDF2 does not take these numbers'));
    try {
      nodePbkdf2(password, salt, iterations, length, 'sha256', (error, key) => {
        if (error) fail();
        else resolve(SecretBytes.take(key));
      });
    } catch {
      fail();
    }
  });
}
