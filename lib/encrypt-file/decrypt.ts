/** Decrypting one file: what is under the final name has verified to its last segment. */
import { toHex } from '../bytes/octets.ts';
import type { FileKeys } from '../contracts/file-keys.ts';
import { FileSource, throwIfAborted, type ByteSource } from '../file-encryption/byte-source.ts';
import { resumeFile } from '../file-encryption/file-cipher.ts';
import { requireContext } from '../file-encryption/file-context.ts';
import {
  decodeFileHeader,
  fileHeaderLength,
  FIXED_LENGTH,
  type FileHeader,
} from '../file-encryption/file-header.ts';
import { fileDamaged, type SegmentCipher } from '../file-encryption/segment-cipher.ts';
import { openSegments, openWhole } from '../file-encryption/segment-stream.ts';
import {
  decodeStreamHeader,
  plaintextSize,
  SEGMENT_LENGTH,
  STREAM_HEADER_LENGTH,
} from '../file-encryption/segments.ts';
import type { FileTask } from './encrypt.ts';
import {
  plaintextMode,
  readAtOnce,
  withInputFile,
  withOutputFile,
  type InputFile,
  type OutputFile,
} from './files.ts';
import { inFileRun, type FileRun } from './file-run.ts';
import type { DecryptedFile, DecryptOptions, LongWork, OutputOptions } from './options.ts';
import { counted } from './progress.ts';

export interface DecryptFileOptions extends DecryptOptions, LongWork, OutputOptions {}

/**
 * Decrypts a file.
 *
 * The plaintext is written beside its place and gets its name when the last segment has verified and all is synced: so what stands there is
 * whole and genuine, or nothing does. Only its owner can read it (mode 0600 and the source's).
 *
 * @param keys - Usually a SessionKeyStore.
 * @throws KeyStoreError FILE_DAMAGED for a ciphertext that was changed, cut or continued; BLOB_MALFORMED where it is no encrypted file;
 * CONTEXT_MISMATCH; FILE_EXISTS, FILE_NOT_FOUND, FILE_WRONG_TYPE, STORAGE_FULL, PERMISSION_DENIED, CANCELLED; and what `keys.openHeaderRecord` throws.
 * @example
 * ```ts
 * await decryptFile(store, 'report.pdf.cask', 'report.pdf');
 * ```
 */
export function decryptFile(
  keys: FileKeys,
  source: string,
  target: string,
  options: DecryptFileOptions = {},
): Promise<DecryptedFile> {
  return inFileRun((run) => decryptInRun({ keys, source, target, options, run }));
}

/** {@link decryptFile}, whose name becomes durable when the run finishes. */
export function decryptInRun(task: FileTask<DecryptFileOptions>): Promise<DecryptedFile> {
  const { keys, source, target, options, run } = task;
  throwIfAborted(options.signal);
  return withInputFile(source, (input) => {
    const mode = plaintextMode(input);
    const { size } = input.stats;
    const short = size <= SMALL_FILE;
    const { overwrite = false } = options;
    const outputOptions = { target, mode, source: input, run, short, overwrite };
    return withOutputFile(outputOptions, async (output) => {
      const small = short ? await readAtOnce(input, size) : undefined;
      return small
        ? decryptAtOnce(small, { keys, options, path: source, output })
        : decryptInSegments({ keys, input, output, run }, options);
    });
  });
}

/** What {@link decryptWhole} gives. */
export interface OpenedWhole extends DecryptedFile {
  readonly plaintext: Uint8Array;
}

/** Decrypts an encrypted file that is in memory. */
export async function decryptWhole(
  keys: FileKeys,
  file: Uint8Array,
  options: DecryptOptions,
): Promise<OpenedWhole> {
  const headerLength = fileHeaderLength(file);
  const header = decodeFileHeader(file.subarray(0, headerLength));
  const ciphertext = file.subarray(headerLength);
  const opened = await openHeader(
    keys,
    header,
    ciphertext.subarray(0, STREAM_HEADER_LENGTH),
    options,
  );
  using cipher = opened.cipher;
  const size = plaintextSize(ciphertext.length);
  if (size === undefined) throw fileDamaged();
  const plaintext = new Uint8Array(size);
  await openWhole(ciphertext, cipher, plaintext);
  return { plaintext, bytes: size, ...factsOf(header, opened.keyId) };
}

/** Reads the two headers from the beginning of a source, no byte more. */
export async function readHeaders(
  source: ByteSource,
): Promise<{ header: FileHeader; headerLength: number; streamHeader: Uint8Array }> {
  const fixed = new Uint8Array(FIXED_LENGTH);
  const headerLength = fileHeaderLength(fixed.subarray(0, await source.readInto(fixed)));
  const whole = new Uint8Array(headerLength);
  whole.set(fixed);
  const filled = await source.readInto(whole.subarray(FIXED_LENGTH));
  const header = decodeFileHeader(whole.subarray(0, FIXED_LENGTH + filled));
  const streamHeader = new Uint8Array(STREAM_HEADER_LENGTH);
  const length = await source.readInto(streamHeader);
  return { header, headerLength, streamHeader: streamHeader.subarray(0, length) };
}

export interface OpenedHeader {
  /** The caller disposes of it. */
  readonly cipher: SegmentCipher;
  readonly keyId: string;
}

/** From the headers of a file to the cipher of its segments: the record is verified and opened, the context compared. */
export async function openHeader(
  keys: FileKeys,
  header: FileHeader,
  streamHeader: Uint8Array,
  options: DecryptOptions,
): Promise<OpenedHeader> {
  using key = await keys.openHeaderRecord(header.record, options);
  requireContext(header.context, options.context);
  return { cipher: resumeFile(key, header, decodeStreamHeader(streamHeader)), keyId: key.id };
}

/** What a caller is told of a file that has verified. */
export function factsOf(header: FileHeader, keyId: string): Omit<DecryptedFile, 'bytes'> {
  return { keyId, fileId: toHex(header.fileId), context: header.context };
}

/** Read at once up to here: a segment and the header that a record of many recipients makes. */
const SMALL_FILE = SEGMENT_LENGTH + (1 << 16);

interface SmallFile {
  readonly keys: FileKeys;
  readonly options: DecryptFileOptions;
  readonly path: string;
  readonly output: OutputFile;
}

async function decryptAtOnce(
  file: Uint8Array,
  { keys, options, path, output }: SmallFile,
): Promise<DecryptedFile> {
  const { plaintext, ...facts } = await decryptWhole(keys, file, options);
  throwIfAborted(options.signal);
  await output.write(plaintext);
  const { bytes } = facts;
  options.onProgress?.({ type: 'progress', path, bytesDone: bytes, bytesTotal: bytes });
  return facts;
}

interface LargeFile {
  readonly keys: FileKeys;
  readonly input: InputFile;
  readonly output: OutputFile;
  readonly run: FileRun;
}

async function decryptInSegments(
  { keys, input, output, run }: LargeFile,
  options: DecryptFileOptions,
): Promise<DecryptedFile> {
  const { path, stats } = input;
  const source = new FileSource(input.file, path);
  const { header, headerLength, streamHeader } = await readHeaders(source);
  const opened = await openHeader(keys, header, streamHeader, options);
  using cipher = opened.cipher;
  const total = plaintextSize(stats.size - headerLength);
  if (total === undefined) throw fileDamaged();
  const bytes = await run.withBuffers(async (buffers) => {
    const parts = openSegments(source, cipher, buffers, options.signal);
    const count = counted(parts, 'opened', { path, total, onProgress: options.onProgress });
    await output.writeAll(count.parts);
    return count.bytes();
  });
  return { bytes, ...factsOf(header, opened.keyId) };
}
