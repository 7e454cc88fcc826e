/** RecordShelf: the records of a home, and the manifest that tells which of them are genuine. */
import type { SigningIdentity } from '../messages/sign-message.ts';
import type { ManifestHead } from '../trust/trust-list.ts';

export interface ShelvedRecord {
  readonly bytes: Uint8Array;
  readonly version: number;
  /** Index of the manifest entry that put it there. */
  readonly entry: number;
}

/** What the manifest lists for one id that was not removed. */
export interface ListedRecord {
  readonly id: string;
  readonly version: number;
  readonly label: string;
  /** Index of the newest entry of this id. */
  readonly entry: number;
  /** Index of its first entry: the order in which keys were made. */
  readonly created: number;
}

/** Who enters a change in the manifest, and when. */
export interface ChangeAuthor {
  readonly identity: SigningIdentity;
  readonly now: Date;
}

export interface RecordToShelve {
  readonly id: string;
  readonly version: number;
  readonly label: string;
  readonly bytes: Uint8Array;
}

export interface RecordShelf {
  /** The manifest's newest entry. */
  readonly head: ManifestHead;
  /** SHA-256 of the trust.cms that the manifest lists as the newest, and its version. */
  readonly trust: { readonly version: number; readonly sha256: Uint8Array };

  /** Reads what was appended since. */
  refresh(): Promise<void>;

  /** @throws KeyStoreError RECORD_MISSING, RECORD_ROLLED_BACK, RECORD_MISPLACED where the store does not have what the manifest lists. */
  get(id: string): Promise<ShelvedRecord | undefined>;
  find(id: string): ListedRecord | undefined;
  /** The newest version of an id, a removed one's included; undefined where it was never there. */
  lastVersion(id: string): number | undefined;
  /** In the order in which the keys were made. */
  list(): Iterable<ListedRecord>;

  /** @throws KeyStoreError STORE_CONFLICT where another process changed this id meanwhile. */
  put(record: RecordToShelve, author: ChangeAuthor): Promise<void>;
  delete(id: string, version: number, author: ChangeAuthor): Promise<void>;
  /** @throws KeyStoreError STORE_CONFLICT where another process changed the trust meanwhile. */
  enterTrust(version: number, sha256: Uint8Array, author: ChangeAuthor): Promise<void>;
  close(): Promise<void>;
}
