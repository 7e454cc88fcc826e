/** inspectFile: inspect of a file, of which only the beginning is read where it is large. */
import { open, type FileHandle } from 'node:fs/promises';
import { KeyStoreError } from '../errors.ts';
import { SecretBytes } from '../keys/secret-bytes.ts';
import { withFsErrors } from '../platform/fs-error.ts';
import { inspect } from './inspect.ts';
import type { Inspection } from './inspection.ts';

/**
 * Says what a file is, as {@link inspect} does. Reads at most its first 4 MiB, into memory that is wiped.
 *
 * @returns `length` is that of the whole file.
 * @throws KeyStoreError FILE_NOT_FOUND, FILE_WRONG_TYPE for a folder, FILE_FORBIDDEN, IO_FAILED.
 * @example
 * ```ts
 * const { what, notes } = await inspectFile('session.key');
 * ```
 */
export function inspectFile(path: string): Promise<Inspection> {
  return withFsErrors(path, async () => {
    const file = await open(path, 'r');
    try {
      const stats = await file.stat();
      if (stats.isDirectory()) throw new KeyStoreError('FILE_WRONG_TYPE', `${path}: is a folder`);
      // A pipe, and a device, say that they have no bytes.
      using start = await readStart(file, stats.isFile() ? stats.size : MAX_INSPECTED);
      const size = stats.isFile() ? Math.max(stats.size, start.length) : start.length;
      return inspect(start.bytes, { name: path, size });
    } finally {
      await file.close();
    }
  });
}

async function readStart(file: FileHandle, size: number): Promise<SecretBytes> {
  using whole = new SecretBytes(Math.min(size, MAX_INSPECTED));
  let length = 0;
  while (length < whole.length) {
    const { bytesRead } = await file.read(whole.bytes, length, whole.length - length, null);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return SecretBytes.copy(whole.bytes.subarray(0, length));
}

/** More than any format but encrypted files, manifests and registries have; of those the beginning is enough. */
export const MAX_INSPECTED = 4 << 20;
