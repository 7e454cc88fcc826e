/**
 * PWRI-KEK (RFC 3211 section 2.3) with AES-256-CBC: wraps a key under one that was derived from a password.
 *
 *   X   = length (1) ‖ complement of the key's first 3 bytes ‖ key ‖ random, to whole blocks, at least 2
 *   C1  = CBC(kek, iv, X)
 *   out = CBC(kek, last block of C1, C1)
 */
import { createCipheriv, createDecipheriv, randomFillSync } from 'node:crypto';
import { plainBytes } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import { SecretBytes, type RandomFill } from './secret-bytes.ts';

export interface PwriWrappedKey {
  /** 16 bytes. */
  readonly iv: Uint8Array;
  /** Whole blocks, at least 2: 48 bytes for a 32-byte key. */
  readonly wrapped: Uint8Array;
}

/**
 * @param kek - 32 bytes.
 * @param key - 3 to 255 bytes.
 * @param random - Fills the IV, then the padding; replaced only to get known answers in tests.
 * @throws KeyStoreError PARAMETER_INVALID for other lengths.
 */
export function wrapPwriKek(
  kek: Uint8Array,
  key: SecretBytes,
  random: RandomFill = randomFillSync,
): PwriWrappedKey {
  checkKek(kek);
  if (key.length < CHECK_LENGTH || key.length > MAX_KEY_LENGTH)
    throw new KeyStoreError('PARAMETER_INVALID', `PWRI-KEK takes 3 to ${MAX_KEY_LENGTH} bytes`);
  const iv = new Uint8Array(BLOCK);
  random(iv);
  const content = HEADER_LENGTH + key.length;
  using block = new SecretBytes(Math.max(2, Math.ceil(content / BLOCK)) * BLOCK);
  const x = block.bytes;
  x[0] = key.length;
  for (let i = 0; i < CHECK_LENGTH; i++) x[1 + i] = ~key.bytes[i]!;
  x.set(key.bytes, HEADER_LENGTH);
  random(x.subarray(content));
  const inner = cbc(createCipheriv, kek, iv, x);
  const wrapped = cbc(createCipheriv, kek, inner.subarray(-BLOCK), inner);
  return { iv, wrapped: plainBytes(wrapped) };
}

/** @throws KeyStoreError KEY_UNWRAP_FAILED (NTE_DECRYPTION_FAILURE) whatever does not fit; PARAMETER_INVALID for a `kek` of another length. */
export function unwrapPwriKek(kek: Uint8Array, iv: Uint8Array, wrapped: Uint8Array): SecretBytes {
  checkKek(kek);
  if (iv.length !== BLOCK || wrapped.length < 2 * BLOCK || wrapped.length % BLOCK !== 0)
    throw new KeyStoreError('KEY_UNWRAP_FAILED');
  // The second pass was chained from C1's last block, so that one comes back first.
  const lastInner = cbc(
    createDecipheriv,
    kek,
    wrapped.subarray(-2 * BLOCK, -BLOCK),
    wrapped.subarray(-BLOCK),
  );
  const inner = cbc(createDecipheriv, kek, lastInner, wrapped);
  using block = SecretBytes.take(cbc(createDecipheriv, kek, iv, inner));
  const x = block.bytes;
  const length = x[0]!;
  let wrong = 0;
  for (let i = 0; i < CHECK_LENGTH; i++) wrong |= x[1 + i]! ^ x[HEADER_LENGTH + i]! ^ 0xff;
  if (wrong !== 0 || length < CHECK_LENGTH || HEADER_LENGTH + length > x.length)
    throw new KeyStoreError('KEY_UNWRAP_FAILED');
  return SecretBytes.copy(x.subarray(HEADER_LENGTH, HEADER_LENGTH + length));
}

// oxlint-disable-next-line max-params -- direction, then what every block cipher call has
function cbc(
  make: typeof createCipheriv | typeof createDecipheriv,
  kek: Uint8Array,
  iv: Uint8Array,
  data: Uint8Array,
): Buffer {
  const cipher = make('aes-256-cbc', kek, iv).setAutoPadding(false);
  const out = cipher.update(data);
  cipher.final();
  return out;
}

function checkKek(kek: Uint8Array): void {
  if (kek.length !== KEK_LENGTH)
    throw new KeyStoreError('PARAMETER_INVALID', `the key-encryption key has ${KEK_LENGTH} bytes`);
}

const BLOCK = 16;
const KEK_LENGTH = 32;
/** Bytes of the key that are repeated in complement. */
const CHECK_LENGTH = 3;
const HEADER_LENGTH = 1 + CHECK_LENGTH;
/** The length is one byte. */
const MAX_KEY_LENGTH = 255;
