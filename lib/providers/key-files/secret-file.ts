/** A file of 32 random bytes that several processes agree on: whoever links it first makes it. */
import { lstat, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KeyStoreError } from '../../errors.ts';
import { SecretBytes, type RandomFill } from '../../keys/secret-bytes.ts';
import { syncDirectory, writeDurably } from '../../platform/durable-file.ts';
import { makeFolder } from '../../platform/make-folder.ts';
import { isFsError, withFsErrors } from '../../platform/fs-error.ts';

const SECRET_LENGTH = 32;

/**
 * Reads the secret, or undefined where there is none.
 *
 * @throws KeyStoreError PERMISSION_DENIED where others could read it, KEY_FILE_DAMAGED where it is not 32 bytes.
 */
export function readSecretFile(path: string): Promise<SecretBytes | undefined> {
  return withFsErrors(path, async () => {
    try {
      await refuseWhatOthersCanRead(path);
      const file = await open(path, 'r');
      try {
        return await readWhole(file, path);
      } finally {
        await file.close();
      }
    } catch (error) {
      if (isFsError(error, 'ENOENT')) return undefined;
      throw error;
    }
  });
}

/** Reads the secret; where there is none, makes it, or takes the one that another process made meanwhile. */
export async function readOrMakeSecretFile(
  path: string,
  random?: RandomFill,
): Promise<SecretBytes> {
  const present = await readSecretFile(path);
  if (present) return present;
  await withFsErrors(path, async () => {
    const first = await makeFolder(dirname(path), 0o700);
    if (first !== undefined) await syncDirectory(dirname(first));
  });
  const fresh = SecretBytes.random(SECRET_LENGTH, random);
  try {
    await writeDurably(path, fresh.bytes, { place: 'create', mode: 0o600 });
    return fresh;
  } catch (error) {
    fresh.dispose();
    if (!KeyStoreError.is(error) || error.code !== 'FILE_EXISTS') throw error;
  }
  const theirs = await readSecretFile(path);
  if (!theirs) throw new KeyStoreError('IO_FAILED', `${path}: appeared and vanished again`);
  return theirs;
}

async function refuseWhatOthersCanRead(path: string): Promise<void> {
  const { mode } = await lstat(path);
  // Windows has no permission bits: there the folder's access list decides.
  if (process.platform === 'win32' || (mode & 0o077) === 0) return;
  const bits = (mode & 0o777).toString(8).padStart(4, '0');
  throw new KeyStoreError(
    'PERMISSION_DENIED',
    `${path}: its permissions are ${bits}, so others could have read this secret`,
    { hint: 'If nobody else had access, make it yours alone: chmod 600.' },
  );
}

async function readWhole(
  file: { read(target: Uint8Array): Promise<{ bytesRead: number }> },
  path: string,
): Promise<SecretBytes> {
  // One byte more than it should have, so that a longer file is noticed.
  using buffer = new SecretBytes(SECRET_LENGTH + 1);
  const { bytesRead } = await file.read(buffer.bytes);
  if (bytesRead !== SECRET_LENGTH)
    throw new KeyStoreError('KEY_FILE_DAMAGED', `${path}: want ${SECRET_LENGTH} bytes`);
  return SecretBytes.copy(buffer.bytes.subarray(0, SECRET_LENGTH));
}
