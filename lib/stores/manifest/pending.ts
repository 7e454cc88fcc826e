/**
 * The write-ahead folder: records that are about to be entered in the manifest, or are entered and not yet in the store.
 *
 *   <home>/pending/<id>.<version>.<16 random hex digits>.cms
 *
 * The random part keeps writers of one version apart, so that the one that loses does not spoil what the one that wins has put there.
 */
import { createHash, randomBytes } from 'node:crypto';
import { lstat, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { equalBytes } from '../../bytes/octets.ts';
import { KeyStoreError } from '../../errors.ts';
import { syncDirectory, unlinkIfThere, writeDurably } from '../../platform/durable-file.ts';
import { isFsError, withFsErrors } from '../../platform/fs-error.ts';
import { createFiles, removeFiles } from '../../platform/many-files.ts';
import { makeFolder } from '../../platform/make-folder.ts';
import { readSmallFile } from '../../platform/read-small-file.ts';
import { checkBytes, checkId, checkVersion, MAX_STORED_BYTES } from '../stored-bytes.ts';
import { sweepTemporaries } from '../../platform/sweep-temporaries.ts';
import type { RecordToPut } from './manifested-record.ts';

/** One file of the folder. */
export interface PendingRecord {
  readonly id: string;
  readonly version: number;
  /** File name: what tells it from others of the same id and version. */
  readonly name: string;
}

const NAME = /^([0-9a-f]{32})\.([1-9][0-9]{0,9})\.[0-9a-f]{16}\.cms$/;

export class PendingRecords {
  readonly #folder: string;

  /** @param folder - `<home>/pending`. The first write makes it. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Writes a record, durably when the promise resolves.
   *
   * @throws KeyStoreError STORAGE_FULL, PERMISSION_DENIED, STORAGE_READ_ONLY, FILE_WRONG_TYPE, IO_FAILED
   */
  async write(id: string, version: number, bytes: Uint8Array): Promise<PendingRecord> {
    checkId(id);
    checkVersion(version);
    checkBytes(bytes);
    const name = nameOf(id, version);
    const path = join(this.#folder, name);
    try {
      await writeDurably(path, bytes, { place: 'create' });
    } catch (error) {
      if (!KeyStoreError.is(error) || error.code !== 'FILE_NOT_FOUND') throw error;
      await this.#makeFolder();
      await writeDurably(path, bytes, { place: 'create' });
    }
    return { id, version, name };
  }

  /**
   * Writes many records, durably when the promise resolves, with one wait for the folder.
   *
   * They are written under their names, not aside: one that a killed writer left half written has not the hash that anybody looks for.
   *
   * @throws KeyStoreError as {@link PendingRecords.write} does; what was written is removed again.
   */
  async writeAll(
    records: readonly Pick<RecordToPut, 'id' | 'version' | 'bytes'>[],
  ): Promise<PendingRecord[]> {
    // At once: asking for the randomness of each would cost as much as a link.
    const random = randomBytes(RANDOM_LENGTH * records.length).toString('hex');
    const pending = records.map(({ id, version, bytes }, i) => {
      checkId(id);
      checkVersion(version);
      checkBytes(bytes);
      const digits = random.slice(2 * RANDOM_LENGTH * i, 2 * RANDOM_LENGTH * (i + 1));
      return { id, version, name: nameOf(id, version, digits) };
    });
    const files = pending.map(({ name }, i) => ({ name, bytes: records[i]!.bytes }));
    try {
      await createFiles(this.#folder, files);
    } catch (error) {
      if (!KeyStoreError.is(error) || error.code !== 'FILE_NOT_FOUND') throw error;
      await this.#makeFolder();
      await createFiles(this.#folder, files);
    }
    return pending;
  }

  /** Where a record lies: the directory store links it from there. */
  pathOf({ name }: PendingRecord): string {
    return join(this.#folder, name);
  }

  /** Removes many. */
  async removeAll(records: readonly PendingRecord[]): Promise<void> {
    await withFsErrors(this.#folder, () =>
      removeFiles(records.map((record) => this.pathOf(record))),
    );
  }

  /** The record of that id and version whose SHA-256 is this one. */
  async find(
    id: string,
    version: number,
    sha256: Uint8Array,
  ): Promise<(PendingRecord & { readonly bytes: Uint8Array }) | undefined> {
    for (const record of await this.list()) {
      if (record.id !== id || record.version !== version) continue;
      const bytes = await this.#read(record);
      if (bytes && equalBytes(createHash('sha256').update(bytes).digest(), sha256))
        return { ...record, bytes };
    }
    return undefined;
  }

  /** What is pending, in no order. Other files are not looked at. */
  async list(): Promise<PendingRecord[]> {
    const names = await withFsErrors(this.#folder, async () => {
      try {
        return await readdir(this.#folder);
      } catch (error) {
        if (isFsError(error, 'ENOENT')) return [];
        throw error;
      }
    });
    return names.flatMap((name) => {
      const match = NAME.exec(name);
      return match ? [{ id: match[1]!, version: Number(match[2]), name }] : [];
    });
  }

  /** When it was written; undefined where it is gone. */
  async writtenAt({ name }: PendingRecord): Promise<Date | undefined> {
    const path = join(this.#folder, name);
    return withFsErrors(path, async () => {
      try {
        return (await lstat(path)).mtime;
      } catch (error) {
        if (isFsError(error, 'ENOENT')) return undefined;
        throw error;
      }
    });
  }

  /** Somebody else may have removed it. */
  async remove({ name }: PendingRecord): Promise<void> {
    const path = join(this.#folder, name);
    await withFsErrors(path, () => unlinkIfThere(path));
  }

  /** Removes half-written files of killed writers. */
  sweepTemporaries(): Promise<void> {
    return sweepTemporaries(this.#folder);
  }

  /** Undefined where it is gone, or is nothing that a writer put there. */
  async #read({ name }: PendingRecord): Promise<Uint8Array | undefined> {
    try {
      return await readSmallFile(join(this.#folder, name), MAX_STORED_BYTES);
    } catch (error) {
      const isPlanted =
        KeyStoreError.is(error) && ['FILE_WRONG_TYPE', 'BLOB_TOO_LARGE'].includes(error.code);
      if (isPlanted) return undefined;
      throw error;
    }
  }

  async #makeFolder(): Promise<void> {
    await withFsErrors(this.#folder, async () => {
      await makeFolder(this.#folder, 0o700);
      await syncDirectory(dirname(this.#folder));
    });
  }
}

function nameOf(
  id: string,
  version: number,
  digits = randomBytes(RANDOM_LENGTH).toString('hex'),
): string {
  return `${id}.${version}.${digits}.cms`;
}

/** Bytes. */
const RANDOM_LENGTH = 8;
