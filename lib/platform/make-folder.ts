/** Making a folder and those above it, with the true reason where that fails. */
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isFsError } from './fs-error.ts';

/**
 * Makes `path` and what is missing above it; a folder that is there stays as it is.
 *
 * Not Node's own recursion: on a read-only disk that tells ENOENT instead of EROFS, and under /proc it never ends.
 *
 * @param mode - Permissions of folders that are made, under the umask.
 * @returns The uppermost folder that was made; undefined where `path` was there.
 */
export async function makeFolder(path: string, mode = 0o777): Promise<string | undefined> {
  try {
    await mkdir(path, { mode });
    return path;
  } catch (error) {
    if (await isFolder(path, error)) return undefined;
    if (!isFsError(error, 'ENOENT') || dirname(path) === path) throw error;
  }
  const first = await makeFolderAbove(path, mode);
  try {
    await mkdir(path, { mode });
  } catch (error) {
    // Another process may have made it meanwhile.
    if (!(await isFolder(path, error))) throw error;
  }
  return first ?? path;
}

/** Windows says of a folder below a file that something is missing, and then that the file is there. */
async function makeFolderAbove(path: string, mode: number): Promise<string | undefined> {
  try {
    return await makeFolder(dirname(path), mode);
  } catch (error) {
    if (isFsError(error, 'EEXIST')) error.code = 'ENOTDIR';
    throw error;
  }
}

/** A disk that refuses to make a folder that is there already (EROFS, EACCES) says nothing against it. */
async function isFolder(path: string, error: unknown): Promise<boolean> {
  if (isFsError(error, 'ENOENT', 'ENOTDIR')) return false;
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
