/** Encrypting one file, with as few system calls as its size allows. */
import { toHex } from '../bytes/octets.ts';
import type { FileKey, FileKeys } from '../contracts/file-keys.ts';
import { FileSource, throwIfAborted } from '../file-encryption/byte-source.ts';
import { beginFile, type NewFile } from '../file-encryption/file-cipher.ts';
import { sealSegments, sealWhole } from '../file-encryption/segment-stream.ts';
import {
  ciphertextSize,
  FIRST_PLAINTEXT,
  STREAM_HEADER_LENGTH,
} from '../file-encryption/segments.ts';
import {
  ciphertextMode,
  readAtOnce,
  withInputFile,
  withOutputFile,
  type InputFile,
  type OutputFile,
} from './files.ts';
import { inFileRun, type FileRun } from './file-run.ts';
import type { EncryptedFile, EncryptOptions, LongWork, OutputOptions } from './options.ts';
import { counted } from './progress.ts';

export interface EncryptFileOptions extends EncryptOptions, LongWork, OutputOptions {}

/** One file of a run. */
export interface FileTask<Options> {
  readonly keys: FileKeys;
  readonly source: string;
  readonly target: string;
  readonly options: Options;
  readonly run: FileRun;
}

/**
 * Encrypts a file.
 *
 * The output is written beside its place, synced, and gets its name when it is whole; the source is not touched. It has the source's permissions
 * without execution, under the umask. A new session key is made, unless `key` names one of the store or `fileKey` is one that is open.
 *
 * @param keys - Usually a SessionKeyStore.
 * @throws KeyStoreError FILE_EXISTS where there is something and `overwrite` is not set, FILE_NOT_FOUND, FILE_WRONG_TYPE, STORAGE_FULL,
 * PERMISSION_DENIED, PARAMETER_INVALID (context, or the output is the source), CANCELLED, and what `keys.fileKey` throws.
 * @example
 * ```ts
 * await encryptFile(store, 'report.pdf', 'report.pdf.cask', { key: 'reports' });
 * ```
 */
export function encryptFile(
  keys: FileKeys,
  source: string,
  target: string,
  options: EncryptFileOptions = {},
): Promise<EncryptedFile> {
  return inFileRun((run) => encryptInRun({ keys, source, target, options, run }));
}

/** {@link encryptFile}, whose name becomes durable when the run finishes. */
export function encryptInRun(task: FileTask<EncryptFileOptions>): Promise<EncryptedFile> {
  const { keys, source, target, options, run } = task;
  throwIfAborted(options.signal);
  return withInputFile(source, (input) => {
    const mode = ciphertextMode(input);
    // Where a key would be made for nothing, the target is looked at first.
    const short = options.fileKey !== undefined && input.stats.size <= FIRST_PLAINTEXT;
    const { overwrite = false } = options;
    const outputOptions = { target, mode, source: input, run, short, overwrite };
    return withOutputFile(outputOptions, async (output) => {
      const { file, keyId } = await withFileKey(keys, options, (fileKey) => ({
        file: beginFile(fileKey, options.context),
        keyId: fileKey.key.id,
      }));
      using _cipher = file.cipher;
      const bytes =
        (await encryptAtOnce(input, file, output, options)) ??
        (await encryptInSegments({ input, file, output, run }, options));
      return { bytes, keyId, fileId: toHex(file.fileId) };
    });
  });
}

/** The session key that the options choose; disposed of after `use`, unless the caller lent it. */
export async function withFileKey<T>(
  keys: FileKeys,
  options: EncryptOptions,
  use: (fileKey: FileKey) => T,
): Promise<T> {
  if (options.fileKey) return use(options.fileKey);
  using fileKey = await keys.fileKey(options);
  return use(fileKey);
}

/** A file of one segment: one read, one write. Undefined where it is larger, or changes its size while it is looked at. */
async function encryptAtOnce(
  input: InputFile,
  { start, cipher }: NewFile,
  output: OutputFile,
  options: LongWork,
): Promise<number | undefined> {
  const { size } = input.stats;
  if (size > FIRST_PLAINTEXT) return undefined;
  const plaintext = await readAtOnce(input, size);
  if (!plaintext) return undefined;
  const headerLength = start.length - STREAM_HEADER_LENGTH;
  const whole = new Uint8Array(headerLength + ciphertextSize(size));
  whole.set(start);
  await sealWhole(plaintext, cipher, whole.subarray(headerLength));
  throwIfAborted(options.signal);
  await output.write(whole);
  options.onProgress?.({ type: 'progress', path: input.path, bytesDone: size, bytesTotal: size });
  return size;
}

async function encryptInSegments(
  { input, file, output, run }: FileParts,
  options: LongWork,
): Promise<number> {
  await output.write(file.start);
  return run.withBuffers(async (buffers) => {
    const source = new FileSource(input.file, input.path);
    const sealed = sealSegments(source, file.cipher, buffers, options.signal);
    const count = counted(sealed, 'sealed', {
      path: input.path,
      total: input.stats.size,
      onProgress: options.onProgress,
    });
    await output.writeAll(count.parts);
    return count.bytes();
  });
}

interface FileParts {
  readonly input: InputFile;
  readonly file: NewFile;
  readonly output: OutputFile;
  readonly run: FileRun;
}
