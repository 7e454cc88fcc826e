/**
 * What Wine's CryptProtectData gives: not DPAPI, though it has the shape of it. Source: Wine 8 and 10, dlls/crypt32/protectdata.c.
 *
 *  off size field         meaning
 *    0    4 count0        1
 *    4   16 info0         "Wine Crypt32 ok" with its null, where DPAPI has the GUID of its provider
 *   20    4 count1        1
 *   24   16 info1         the same text
 *   40    4 null0         0
 *   44    4 cbDescription bytes of the description
 *   48    n szDataDescr   UTF-16, null-terminated
 *    +    4 cipher_alg    CALG_3DES 0x6603
 *    +    4 cipher_key_len 168
 *    +   20 data0         4 bytes of length 16, the same text
 *    +    4 null1         0
 *    +    4 hash_alg      CALG_SHA1 0x8004
 *    +    4 hash_len      160
 *    +   20 salt          4 bytes of length 16, 16 bytes
 *    +    n cipher        4 bytes of length, 3DES-CBC with a zero IV
 *    +   24 fingerprint   4 bytes of length 20, SHA-1 of the plaintext
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';
import { encodeUtf8, equalBytes } from '../bytes/octets.ts';
import { decodeUtf16z, encodeUtf16z } from '../bytes/utf16.ts';

/** What Wine's CryptProtectData gives. */
export interface WineProtectBlob {
  /** szDataDescr: chosen by the program that protected it. */
  readonly description: string;
  /** 16 bytes. */
  readonly salt: Uint8Array;
  /** A multiple of 8 bytes. */
  readonly ciphertext: Uint8Array;
  /** SHA-1 of the plaintext: whoever guesses the plaintext can check the guess without any key. */
  readonly fingerprint: Uint8Array;
}

/** Whether these bytes begin as a blob of Wine's does: DPAPI's own have another text there. */
export function isWineProtectBlob(bytes: Uint8Array): boolean {
  return bytes.length >= 20 && equalBytes(bytes.subarray(4, 20), MAGIC);
}

/**
 * Reads a blob of Wine's CryptProtectData.
 *
 * @returns Views of `bytes`.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA), also for a DPAPI blob of Windows; BLOB_ALGORITHM_UNSUPPORTED (NTE_BAD_ALGID).
 * @example
 * ```ts
 * const { description } = decodeWineProtectBlob(await readFile('protected.bin'));
 * ```
 */
export function decodeWineProtectBlob(bytes: Uint8Array): WineProtectBlob {
  const r = new BlobReader(bytes, 'WineProtectBlob');
  r.expectU32le('count0', 1);
  expectMagic(r, 'info0');
  r.expectU32le('count1', 1);
  expectMagic(r, 'info1');
  r.expectU32le('null0', 0);
  const cbDescription = r.u32leIn('cbDescription', { max: MAX_DESCRIPTION, multipleOf: 2 });
  const descriptionAt = r.offset;
  const description = decodeUtf16z(r.bytes('szDataDescr', cbDescription));
  if (description === undefined)
    return r.failAt(descriptionAt, 'szDataDescr', 'want UTF-16 with one null, at its end');
  expectAlgorithm(r, 'cipher_alg', CALG_3DES);
  r.expectU32le('cipher_key_len', 168);
  r.expectU32le('data0', MAGIC.length);
  expectMagic(r, 'data0');
  r.expectU32le('null1', 0);
  expectAlgorithm(r, 'hash_alg', CALG_SHA1);
  r.expectU32le('hash_len', 160);
  r.expectU32le('salt', SALT_LENGTH);
  const salt = r.bytes('salt', SALT_LENGTH);
  const cbCipher = r.u32leIn('cipher', { min: 8, max: MAX_CIPHERTEXT, multipleOf: 8 });
  const ciphertext = r.bytes('cipher', cbCipher);
  r.expectU32le('fingerprint', FINGERPRINT_LENGTH);
  const fingerprint = r.bytes('fingerprint', FINGERPRINT_LENGTH);
  r.end();
  return { description, salt, ciphertext, fingerprint };
}

/** Writes what {@link decodeWineProtectBlob} reads. @returns A fresh array. */
export function encodeWineProtectBlob(blob: WineProtectBlob): Uint8Array {
  const description = encodeUtf16z(blob.description);
  const { salt, ciphertext, fingerprint } = blob;
  const writer = new BlobWriter(136 + description.length + ciphertext.length);
  writer.u32le(1).bytes(MAGIC).u32le(1).bytes(MAGIC).u32le(0);
  writer.u32le(description.length).bytes(description);
  writer.u32le(CALG_3DES).u32le(168).u32le(MAGIC.length).bytes(MAGIC).u32le(0);
  writer.u32le(CALG_SHA1).u32le(160).u32le(salt.length).bytes(salt);
  writer.u32le(ciphertext.length).bytes(ciphertext);
  return writer.u32le(fingerprint.length).bytes(fingerprint).finish();
}

function expectMagic(r: BlobReader, field: string): void {
  const start = r.offset;
  if (!equalBytes(r.bytes(field, MAGIC.length), MAGIC))
    r.failAt(start, field, 'want "Wine Crypt32 ok"');
}

function expectAlgorithm(r: BlobReader, field: string, algId: number): void {
  const start = r.offset;
  const got = r.u32le(field);
  if (got === algId) return;
  const problem = `want 0x${algId.toString(16)}, got 0x${got.toString(16)}`;
  r.failAt(start, field, problem, 'BLOB_ALGORITHM_UNSUPPORTED');
}

const MAGIC = encodeUtf8('Wine Crypt32 ok\0');
const SALT_LENGTH = 16;
const FINGERPRINT_LENGTH = 20;
/** wincrypt.h; the room of key blobs has the whole list, but is a room beside this one. */
const CALG_3DES = 0x6603;
const CALG_SHA1 = 0x8004;
/** Descriptions are read by people. */
const MAX_DESCRIPTION = 1 << 16;
/** CryptProtectData is for keys and passwords. */
const MAX_CIPHERTEXT = 1 << 24;
