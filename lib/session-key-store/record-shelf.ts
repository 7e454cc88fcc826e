/** RecordShelf: the records of a home, and the manifest that tells which of them are genuine. */
import type { SigningIdentity } from '../messages/sign-message.ts';
import type { Checkpoint } from '../signed-log/checkpoint.ts';
import type {
  ListedRecord,
  ManifestedRecord,
  NewRecord,
  PlantedRecord,
  RecordToPut,
} from '../stores/manifest/manifested-store.ts';
import type { ManifestHead } from '../trust/trust-list.ts';

/** Who enters a change in the manifest, and when. */
export interface ChangeAuthor {
  readonly identity: SigningIdentity;
  readonly clock: () => Date;
}

export interface RecordShelf {
  /** The manifest's newest entry. */
  readonly head: ManifestHead;
  /** SHA-256 of the trust.cms that the manifest lists as the newest, and its version. */
  readonly trust: { readonly version: number; readonly sha256: Uint8Array };

  /** Index of the first change of the trust after `index`, or undefined. */
  trustAfter(index: number): number | undefined;

  /** Reads what was appended since. */
  refresh(): Promise<void>;

  /** @throws KeyStoreError KEY_NOT_FOUND; RECORD_MISSING, RECORD_ROLLED_BACK, RECORD_MISPLACED where the store does not have what the manifest lists. */
  get(id: string): Promise<ManifestedRecord>;
  /**
   * Records that are read together, in the order of `ids`. Shelves need not have it: then each is a {@link RecordShelf.get}.
   *
   * @returns Undefined where one is not there exactly as it is listed; what is wrong {@link RecordShelf.get} says.
   */
  getIntact?(ids: readonly string[]): Promise<(ManifestedRecord | undefined)[]>;
  /**
   * Records that are exactly as the manifest lists them, as of one look at it; undefined where one is not, and {@link RecordShelf.get} tells why.
   * Shelves need not have it.
   *
   * @param ids - At most 256.
   */
  getMany?(ids: readonly string[]): Promise<(ManifestedRecord | undefined)[]>;
  /** What the manifest lists for an id that was not removed. */
  find(id: string): Promise<ListedRecord | undefined>;
  /** The newest version of an id, a removed one's included; undefined where it was never there. */
  lastVersion(id: string): Promise<number | undefined>;
  /** In the order in which the keys were made. */
  list(): AsyncIterable<ListedRecord>;
  /** Those of a label, the newest first. */
  labelled(label: string): AsyncIterable<ListedRecord>;
  /** Those whose id begins so. */
  beginningWith(prefix: string): AsyncIterable<ListedRecord>;
  /** Records that lie in the store and that the manifest does not list. */
  planted(): AsyncIterable<PlantedRecord>;

  /** @throws KeyStoreError STORE_CONFLICT where another process changed this id meanwhile. */
  put(record: RecordToPut, author: ChangeAuthor): Promise<void>;
  /**
   * Puts the first versions of many ids, each id once.
   *
   * @returns For each, in order, whether it counts now; false where its id was there before, or another process was faster.
   * @throws KeyStoreError STORE_CONFLICT where the container was rotated meanwhile: some may count ({@link RecordShelf.find} tells).
   */
  putAll(records: readonly NewRecord[], author: ChangeAuthor): Promise<boolean[]>;
  /**
   * Puts the next versions of many ids at once, each id once. Shelves need not have it: then each is a {@link RecordShelf.put}.
   *
   * @returns For each, in order, whether it counts now; false where another process changed this id meanwhile.
   * @throws KeyStoreError as {@link RecordShelf.putAll}.
   */
  putVersions?(records: readonly RecordToPut[], author: ChangeAuthor): Promise<boolean[]>;
  delete(id: string, version: number, author: ChangeAuthor): Promise<void>;
  /** @throws KeyStoreError STORE_CONFLICT where another process changed the trust meanwhile. */
  enterTrust(version: number, sha256: Uint8Array, author: ChangeAuthor): Promise<void>;
  /** Of a shelf with a log: its newest checkpoint. */
  readonly checkpoint?: Checkpoint | undefined;
  /** Of a shelf that is shared: the newest signed checkpoint of its log that this home has seen. */
  newestCheckpoint?(): Promise<Uint8Array | undefined>;
  /**
   * Reads manifest or log from its first entry on.
   *
   * @returns How many entries it has.
   * @throws KeyStoreError MANIFEST_DAMAGED, MANIFEST_ROLLED_BACK, LOG_DAMAGED, LOG_TRUNCATED, CANCELLED.
   */
  verifyEntries?(options: VerifyEntriesOptions): Promise<number>;
  /** Removes what no state that is still looked at needs. @returns How much of it was kept, and removed. */
  compact?(): Promise<{ readonly kept: number; readonly removed: number }>;
  close(): Promise<void>;
}

export interface VerifyEntriesOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}
