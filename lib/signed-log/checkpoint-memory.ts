/**
 * Where the newest checkpoint is kept that was seen, apart from the log: what a rewind and a fork are noticed by.
 *
 *   <folder>/<size, 15 digits>.cms      the highest counts
 *
 * The size is the name, so that of two processes that have seen two sizes the larger one stays, whoever writes last. It is the signed
 * message, not only its root: of a fork it is the evidence.
 */
import { dirname, join } from 'node:path';
import { KeyStoreError } from '../errors.ts';
import { signerOf } from '../keys/certificate-signer.ts';
import { syncDirectory, unlinkIfThere, writeDurably } from '../platform/durable-file.ts';
import { withFsErrors } from '../platform/fs-error.ts';
import { makeFolder } from '../platform/make-folder.ts';
import { readSmallFile } from '../platform/read-small-file.ts';
import { sweepTemporaries } from '../platform/sweep-temporaries.ts';
import { verifyCheckpoint, type Checkpoint } from './checkpoint.ts';
import { LOG_LIMITS } from './log-storage.ts';
import { numbersOfFiles } from './numbered-files.ts';

/** Keeps checkpoints that were seen. */
export interface CheckpointMemory {
  /** The one of the largest size; undefined where none was ever kept. */
  newest(): Promise<Uint8Array | undefined>;

  /**
   * Keeps one, durably when the promise resolves. A smaller one than the newest changes nothing.
   *
   * @returns false where one of that size is kept already.
   */
  remember(size: number, checkpoint: Uint8Array): Promise<boolean>;

  /** Forgets all. */
  forget(): Promise<void>;
}

const NAME = /^([0-9]{15})\.cms$/;
/** Each try that fails is another process that has seen more. */
const MAX_TRIES = 1000;

/**
 * Keeps checkpoints in a folder, for several processes at once.
 *
 * @param folder - On this machine, not where the log lies. The first checkpoint makes it.
 * @throws KeyStoreError FILE_WRONG_TYPE where it is a file, PERMISSION_DENIED, IO_FAILED.
 */
export async function openCheckpointMemory(folder: string): Promise<CheckpointMemory> {
  await sweepTemporaries(folder);
  return new FileCheckpointMemory(folder);
}

class FileCheckpointMemory implements CheckpointMemory {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @throws KeyStoreError PERMISSION_DENIED, FILE_WRONG_TYPE, BLOB_TOO_LARGE, IO_FAILED */
  async newest(): Promise<Uint8Array | undefined> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const size = (await this.#sizes()).at(-1);
      if (size === undefined) return undefined;
      const bytes = await readSmallFile(this.#path(size), LOG_LIMITS.checkpointBytes);
      // It went between the listing and the reading: there is a larger one.
      if (bytes) return bytes;
    }
    throw new KeyStoreError('STORE_CONFLICT', 'the log grows faster than it can be followed');
  }

  /** @throws KeyStoreError STORAGE_FULL, PERMISSION_DENIED, STORAGE_READ_ONLY, FILE_WRONG_TYPE, IO_FAILED */
  async remember(size: number, checkpoint: Uint8Array): Promise<boolean> {
    const isNew = await this.#create(this.#path(size), checkpoint);
    // The newest is always there, so these are not needed: that one cannot be removed is nobody's failure.
    for (const older of (await this.#sizes()).slice(0, -1))
      await unlinkIfThere(this.#path(older)).catch(() => false);
    return isNew;
  }

  async forget(): Promise<void> {
    await withFsErrors(this.#folder, async () => {
      for (const size of await this.#sizes()) await unlinkIfThere(this.#path(size));
      await syncDirectory(this.#folder);
    });
  }

  async #create(path: string, bytes: Uint8Array): Promise<boolean> {
    try {
      return await createFile(path, bytes);
    } catch (error) {
      if (!KeyStoreError.is(error) || error.code !== 'FILE_NOT_FOUND') throw error;
    }
    await withFsErrors(this.#folder, async () => {
      await makeFolder(this.#folder, 0o700);
      await syncDirectory(dirname(this.#folder));
    });
    return createFile(path, bytes);
  }

  /** Ascending. */
  #sizes(): Promise<number[]> {
    return numbersOfFiles(this.#folder, NAME);
  }

  #path(size: number): string {
    return join(this.#folder, `${String(size).padStart(15, '0')}.cms`);
  }
}

/** False where there is one of that name. */
async function createFile(path: string, bytes: Uint8Array): Promise<boolean> {
  try {
    await writeDurably(path, bytes, { place: 'create' });
    return true;
  } catch (error) {
    if (KeyStoreError.is(error) && error.code === 'FILE_EXISTS') return false;
    throw error;
  }
}

/**
 * A checkpoint that a memory has. Its own certificate is believed: whoever can write to the memory can empty it too, and who is trusted
 * today decides of the log's checkpoint, not of what was seen before somebody was revoked.
 *
 * @throws KeyStoreError BLOB_MALFORMED, BLOB_SIGNATURE_INVALID, LOG_MISPLACED
 */
export function verifySeen(bytes: Uint8Array, logId: Uint8Array): Checkpoint {
  return verifyCheckpoint(bytes, { logId, findSigner: (_keyId, own) => signerOf(own) });
}
