/**
 * The manifest: the append-only, chained and signed list of every change of a store. It says which version of which record is current.
 *
 * Only the newest signature is checked when it is opened: whoever made it had checked the one before, and its `prev` covers them all.
 * docs/decisions/manifest.md says what that finds and what it cannot.
 */
import { setTimeout } from 'node:timers/promises';
import { equalBytes } from '../../bytes/octets.ts';
import type { Signer } from '../../cms/signed-data.ts';
import { KeyStoreError } from '../../errors.ts';
import type { SigningIdentity } from '../../messages/sign-message.ts';
import {
  ManifestChain,
  type ManifestHead,
  type ManifestRecord,
  type ManifestTrust,
} from './manifest-chain.ts';
import {
  isSignedBy,
  MAX_PUTS,
  signManifestEntry,
  type ManifestChange,
  type ManifestEntry,
  type WrittenRecord,
} from './manifest-entry.ts';
import { entriesOf } from './manifest-entries.ts';
import { ManifestFile, type FileStamp, type PlacedLine } from './manifest-file.ts';
import { decodeManifestLine, encodeManifestLine } from './manifest-line.ts';
import { uncertain, uncertainly } from './uncertain-append.ts';

/** What a trust.cms says of the manifest. */
export interface ManifestTrustAnchor {
  /** Signs from that trust entry on. */
  readonly current: Signer;
  /** Signed before; what they signed is covered by the signatures after it. Revoked ones are not among them. */
  readonly retired?: readonly Signer[];
  /** An entry that has been seen before: a manifest without it is MANIFEST_ROLLED_BACK. */
  readonly trustedHead?: ManifestHead;
}

export interface ManifestOptions {
  /** `<home>/manifest.log`. The first append makes it. */
  readonly path: string;
  /** 16 bytes. */
  readonly storeId: Uint8Array;
  /**
   * Finds the trust.cms of the newest trust entry; called when the manifest is opened and whenever a newer trust entry appears.
   *
   * @param trust - Of the newest trust entry; undefined in a manifest without one. What this throws, reading the manifest throws.
   */
  readonly findTrust: (trust: ManifestTrust | undefined) => Promise<ManifestTrustAnchor>;
}

/** Who signs entries, and when. */
interface EntryAuthor {
  readonly identity: SigningIdentity;
  readonly clock: () => Date;
}

export interface VerifyManifestOptions {
  readonly onProgress?: (entriesDone: number, entriesTotal: number) => void;
  readonly signal?: AbortSignal;
}

/** What {@link Manifest.verifyAll} looked at. */
export interface VerifiedManifest {
  readonly entries: number;
  /** Signatures of signers that are no longer pinned: not checked, but covered by later ones. */
  readonly covered: number;
}

/** Appends that lost so many races in a row wait for something that is not a race. */
const MAX_RACES = 10_000;
const LONGEST_BACKOFF_MS = 32;
/** Signatures between two moments in which the program can do something else. */
const SIGNATURES_AT_ONCE = 32;

export class Manifest {
  readonly #storeId: Uint8Array;
  readonly #file: ManifestFile;
  readonly #findTrust: ManifestOptions['findTrust'];
  #anchor: ManifestTrustAnchor | undefined;
  #chain: ManifestChain;
  /** The line of the newest entry that counts: reading goes on from there, and it must still be the same. */
  #newestLine: PlacedLine | undefined;
  #stamp: FileStamp | undefined;
  /** The newest entry whose signature was checked. */
  #verified: ManifestEntry | undefined;
  /** Before the first refresh, and after one that failed half way: the chain may hold entries that nobody vouched for. */
  #isBroken = true;
  #queue: Promise<unknown> = Promise.resolve();

  /**
   * Reads the manifest and checks its chain, its newest signature and the trusted head. An absent file is an empty manifest.
   *
   * @throws KeyStoreError MANIFEST_DAMAGED, MANIFEST_ROLLED_BACK, BLOB_SIGNER_NOT_TRUSTED; what reading the file throws.
   */
  static async open(options: ManifestOptions): Promise<Manifest> {
    const manifest = new Manifest(options);
    await manifest.refresh();
    return manifest;
  }

  private constructor({ path, storeId, findTrust }: ManifestOptions) {
    this.#storeId = storeId;
    this.#findTrust = findTrust;
    this.#file = new ManifestFile(path);
    this.#chain = new ManifestChain(storeId);
  }

  /** The newest entry. An empty manifest ends at index 0, with a hash of zeros. */
  get head(): ManifestHead {
    return this.#sound().head;
  }

  /** The newest trust entry. */
  get trust(): ManifestTrust | undefined {
    return this.#sound().trust;
  }

  /** Index of the first trust entry after `index`, or undefined. */
  trustAfter(index: number): number | undefined {
    return this.#sound().trustAfter(index);
  }

  /** What the last refresh knew of a record; undefined where the manifest has never heard of it. */
  current(id: string): ManifestRecord | undefined {
    return this.#sound().records.get(id);
  }

  /** Every id that the manifest has heard of, deleted ones too, in the order in which they were first written. */
  get records(): ReadonlyMap<string, ManifestRecord> {
    return this.#sound().records;
  }

  /** Reads what was appended since, and checks it as {@link Manifest.open} does. One stat() where there is nothing new. */
  async refresh(): Promise<void> {
    if (this.#isUpToDate(this.#file.stamp())) return;
    await this.#exclusively(() => this.#catchUp());
  }

  /**
   * Appends a change and makes it durable. Others may append at the same time: an entry that lost the race is signed again at its
   * new place, so long as the change still fits there.
   *
   * @param identity - The signer that is in force.
   * @throws KeyStoreError STORE_CONFLICT where the change is not the next one of its record, or the container was rotated meanwhile.
   * @throws KeyStoreError STORAGE_FULL, PERMISSION_DENIED, STORAGE_READ_ONLY, IO_FAILED, and what {@link Manifest.refresh} throws. See `mayHaveBeenAppended`.
   */
  async append(
    change: ManifestChange,
    identity: SigningIdentity,
    clock: () => Date,
  ): Promise<ManifestEntry> {
    const author = { identity, clock };
    const entry = await this.#exclusively(() => this.#append(() => change, author));
    await uncertainly(() => this.#file.sync());
    return entry!;
  }

  /**
   * Appends many records, {@link MAX_PUTS} with each entry, and waits for the disk once.
   *
   * @param records - Each id once.
   * @returns In order, the entry of each record; undefined for one whose version is not the next of its id: the others are appended.
   * @throws KeyStoreError as {@link Manifest.append} does; records before the failure may have been appended ({@link Manifest.current} tells).
   */
  async appendAll(
    records: readonly WrittenRecord[],
    identity: SigningIdentity,
    clock: () => Date,
  ): Promise<(ManifestEntry | undefined)[]> {
    const author = { identity, clock };
    const entries = new Map<WrittenRecord, ManifestEntry>();
    let done = 0;
    try {
      while (done < records.length) {
        let batch: WrittenRecord[] = [];
        let end = done;
        const next = (): ManifestChange | undefined => {
          batch = [];
          for (end = done; end < records.length && batch.length < MAX_PUTS; end++)
            if (this.#chain.problemOfPut(records[end]!) === undefined) batch.push(records[end]!);
          return putOf(batch);
        };
        const entry = await this.#exclusively(() => this.#append(next, author));
        if (entry) for (const record of batch) entries.set(record, entry);
        done = end;
      }
    } finally {
      if (entries.size > 0) await uncertainly(() => this.#file.sync());
    }
    return records.map((record) => entries.get(record));
  }

  /** Makes durable what was read: before one acts on another process's entry, it must not be lost again. */
  async sync(): Promise<void> {
    if (this.#stamp) await this.#file.sync();
  }

  /**
   * Checks the signature of the newest entry, by the pin that is in force there. Every refresh does.
   *
   * @throws KeyStoreError BLOB_SIGNER_NOT_TRUSTED where no pin has its key, MANIFEST_DAMAGED where the signature is wrong or of a signer that has been retired.
   */
  verifyHead(): void {
    const { newest } = this.#chain;
    if (!newest || newest === this.#verified) return;
    const signer = this.#pinOf(newest);
    if (!signer) {
      const message = 'the newest manifest entry is by a signer that is not trusted';
      throw new KeyStoreError('BLOB_SIGNER_NOT_TRUSTED', message);
    }
    // The entry that retires a signer is his last one: trust.cms is signed by his successor, so the two state it together.
    if (signer !== this.#anchor?.current && newest.change.kind !== 'trust')
      throw damaged(newest, 'is by a retired signer');
    if (!isSignedBy(newest, signer)) throw damaged(newest, 'has a wrong signature');
    this.#verified = newest;
  }

  /** The entries that count, oldest first, read from the file. */
  async *entries(): AsyncGenerator<ManifestEntry> {
    await this.refresh();
    yield* entriesOf(this.#file, this.#sound());
  }

  /**
   * Checks the signature of every entry whose signer is pinned: some 5,000 P-256 entries a second.
   *
   * @throws KeyStoreError MANIFEST_DAMAGED, MANIFEST_ROLLED_BACK, BLOB_SIGNER_NOT_TRUSTED, CANCELLED.
   */
  async verifyAll({ onProgress, signal }: VerifyManifestOptions = {}): Promise<VerifiedManifest> {
    await this.refresh();
    const total = this.head.index;
    let covered = 0;
    let done = 0;
    for await (const entry of this.entries()) {
      const signer = this.#pinOf(entry);
      if (!signer) covered++;
      else if (!isSignedBy(entry, signer)) throw damaged(entry, 'has a wrong signature');
      done++;
      if (done % SIGNATURES_AT_ONCE !== 0) continue;
      if (signal?.aborted) throw new KeyStoreError('CANCELLED');
      onProgress?.(done, Math.max(total, done));
      await setTimeout(0);
    }
    onProgress?.(done, done);
    return { entries: done, covered };
  }

  /**
   * Appends an entry.
   *
   * @param next - What to enter, asked again after each lost race; undefined where nothing is left.
   */
  async #append(
    next: () => ManifestChange | undefined,
    { identity, clock }: EntryAuthor,
  ): Promise<ManifestEntry | undefined> {
    for (let races = 0; races < MAX_RACES; races++) {
      await this.#catchUp();
      const change = next();
      if (!change) return undefined;
      this.#assertNext(change, identity);
      const { index, hash: prev } = this.#chain.head;
      const place = { storeId: this.#storeId, index: index + 1, prev };
      const fields = { ...place, signerKeyId: identity.keyId, change };
      const entry = await signManifestEntry(identity, fields, clock());
      this.#write(entry);
      await uncertainly(() => this.#catchUp());
      if (this.#chain.has(entry)) return entry;
      await setTimeout(Math.random() * Math.min(2 ** races, LONGEST_BACKOFF_MS));
    }
    throw new KeyStoreError('STORE_CONFLICT', 'the manifest changes faster than it can be read');
  }

  #write({ der }: ManifestEntry): void {
    const line = encodeManifestLine(der);
    const written = this.#file.append(line);
    if (written === line.length) return;
    const error = new KeyStoreError('STORAGE_FULL', `${this.#file.path}: no room for an entry`);
    // A line that lacks nothing but its newline becomes an entry by what the next writer appends.
    if (written === line.length - 1) throw uncertain(error);
    throw error;
  }

  #assertNext(change: ManifestChange, identity: SigningIdentity): void {
    const problem = this.#chain.problemOf(change);
    if (problem) throw new KeyStoreError('STORE_CONFLICT', problem);
    const signer = this.#anchor?.current;
    if (!signer || !equalBytes(signer.keyId, identity.keyId))
      throw new KeyStoreError('STORE_CONFLICT', 'another process rotated the container');
  }

  async #catchUp(): Promise<void> {
    const stamp = this.#file.stamp();
    if (this.#isUpToDate(stamp)) return;
    const goesOn =
      !this.#isBroken &&
      stamp?.inode === this.#stamp?.inode &&
      this.#stamp !== undefined &&
      (await this.#readOn());
    if (!goesOn) await this.#readAll();
    this.#stamp = stamp;
  }

  #isUpToDate(stamp: FileStamp | undefined): boolean {
    return !this.#isBroken && isSame(this.#stamp, stamp);
  }

  /** Reads from the newest entry on; false where that is no longer there, so that all must be read again. */
  async #readOn(): Promise<boolean> {
    const newest = this.#newestLine;
    if (!newest) return false;
    let isFirst = true;
    const added: (readonly [PlacedLine, ManifestEntry])[] = [];
    await this.#file.readLines(newest.at, (line) => {
      if (isFirst && line.text !== newest.text) return false;
      if (!isFirst) {
        const entry = decodeManifestLine(line.text);
        if (entry) added.push([line, entry]);
      }
      isFirst = false;
      return true;
    });
    // Other pins have to be found first: that is done aside, so that meanwhile the present state can be read.
    if (isFirst || added.some(([, { change }]) => change.kind === 'trust')) return false;
    this.#change(() => {
      for (const [line, entry] of added) if (this.#chain.add(entry)) this.#newestLine = line;
    });
    return true;
  }

  async #readAll(): Promise<void> {
    const chain = new ManifestChain(this.#storeId);
    let newestLine: PlacedLine | undefined;
    await this.#file.readLines(0, (line) => {
      const entry = decodeManifestLine(line.text);
      if (entry && chain.add(entry)) newestLine = line;
    });
    const anchor = await this.#findTrust(chain.trust);
    for (const seen of [this.#verified, anchor.trustedHead])
      if (seen && !chain.has(seen)) throw rolledBack();
    this.#change(() => {
      this.#anchor = anchor;
      this.#chain = chain;
      this.#newestLine = newestLine;
    });
  }

  /** Takes entries and checks the newest in one go, so that nobody sees one that nobody vouched for. */
  #change(work: () => void): void {
    this.#isBroken = true;
    work();
    this.verifyHead();
    this.#isBroken = false;
  }

  #pinOf({ signerKeyId }: ManifestEntry): Signer | undefined {
    const { current, retired = [] } = this.#anchor ?? {};
    return [current, ...retired].find((pin) => pin && equalBytes(pin.keyId, signerKeyId));
  }

  #sound(): ManifestChain {
    if (this.#isBroken) throw new KeyStoreError('MANIFEST_DAMAGED');
    return this.#chain;
  }

  /** One at a time: what appends and what reads in this process takes turns. */
  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work, work);
    this.#queue = turn.catch(() => undefined);
    return turn;
  }
}

function putOf(batch: readonly WrittenRecord[]): ManifestChange | undefined {
  const [first] = batch;
  if (!first) return undefined;
  return batch.length === 1 ? { kind: 'put', ...first } : { kind: 'puts', records: batch };
}

function isSame(a: FileStamp | undefined, b: FileStamp | undefined): boolean {
  if (!a || !b) return a === b;
  return a.size === b.size && a.inode === b.inode && a.changed === b.changed;
}

function damaged({ index }: ManifestEntry, problem: string): KeyStoreError {
  return new KeyStoreError('MANIFEST_DAMAGED', `manifest entry ${index} ${problem}`);
}

function rolledBack(): KeyStoreError {
  return new KeyStoreError(
    'MANIFEST_ROLLED_BACK',
    'the manifest no longer has an entry that was in it before',
  );
}
