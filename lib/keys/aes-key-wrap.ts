/** AES key wrap (RFC 3394) with its default initial value. */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { plainBytes } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import { SecretBytes } from './secret-bytes.ts';

/**
 * Wraps a key.
 *
 * @param kek - Key-encryption key of 16, 24 or 32 bytes.
 * @param key - At least 16 bytes, a multiple of 8 (RFC 3394 section 2: n is at least 2).
 * @returns 8 bytes more than the key.
 * @throws KeyStoreError PARAMETER_INVALID for other lengths.
 */
export function wrapAesKey(kek: Uint8Array, key: SecretBytes): Uint8Array {
  if (key.length < MIN_KEY_LENGTH || key.length % SEMIBLOCK !== 0)
    throw new KeyStoreError('PARAMETER_INVALID', 'AES key wrap takes 16, 24, 32, ... bytes');
  const cipher = createCipheriv(cipherFor(kek), kek, INITIAL_VALUE);
  const wrapped = cipher.update(key.bytes);
  cipher.final();
  return plainBytes(wrapped);
}

/** @throws KeyStoreError KEY_UNWRAP_FAILED (NTE_DECRYPTION_FAILURE) whatever does not fit; PARAMETER_INVALID for a `kek` of another length. */
export function unwrapAesKey(kek: Uint8Array, wrapped: Uint8Array): SecretBytes {
  const name = cipherFor(kek);
  if (wrapped.length < MIN_KEY_LENGTH + SEMIBLOCK || wrapped.length % SEMIBLOCK !== 0)
    throw new KeyStoreError('KEY_UNWRAP_FAILED');
  try {
    const decipher = createDecipheriv(name, kek, INITIAL_VALUE);
    const key = decipher.update(wrapped);
    decipher.final();
    return SecretBytes.take(key);
  } catch {
    throw new KeyStoreError('KEY_UNWRAP_FAILED');
  }
}

function cipherFor(kek: Uint8Array): string {
  const name = CIPHERS[kek.length];
  if (name === undefined)
    throw new KeyStoreError('PARAMETER_INVALID', 'an AES key has 16, 24 or 32 bytes');
  return name;
}

const SEMIBLOCK = 8;
const MIN_KEY_LENGTH = 16;
/** RFC 3394 section 2.2.3.1 */
const INITIAL_VALUE = new Uint8Array(SEMIBLOCK).fill(0xa6);
const CIPHERS: Readonly<Record<number, string>> = {
  16: 'id-aes128-wrap',
  24: 'id-aes192-wrap',
  32: 'id-aes256-wrap',
};
