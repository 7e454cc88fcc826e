/** MemoryStore: records in this process, for tests and for programs that keep nothing. */
import { copyBytes } from '../../bytes/octets.ts';
import type {
  Store,
  StoredRecord,
  StoredRecordId,
  StoreListOptions,
} from '../../contracts/store.ts';
import { KeyStoreError } from '../../errors.ts';
import { checkBytes, checkId, checkLimit, checkVersion } from '../stored-bytes.ts';

/** The newest version of an id; no bytes where that was a deletion. */
interface Slot {
  readonly version: number;
  readonly bytes?: Uint8Array;
}

export class MemoryStore implements Store {
  readonly name = 'memory';
  readonly #slots = new Map<string, Slot>();
  #closed = false;

  async get(id: string): Promise<StoredRecord | undefined> {
    this.#assertOpen();
    checkId(id);
    const slot = this.#slots.get(id);
    return slot?.bytes && { version: slot.version, bytes: copyBytes(slot.bytes) };
  }

  async put(id: string, version: number, bytes: Uint8Array): Promise<void> {
    this.#assertOpen();
    checkBytes(bytes);
    this.#swap(id, { version, bytes: copyBytes(bytes) });
  }

  async delete(id: string, version: number): Promise<void> {
    this.#assertOpen();
    this.#swap(id, { version });
  }

  async *list({
    after = '',
    limit = Number.POSITIVE_INFINITY,
  }: StoreListOptions = {}): AsyncGenerator<StoredRecordId> {
    this.#assertOpen();
    checkLimit(limit);
    const ids = [...this.#slots.keys()].filter((id) => id > after).toSorted();
    let given = 0;
    for (const id of ids) {
      if (given >= limit) return;
      this.#assertOpen();
      const slot = this.#slots.get(id);
      if (!slot?.bytes) continue;
      given++;
      yield { id, version: slot.version };
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#slots.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Writes what is stated, whatever is there. */
  protected overwrite(id: string, version: number, bytes: Uint8Array | undefined): void {
    this.#slots.set(id, { version, ...(bytes && { bytes: copyBytes(bytes) }) });
  }

  #swap(id: string, slot: Slot): void {
    checkId(id);
    checkVersion(slot.version);
    if ((this.#slots.get(id)?.version ?? 0) !== slot.version - 1)
      throw new KeyStoreError('STORE_CONFLICT');
    this.#slots.set(id, slot);
  }

  #assertOpen(): void {
    if (this.#closed) throw new KeyStoreError('HANDLE_INVALID', 'the store was closed');
  }
}
