/** Encrypting and decrypting bytes in memory: the same format as a file. */
import { isUint8Array } from 'node:util/types';
import type { FileKeys } from '../contracts/file-keys.ts';
import { KeyStoreError } from '../errors.ts';
import { beginFile } from '../file-encryption/file-cipher.ts';
import { sealWhole } from '../file-encryption/segment-stream.ts';
import { ciphertextSize, STREAM_HEADER_LENGTH } from '../file-encryption/segments.ts';
import { decryptWhole } from './decrypt.ts';
import { withFileKey } from './encrypt.ts';
import type { DecryptOptions, EncryptOptions } from './options.ts';

/**
 * Encrypts bytes. The result is what {@link encryptFile} would write: 4 KiB or more of header, then the ciphertext.
 *
 * @returns A fresh array that the caller owns.
 * @throws KeyStoreError PARAMETER_INVALID (context, or no bytes), and what `keys.fileKey` throws.
 */
export async function encryptBytes(
  keys: FileKeys,
  bytes: Uint8Array,
  options: EncryptOptions = {},
): Promise<Uint8Array> {
  requireBytes(bytes);
  const file = await withFileKey(keys, options, (key) => beginFile(key, options.context));
  using cipher = file.cipher;
  const headerLength = file.start.length - STREAM_HEADER_LENGTH;
  const whole = new Uint8Array(headerLength + ciphertextSize(bytes.length));
  whole.set(file.start);
  await sealWhole(bytes, cipher, whole.subarray(headerLength));
  return whole;
}

/**
 * Decrypts what {@link encryptBytes} or {@link encryptFile} made.
 *
 * @param options - `context` names pairs that the bytes must have been encrypted with.
 * @returns A fresh array that the caller owns.
 * @throws KeyStoreError FILE_DAMAGED, BLOB_MALFORMED, CONTEXT_MISMATCH, and what `keys.openHeaderRecord` throws.
 */
export async function decryptBytes(
  keys: FileKeys,
  bytes: Uint8Array,
  options: DecryptOptions = {},
): Promise<Uint8Array> {
  requireBytes(bytes);
  return (await decryptWhole(keys, bytes, options)).plaintext;
}

/** Before a key is made: callers without types pass text. */
function requireBytes(data: unknown): asserts data is Uint8Array {
  if (isUint8Array(data)) return;
  throw new KeyStoreError('PARAMETER_INVALID', 'the data is not a Uint8Array', {
    hint: 'Encode text first: `new TextEncoder().encode(text)`.',
  });
}
