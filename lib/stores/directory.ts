/**
 * The directory store: one file for each record, whose name carries its version.
 *
 *   <folder>/ab/<id>.<version>.cms      ab = first two digits of the id; the highest version is the current one
 *   <folder>/.keycask-tmp-…             being written
 *
 * A version is written aside, fsynced and then link()ed to its name: of several processes that write one version, the file system
 * lets one link succeed, so the link is the compare-and-set and there are no lock files. Older versions go afterwards. A deletion
 * is a zero-length file of the next version; it stays as long as it is the highest, else a slow writer could bring the id back.
 * docs/decisions/directory-store.md says why each step is there.
 */
import { existsSync, type Stats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type {
  NewStoredRecord,
  Store,
  StoredRecord,
  StoredRecordId,
  StoreListOptions,
} from '../contracts/store.ts';
import { KeyStoreError } from '../errors.ts';
import { syncDirectory, unlinkIfThere, writeDurably } from '../platform/durable-file.ts';
import { fsError, isFsError, withFsErrors } from '../platform/fs-error.ts';
import { makeFolder } from '../platform/make-folder.ts';
import { linkFile, namesIn, syncFolders } from '../platform/many-files.ts';
import { readSmallFile } from '../platform/read-small-file.ts';
import { sweepTemporaries } from '../platform/sweep-temporaries.ts';
import { checkBytes, checkId, checkLimit, checkVersion, MAX_STORED_BYTES } from './stored-bytes.ts';

/**
 * Opens a directory store. The folder is made by the first `put`.
 *
 * @param folder - Absolute path; `<home>/records`.
 * @throws KeyStoreError FILE_WRONG_TYPE where the folder is a file, PERMISSION_DENIED.
 */
export async function openDirectoryStore(folder: string): Promise<Store> {
  await sweepTemporaries(folder);
  return new DirectoryStore(folder);
}

const RECORD_NAME = /^([0-9a-f]{32})\.([1-9][0-9]{0,9})\.cms$/;
const ID_DIGITS = 32;
const NOTHING = new Uint8Array(0);
/** Each try that fails is another process that got further; so many in a row are a broken file system. */
const MAX_TRIES = 1000;
/** Files that list() looks at at once. */
const LIST_BATCH = 32;

class DirectoryStore implements Store {
  readonly name = 'directory';
  readonly #folder: string;
  #closed = false;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async get(id: string): Promise<StoredRecord | undefined> {
    this.#assertOpen();
    checkId(id);
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      // What one listing found was there; that it found nothing may be a change that it overlapped.
      const version = newest(await this.#versions(id)) || newest(await this.#settledVersions(id));
      if (version === 0) return undefined;
      const bytes = await readSmallFile(this.#path(id, version), MAX_STORED_BYTES);
      if (bytes) return bytes.length === 0 ? undefined : { version, bytes };
      // It went between the listing and the reading: somebody wrote a newer one.
    }
    throw new KeyStoreError('STORE_CONFLICT', `record ${id} changes faster than it can be read`);
  }

  async put(id: string, version: number, bytes: Uint8Array): Promise<void> {
    checkBytes(bytes);
    await this.#swap(id, version, bytes);
  }

  async createAll(records: readonly NewStoredRecord[]): Promise<boolean[]> {
    this.#assertOpen();
    for (const { id, bytes } of records) {
      checkId(id);
      checkBytes(bytes);
    }
    const shards = new Map<string, NewStoredRecord[]>();
    for (const record of records) {
      const shard = record.id.slice(0, 2);
      const ofShard = shards.get(shard);
      if (ofShard) ofShard.push(record);
      else shards.set(shard, [record]);
    }
    const won = new Set<string>();
    for (const [shard, ofShard] of shards)
      for (const id of await this.#createInShard(shard, ofShard)) won.add(id);
    await withFsErrors(this.#folder, () =>
      syncFolders([...shards.keys()].map((shard) => join(this.#folder, shard))),
    );
    return records.map(({ id }) => won.has(id));
  }

  async delete(id: string, version: number): Promise<void> {
    await this.#swap(id, version, NOTHING);
  }

  async *list({
    after = '',
    limit = Number.POSITIVE_INFINITY,
  }: StoreListOptions = {}): AsyncGenerator<StoredRecordId> {
    this.#assertOpen();
    checkLimit(limit);
    let left = limit;
    for (let shard = 0; shard < 256 && left > 0; shard++) {
      const name = shard.toString(16).padStart(2, '0');
      if (name < after.slice(0, 2)) continue;
      const ids = [...(await this.#newestOfShard(name))]
        .filter(([id]) => id > after)
        .toSorted(([a], [b]) => (a < b ? -1 : 1));
      for (let at = 0; at < ids.length && left > 0; at += LIST_BATCH) {
        this.#assertOpen();
        const batch = ids.slice(at, at + LIST_BATCH).map((entry) => this.#ifPresent(...entry));
        for (const record of await Promise.all(batch)) {
          if (!record || left === 0) continue;
          left--;
          yield record;
        }
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The compare-and-set; no bytes are a tombstone. */
  async #swap(id: string, version: number, bytes: Uint8Array): Promise<void> {
    this.#assertOpen();
    checkId(id);
    checkVersion(version);
    const before = await this.#versions(id);
    if (newest(before) !== version - 1) throw new KeyStoreError('STORE_CONFLICT');
    await this.#link(id, version, bytes);
    // Between the listing and the link others may have written this version, gone on, and removed its file: then the name was
    // free again, and the link won nothing. The newest version is always there, so a second listing shows it.
    const after = await this.#settledVersions(id);
    const path = this.#path(id, version);
    if (newest(after) !== version) {
      await withFsErrors(path, () => unlinkIfThere(path));
      throw new KeyStoreError('STORE_CONFLICT');
    }
    await this.#removeOlder(id, version, [...before, ...after]);
  }

  /**
   * The compare-and-set of many first versions in one folder, with one pair of listings for all: no listing is needed before the links,
   * since the version before them is none, and the highest version of an id is always there to be seen after them.
   *
   * @returns The ids that were won. The folder is not fsynced yet.
   */
  async #createInShard(shard: string, records: readonly NewStoredRecord[]): Promise<Set<string>> {
    const folder = join(this.#folder, shard);
    if (!existsSync(folder)) await this.#makeFolder(folder);
    const linked = new Set<string>();
    const won = new Set<string>();
    for (const { id, bytes, file } of records) {
      const outcome = file === undefined ? 'refused' : this.#linkFirst(id, file);
      if (outcome === 'created') linked.add(id);
      else if (outcome === 'refused' && (await this.#tryPut(id, bytes))) won.add(id);
    }
    if (linked.size === 0) return won;
    const [first, second] = [this.#newestAmong(linked, folder), this.#newestAmong(linked, folder)];
    for (const id of linked) {
      const isWon =
        (first.get(id) === 1 && second.get(id) === 1) ||
        newest(await this.#settledVersions(id)) === 1;
      const path = this.#path(id, 1);
      if (isWon) won.add(id);
      else await withFsErrors(path, () => unlinkIfThere(path));
    }
    return won;
  }

  #linkFirst(id: string, file: string): ReturnType<typeof linkFile> {
    const path = this.#path(id, 1);
    try {
      return linkFile(file, path);
    } catch (error) {
      throw fsError(error, path);
    }
  }

  /** The newest versions of some ids of one folder: what else is in it, and there may be much, is only passed over. */
  #newestAmong(ids: ReadonlySet<string>, folder: string): Map<string, number> {
    const versions = new Map<string, number>();
    try {
      for (const name of namesIn(folder)) {
        const id = name.slice(0, ID_DIGITS);
        const version = ids.has(id) ? parseName(name)?.version : undefined;
        if (version) versions.set(id, Math.max(version, versions.get(id) ?? 0));
      }
    } catch (error) {
      throw fsError(error, folder);
    }
    return versions;
  }

  async #tryPut(id: string, bytes: Uint8Array): Promise<boolean> {
    try {
      await this.put(id, 1, bytes);
      return true;
    } catch (error) {
      if (KeyStoreError.is(error) && error.code === 'STORE_CONFLICT') return false;
      throw error;
    }
  }

  async #link(id: string, version: number, bytes: Uint8Array): Promise<void> {
    const path = this.#path(id, version);
    const options = { place: 'create', aside: this.#folder } as const;
    try {
      await writeDurably(path, bytes, options);
    } catch (error) {
      if (!KeyStoreError.is(error)) throw error;
      if (error.code === 'FILE_EXISTS') throw new KeyStoreError('STORE_CONFLICT');
      if (error.code !== 'FILE_NOT_FOUND') throw error;
      await this.#makeFolder(dirname(path));
      try {
        await writeDurably(path, bytes, options);
      } catch (again) {
        if (KeyStoreError.is(again) && again.code === 'FILE_EXISTS')
          throw new KeyStoreError('STORE_CONFLICT');
        throw again;
      }
    }
  }

  async #makeFolder(path: string): Promise<void> {
    await withFsErrors(path, async () => {
      await makeFolder(path, 0o700);
      await syncDirectory(dirname(path));
      await syncDirectory(dirname(dirname(path)));
    });
  }

  /** What cannot be removed is only in the way: the highest version is the one that counts. */
  async #removeOlder(id: string, version: number, seen: readonly number[]): Promise<void> {
    const older = new Set(seen.filter((other) => other < version));
    for (const other of [...older].toSorted((a, b) => a - b)) {
      try {
        await unlinkIfThere(this.#path(id, other));
      } catch {
        return;
      }
    }
  }

  /**
   * The versions that are there, from two listings in a row that agree.
   *
   * A single listing that overlaps two changes of the id may have passed the place of the newer name before it was made, and come
   * to that of the older one after it was removed: it would show neither.
   */
  async #settledVersions(id: string): Promise<readonly number[]> {
    let versions = await this.#versions(id);
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const again = await this.#versions(id);
      if (newest(again) === newest(versions)) return again;
      versions = again;
    }
    throw new KeyStoreError('STORE_CONFLICT', `record ${id} changes faster than it can be read`);
  }

  async #versions(id: string): Promise<readonly number[]> {
    const versions: number[] = [];
    for (const name of await this.#shard(id.slice(0, 2), (path) => readdir(path))) {
      const parsed = name.startsWith(id) ? parseName(name) : undefined;
      if (parsed) versions.push(parsed.version);
    }
    return versions;
  }

  async #newestOfShard(shard: string): Promise<Map<string, number>> {
    const versions = new Map<string, number>();
    const entries = await this.#shard(shard, (path) => readdir(path, { withFileTypes: true }));
    for (const entry of entries) {
      const name = entry.isFile() ? parseName(entry.name) : undefined;
      if (!name?.id.startsWith(shard)) continue;
      versions.set(name.id, Math.max(name.version, versions.get(name.id) ?? 0));
    }
    return versions;
  }

  /** What `read` finds in a folder of records; nothing where it is absent. A link to elsewhere is not followed. */
  async #shard<T>(shard: string, read: (path: string) => Promise<T[]>): Promise<T[]> {
    const path = join(this.#folder, shard);
    return withFsErrors(path, async () => {
      try {
        if (!(await lstat(path)).isDirectory())
          throw new KeyStoreError('FILE_WRONG_TYPE', `${path} is not a folder`);
        return await read(path);
      } catch (error) {
        if (isFsError(error, 'ENOENT')) return [];
        throw error;
      }
    });
  }

  /** What list() says of an id whose highest version was `version` a moment ago. */
  async #ifPresent(id: string, version: number): Promise<StoredRecordId | undefined> {
    let current = version;
    while (current > 0) {
      const stats = await this.#stats(this.#path(id, current));
      if (stats) return stats.isFile() && stats.size > 0 ? { id, version: current } : undefined;
      current = newest(await this.#settledVersions(id));
    }
    return undefined;
  }

  async #stats(path: string): Promise<Stats | undefined> {
    return withFsErrors(path, async () => {
      try {
        return await lstat(path);
      } catch (error) {
        if (isFsError(error, 'ENOENT')) return undefined;
        throw error;
      }
    });
  }

  #path(id: string, version: number): string {
    return join(this.#folder, id.slice(0, 2), `${id}.${version}.cms`);
  }

  #assertOpen(): void {
    if (this.#closed) throw new KeyStoreError('HANDLE_INVALID', 'the store was closed');
  }
}

function parseName(name: string): StoredRecordId | undefined {
  const match = RECORD_NAME.exec(name);
  return match ? { id: match[1]!, version: Number(match[2]) } : undefined;
}

/** 0 where there is none. */
function newest(versions: readonly number[]): number {
  return versions.reduce((a, b) => Math.max(a, b), 0);
}
