/**
 * NCRYPT_KEY_BLOB_HEADER: symmetric keys of a key storage provider, CipherKeyBlob and ProtectedKeyBlob.
 * Source: ncrypt.h; MS "NCRYPT_KEY_BLOB_HEADER"; what a CipherKeyBlob has inside: .NET's SymmetricImportExportExtensions.
 *
 *  off size field      meaning
 *    0    4 cbSize     16, bytes of this header
 *    4    4 dwMagic    0x52485043 "CPHR" CipherKeyBlob, 0x4b545250 "PRTK" ProtectedKeyBlob
 *    8    4 cbAlgName  N, with the null at the end
 *   12    4 cbKeyData  K
 *   16    N algName    "AES", "3DES": UTF-16LE, one null at the end
 *    +    K keyData    CPHR: a KeyDataBlob, the key in the clear; PRTK: protected by the provider, carried as it is
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';
import { keyDataLength, readKeyData, writeKeyData } from './cng-key-data-blob.ts';
import { readName, wantName, writeName } from './cng-name.ts';
import { wantLength } from './cng-number-fields.ts';
import { owned } from '../bytes/owned.ts';
import { redacted } from '../bytes/redacted.ts';

/** A symmetric key of a key storage provider in the clear. */
export interface CipherKeyBlob {
  readonly type: 'CipherKeyBlob';
  /** algName: `AES`, `3DES`. */
  readonly algorithm: string;
  /** Key data of the KeyDataBlob inside. */
  readonly key: Uint8Array;
}

/** A symmetric key that only the provider that wrote it opens. */
export interface ProtectedKeyBlob {
  readonly type: 'ProtectedKeyBlob';
  /** algName */
  readonly algorithm: string;
  /** keyData */
  readonly content: Uint8Array;
}

/**
 * Reads a CipherKeyBlob and the KeyDataBlob inside.
 *
 * @returns `key` is a fresh array, which disposing of the result wipes. The caller still owns, and wipes, `bytes`.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA); BLOB_VERSION_UNSUPPORTED (NTE_BAD_VER) of the KeyDataBlob.
 */
export function decodeCipherKeyBlob(bytes: Uint8Array): CipherKeyBlob & Disposable {
  const r = new BlobReader(bytes, 'CipherKeyBlob');
  const { algorithm, length } = readHeader(r, CIPHER_MAGIC);
  const inner = r.sub('keyData', length);
  const key = readKeyData(inner);
  inner.end();
  r.end();
  return owned({ type: 'CipherKeyBlob', algorithm } as const, { key }, ['key']);
}

/**
 * Writes a CipherKeyBlob with a KeyDataBlob inside.
 *
 * @param blob - `type` may be left out. The caller still owns, and wipes, `key`.
 * @returns In a buffer of its own, which the caller owns, and wipes.
 * @throws KeyStoreError PARAMETER_INVALID for a name of no or more than 127 characters or with a control character, and for a key of no
 * bytes or more than 65,536.
 */
export function encodeCipherKeyBlob({ algorithm, key }: Omit<CipherKeyBlob, 'type'>): Uint8Array {
  const w = writeHeader(CIPHER_MAGIC, algorithm, keyDataLength(key));
  return writeKeyData(w, key).finish();
}

/**
 * Reads the header of a ProtectedKeyBlob, and carries the rest.
 *
 * @returns `content` is a view of `bytes`, which the caller still owns.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA).
 */
export function decodeProtectedKeyBlob(bytes: Uint8Array): ProtectedKeyBlob {
  const r = new BlobReader(bytes, 'ProtectedKeyBlob');
  const { algorithm, length } = readHeader(r, PROTECTED_MAGIC);
  const content = r.bytes('keyData', length);
  r.end();
  return redacted({ type: 'ProtectedKeyBlob', algorithm, content }, ['content']);
}

/**
 * Writes a ProtectedKeyBlob back as it was read.
 *
 * @param blob - `type` may be left out.
 * @returns A fresh array the caller owns.
 * @throws KeyStoreError PARAMETER_INVALID for a name as {@link encodeCipherKeyBlob} does, and for content of more than 1 MiB.
 */
export function encodeProtectedKeyBlob(blob: Omit<ProtectedKeyBlob, 'type'>): Uint8Array {
  const { algorithm, content } = blob;
  const length = wantLength('content', content, KEY_DATA_LENGTH);
  return writeHeader(PROTECTED_MAGIC, algorithm, length).bytes(content).finish();
}

function readHeader(r: BlobReader, magic: number): { algorithm: string; length: number } {
  r.expectU32le('cbSize', HEADER_LENGTH);
  r.expectU32le('dwMagic', magic);
  const nameLength = r.u32le('cbAlgName');
  const length = r.u32leIn('cbKeyData', KEY_DATA_LENGTH);
  return { algorithm: readName(r, 'algName', nameLength), length };
}

/** A writer of a whole blob, past its name. */
function writeHeader(magic: number, algorithm: string, length: number): BlobWriter {
  const nameLength = wantName('algorithm', algorithm);
  const w = new BlobWriter(HEADER_LENGTH + nameLength + length)
    .u32le(HEADER_LENGTH)
    .u32le(magic)
    .u32le(nameLength)
    .u32le(length);
  return writeName(w, algorithm);
}

/** NCRYPT_CIPHER_KEY_BLOB_MAGIC, "CPHR" */
export const CIPHER_MAGIC = 0x52485043;
/** NCRYPT_PROTECTED_KEY_BLOB_MAGIC, "PRTK" */
export const PROTECTED_MAGIC = 0x4b545250;
const HEADER_LENGTH = 16;
/** No documented bound. Far above any key, far below what would hurt. */
const KEY_DATA_LENGTH = { min: 0, max: 1 << 20 } as const;
