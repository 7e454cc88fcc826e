/** What the file system said, as a KeyStoreError. */
import { constants } from 'node:os';
import { KeyStoreError, type KeyStoreErrorCode } from '../errors.ts';

const CODES: Record<string, KeyStoreErrorCode> = {
  ENOENT: 'FILE_NOT_FOUND',
  EEXIST: 'FILE_EXISTS',
  EACCES: 'PERMISSION_DENIED',
  EPERM: 'PERMISSION_DENIED',
  ENOSPC: 'STORAGE_FULL',
  EDQUOT: 'STORAGE_FULL',
  EROFS: 'STORAGE_READ_ONLY',
  EISDIR: 'FILE_WRONG_TYPE',
  ENOTDIR: 'FILE_WRONG_TYPE',
};

/** What people call it; the call and its code stand behind it. */
const REASONS: Record<string, string> = {
  ENOENT: 'there is no such file or folder',
  EEXIST: 'is there already',
  EACCES: 'access was refused',
  EPERM: 'access was refused',
  ENOSPC: 'there is no space left',
  EDQUOT: 'the quota is used up',
  EROFS: 'it is on a read-only disk',
  EISDIR: 'is a folder',
  ENOTDIR: 'a part of the path is not a folder',
  ENAMETOOLONG: 'the name is too long',
  EIO: 'the disk could not be read or written',
};

/** Is it a failed system call of this symbolic name? */
export function isFsError(
  error: unknown,
  ...names: readonly string[]
): error is NodeJS.ErrnoException {
  return (
    error instanceof Error &&
    'syscall' in error &&
    'code' in error &&
    names.includes(String(error.code))
  );
}

/** Turns an error of node:fs into a KeyStoreError that names the path; passes every other error on as it is. */
export function fsError(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || !('syscall' in error) || !('code' in error)) return error;
  const name = String(error.code);
  const value = constants.errno[name as keyof typeof constants.errno] ?? 0;
  const native = { api: String(error.syscall), family: 'errno', value, name } as const;
  const code = CODES[name] ?? 'IO_FAILED';
  const reason = REASONS[name] ?? 'the system refused';
  return new KeyStoreError(code, `${path}: ${reason} (${native.api}, ${name})`, { native });
}

/** Runs file system work on `path` with its errors turned by {@link fsError}. */
export async function withFsErrors<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw fsError(error, path);
  }
}
