/** What lies in a folder, to compare before and after. */
import { createHash } from 'node:crypto';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** SHA-256 of every file below a folder, by path relative to it, in order of the paths. */
export async function hashesOf(folder: string): Promise<Map<string, string>> {
  const hashes = new Map<string, string>();
  for (const path of await filesBelow(folder)) {
    const bytes = await readFile(join(folder, path));
    hashes.set(path, createHash('sha256').update(bytes).digest('hex'));
  }
  return hashes;
}

/** Paths, relative to a folder, of every file below it. */
export async function filesBelow(folder: string): Promise<string[]> {
  const files: string[] = [];
  for (const path of (await readdir(folder, { recursive: true })).toSorted())
    if ((await lstat(join(folder, path))).isFile()) files.push(path);
  return files;
}
