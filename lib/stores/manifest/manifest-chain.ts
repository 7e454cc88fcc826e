/** The chain of manifest entries: which lines count, and what they say is current. Bytes in, state out; no I/O. */
import { copyBytes, equalBytes } from '../../bytes/octets.ts';
import { KeyStoreError } from '../../errors.ts';
import type { ManifestChange, ManifestEntry, WrittenRecord } from './manifest-entry.ts';

/** Where the chain ends. An empty one ends at index 0, with a hash of zeros. */
export interface ManifestHead {
  readonly index: number;
  /** SHA-256 of the entry, 32 bytes. */
  readonly hash: Uint8Array;
}

/** What the manifest says of one record. */
export interface ManifestRecord {
  readonly version: number;
  /** SHA-256 of the record; zeros where it was deleted. */
  readonly sha256: Uint8Array;
  /** Label of the newest record, also after its deletion. */
  readonly label: string;
  /** Of the entry that says so. */
  readonly index: number;
  /** Index of the first entry of this id. Of ids that have one entry, the order of {@link ManifestChain.records} is that of their making. */
  readonly created: number;
  readonly deleted: boolean;
}

/** The newest trust.cms that the manifest knows. */
export interface ManifestTrust {
  readonly version: number;
  readonly sha256: Uint8Array;
  readonly index: number;
}

const DIGEST = 32;
const NO_DIGEST = new Uint8Array(DIGEST);
const FIRST_CAPACITY = 256;

export class ManifestChain {
  readonly #storeId: Uint8Array;
  readonly #records = new Map<string, ManifestRecord>();
  /** Hash of entry n at n * 32; that of entry 0 are the zeros that the first entry's `prev` is. */
  #hashes = new Uint8Array(FIRST_CAPACITY * DIGEST);
  #length = 0;
  #newest: ManifestEntry | undefined;
  #trust: ManifestTrust | undefined;
  /** Indexes of the trust entries, ascending. */
  readonly #trustIndexes: number[] = [];

  constructor(storeId: Uint8Array) {
    this.#storeId = storeId;
  }

  get head(): ManifestHead {
    return { index: this.#length, hash: copyBytes(this.#hash(this.#length)) };
  }

  get newest(): ManifestEntry | undefined {
    return this.#newest;
  }

  get trust(): ManifestTrust | undefined {
    return this.#trust;
  }

  /** In the order in which the ids were first written. */
  get records(): ReadonlyMap<string, ManifestRecord> {
    return this.#records;
  }

  /** Index of the first trust entry after `index`, or undefined. */
  trustAfter(index: number): number | undefined {
    return this.#trustIndexes.find((trust) => trust > index);
  }

  /** Is an entry with this hash in the chain at its index? */
  has({ index, hash }: ManifestHead): boolean {
    return index >= 0 && index <= this.#length && equalBytes(this.#hash(index), hash);
  }

  /**
   * Takes the next line of the file.
   *
   * An entry counts if its `prev` is the head at its place. One whose `prev` is an earlier head lost a race: its writer saw that and
   * signed again. Every other `prev` is of an entry that is not here, which no honest writer can have seen.
   *
   * @returns Whether it counts.
   * @throws KeyStoreError MANIFEST_DAMAGED
   */
  add(entry: ManifestEntry): boolean {
    const { index, prev } = entry;
    if (!this.has({ index: index - 1, hash: prev }))
      throw damaged(index, 'follows an entry that is not there');
    if (index <= this.#length) return false;
    if (!equalBytes(entry.storeId, this.#storeId)) throw damaged(index, 'is of another store');
    this.#checkSigner(entry);
    const problem = this.problemOf(entry.change);
    if (problem) throw damaged(index, problem);
    this.#push(entry);
    return true;
  }

  /** Why `change` cannot be the next entry, or undefined where it can. */
  problemOf(change: ManifestChange): string | undefined {
    if (change.kind === 'trust') {
      if (this.#trust && change.version !== this.#trust.version + 1)
        return `trust is at version ${this.#trust.version}`;
      return undefined;
    }
    if (change.kind === 'puts') return this.#problemOfAny(change.records);
    const current = this.#records.get(change.id);
    if (change.kind === 'delete' && current?.deleted !== false)
      return `there is no record ${change.id}`;
    return this.problemOfPut(change);
  }

  /** Why a record cannot be the next version of its id. */
  problemOfPut({ id, version }: Pick<WrittenRecord, 'id' | 'version'>): string | undefined {
    const present = this.#records.get(id)?.version ?? 0;
    return version === present + 1 ? undefined : `record ${id} is at version ${present}`;
  }

  #problemOfAny(records: readonly WrittenRecord[]): string | undefined {
    for (const record of records) {
      const problem = this.problemOfPut(record);
      if (problem) return problem;
    }
    return undefined;
  }

  /** The signer changes after a trust entry and nowhere else. Whether to the right one, the pins say. */
  #checkSigner(entry: ManifestEntry): void {
    const before = this.#newest;
    if (!before || before.change.kind === 'trust') return;
    if (!equalBytes(entry.signerKeyId, before.signerKeyId))
      throw damaged(entry.index, 'is by a signer that is not in force there');
  }

  #push(entry: ManifestEntry): void {
    const { change, index } = entry;
    const end = (index + 1) * DIGEST;
    if (end > this.#hashes.length) {
      const grown = new Uint8Array(this.#hashes.length * 2);
      grown.set(this.#hashes);
      this.#hashes = grown;
    }
    this.#hashes.set(entry.hash, index * DIGEST);
    this.#length = index;
    this.#newest = entry;
    // Copies: an entry's fields are views of a line, which would stay in memory with them.
    switch (change.kind) {
      case 'put':
        this.#put(change, index);
        break;
      case 'puts':
        for (const record of change.records) this.#put(record, index);
        break;
      case 'delete': {
        const { id, version } = change;
        const { label = '', created = index } = this.#records.get(id) ?? {};
        const sha256 = NO_DIGEST;
        this.#records.set(id, { version, sha256, label, index, created, deleted: true });
        break;
      }
      case 'trust':
        this.#trust = { version: change.version, sha256: copyBytes(change.sha256), index };
        this.#trustIndexes.push(index);
        break;
    }
  }

  #put({ id, version, label, ...written }: WrittenRecord, index: number): void {
    const sha256 = copyBytes(written.sha256);
    const created = this.#records.get(id)?.created ?? index;
    this.#records.set(id, { version, sha256, label, index, created, deleted: false });
  }

  #hash(index: number): Uint8Array {
    return this.#hashes.subarray(index * DIGEST, (index + 1) * DIGEST);
  }
}

function damaged(index: number, problem: string): KeyStoreError {
  return new KeyStoreError('MANIFEST_DAMAGED', `manifest entry ${index} ${problem}`);
}
