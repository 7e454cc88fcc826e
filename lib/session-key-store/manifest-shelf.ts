/** The record shelf of a home in a folder: a directory store that the manifest watches over. */
import { KeyStoreError } from '../errors.ts';
import { openDirectoryStore } from '../stores/directory.ts';
import { Manifest, type ManifestTrustAnchor } from '../stores/manifest/manifest.ts';
import {
  ManifestedStore,
  type ListedRecord,
  type ManifestedRecord,
  type ExamineStored,
  type NewRecord,
  type PlantedRecord,
  type RecordToPut,
} from '../stores/manifest/manifested-store.ts';
import { PendingRecords } from '../stores/manifest/pending.ts';
import type { Trust } from '../trust/trust.ts';
import type { HomeFolder } from './home-folder.ts';
import type { ChangeAuthor, RecordShelf, VerifyEntriesOptions } from './record-shelf.ts';
import { hashOfTrust, readAnyTrust, type TrustFile } from './trust-file.ts';

/** Makes the manifest of a new home; its first entry is the trust. */
export async function createManifest(
  folder: HomeFolder,
  trust: Trust,
  { identity, clock }: ChangeAuthor,
): Promise<void> {
  const { storeId } = trust.list;
  const manifest = await Manifest.open({
    path: folder.manifest,
    storeId,
    findTrust: () => Promise.resolve(anchorOf(trust)),
  });
  await manifest.append(
    { kind: 'trust', version: trust.list.trustVersion, sha256: hashOfTrust(trust) },
    identity,
    clock,
  );
}

/** @throws KeyStoreError TRUST_NOT_FOUND, TRUST_INVALID, MANIFEST_DAMAGED, MANIFEST_ROLLED_BACK, BLOB_SIGNER_NOT_TRUSTED. */
export async function openManifestShelf(
  folder: HomeFolder,
  trustFile: TrustFile,
  examine: ExamineStored,
): Promise<RecordShelf> {
  const { storeId, manifestHead } = (await readAnyTrust(folder)).list;
  const manifest = await Manifest.open({
    path: folder.manifest,
    storeId,
    findTrust: async (listed) => {
      // Even the first trust is entered: a manifest that lists none was emptied.
      if (!listed)
        throw new KeyStoreError(
          'MANIFEST_ROLLED_BACK',
          `the manifest lists no trust, and had come to entry ${manifestHead.index}`,
        );
      return anchorOf(await trustFile.load(listed.sha256));
    },
  });
  const store = await openDirectoryStore(folder.records);
  const records = new ManifestedStore(store, manifest, new PendingRecords(folder.pending), examine);
  await sweepIfPossible(records);
  return new ManifestShelf(records);
}

class ManifestShelf implements RecordShelf {
  readonly #manifest: Manifest;
  readonly #records: ManifestedStore;

  constructor(records: ManifestedStore) {
    this.#manifest = records.manifest;
    this.#records = records;
  }

  get head(): RecordShelf['head'] {
    return this.#manifest.head;
  }

  get trust(): RecordShelf['trust'] {
    const { trust } = this.#manifest;
    if (!trust) throw new KeyStoreError('MANIFEST_DAMAGED', 'the manifest lists no trust');
    return trust;
  }

  trustAfter(index: number): number | undefined {
    return this.#manifest.trustAfter(index);
  }

  refresh(): Promise<void> {
    return this.#manifest.refresh();
  }

  async get(id: string): Promise<ManifestedRecord> {
    const record = await this.#records.get(id);
    if (!record) throw new KeyStoreError('KEY_NOT_FOUND', `there is no key ${id} in this store`);
    return record;
  }

  find(id: string): Promise<ListedRecord | undefined> {
    return Promise.resolve(this.#find(id));
  }

  lastVersion(id: string): Promise<number | undefined> {
    return Promise.resolve(this.#manifest.current(id)?.version);
  }

  async *list(): AsyncIterable<ListedRecord> {
    yield* this.#listed();
  }

  async *labelled(label: string): AsyncIterable<ListedRecord> {
    yield* this.#listed()
      .filter((record) => record.label === label)
      .toReversed();
  }

  async *beginningWith(prefix: string): AsyncIterable<ListedRecord> {
    yield* this.#listed().filter(({ id }) => id.startsWith(prefix));
  }

  planted(): AsyncIterable<PlantedRecord> {
    return this.#records.planted();
  }

  put(record: RecordToPut, author: ChangeAuthor): Promise<void> {
    return this.#records.put(record, author.identity, author.clock);
  }

  putAll(records: readonly NewRecord[], author: ChangeAuthor): Promise<boolean[]> {
    return this.#records.putAll(records, author.identity, author.clock);
  }

  delete(id: string, version: number, author: ChangeAuthor): Promise<void> {
    return this.#records.delete(id, version, author.identity, author.clock);
  }

  async enterTrust(
    version: number,
    sha256: Uint8Array,
    { identity, clock }: ChangeAuthor,
  ): Promise<void> {
    await this.#manifest.append({ kind: 'trust', version, sha256 }, identity, clock);
  }

  async verifyEntries(options: VerifyEntriesOptions): Promise<number> {
    await this.#manifest.verifyAll(options);
    return this.#manifest.head.index;
  }

  close(): Promise<void> {
    return this.#records.close();
  }

  #find(id: string): ListedRecord | undefined {
    const record = this.#manifest.current(id);
    if (!record || record.deleted) return undefined;
    const { version, label, index, created } = record;
    return { id, version, label, index, created };
  }

  #listed(): ListedRecord[] {
    const listed = [...this.#manifest.records.keys()].flatMap((id) => this.#find(id) ?? []);
    return listed.toSorted((a, b) => a.created - b.created);
  }
}

/** Clears what killed writers left. A disk that cannot be written to can still be read from. */
async function sweepIfPossible(records: ManifestedStore): Promise<void> {
  try {
    await records.sweep();
  } catch (error) {
    if (!KeyStoreError.is(error)) throw error;
  }
}

function anchorOf(trust: Trust): ManifestTrustAnchor {
  return {
    current: trust.current,
    retired: trust.pins.filter(({ container, state }) => container && state === 'retired'),
    trustedHead: trust.list.manifestHead,
  };
}
