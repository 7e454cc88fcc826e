/**
 * Where the segments of a ciphertext lie: Tink's AES256_GCM_HKDF_1MB streaming AEAD, as sizes.
 *
 *   ciphertext       = header ‖ segment 0 ‖ segment 1 ‖ …     cut every 1,048,576 bytes, counted from the header's first byte
 *   header           = 0x28 (its length) ‖ salt 32 ‖ nonce prefix 7
 *   segment i        = AES-256-GCM(file key, nonce i, plaintext i, no AAD) ‖ tag 16
 *   file key         = HKDF-SHA-256(session key, salt, info = associated data, 32)
 *   nonce i          = nonce prefix ‖ u32 BE i ‖ 1 if it is the last segment, else 0
 *
 * Source: Tink, "AES-GCM-HKDF Streaming AEAD", https://developers.google.com/tink/streaming-aead/aes_gcm_hkdf_streaming. The last segment is
 * never empty, unless it is the only one: so a size of plaintext has one size of ciphertext.
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';

export const SEGMENT_LENGTH = 1 << 20;
export const TAG_LENGTH = 16;
export const SALT_LENGTH = 32;
export const NONCE_PREFIX_LENGTH = 7;
export const STREAM_HEADER_LENGTH = 1 + SALT_LENGTH + NONCE_PREFIX_LENGTH;
/** Plaintext in the first segment: 1,048,520. */
export const FIRST_PLAINTEXT = SEGMENT_LENGTH - STREAM_HEADER_LENGTH - TAG_LENGTH;
/** Plaintext in each other: 1,048,560. */
const OTHER_PLAINTEXT = SEGMENT_LENGTH - TAG_LENGTH;
/** The index in the nonce has 32 bits. */
export const MAX_SEGMENTS = 2 ** 32;

/** Which segment it is: this makes its nonce. */
export interface SegmentPlace {
  readonly index: number;
  readonly last: boolean;
}

/** One segment's place in the plaintext and in the ciphertext (counted from the stream header's first byte). */
export interface SegmentSpan extends SegmentPlace {
  readonly plaintextStart: number;
  readonly plaintextLength: number;
  readonly ciphertextStart: number;
  readonly ciphertextLength: number;
}

/** How much plaintext a full segment holds. */
export function plaintextCapacity(index: number): number {
  return index === 0 ? FIRST_PLAINTEXT : OTHER_PLAINTEXT;
}

/** Length of a full segment in the ciphertext, tag included; the stream header is not part of it. */
export function ciphertextCapacity(index: number): number {
  return plaintextCapacity(index) + TAG_LENGTH;
}

export function segmentCount(plaintextSize: number): number {
  if (plaintextSize <= FIRST_PLAINTEXT) return 1;
  return 1 + Math.ceil((plaintextSize - FIRST_PLAINTEXT) / OTHER_PLAINTEXT);
}

/** Size of the ciphertext of so much plaintext, stream header included. */
export function ciphertextSize(plaintextSize: number): number {
  return STREAM_HEADER_LENGTH + plaintextSize + TAG_LENGTH * segmentCount(plaintextSize);
}

/** The only size of plaintext whose ciphertext has this size; undefined where there is none. */
export function plaintextSize(ciphertextSize: number): number | undefined {
  const count = Math.ceil(ciphertextSize / SEGMENT_LENGTH);
  const inLast = ciphertextSize - (count - 1) * SEGMENT_LENGTH;
  const least = count === 1 ? STREAM_HEADER_LENGTH + TAG_LENGTH : TAG_LENGTH + 1;
  if (count < 1 || count > MAX_SEGMENTS || inLast < least) return undefined;
  return ciphertextSize - STREAM_HEADER_LENGTH - TAG_LENGTH * count;
}

/** The segment that holds this byte of the plaintext. */
export function segmentAt(offset: number): number {
  return offset < FIRST_PLAINTEXT
    ? 0
    : 1 + Math.floor((offset - FIRST_PLAINTEXT) / OTHER_PLAINTEXT);
}

export function segmentSpan(index: number, plaintextSize: number): SegmentSpan {
  const plaintextStart = index === 0 ? 0 : FIRST_PLAINTEXT + (index - 1) * OTHER_PLAINTEXT;
  const plaintextLength = Math.min(plaintextCapacity(index), plaintextSize - plaintextStart);
  return {
    index,
    last: index === segmentCount(plaintextSize) - 1,
    plaintextStart,
    plaintextLength,
    ciphertextStart: index === 0 ? STREAM_HEADER_LENGTH : index * SEGMENT_LENGTH,
    ciphertextLength: plaintextLength + TAG_LENGTH,
  };
}

/** What makes the keys and the nonces of one file's segments differ from every other file's. */
export interface StreamHeader {
  readonly salt: Uint8Array;
  readonly noncePrefix: Uint8Array;
}

export function encodeStreamHeader({ salt, noncePrefix }: StreamHeader): Uint8Array {
  return new BlobWriter(STREAM_HEADER_LENGTH)
    .u8(STREAM_HEADER_LENGTH)
    .bytes(salt)
    .bytes(noncePrefix)
    .finish();
}

/** @throws BlobFormatError FILE_DAMAGED */
export function decodeStreamHeader(bytes: Uint8Array): StreamHeader {
  const r = new BlobReader(bytes, 'AES256_GCM_HKDF_1MB');
  if (r.left !== STREAM_HEADER_LENGTH) r.fail('header', 'the ciphertext ends here', 'FILE_DAMAGED');
  r.expectU8('header length', STREAM_HEADER_LENGTH, 'FILE_DAMAGED');
  const salt = r.bytes('salt', SALT_LENGTH).slice();
  const noncePrefix = r.bytes('nonce prefix', NONCE_PREFIX_LENGTH).slice();
  r.end();
  return { salt, noncePrefix };
}
