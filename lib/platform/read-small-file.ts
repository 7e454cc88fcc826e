/** Reads a file that should be small and regular, whoever put it there. */
import { constants } from 'node:fs';
import { lstat, open, type FileHandle } from 'node:fs/promises';
import { KeyStoreError } from '../errors.ts';
import { isFsError, withFsErrors } from './fs-error.ts';
import { retryWhileInUse } from './retry-while-in-use.ts';

/** A link is not followed, and a pipe does not block the open. Windows has neither flag: there the name is looked at before. */
const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
const HAS_NOFOLLOW = constants.O_NOFOLLOW !== undefined;

/**
 * The whole file, or undefined where there is none.
 *
 * @throws KeyStoreError BLOB_TOO_LARGE above `limit` bytes, FILE_WRONG_TYPE for anything but a regular file, PERMISSION_DENIED, IO_FAILED.
 */
export async function readSmallFile(path: string, limit: number): Promise<Uint8Array | undefined> {
  return withFsErrors(path, async () => {
    const file = await openIfThere(path);
    if (!file) return undefined;
    try {
      return await readWhole(file, path, limit);
    } finally {
      await file.close();
    }
  });
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await retryWhileInUse(async () => {
      if (!HAS_NOFOLLOW && (await lstat(path)).isSymbolicLink()) throw wrongType(path);
      return open(path, FLAGS);
    });
  } catch (error) {
    if (isFsError(error, 'ENOENT')) return undefined;
    // What O_NOFOLLOW says of a link, and an open of a socket.
    if (isFsError(error, 'ELOOP', 'EMLINK', 'ENXIO')) throw wrongType(path);
    throw error;
  }
}

async function readWhole(file: FileHandle, path: string, limit: number): Promise<Uint8Array> {
  const stats = await file.stat();
  if (!stats.isFile()) throw wrongType(path);
  if (stats.size > limit) throw tooLarge(path, limit);
  // One byte more than it should have shows a file that grew meanwhile.
  const bytes = new Uint8Array(stats.size + 1);
  let length = 0;
  while (length < bytes.length) {
    const { bytesRead } = await file.read(bytes, length, bytes.length - length, length);
    if (bytesRead === 0) return bytes.slice(0, length);
    length += bytesRead;
  }
  throw tooLarge(path, stats.size);
}

function wrongType(path: string): KeyStoreError {
  return new KeyStoreError('FILE_WRONG_TYPE', `${path} is not a regular file`);
}

function tooLarge(path: string, limit: number): KeyStoreError {
  return new KeyStoreError('BLOB_TOO_LARGE', `${path} is larger than ${limit} bytes`);
}
