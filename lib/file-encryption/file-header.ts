/**
 * The header of an encrypted file (`.cask`): what stands before the ciphertext.
 *
 *   off  size  field
 *     0     8  magic           CA "CASK" 0D 0A 1A
 *     8     4  version         u32 BE, 1
 *    12    16  file id         random
 *    28     4  header length   u32 BE: of all that is described here, the smallest multiple of 4096 that holds it
 *    32     4  record length   u32 BE, 1 to 1,048,576
 *    36     n  record          DER of a key record
 *     +     4  context length  u32 BE, 0 to 4096
 *     +     m  context         file-context.ts
 *     +        zero padding to the header length
 *
 * Source: DESIGN section 6; docs/formats/cask.md. One encoding only: encode(decode(b)) is b.
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';
import { MAX_MESSAGE } from '../cms/signed-data.ts';
import { BlobFormatError, KeyStoreError } from '../errors.ts';
import {
  decodeFileContext,
  encodeFileContext,
  MAX_CONTEXT,
  type FileContext,
} from './file-context.ts';

/** A header as it was read: nothing of it is verified yet. */
export interface FileHeader {
  /** 16 random bytes. */
  readonly fileId: Uint8Array;
  /** DER of the key record. */
  readonly record: Uint8Array;
  readonly context: FileContext;
}

export const FILE_VERSION = 1;
/** Headers are whole pages, so that a file system may later replace one without moving the ciphertext. */
const HEADER_UNIT = 4096;
export const FILE_ID_LENGTH = 16;
/** Bytes up to and including the record's length. */
export const FIXED_LENGTH = 36;

/**
 * Like PNG's: a first byte that is no ASCII and with the second no UTF-8, CR LF that a text-mode copy would change, and Ctrl-Z, at which
 * `type` stops under Windows.
 */
const MAGIC = Uint8Array.of(0xca, 0x43, 0x41, 0x53, 0x4b, 0x0d, 0x0a, 0x1a);
const FORMAT = '.cask header';
const MAX_HEADER = paddedLength(MAX_MESSAGE, MAX_CONTEXT);

/** @throws KeyStoreError PARAMETER_INVALID where the context is not one; BLOB_TOO_LARGE where the record is not. */
export function encodeFileHeader({ fileId, record, context }: FileHeader): Uint8Array {
  const pairs = encodeFileContext(context);
  if (record.length === 0 || record.length > MAX_MESSAGE)
    throw new KeyStoreError('BLOB_TOO_LARGE', `a header's record has 1 to ${MAX_MESSAGE} bytes`);
  const length = paddedLength(record.length, pairs.length);
  const padding = length - FIXED_LENGTH - record.length - 4 - pairs.length;
  return new BlobWriter(length)
    .bytes(MAGIC)
    .u32be(FILE_VERSION)
    .bytes(fileId)
    .u32be(length)
    .u32be(record.length)
    .bytes(record)
    .u32be(pairs.length)
    .bytes(pairs)
    .bytes(new Uint8Array(padding))
    .finish();
}

/**
 * How long the header is, told from its first {@link FIXED_LENGTH} bytes.
 *
 * @throws BlobFormatError BLOB_MALFORMED, BLOB_VERSION_UNSUPPORTED, BLOB_TOO_LARGE.
 */
export function fileHeaderLength(start: Uint8Array): number {
  return readFixed(new BlobReader(start, FORMAT)).length;
}

/**
 * Reads a header: exactly its bytes, as {@link fileHeaderLength} tells them. The parts are copies.
 *
 * @throws BlobFormatError BLOB_MALFORMED, BLOB_VERSION_UNSUPPORTED, BLOB_TOO_LARGE.
 */
export function decodeFileHeader(bytes: Uint8Array): FileHeader {
  const r = new BlobReader(bytes, FORMAT);
  const { fileId, length, recordLength } = readFixed(r);
  if (length !== bytes.length) r.fail('header length', `want ${bytes.length}, got ${length}`);
  const record = r.bytes('record', recordLength).slice();
  const contextLength = r.u32be('context length');
  if (contextLength > MAX_CONTEXT)
    r.fail('context length', `more than ${MAX_CONTEXT}`, 'BLOB_TOO_LARGE');
  const context = decodeFileContext(r.sub('context', contextLength));
  if (length !== paddedLength(recordLength, contextLength))
    r.fail('header length', 'longer than its content needs');
  if (r.rest('padding').some((byte) => byte !== 0)) r.fail('padding', 'not zero');
  r.end();
  return { fileId, record, context };
}

/** Is it the first bytes of an encrypted file? */
export function looksLikeFileHeader(start: Uint8Array): boolean {
  return start.length >= MAGIC.length && MAGIC.every((byte, i) => start[i] === byte);
}

function readFixed(r: BlobReader): { fileId: Uint8Array; length: number; recordLength: number } {
  if (r.left < FIXED_LENGTH) r.fail('magic', 'too short to be an encrypted file');
  if (!looksLikeFileHeader(r.bytes('magic', MAGIC.length))) {
    throw new BlobFormatError({
      format: FORMAT,
      field: 'magic',
      offset: 0,
      problem: 'this is not a file that keycask encrypted',
    });
  }
  const version = r.u32be('version');
  if (version !== FILE_VERSION)
    r.fail('version', `want ${FILE_VERSION}, got ${version}`, 'BLOB_VERSION_UNSUPPORTED');
  const fileId = r.bytes('file id', FILE_ID_LENGTH).slice();
  const length = r.u32be('header length');
  if (length > MAX_HEADER) r.fail('header length', `more than ${MAX_HEADER}`, 'BLOB_TOO_LARGE');
  if (length === 0 || length % HEADER_UNIT !== 0)
    r.fail('header length', `want a multiple of ${HEADER_UNIT}, got ${length}`);
  const recordLength = r.u32be('record length');
  if (recordLength > MAX_MESSAGE)
    r.fail('record length', `more than ${MAX_MESSAGE}`, 'BLOB_TOO_LARGE');
  if (recordLength === 0) r.fail('record length', 'no record');
  return { fileId, length, recordLength };
}

function paddedLength(recordLength: number, contextLength: number): number {
  return Math.ceil((FIXED_LENGTH + recordLength + 4 + contextLength) / HEADER_UNIT) * HEADER_UNIT;
}
