/** MemoryArchive: records, log and map nodes in this process, for tests and for programs that keep nothing. */
import { copyBytes, fromHex, toHex } from '../../bytes/octets.ts';
import { KeyStoreError } from '../../errors.ts';
import { isSameHead } from '../../signed-log/log-bounds.ts';
import type { LogAppend, LogCompanions, LogHead } from '../../signed-log/log-storage.ts';
import { MemoryLogStorage } from '../../signed-log/memory-log-storage.ts';
import { checkAlong, checkNodeHashes, checkNodesToRead } from '../archive-bounds.ts';
import type { Archive } from '../archive.ts';
import { MemoryStore } from './memory-store.ts';

/**
 * Opens an archive that is empty, and gone with the process.
 *
 * @example
 * A log of a program that keeps nothing.
 * ```ts
 * await using archive = openMemoryArchive();
 * const log = await SignedLog.open({ storage: archive.log, logId, findSigner });
 * ```
 */
export function openMemoryArchive(): Archive {
  return new MemoryArchive();
}

/** Closing a part closes all. */
type CloseAll = () => Promise<void>;

class ArchivedRecords extends MemoryStore {
  readonly #closeAll: CloseAll;

  constructor(closeAll: CloseAll) {
    super();
    this.#closeAll = closeAll;
  }

  take({ records }: LogCompanions): void {
    for (const { id, version, bytes } of records) this.overwrite(id, version, bytes);
  }

  override close(): Promise<void> {
    return this.#closeAll();
  }

  end(): Promise<void> {
    return super.close();
  }
}

class ArchivedLog extends MemoryLogStorage {
  readonly #closeAll: CloseAll;
  /** Appends that were tried. */
  tries = 0;

  constructor(takeAlong: (along: LogCompanions) => void, closeAll: CloseAll) {
    super(takeAlong);
    this.#closeAll = closeAll;
  }

  override async append(append: LogAppend): Promise<void> {
    checkAlong(append.along);
    this.tries++;
    return super.append(append);
  }

  override close(): Promise<void> {
    return this.#closeAll();
  }

  end(): Promise<void> {
    return super.close();
  }
}

class MemoryArchive implements Archive {
  readonly name = 'memory';
  readonly store = new ArchivedRecords(() => this.close());
  readonly log = new ArchivedLog(
    (along) => this.#take(along),
    () => this.close(),
  );
  readonly #nodes = new Map<string, Uint8Array>();
  #isClosed = false;

  async readNodes(hashes: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    this.#assertOpen();
    checkNodesToRead(hashes);
    return hashes.map((hash) => {
      const bytes = this.#nodes.get(toHex(hash));
      return bytes && copyBytes(bytes);
    });
  }

  async *listNodes(): AsyncGenerator<Uint8Array> {
    this.#assertOpen();
    for (const hash of this.#nodes.keys()) {
      yield fromHex(hash)!;
      this.#assertOpen();
    }
  }

  async removeNodes(hashes: readonly Uint8Array[], head: LogHead | undefined): Promise<void> {
    this.#assertOpen();
    checkNodeHashes(hashes);
    const { tries } = this.log;
    const present = await this.log.head();
    // In the meantime somebody may have appended.
    if (!isSameHead(present, head) || tries !== this.log.tries)
      throw new KeyStoreError('STORE_CONFLICT');
    for (const hash of hashes) this.#nodes.delete(toHex(hash));
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#nodes.clear();
    await this.store.end();
    await this.log.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #take(along: LogCompanions): void {
    this.store.take(along);
    for (const { hash, bytes } of along.mapNodes) this.#nodes.set(toHex(hash), copyBytes(bytes));
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new KeyStoreError('HANDLE_INVALID', 'the archive was closed');
  }
}
