/** The record shelf of a home in memory: nobody else can reach it, so nothing has to be logged. */
import { KeyStoreError } from '../errors.ts';
import type {
  ListedRecord,
  ManifestedRecord,
  NewRecord,
  RecordToPut,
} from '../stores/manifest/manifested-store.ts';
import type { ChangeAuthor, RecordShelf } from './record-shelf.ts';

type MemoryRecord = ListedRecord & ManifestedRecord;

export class MemoryShelf implements RecordShelf {
  readonly #records = new Map<string, MemoryRecord>();
  readonly #lastVersions = new Map<string, number>();
  readonly #trustIndexes: number[] = [];
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

  trustAfter(index: number): number | undefined {
    return this.#trustIndexes.find((trust) => trust > index);
  }

  refresh(): Promise<void> {
    return Promise.resolve();
  }

  get(id: string): Promise<ManifestedRecord> {
    const record = this.#records.get(id);
    return record
      ? Promise.resolve(record)
      : Promise.reject(new KeyStoreError('KEY_NOT_FOUND', `there is no key ${id} in this store`));
  }

  find(id: string): Promise<ListedRecord | undefined> {
    return Promise.resolve(this.#records.get(id));
  }

  lastVersion(id: string): Promise<number | undefined> {
    return Promise.resolve(this.#lastVersions.get(id));
  }

  async *list(): AsyncIterable<ListedRecord> {
    yield* this.#records.values();
  }

  async *labelled(label: string): AsyncIterable<ListedRecord> {
    yield* [...this.#records.values()].filter((record) => record.label === label).toReversed();
  }

  async *beginningWith(prefix: string): AsyncIterable<ListedRecord> {
    yield* [...this.#records.values()].filter(({ id }) => id.startsWith(prefix));
  }

  async *planted(): AsyncGenerator<never> {}

  put({ id, version, label, bytes }: RecordToPut, _author: ChangeAuthor): Promise<void> {
    this.#next(id, version);
    const index = ++this.#index;
    this.#records.set(id, {
      id,
      version,
      label,
      bytes,
      index,
      created: this.#records.get(id)?.created ?? index,
    });
    return Promise.resolve();
  }

  async putAll(records: readonly NewRecord[], author: ChangeAuthor): Promise<boolean[]> {
    const fresh = new Set(records.filter(({ id }) => !this.#lastVersions.has(id)));
    for (const record of fresh) await this.put({ ...record, version: 1 }, author);
    return records.map((record) => fresh.has(record));
  }

  delete(id: string, version: number, _author: ChangeAuthor): Promise<void> {
    this.#next(id, version);
    this.#index++;
    this.#records.delete(id);
    return Promise.resolve();
  }

  enterTrust(version: number, sha256: Uint8Array, _author: ChangeAuthor): Promise<void> {
    if (version !== this.#trust.version + 1) throw new KeyStoreError('STORE_CONFLICT');
    this.#trustIndexes.push(++this.#index);
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
