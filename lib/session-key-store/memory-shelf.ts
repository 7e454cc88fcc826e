/** The record shelf of a home in memory: nobody else can reach it, so nothing has to be logged. */
import { KeyStoreError } from '../errors.ts';
import type {
  ChangeAuthor,
  ListedRecord,
  RecordShelf,
  RecordToShelve,
  ShelvedRecord,
} from './record-shelf.ts';

interface MemoryRecord extends ListedRecord {
  readonly bytes: Uint8Array;
}

export class MemoryShelf implements RecordShelf {
  readonly #records = new Map<string, MemoryRecord>();
  readonly #lastVersions = new Map<string, number>();
  #index = 0;
  #trust: RecordShelf['trust'];

  constructor(trustHash: Uint8Array) {
    this.#trust = { version: 1, sha256: trustHash };
  }

  get head(): RecordShelf['head'] {
    return { index: this.#index, hash: new Uint8Array(32) };
  }

  get trust(): RecordShelf['trust'] {
    return this.#trust;
  }

  refresh(): Promise<void> {
    return Promise.resolve();
  }

  get(id: string): Promise<ShelvedRecord | undefined> {
    return Promise.resolve(this.#records.get(id));
  }

  find(id: string): ListedRecord | undefined {
    return this.#records.get(id);
  }

  lastVersion(id: string): number | undefined {
    return this.#lastVersions.get(id);
  }

  list(): Iterable<ListedRecord> {
    return this.#records.values();
  }

  put({ id, version, label, bytes }: RecordToShelve, _author: ChangeAuthor): Promise<void> {
    this.#next(id, version);
    const entry = ++this.#index;
    this.#records.set(id, {
      id,
      version,
      label,
      bytes,
      entry,
      created: this.#records.get(id)?.created ?? entry,
    });
    return Promise.resolve();
  }

  delete(id: string, version: number, _author: ChangeAuthor): Promise<void> {
    this.#next(id, version);
    this.#index++;
    this.#records.delete(id);
    return Promise.resolve();
  }

  enterTrust(version: number, sha256: Uint8Array, _author: ChangeAuthor): Promise<void> {
    if (version !== this.#trust.version + 1) throw new KeyStoreError('STORE_CONFLICT');
    this.#index++;
    this.#trust = { version, sha256 };
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#records.clear();
    return Promise.resolve();
  }

  #next(id: string, version: number): void {
    if (version !== (this.#lastVersions.get(id) ?? 0) + 1)
      throw new KeyStoreError('STORE_CONFLICT');
    this.#lastVersions.set(id, version);
  }
}
