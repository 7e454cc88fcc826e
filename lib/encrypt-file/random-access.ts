/** EncryptedFile: reading anywhere in an encrypted file without decrypting all of it. */
import { open, type FileHandle } from 'node:fs/promises';
import { KeyStoreError } from '../errors.ts';
import type { FileKeys } from '../contracts/file-keys.ts';
import { FileSource, readAt } from '../file-encryption/byte-source.ts';
import type { FileContext } from '../file-encryption/file-context.ts';
import { fileDamaged, type SegmentCipher } from '../file-encryption/segment-cipher.ts';
import {
  plaintextSize,
  segmentAt,
  segmentCount,
  segmentSpan,
} from '../file-encryption/segments.ts';
import { withFsErrors } from '../platform/fs-error.ts';
import { factsOf, openHeader, readHeaders, type OpenedHeader } from './decrypt.ts';
import { READ_WITHOUT_WAITING, wrongType } from './files.ts';
import type { DecryptedFile, DecryptOptions } from './options.ts';

/**
 * Opens an encrypted file for reads anywhere in it.
 *
 * The last segment is verified before a size is told, so a cut or continued file is refused here; each other segment when it is read.
 *
 * @throws KeyStoreError FILE_DAMAGED, BLOB_MALFORMED, CONTEXT_MISMATCH, FILE_NOT_FOUND, FILE_WRONG_TYPE, PERMISSION_DENIED, and what
 * `keys.openHeaderRecord` throws.
 * @example
 * ```ts
 * await using file = await openEncryptedFile(store, 'film.mp4.cask');
 * const index = await file.read(file.size - 4096, 4096);
 * ```
 */
export async function openEncryptedFile(
  keys: FileKeys,
  path: string,
  options: DecryptOptions = {},
): Promise<EncryptedFileReader> {
  const file = await withFsErrors(path, () => open(path, READ_WITHOUT_WAITING));
  let opened: OpenedHeader | undefined;
  try {
    const stats = await withFsErrors(path, () => file.stat());
    if (!stats.isFile()) throw wrongType(path);
    const { header, headerLength, streamHeader } = await readHeaders(new FileSource(file, path));
    opened = await openHeader(keys, header, streamHeader, options);
    const { cipher, keyId } = opened;
    const bytes = plaintextSize(stats.size - headerLength);
    if (bytes === undefined) throw fileDamaged();
    const facts = { bytes, ...factsOf(header, keyId) };
    const reader = new EncryptedFileReader({ file, path, cipher, start: headerLength, facts });
    await reader.verifyEnd();
    return reader;
  } catch (error) {
    opened?.cipher[Symbol.dispose]();
    await file.close();
    throw error;
  }
}

interface ReaderParts {
  readonly file: FileHandle;
  readonly path: string;
  readonly cipher: SegmentCipher;
  /** Where the ciphertext begins. */
  readonly start: number;
  readonly facts: DecryptedFile;
}

/** An encrypted file, open for reading. It belongs to whoever opened it, who closes it. */
export class EncryptedFileReader implements AsyncDisposable {
  /** Plaintext bytes. */
  readonly size: number;
  readonly context: FileContext;
  readonly keyId: string;
  readonly fileId: string;
  readonly #parts: ReaderParts;
  #closed = false;
  /** The segment that was read last: small reads in order decrypt each segment once. */
  #latest: { readonly index: number; readonly plaintext: Uint8Array } | undefined;

  /** @param parts - Owned by the reader from now on. */
  constructor(parts: ReaderParts) {
    this.#parts = parts;
    const { bytes, context, keyId, fileId } = parts.facts;
    this.size = bytes;
    this.context = context;
    this.keyId = keyId;
    this.fileId = fileId;
  }

  /**
   * Reads plaintext. Several reads may be under way at the same time.
   *
   * @param offset - From the start of the plaintext, 0 or more.
   * @param length - Bytes wanted.
   * @returns A fresh array, shorter than `length` where the file ends before.
   * @throws KeyStoreError FILE_DAMAGED, PARAMETER_INVALID, HANDLE_INVALID after close.
   */
  async read(offset: number, length: number): Promise<Uint8Array> {
    if (!isSize(offset) || !isSize(length))
      throw new KeyStoreError('PARAMETER_INVALID', 'offset and length are whole numbers from 0');
    const begin = Math.min(offset, this.size);
    const end = Math.min(begin + length, this.size);
    this.#requireOpen();
    const result = new Uint8Array(end - begin);
    for (let at = begin; at < end;) {
      const index = segmentAt(at);
      const { plaintextStart } = segmentSpan(index, this.size);
      const plaintext = await this.#segment(index);
      const part = plaintext.subarray(at - plaintextStart, end - plaintextStart);
      result.set(part, at - begin);
      at += part.length;
    }
    return result;
  }

  /** Verifies the last segment, which shows that the file ends where it should. */
  async verifyEnd(): Promise<void> {
    await this.#segment(segmentCount(this.size) - 1);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#latest = undefined;
    this.#parts.cipher[Symbol.dispose]();
    await this.#parts.file.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #segment(index: number): Promise<Uint8Array> {
    if (this.#latest?.index === index) return this.#latest.plaintext;
    const { file, path, cipher, start } = this.#parts;
    const span = segmentSpan(index, this.size);
    const sealed = new Uint8Array(span.ciphertextLength);
    const filled = await readAt(file, path, sealed, start + span.ciphertextStart);
    this.#requireOpen();
    if (filled !== sealed.length) throw fileDamaged();
    const plaintext = new Uint8Array(span.plaintextLength);
    await cipher.open(span, sealed, plaintext);
    this.#latest = { index, plaintext };
    return plaintext;
  }

  #requireOpen(): void {
    if (this.#closed) throw new KeyStoreError('HANDLE_INVALID', 'the file was closed');
  }
}

function isSize(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
