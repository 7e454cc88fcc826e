/** A name in a CNG blob: UTF-16LE, whose length in bytes a field of the header gives, with the one null at its end. */
import type { BlobReader } from '../bytes/blob-reader.ts';
import type { BlobWriter } from '../bytes/blob-writer.ts';
import { decodeUtf16z, encodeUtf16z } from '../bytes/utf16.ts';
import { refuse } from './cng-number-fields.ts';

/** Reads a name of at least one character. */
export function readName(r: BlobReader, field: string, length: number): string {
  const { offset } = r;
  if (length > MAX_NAME_LENGTH)
    r.fail(field, `want at most ${MAX_NAME_LENGTH} bytes, got ${length}`);
  const name = decodeUtf16z(r.bytes(field, length));
  if (name === undefined) return r.failAt(offset, field, 'want UTF-16 with one null, at its end');
  if (!isName(name)) r.failAt(offset, field, UNPRINTABLE);
  return name;
}

/**
 * Bytes of a name and its null.
 *
 * @throws KeyStoreError PARAMETER_INVALID for a name that {@link readName} would not read.
 */
export function wantName(field: string, name: string): number {
  const length = 2 * (name.length + 1);
  if (length > MAX_NAME_LENGTH)
    refuse(`${field}: want at most ${MAX_NAME_LENGTH / 2 - 1} characters`);
  if (!isName(name)) refuse(`${field}: ${UNPRINTABLE}`);
  return length;
}

/** Writes a name and its null. */
export function writeName(w: BlobWriter, name: string): BlobWriter {
  return w.bytes(encodeUtf16z(name));
}

/** Names are printed on terminals: escape sequences must not travel in them. */
function isName(name: string): boolean {
  return name !== '' && !/[\u0000-\u001f\u007f-\u009f]|\p{Surrogate}/u.test(name);
}

const UNPRINTABLE = 'is empty, or has control characters or half a surrogate pair';
/** No documented bound: the longest names of bcrypt.h have 31 characters. */
const MAX_NAME_LENGTH = 256;
