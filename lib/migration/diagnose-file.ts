/** diagnoseFile: diagnose of a file, of which only the ends are read where it is large. */
import type { FileHandle } from 'node:fs/promises';
import { SecretBytes } from '../keys/secret-bytes.ts';
import { withFsErrors } from '../platform/fs-error.ts';
import { openRegular } from '../platform/open-regular.ts';
import { diagnose, type DiagnoseOptions } from './diagnose.ts';
import type { Diagnosis } from './diagnosis.ts';
import type { CipherSample } from './search-cipher.ts';

export interface DiagnoseFileOptions extends DiagnoseOptions {
  /** As in `DiagnoseInput`. */
  readonly symptom?: string;
}

/**
 * Finds out what a file is and what opens it, as {@link diagnose} does. Reads at most its first 4 MiB, into memory that is wiped.
 *
 * @throws KeyStoreError FILE_NOT_FOUND, FILE_WRONG_TYPE for a folder, PERMISSION_DENIED, IO_FAILED, and as {@link diagnose}.
 * @example
 * ```ts
 * const { outcome, findings } = await diagnoseFile('session.key', { symptom: 'NTE_BAD_DATA' });
 * ```
 */
export async function diagnoseFile(
  path: string,
  { symptom, ...options }: DiagnoseFileOptions = {},
): Promise<Diagnosis> {
  const { bytes: start, size } = await withFile(path, async (file, length) => ({
    bytes: await readAt(file, { from: 0, length: Math.min(length, MAX_START) }),
    size: length,
  }));
  using bytes = start;
  return await diagnose(
    { bytes: bytes.bytes, path, size, ...(symptom !== undefined && { symptom }) },
    options,
  );
}

/**
 * Both ends of a file of ciphertext, for `searchCipher` and {@link diagnose}.
 *
 * @throws KeyStoreError FILE_NOT_FOUND, FILE_WRONG_TYPE for a folder, PERMISSION_DENIED, IO_FAILED.
 */
export function readCipherSample(path: string): Promise<CipherSample> {
  return withFile(path, async (file, size) => {
    // On a block's boundary, whatever the cipher is.
    const from = Math.floor(Math.max(0, size - MAX_SAMPLE) / LONGEST_BLOCK) * LONGEST_BLOCK;
    const head = await readAt(file, { from: 0, length: Math.min(size, MAX_SAMPLE) });
    const tail = await readAt(file, { from, length: size - from });
    return { head: head.bytes, tail: tail.bytes, size };
  });
}

function withFile<T>(path: string, read: (file: FileHandle, size: number) => Promise<T>) {
  return withFsErrors(path, async () => {
    const file = await openRegular(path);
    try {
      return await read(file, (await file.stat()).size);
    } finally {
      await file.close();
    }
  });
}

async function readAt(
  file: FileHandle,
  { from, length }: { readonly from: number; readonly length: number },
): Promise<SecretBytes> {
  using whole = new SecretBytes(length);
  let read = 0;
  while (read < length) {
    const { bytesRead } = await file.read(whole.bytes, read, length - read, from + read);
    if (bytesRead === 0) break;
    read += bytesRead;
  }
  return SecretBytes.copy(whole.bytes.subarray(0, read));
}

/** More than any key file has. */
const MAX_START = 4 << 20;
const MAX_SAMPLE = 64 << 10;
const LONGEST_BLOCK = 16;
