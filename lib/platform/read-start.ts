/** The beginning of a file, in one go. */
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { KeyStoreError } from '../errors.ts';
import { fsError } from './fs-error.ts';

/** The first bytes of a file, and what the file system says of the file that they are from. */
export interface FileStart {
  /** The caller owns, and may wipe, them. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly stats: Stats;
}

/**
 * Reads the first bytes of a regular file: all of a small one.
 *
 * Synchronous calls on purpose: of a file that is in the page cache, three trips over the thread pool take ten times as long as the calls.
 * Who reads many lets the program do something else between them.
 *
 * @param most - At most so many bytes.
 * @throws KeyStoreError FILE_NOT_FOUND, PERMISSION_DENIED, FILE_WRONG_TYPE for anything but a regular file, IO_FAILED.
 */
export function readFileStart(path: string, most: number): FileStart {
  try {
    const fd = openSync(path, FLAGS);
    try {
      const stats = fstatSync(fd);
      if (!stats.isFile())
        throw new KeyStoreError('FILE_WRONG_TYPE', `${path} is not a regular file`);
      return { bytes: readFrom(fd, Math.min(stats.size, most)), stats };
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw fsError(error, path);
  }
}

/** The bytes of {@link readFileStart} alone. */
export function readStart(path: string, most: number): Uint8Array<ArrayBuffer> {
  return readFileStart(path, most).bytes;
}

function readFrom(fd: number, most: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(new ArrayBuffer(most));
  let length = 0;
  while (length < most) {
    const count = readSync(fd, bytes, length, most - length, length);
    if (count === 0) break;
    length += count;
  }
  return bytes.subarray(0, length);
}

/** A pipe that somebody put in the file's place does not block the open. */
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
