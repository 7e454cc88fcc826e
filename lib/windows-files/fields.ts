/** Fields that the structures of this room share: GUIDs, texts, byte strings behind their length. */
import type { BlobReader } from '../bytes/blob-reader.ts';
import type { BlobWriter } from '../bytes/blob-writer.ts';
import { GUID_LENGTH, guidBytes, guidText } from '../bytes/guid.ts';
import { decodeUtf16, decodeUtf16z, encodeUtf16z } from '../bytes/utf16.ts';
import { KeyStoreError } from '../errors.ts';

/** What a decoder does with bytes after the structure. */
export interface DecodeFileOptions {
  /** `refuse` (default): the bytes are the structure and nothing else. `allow` is for structures that were cut out of larger ones. */
  readonly trailing?: 'refuse' | 'allow';
}

/** Ends a decoder: trailing bytes are refused unless the caller allows them. */
export function endFile(r: BlobReader, options: DecodeFileOptions): void {
  if (options.trailing !== 'allow') r.end();
}

/** A GUID as text: lower case, no braces. */
export function readGuid(r: BlobReader, field: string): string {
  return guidText(r.bytes(field, GUID_LENGTH));
}

/** @throws KeyStoreError PARAMETER_INVALID for a text that is no GUID. */
export function writeGuid(w: BlobWriter, text: string): BlobWriter {
  const bytes = guidBytes(text);
  if (!bytes) throw new KeyStoreError('PARAMETER_INVALID', `not a GUID: ${text}`);
  return w.bytes(bytes);
}

/** A u32 length and that many bytes: a view of the input. */
export function readSized(r: BlobReader, field: string): Uint8Array {
  return r.bytes(field, r.u32le(`${field} length`));
}

export function writeSized(w: BlobWriter, bytes: Uint8Array): BlobWriter {
  return w.u32le(bytes.length).bytes(bytes);
}

/** A u32 length and UTF-16 that ends in its one null; undefined where the length is 0, which is not the empty text. */
export function readSizedText(r: BlobReader, field: string): string | undefined {
  const start = r.offset;
  const bytes = readSized(r, field);
  if (bytes.length === 0) return undefined;
  return decodeUtf16z(bytes) ?? r.failAt(start, field, 'want UTF-16 with one null, at its end');
}

/** Bytes of a text as {@link writeSizedText} writes it, without its length. */
export function sizedText(text: string | undefined): Uint8Array {
  return text === undefined ? new Uint8Array() : encodeUtf16z(text);
}

/** UTF-16 of a length in bytes that stands elsewhere, without a null. */
export function readUnits(r: BlobReader, field: string, length: number): string {
  const start = r.offset;
  return decodeUtf16(r.bytes(field, length)) ?? r.failAt(start, field, 'want whole UTF-16 units');
}

/** A 64-bit length of a part of a file: what does not fit 32 bits is longer than the file. */
export function readLength64(r: BlobReader, field: string): number {
  const length = r.u32le(field);
  r.expectU32le(`${field}, upper half`, 0);
  return length;
}
