/**
 * A store together with its manifest: what it returns is what was last written, or it says what happened to it.
 *
 * A change is written to pending/, entered in the manifest (from then on it counts), put into the store, and removed from pending/.
 * Whoever finds the store behind the manifest finishes the change from pending/; where there is nothing to finish it from, somebody
 * took the record away. So a writer that was killed at any moment is never taken for an attacker, nor the other way round.
 * docs/decisions/write-ahead.md goes through the moments one by one.
 */
import { createHash } from 'node:crypto';
import { equalBytes } from '../../bytes/octets.ts';
import type { Store, StoredRecord, StoreListOptions } from '../../contracts/store.ts';
import { KeyStoreError, type KeyStoreErrorCode } from '../../errors.ts';
import type { SigningIdentity } from '../../messages/sign-message.ts';
import { checkBytes, checkId, checkLimit } from '../stored-bytes.ts';
import { bringTo, bury } from './bring-store.ts';
import type { ManifestRecord } from './manifest-chain.ts';
import type { ManifestEntry } from './manifest-entry.ts';
import type { Manifest } from './manifest.ts';
import type {
  ListedRecord,
  ManifestedRecord,
  NewRecord,
  PlantedRecord,
  RecordFinding,
  RecordStatus,
  RecordToPut,
} from './manifested-record.ts';
import type { PendingRecord, PendingRecords } from './pending.ts';
import { mayHaveBeenAppended } from './uncertain-append.ts';

export type {
  ListedRecord,
  ManifestedRecord,
  NewRecord,
  PlantedRecord,
  RecordFinding,
  RecordStatus,
  RecordToPut,
} from './manifested-record.ts';

/**
 * Looks at bytes that are not those that the manifest lists, before RECORD_ROLLED_BACK or RECORD_MISPLACED is thrown: it may throw what
 * says more, such as BLOB_SIGNER_NOT_TRUSTED.
 */
export type ExamineStored = (id: string, stored: StoredRecord) => void;

/** What there is of one id. */
type Look =
  | { readonly status: 'intact' | 'unfinished'; readonly record: ManifestedRecord }
  | {
      readonly status: Exclude<RecordStatus, 'intact' | 'unfinished'> | 'absent';
      readonly stored?: StoredRecord;
    };

/** Each try that fails is another process that got further. */
const MAX_TRIES = 1000;
const COMMITTED =
  'The change is recorded; the next command that can write to the store finishes it.';
const FAULTS = {
  missing: 'RECORD_MISSING',
  'rolled-back': 'RECORD_ROLLED_BACK',
  misplaced: 'RECORD_MISPLACED',
} as const satisfies Record<string, KeyStoreErrorCode>;

export class ManifestedStore {
  readonly manifest: Manifest;
  readonly #store: Store;
  readonly #pending: PendingRecords;
  readonly #examine: ExamineStored | undefined;

  /** @param store - Closed with the manifested store. */
  constructor(store: Store, manifest: Manifest, pending: PendingRecords, examine?: ExamineStored) {
    this.#store = store;
    this.manifest = manifest;
    this.#pending = pending;
    this.#examine = examine;
  }

  /**
   * The record of an id, exactly as the manifest lists it; undefined where it lists none, whatever the store may have.
   *
   * @throws KeyStoreError RECORD_MISSING, RECORD_ROLLED_BACK, RECORD_MISPLACED; what reading manifest and store throws.
   */
  async get(id: string): Promise<ManifestedRecord | undefined> {
    checkId(id);
    const look = await this.#look(id);
    if ('record' in look) return look.record;
    if (look.status === 'absent' || look.status === 'planted') return undefined;
    if (look.stored) this.#examine?.(id, look.stored);
    throw new KeyStoreError(FAULTS[look.status], `record ${id}: ${EXPLANATIONS[look.status]}`);
  }

  /**
   * Writes the next version of a record.
   *
   * @throws KeyStoreError STORE_CONFLICT unless it is the next version: nothing has changed.
   * @throws KeyStoreError STORAGE_FULL, PERMISSION_DENIED, STORAGE_READ_ONLY, IO_FAILED. The hint says so where the change counts all the same.
   */
  async put(record: RecordToPut, identity: SigningIdentity, clock: () => Date): Promise<void> {
    const { id, version, label, bytes } = record;
    checkId(id);
    checkBytes(bytes);
    await this.#assertNext(id, version);
    const sha256 = digest(bytes);
    const pending = await this.#pending.write(id, version, bytes);
    try {
      const change = { kind: 'put', id, version, sha256, label } as const;
      await this.manifest.append(change, identity, clock);
    } catch (error) {
      // Where the entry may count, the record must stay: somebody will finish it.
      if (!mayHaveBeenAppended(error)) await this.#removeQuietly(pending);
      throw error;
    }
    await committed(async () => {
      if (await bringTo(this.#store, id, version, bytes)) await this.#pending.remove(pending);
    });
  }

  /**
   * Writes many new records: what {@link ManifestedStore.put} does for each, step by step for all of them.
   *
   * @param records - First versions; each id once.
   * @returns For each, in order, whether it counts now; false where its id is known to the manifest already.
   * @throws KeyStoreError as {@link ManifestedStore.put} does; STORE_CONFLICT where the container was rotated meanwhile. Some may count.
   */
  async putAll(
    records: readonly NewRecord[],
    identity: SigningIdentity,
    clock: () => Date,
  ): Promise<boolean[]> {
    for (const { id, bytes } of records) {
      checkId(id);
      checkBytes(bytes);
    }
    await this.manifest.refresh();
    const batch = records
      .filter(({ id }) => this.manifest.current(id) === undefined)
      .map(({ id, label, bytes }) => ({ id, version: 1, label, bytes, sha256: digest(bytes) }));
    const pending = await this.#pending.writeAll(batch);
    let entries: readonly (ManifestEntry | undefined)[];
    try {
      entries = await this.manifest.appendAll(batch, identity, clock);
    } catch (error) {
      const isListed = (at: number): boolean =>
        equalBytes(this.manifest.current(batch[at]!.id)?.sha256 ?? NOTHING, batch[at]!.sha256);
      // Where an entry may count, the record must stay: somebody will finish it.
      if (!mayHaveBeenAppended(error))
        await this.#removeAllQuietly(pending.filter((_, i) => !isListed(i)));
      throw error;
    }
    await this.#removeAllQuietly(pending.filter((_, i) => !entries[i]));
    const counting = batch
      .map((record, i) => ({ record, pending: pending[i]! }))
      .filter((_, i) => entries[i]);
    await committed(async () => this.#pending.removeAll(await this.#place(counting)));
    const ids = new Set(counting.map(({ record }) => record.id));
    return records.map(({ id }) => ids.has(id));
  }

  /**
   * Deletes a record, also one that the store no longer has.
   *
   * @param version - One more than that of the record.
   * @throws KeyStoreError as {@link ManifestedStore.put} does; STORE_CONFLICT also where there is no such record.
   */
  async delete(
    id: string,
    version: number,
    identity: SigningIdentity,
    clock: () => Date,
  ): Promise<void> {
    checkId(id);
    await this.manifest.append({ kind: 'delete', id, version }, identity, clock);
    await committed(() => bury(this.#store, id, version));
  }

  /** What the manifest lists, by ascending id: a record that somebody removed is still among them. */
  async *list({
    after = '',
    limit = Number.POSITIVE_INFINITY,
  }: StoreListOptions = {}): AsyncGenerator<ListedRecord> {
    checkLimit(limit);
    await this.manifest.refresh();
    const ids = [...this.manifest.records.keys()].filter((id) => id > after).toSorted();
    let given = 0;
    for (const id of ids) {
      if (given >= limit) return;
      const current = this.manifest.current(id);
      if (!current || current.deleted) continue;
      const { version, label, index, created } = current;
      given++;
      yield { id, version, label, index, created };
    }
  }

  /** Compares every record with the manifest, and finishes what can be finished. Records' signatures are not checked here. */
  async *verify(): AsyncGenerator<RecordFinding> {
    for await (const { id, version } of this.list()) {
      const look = await this.#look(id);
      if ('record' in look) yield { id, version: look.record.version, status: look.status };
      else if (look.status !== 'absent') yield { id, version, status: look.status };
    }
    for await (const { id, version } of this.planted()) yield { id, version, status: 'planted' };
  }

  /** The records that the store has and the manifest never listed, or lists as deleted. */
  async *planted(): AsyncGenerator<PlantedRecord> {
    for await (const { id } of this.#store.list()) {
      const known = this.manifest.current(id);
      if (known && !known.deleted) continue;
      const look = await this.#look(id);
      if (look.status === 'planted' && look.stored) yield { id, ...look.stored };
    }
  }

  /** Tidies up pending/ after killed writers. What is in use, or may yet be, stays. */
  async sweep(now: Date = new Date()): Promise<void> {
    await this.#pending.sweepTemporaries();
    await this.manifest.refresh();
    for (const pending of await this.#pending.list())
      if (await this.#isDone(pending, now)) await this.#removeQuietly(pending);
  }

  async close(): Promise<void> {
    await this.#store.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Puts first versions into the store. Answers those that are durable there by this process's own doing. */
  async #place(
    records: readonly { readonly record: NewRecord; readonly pending: PendingRecord }[],
  ): Promise<PendingRecord[]> {
    const created = await this.#store.createAll?.(
      records.map(({ record: { id, bytes }, pending }) => {
        return { id, bytes, file: this.#pending.pathOf(pending) };
      }),
    );
    const done: PendingRecord[] = [];
    for (const [i, { record, pending }] of records.entries())
      if (created?.[i] || (await bringTo(this.#store, record.id, 1, record.bytes)))
        done.push(pending);
    return done;
  }

  async #assertNext(id: string, version: number): Promise<void> {
    await this.manifest.refresh();
    const present = this.manifest.current(id)?.version ?? 0;
    if (version !== present + 1)
      throw new KeyStoreError('STORE_CONFLICT', `record ${id} is at version ${present}`);
  }

  /** Compares store and manifest, as often as other processes get in between. */
  async #look(id: string): Promise<Look> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      await this.manifest.refresh();
      const listed = this.manifest.current(id);
      const stored = await this.#store.get(id);
      const look = await this.#compare(id, listed, stored);
      if (look) return look;
    }
    throw new KeyStoreError('STORE_CONFLICT', `record ${id} changes faster than it can be read`);
  }

  /** Undefined where something has changed since `listed` and `stored` were read. */
  async #compare(
    id: string,
    listed: ManifestRecord | undefined,
    stored: StoredRecord | undefined,
  ): Promise<Look | undefined> {
    if (!listed || listed.deleted) return this.#compareAbsent(id, listed, stored);
    if (stored?.version === listed.version) {
      if (equalBytes(digest(stored.bytes), listed.sha256))
        return { status: 'intact', record: recordOf(id, listed, stored.bytes) };
      return { status: this.#isElsewhere(id, stored) ? 'misplaced' : 'rolled-back', stored };
    }
    if (!stored || stored.version < listed.version) {
      const pending = await this.#pending.find(id, listed.version, listed.sha256);
      if (pending) {
        const isFinished = await this.#finish(pending, pending.bytes);
        const record = recordOf(id, listed, pending.bytes);
        return { status: isFinished ? 'intact' : 'unfinished', record };
      }
    }
    // Nothing to finish it from: either its writer has finished it since we looked, or somebody meddled. A store that is ahead is
    // explained by an entry that was appended since we looked, or by nothing.
    if (!(await this.#isStill(id, listed, stored))) return undefined;
    return stored ? { status: 'rolled-back', stored } : { status: 'missing' };
  }

  async #compareAbsent(
    id: string,
    listed: ManifestRecord | undefined,
    stored: StoredRecord | undefined,
  ): Promise<Look | undefined> {
    if (!stored) return { status: 'absent' };
    if (listed && stored.version < listed.version) {
      await this.#tryTo(async () => {
        await this.manifest.sync();
        await bury(this.#store, id, listed.version);
      });
      return { status: 'absent' };
    }
    return (await this.#isStill(id, listed, stored)) ? { status: 'planted', stored } : undefined;
  }

  /** Do manifest and store still say what they said? */
  async #isStill(
    id: string,
    listed: ManifestRecord | undefined,
    stored: StoredRecord | undefined,
  ): Promise<boolean> {
    const again = await this.#store.get(id);
    await this.manifest.refresh();
    return again?.version === stored?.version && this.manifest.current(id)?.index === listed?.index;
  }

  /** Is it the record of another id? */
  #isElsewhere(id: string, { bytes }: StoredRecord): boolean {
    const sha256 = digest(bytes);
    for (const [other, { sha256: theirs }] of this.manifest.records)
      if (other !== id && equalBytes(theirs, sha256)) return true;
    return false;
  }

  /** Finishes another process's change. That it cannot be done here is no reason not to read it. */
  #finish(pending: PendingRecord, bytes: Uint8Array): Promise<boolean> {
    return this.#tryTo(async () => {
      // Its writer may not have come to that: a store that is ahead of its manifest after a power failure would look rolled back.
      await this.manifest.sync();
      if (await bringTo(this.#store, pending.id, pending.version, bytes))
        await this.#pending.remove(pending);
    });
  }

  async #isDone(pending: PendingRecord, now: Date): Promise<boolean> {
    const written = await this.#pending.writtenAt(pending);
    const age = now.getTime() - (written?.getTime() ?? now.getTime());
    if (age < STALE_MS) return false;
    const listed = this.manifest.current(pending.id);
    // Its writer has not come to the manifest: killed, or asleep for longer than anybody should be.
    if (!listed || pending.version > listed.version) return age > ABANDONED_MS;
    if (pending.version < listed.version || listed.deleted) return true;
    return (await this.#look(pending.id)).status === 'intact';
  }

  async #removeQuietly(pending: PendingRecord): Promise<void> {
    await this.#tryTo(() => this.#pending.remove(pending));
  }

  async #removeAllQuietly(pending: readonly PendingRecord[]): Promise<void> {
    if (pending.length > 0) await this.#tryTo(() => this.#pending.removeAll(pending));
  }

  /** False where a disk, a right or another process was in the way. */
  async #tryTo(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      if (KeyStoreError.is(error) && error.code !== 'HANDLE_INVALID') return false;
      throw error;
    }
  }
}

const EXPLANATIONS: Record<keyof typeof FAULTS, string> = {
  missing: 'the manifest lists it, and the store does not have it',
  'rolled-back': 'the store does not have what the manifest lists',
  misplaced: 'the store has the record of another id in its place',
};
const NOTHING = new Uint8Array(0);
/** As old as a change can be that is still under way. */
const STALE_MS = 60 * 60 * 1000;
const ABANDONED_MS = 24 * STALE_MS;

function recordOf(id: string, listed: ManifestRecord, bytes: Uint8Array): ManifestedRecord {
  const { version, label, index } = listed;
  return { id, version, label, index, bytes };
}

function digest(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}

/** Runs what follows the entry in the manifest: its failure does not undo the change. */
async function committed(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!KeyStoreError.is(error)) throw error;
    const { code, message, native } = error;
    throw new KeyStoreError(code, message, { hint: COMMITTED, ...(native && { native }) });
  }
}
