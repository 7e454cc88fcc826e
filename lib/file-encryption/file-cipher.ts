/** From a session key and a file's header to the cipher of that file's segments. */
import { createHash, randomFillSync } from 'node:crypto';
import { BlobWriter } from '../bytes/blob-writer.ts';
import { encodeUtf8, fromHex } from '../bytes/octets.ts';
import type { FileKey } from '../contracts/file-keys.ts';
import { KeyStoreError, type KeyStoreErrorCode } from '../errors.ts';
import { hkdf } from '../kdf/hkdf.ts';
import type { RandomFill } from '../keys/secret-bytes.ts';
import { sessionKeySecret, type SessionKey } from '../keys/session-key.ts';
import { encodeFileContext, type FileContext } from './file-context.ts';
import { encodeFileHeader, FILE_ID_LENGTH, FILE_VERSION, type FileHeader } from './file-header.ts';
import { nodeSegmentCipher, type SegmentCipher } from './segment-cipher.ts';
import {
  encodeStreamHeader,
  NONCE_PREFIX_LENGTH,
  SALT_LENGTH,
  STREAM_HEADER_LENGTH,
  type StreamHeader,
} from './segments.ts';

/** A file that is about to be encrypted. The caller disposes of the cipher. */
export interface NewFile {
  readonly fileId: Uint8Array;
  /** File header ‖ stream header: what is written before the first segment. */
  readonly start: Uint8Array;
  readonly cipher: SegmentCipher;
}

/**
 * Draws file id, salt and nonce prefix, and derives the file's key.
 *
 * @param random - Replaced only to get known answers in tests; filled in the order file id, salt, nonce prefix.
 * @throws KeyStoreError KEY_DECRYPT_ONLY, PARAMETER_INVALID where the session key is not one for files or the context is not one.
 */
export function beginFile(
  { key, record }: FileKey,
  context: FileContext = {},
  random: RandomFill = randomFillSync,
): NewFile {
  if (key.decryptOnly) throw new KeyStoreError('KEY_DECRYPT_ONLY');
  requireFileKey(key, 'PARAMETER_INVALID');
  const drawn = new Uint8Array(FILE_ID_LENGTH + SALT_LENGTH + NONCE_PREFIX_LENGTH);
  random(drawn);
  const fileId = drawn.subarray(0, FILE_ID_LENGTH);
  const salt = drawn.subarray(FILE_ID_LENGTH, FILE_ID_LENGTH + SALT_LENGTH);
  const streamHeader = { salt, noncePrefix: drawn.subarray(FILE_ID_LENGTH + SALT_LENGTH) };
  const header = { fileId, record, context };
  const encoded = encodeFileHeader(header);
  const start = new BlobWriter(encoded.length + STREAM_HEADER_LENGTH)
    .bytes(encoded)
    .bytes(encodeStreamHeader(streamHeader))
    .finish();
  return { fileId, start, cipher: fileCipher(key, header, streamHeader) };
}

/**
 * The cipher of a file that exists. The caller disposes of it; the session key may be disposed of at once.
 *
 * @throws KeyStoreError BLOB_ALGORITHM_UNSUPPORTED where the record's key is not one for files.
 */
export function resumeFile(
  key: SessionKey,
  header: FileHeader,
  streamHeader: StreamHeader,
): SegmentCipher {
  requireFileKey(key, 'BLOB_ALGORITHM_UNSUPPORTED');
  return fileCipher(key, header, streamHeader);
}

/**
 * What ties a ciphertext to its file and its key: SHA-256 over
 * `"keycask file v1" (15) ‖ version u32 BE ‖ file id (16) ‖ record id (16) ‖ commitment (32) ‖ context` as the header has it, without its length.
 *
 * Only the last part has no fixed length, so two different files never give the same input.
 */
export function associatedData(
  key: Pick<SessionKey, 'id' | 'commitment'>,
  { fileId, context }: Pick<FileHeader, 'fileId' | 'context'>,
): Uint8Array {
  const recordId = fromHex(key.id);
  if (recordId?.length !== 16 || key.commitment?.length !== 32)
    throw new KeyStoreError('INTERNAL', 'a file key needs a record id and a commitment');
  const version = new Uint8Array(4);
  new DataView(version.buffer).setUint32(0, FILE_VERSION);
  return createHash('sha256')
    .update(PREFIX)
    .update(version)
    .update(fileId)
    .update(recordId)
    .update(key.commitment)
    .update(encodeFileContext(context))
    .digest();
}

const PREFIX = encodeUtf8('keycask file v1');
const FILE_KEY_BITS = 256;

function fileCipher(
  key: SessionKey,
  header: FileHeader,
  { salt, noncePrefix }: StreamHeader,
): SegmentCipher {
  const info = associatedData(key, header);
  const fileKey = hkdf('sha256', sessionKeySecret(key).bytes, salt, info, FILE_KEY_BITS / 8);
  return nodeSegmentCipher(fileKey, noncePrefix);
}

const CHOOSE_ANOTHER =
  'Name another key, or none: a new one is made. Shorter keys of old data are for reading it.';

/** Shorter keys and keys without a commitment come from CryptoAPI; they open other things than files. */
function requireFileKey(key: SessionKey, code: KeyStoreErrorCode): void {
  if (
    key.lengthInBits !== FILE_KEY_BITS ||
    key.effectiveBits !== FILE_KEY_BITS ||
    key.commitment === undefined
  ) {
    throw new KeyStoreError(
      code,
      `files are encrypted with ${FILE_KEY_BITS}-bit session keys that have a commitment; ${key.id} is not one`,
      code === 'PARAMETER_INVALID' ? { hint: CHOOSE_ANOTHER } : {},
    );
  }
}
