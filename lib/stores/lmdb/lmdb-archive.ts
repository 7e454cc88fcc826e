/** An LMDB file as an archive: records, log and map nodes change in one transaction of LMDB. */
import { setImmediate } from 'node:timers/promises';
import { KeyStoreError } from '../../errors.ts';
import type { LogHead, LogStorage } from '../../signed-log/log-storage.ts';
import { checkNodeHashes, checkNodesToRead } from '../archive-bounds.ts';
import type { Archive } from '../archive.ts';
import { ChangeList } from './change-list.ts';
import type { LmdbFile } from './lmdb-file.ts';
import { headBytes, LmdbLog } from './lmdb-log.ts';
import { LmdbStore } from './lmdb-store.ts';

/** Hashes that one look takes, or one transaction removes. */
const PAGE = 512;
const FIRST_KEY = Buffer.of(0);

export class LmdbArchive implements Archive {
  readonly name = 'lmdb';
  readonly store: LmdbStore;
  readonly log: LogStorage;
  readonly #file: LmdbFile;

  /** @param file - With its tables open. */
  constructor(file: LmdbFile) {
    this.#file = file;
    this.store = new LmdbStore(file);
    this.log = new LmdbLog(file);
  }

  async readNodes(hashes: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    this.#file.assertOpen();
    checkNodesToRead(hashes);
    const breath = this.#file.breathe();
    if (breath) await breath;
    return this.#file.read(() =>
      hashes.map((hash) => {
        const bytes = this.#file.tables.nodes.getBinary(Buffer.from(hash));
        return bytes && new Uint8Array(bytes);
      }),
    );
  }

  async *listNodes(): AsyncGenerator<Uint8Array> {
    let start: Buffer | undefined = FIRST_KEY;
    while (start) {
      const keys = this.#keys(start);
      for (const key of keys) yield new Uint8Array(key);
      start = keys.length < PAGE ? undefined : keys.at(-1);
      await setImmediate();
    }
  }

  async removeNodes(hashes: readonly Uint8Array[], head: LogHead | undefined): Promise<void> {
    this.#file.assertOpen();
    checkNodeHashes(hashes);
    for (let at = 0; at === 0 || at < hashes.length; at += PAGE) {
      const changes = new ChangeList();
      for (const hash of hashes.slice(at, at + PAGE)) changes.remove('nodes', hash);
      if (!(await this.#file.writer.change(head && headBytes(head), changes.encode())))
        throw new KeyStoreError('STORE_CONFLICT');
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Of the nodes after `start`. A look that lasted would keep LMDB from using freed pages again. */
  #keys(start: Buffer): Buffer[] {
    const { nodes } = this.#file.tables;
    return this.#file.read(() => [...nodes.getKeys({ start, exclusiveStart: true, limit: PAGE })]);
  }
}
