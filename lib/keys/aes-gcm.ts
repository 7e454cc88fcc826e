/** AES-GCM of key material (NIST SP 800-38D): 96-bit nonce, 128-bit tag. */
import { createCipheriv, createDecipheriv, type CipherGCMTypes } from 'node:crypto';
import { plainBytes } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import { SecretBytes } from './secret-bytes.ts';

export interface AesGcmInput {
  /** 16, 24 or 32 bytes. */
  readonly key: Uint8Array;
  /** 12 bytes, never used twice with one key. */
  readonly nonce: Uint8Array;
  readonly plaintext: Uint8Array;
  /** Authenticated, not encrypted. */
  readonly aad?: Uint8Array;
}

export interface AesGcmSealed {
  /** As long as the plaintext. */
  readonly ciphertext: Uint8Array;
  /** 16 bytes. */
  readonly tag: Uint8Array;
}

/** @throws KeyStoreError PARAMETER_INVALID for a key or nonce of another length. */
export function sealAesGcm({ key, nonce, plaintext, aad }: AesGcmInput): AesGcmSealed {
  if (nonce.length !== NONCE_LENGTH)
    throw new KeyStoreError('PARAMETER_INVALID', `a nonce has ${NONCE_LENGTH} bytes`);
  const cipher = createCipheriv(cipherFor(key), key, nonce, { authTagLength: TAG_LENGTH });
  if (aad) cipher.setAAD(aad);
  const ciphertext = cipher.update(plaintext);
  cipher.final();
  return { ciphertext: plainBytes(ciphertext), tag: plainBytes(cipher.getAuthTag()) };
}

/**
 * Opens what {@link sealAesGcm} made.
 *
 * @throws KeyStoreError KEY_UNWRAP_FAILED (NTE_DECRYPTION_FAILURE) whatever does not fit; PARAMETER_INVALID for a key of another length.
 */
export function openAesGcm(
  input: AesGcmSealed & Pick<AesGcmInput, 'key' | 'nonce' | 'aad'>,
): SecretBytes {
  const { key, nonce, ciphertext, tag, aad } = input;
  const name = cipherFor(key);
  if (nonce.length !== NONCE_LENGTH || tag.length !== TAG_LENGTH)
    throw new KeyStoreError('KEY_UNWRAP_FAILED');
  const decipher = createDecipheriv(name, key, nonce, { authTagLength: TAG_LENGTH });
  if (aad) decipher.setAAD(aad);
  decipher.setAuthTag(tag);
  const plaintext = decipher.update(ciphertext);
  try {
    decipher.final();
  } catch {
    plaintext.fill(0);
    throw new KeyStoreError('KEY_UNWRAP_FAILED');
  }
  return SecretBytes.take(plaintext);
}

function cipherFor(key: Uint8Array): CipherGCMTypes {
  const name = CIPHERS[key.length];
  if (name === undefined)
    throw new KeyStoreError('PARAMETER_INVALID', 'an AES key has 16, 24 or 32 bytes');
  return name;
}

const NONCE_LENGTH = 12;
const TAG_LENGTH = 16;
const CIPHERS: Readonly<Record<number, CipherGCMTypes>> = {
  16: 'aes-128-gcm',
  24: 'aes-192-gcm',
  32: 'aes-256-gcm',
};
