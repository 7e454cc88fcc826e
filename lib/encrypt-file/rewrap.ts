/** A new key record in an encrypted file's header; the ciphertext stays byte for byte what it was. */
import { realpath } from 'node:fs/promises';
import type { DecryptionKeyOptions, FileKeys } from '../contracts/file-keys.ts';
import { FileSource, readAt, throwIfAborted } from '../file-encryption/byte-source.ts';
import { resumeFile } from '../file-encryption/file-cipher.ts';
import { encodeFileHeader, type FileHeader } from '../file-encryption/file-header.ts';
import { fileDamaged } from '../file-encryption/segment-cipher.ts';
import {
  decodeStreamHeader,
  plaintextSize,
  SEGMENT_LENGTH,
  segmentCount,
  segmentSpan,
} from '../file-encryption/segments.ts';
import type { SessionKey } from '../keys/session-key.ts';
import { isFsError, withFsErrors } from '../platform/fs-error.ts';
import { readHeaders } from './decrypt.ts';
import { withInputFile, withOutputFile, type InputFile, type OutputFile } from './files.ts';
import { inFileRun } from './file-run.ts';
import type { LongWork } from './options.ts';

export interface RewrapFileOptions extends DecryptionKeyOptions, LongWork {
  /** The session key, where it is open already, or where `newRecord` is no longer for whoever re-wraps. The caller still owns it. */
  readonly key?: SessionKey;
}

/**
 * Reads the header of an encrypted file. **Nothing of it is verified**: give the record to `verify`, and do not act on the context.
 *
 * @throws KeyStoreError BLOB_MALFORMED, BLOB_VERSION_UNSUPPORTED, BLOB_TOO_LARGE, FILE_NOT_FOUND, FILE_WRONG_TYPE, PERMISSION_DENIED.
 */
export function readFileHeader(path: string): Promise<FileHeader> {
  return withInputFile(path, async ({ file }) => {
    return (await readHeaders(new FileSource(file, path))).header;
  });
}

/**
 * Puts a new record of the same session key into the header: other recipients, a newer signature.
 *
 * The file is copied with the new header, synced, and renamed over the old one; permissions stay. Before that, the last segment must verify under the
 * new record's key: a record of another key would lock the file for ever.
 *
 * @param newRecord - DER of a record with the same id and commitment as the old one.
 * @throws KeyStoreError FILE_DAMAGED where the key or the ciphertext is not the right one, BLOB_MALFORMED, BLOB_TOO_LARGE, STORAGE_FULL, CANCELLED, …,
 * and what `keys.openHeaderRecord` throws; the file is then as it was.
 */
export async function rewrapFile(
  keys: FileKeys,
  path: string,
  newRecord: Uint8Array,
  options: RewrapFileOptions = {},
): Promise<void> {
  throwIfAborted(options.signal);
  // A symbolic link stays one: what it points to is rewritten.
  const target = await withFsErrors(path, () => realpath(path));
  await inFileRun((run) =>
    withInputFile(target, async (input) => {
      const old = await readHeaders(new FileSource(input.file, target));
      await verifyUnderRecord(keys, input, { ...old, newRecord, options });
      const mode = input.stats.mode & PERMISSIONS;
      return withOutputFile({ target, mode, overwrite: true, run }, async (output) => {
        await output.write(encodeFileHeader({ ...old.header, record: newRecord }));
        await output.writeAll(copyFrom(input, old.headerLength, options));
        await keepOwner(input, output);
        // Windows puts nothing in the place of a file that is open.
        await input.file.close();
      });
    }),
  );
}

const PERMISSIONS = 0o777;

interface Rewrapping {
  readonly header: FileHeader;
  readonly headerLength: number;
  readonly streamHeader: Uint8Array;
  readonly newRecord: Uint8Array;
  readonly options: RewrapFileOptions;
}

async function verifyUnderRecord(
  keys: FileKeys,
  { file, path, stats }: InputFile,
  { header, headerLength, streamHeader, newRecord, options }: Rewrapping,
): Promise<void> {
  using opened = options.key ? undefined : await keys.openHeaderRecord(newRecord, options);
  const key = options.key ?? opened!;
  using cipher = resumeFile(key, header, decodeStreamHeader(streamHeader));
  const size = plaintextSize(stats.size - headerLength);
  if (size === undefined) throw fileDamaged();
  const span = segmentSpan(segmentCount(size) - 1, size);
  const sealed = new Uint8Array(span.ciphertextLength);
  const filled = await readAt(file, path, sealed, headerLength + span.ciphertextStart);
  if (filled !== sealed.length) throw fileDamaged();
  await cipher.open(span, sealed, new Uint8Array(span.plaintextLength));
}

/**
 * What stands in the file from `start` on.
 *
 * @yields {Uint8Array} Parts; each is overwritten when the next but one is asked for.
 */
async function* copyFrom(
  { file, path, stats }: InputFile,
  start: number,
  { signal, onProgress }: LongWork,
): AsyncGenerator<Uint8Array> {
  const buffers = [new Uint8Array(SEGMENT_LENGTH), new Uint8Array(SEGMENT_LENGTH)] as const;
  for (let position = start, turn = 0; ; turn ^= 1) {
    throwIfAborted(signal);
    const buffer = buffers[turn as 0 | 1];
    const filled = await readAt(file, path, buffer, position);
    yield buffer.subarray(0, filled);
    position += filled;
    const bytesTotal = stats.size - start;
    onProgress?.({ type: 'progress', path, bytesDone: position - start, bytesTotal });
    if (filled < buffer.length) return;
  }
}

/** Root keeps the owner; others cannot, and need not where the file is theirs. The umask does not count here. */
async function keepOwner({ stats }: InputFile, { handle }: OutputFile): Promise<void> {
  try {
    await handle.chown(stats.uid, stats.gid);
  } catch (error) {
    if (!isFsError(error, 'EPERM', 'EINVAL', 'ENOSYS', 'ENOTSUP')) throw error;
  }
  await handle.chmod(stats.mode & PERMISSIONS);
}
