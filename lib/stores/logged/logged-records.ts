/** LoggedRecords: the records of a home on an archive, and the signed log that says which of them are genuine. */
import { hash } from 'node:crypto';
import { copyBytes, plainBytes } from '../../bytes/octets.ts';
import { KeyStoreError } from '../../errors.ts';
import { signerOf } from '../../keys/certificate-signer.ts';
import { MerkleMap } from '../../merkle-map/merkle-map.ts';
import type { SigningIdentity } from '../../messages/sign-message.ts';
import type { Checkpoint } from '../../signed-log/checkpoint.ts';
import { SignedLog } from '../../signed-log/signed-log.ts';
import { checkChange } from '../manifest/manifest-change.ts';
import type { ManifestHead, ManifestTrust } from '../manifest/manifest-chain.ts';
import type {
  ListedRecord,
  ManifestedRecord,
  NewRecord,
  PlantedRecord,
  RecordFinding,
  RecordToPut,
} from '../manifest/manifested-record.ts';
import { checkBytes, checkId, checkLimit, checkVersion } from '../stored-bytes.ts';
import { compactMap } from './compact-map.ts';
import { listed, LogReader } from './log-reader.ts';
import { LogTracker } from './log-tracker.ts';
import { appendRequests } from './log-writer.ts';
import type {
  CompactedMap,
  ListLoggedOptions,
  LoggedRecordsOptions,
  VerifiedLog,
  VerifyLoggedOptions,
} from './logged-options.ts';
import { portionsOf, RequestQueue, type LogRequest, type RecordToLog } from './request-queue.ts';
import { StoredRecords } from './stored-records.ts';
import { verifyLog, type VerifyParts } from './verify-log.ts';

export type { LoggedTrustAnchor } from './leaf-signers.ts';
export type {
  CompactedMap,
  ListLoggedOptions,
  LoggedRecordsOptions,
  VerifiedLog,
  VerifyLoggedOptions,
} from './logged-options.ts';

/**
 * The records of an archive. Indexes are counted from 1, as in a manifest: a leaf's index is the size of the log with it.
 *
 * What it knows is as of the last refresh or change of its own; after one that failed it is as before.
 */
export class LoggedRecords implements AsyncDisposable {
  readonly #parts: VerifyParts;
  readonly #log: SignedLog;
  readonly #tracker: LogTracker;
  readonly #reader: LogReader;
  readonly #stored: StoredRecords;
  readonly #queue: RequestQueue;

  /** {@link openLoggedRecords} makes them. */
  constructor(options: LoggedRecordsOptions) {
    const { archive, storeId, homeId, seen, findTrust, examine } = options;
    const map = new MerkleMap(archive);
    const tracker = new LogTracker({ map, storeId, homeId, findTrust });
    const log = new SignedLog({
      storage: archive.log,
      logId: storeId,
      // Whether its signer may sign, the tracker says, who finds the trust that is in force by what the log lists.
      findSigner: (_keyId, own) => signerOf(own),
      memory: seen,
      vouch: (view) => tracker.vouch(view),
    });
    this.#log = log;
    this.#tracker = tracker;
    this.#parts = { archive, log, tracker, storeId, homeId };
    this.#reader = new LogReader({ log, map, tracker, storeId });
    this.#stored = new StoredRecords({ archive, log, reader: this.#reader, examine });
    const writing = { log, map, tracker, storeId, homeId };
    this.#queue = new RequestQueue((requests) => appendRequests(requests, writing));
  }

  /** Leaves of the log, and its root; zeros of an empty one. */
  get head(): ManifestHead {
    const { index, hash } = this.#tracker.state.head;
    return { index, hash: copyBytes(hash) };
  }
  /** The newest checkpoint of the log, as of the last refresh; undefined of an empty one. */
  get checkpoint(): Checkpoint | undefined {
    return this.#log.checkpoint;
  }
  /** This home's newest trust leaf; undefined where it has none yet. */
  get trust(): ManifestTrust | undefined {
    return this.#tracker.state.trust;
  }

  /** Index of this home's first trust leaf after `index`, or undefined. */
  trustAfter(index: number): number | undefined {
    return this.#tracker.state.trustIndexes.find((trust) => trust > index);
  }

  /**
   * Reads what was appended since, and checks it. One read where there is nothing new.
   *
   * @throws KeyStoreError LOG_REWOUND, LOG_FORKED, LOG_TRUNCATED, LOG_DAMAGED, LOG_MISPLACED, MANIFEST_DAMAGED, BLOB_SIGNER_NOT_TRUSTED.
   */
  async refresh(): Promise<void> {
    await this.#log.refresh();
    await this.#tracker.anchor();
  }

  /**
   * The record of an id, exactly as the log lists it; undefined where it lists none, whatever the archive may have.
   *
   * @throws KeyStoreError RECORD_MISSING, RECORD_ROLLED_BACK, RECORD_MISPLACED; what `examine` and {@link LoggedRecords.refresh} throw.
   */
  async get(id: string): Promise<ManifestedRecord | undefined> {
    checkId(id);
    return this.#stored.get(id);
  }

  /**
   * Records that are read together, in the order of `ids`, at most 1024.
   *
   * @returns Undefined where one is not there exactly as the log lists it; what is wrong {@link LoggedRecords.get} says.
   * @throws KeyStoreError as {@link LoggedRecords.refresh} does.
   */
  async getIntact(ids: readonly string[]): Promise<(ManifestedRecord | undefined)[]> {
    for (const id of ids) checkId(id);
    return this.#stored.intact(ids);
  }

  /**
   * Records that are exactly as the log lists them, as of one refresh; undefined where one is not, which {@link LoggedRecords.get} explains.
   *
   * @param ids - At most 256.
   */
  async getMany(ids: readonly string[]): Promise<(ManifestedRecord | undefined)[]> {
    for (const id of ids) checkId(id);
    return this.#stored.getMany(ids);
  }

  /** What the log lists for an id that is not deleted, as of the last refresh. */
  async find(id: string): Promise<ListedRecord | undefined> {
    checkId(id);
    return listed(id, await this.#reader.record(id));
  }

  /** The newest version of an id, a deleted one's included; undefined where it was never there. As of the last refresh. */
  async lastVersion(id: string): Promise<number | undefined> {
    checkId(id);
    return (await this.#reader.record(id))?.version;
  }

  /** The newest record of a label that is not deleted, as of the last refresh. */
  async findByLabel(label: string): Promise<ListedRecord | undefined> {
    for await (const record of this.labelled(label)) return record;
    return undefined;
  }

  /** The records of a label that are not deleted, newest first. */
  async *labelled(label: string): AsyncGenerator<ListedRecord> {
    for await (const [id, value] of this.#reader.labelled(label)) {
      const record = listed(id, value);
      if (record) yield record;
    }
  }

  /** The records that are not deleted, in the order in which they were made, with memory for one page. */
  async *list(options: ListLoggedOptions = {}): AsyncGenerator<ListedRecord> {
    const { after, limit = Number.POSITIVE_INFINITY, label } = options;
    checkLimit(limit);
    if (after !== undefined) checkId(after);
    await this.#log.refresh();
    let given = 0;
    for await (const [id, value] of this.#reader.made(after)) {
      if (given >= limit) return;
      const record = listed(id, value);
      if (!record || (label !== undefined && record.label !== label)) continue;
      given++;
      yield record;
    }
  }

  /** The records that the archive has and the log never listed, or lists as deleted. */
  planted(): AsyncGenerator<PlantedRecord> {
    return this.#stored.planted();
  }

  /** Compares every record with the log. Records' signatures are not checked here. */
  verify(): AsyncGenerator<RecordFinding> {
    return this.#stored.verify();
  }

  /**
   * Writes the next version of a record. Its label is that of the first.
   *
   * @throws KeyStoreError STORE_CONFLICT unless it is the next version, or where the container was rotated meanwhile: nothing has changed.
   * @throws KeyStoreError STORAGE_FULL, IO_FAILED and others of the archive: whether it counts, the next refresh shows.
   */
  async put(record: RecordToPut, identity: SigningIdentity, clock: () => Date): Promise<void> {
    const records = [recordToLog(record)];
    await this.#append({ change: { kind: 'put', records }, identity, clock });
  }

  /**
   * Writes many new records, up to 256 with one signature.
   *
   * @param records - First versions; each id once.
   * @returns For each, in order, whether it counts now; false where its id is known already.
   * @throws KeyStoreError as {@link LoggedRecords.put} does; some may count.
   */
  async putAll(
    records: readonly NewRecord[],
    identity: SigningIdentity,
    clock: () => Date,
  ): Promise<boolean[]> {
    const first = records.map((record) => ({ ...record, version: 1 }));
    return this.putVersions(first, identity, clock);
  }

  /**
   * Writes the next versions of many records, up to 256 with one signature.
   *
   * @param records - Each id once.
   * @returns For each, in order, whether it counts now; false where it is not the next version.
   * @throws KeyStoreError as {@link LoggedRecords.put} does; some may count.
   */
  async putVersions(
    records: readonly RecordToPut[],
    identity: SigningIdentity,
    clock: () => Date,
  ): Promise<boolean[]> {
    const appended = portionsOf(records.map(recordToLog)).map((portion) =>
      this.#queue.add({ change: { kind: 'put', records: portion }, identity, clock }),
    );
    return (await Promise.all(appended)).flat().map((problem) => problem === undefined);
  }

  /**
   * Deletes a record, also one that the archive no longer has.
   *
   * @param version - One more than that of the record.
   * @throws KeyStoreError as {@link LoggedRecords.put} does; STORE_CONFLICT also where there is no such record.
   */
  async delete(
    id: string,
    version: number,
    identity: SigningIdentity,
    clock: () => Date,
  ): Promise<void> {
    checkId(id);
    await this.#append({ change: { kind: 'delete', id, version }, identity, clock });
  }

  /**
   * Enters a trust.cms: from here on it counts.
   *
   * @param identity - The signer that is in force before it.
   * @throws KeyStoreError as {@link LoggedRecords.put} does; STORE_CONFLICT unless it is the next version.
   */
  async enterTrust(
    version: number,
    sha256: Uint8Array,
    identity: SigningIdentity,
    clock: () => Date,
  ): Promise<void> {
    const change = { kind: 'trust', version, sha256: copyBytes(sha256) } as const;
    await this.#append({ change, identity, clock });
  }

  /**
   * Reads the log from its first leaf on: signatures, changes, states, and every node of the newest one.
   *
   * @throws KeyStoreError MANIFEST_DAMAGED, CANCELLED, and as {@link LoggedRecords.refresh} does.
   */
  verifyAll(options?: VerifyLoggedOptions): Promise<VerifiedLog> {
    return verifyLog(this.#parts, options);
  }

  /**
   * Takes the log as it is, after a backup of it was restored on purpose. {@link acceptLoggedRecords} where it cannot be opened for that.
   *
   * @returns The newest checkpoint that is given up by that; undefined where there was nothing to give up.
   */
  async accept(): Promise<Checkpoint | undefined> {
    const givenUp = await this.#tracker.accepting(() => this.#log.accept());
    await this.#tracker.anchor();
    return givenUp;
  }

  /** Removes map nodes that no recent state needs. Others may read and write meanwhile. */
  compact(): Promise<CompactedMap> {
    return compactMap(this.#parts);
  }

  /** Idempotent; closes the archive. */
  async close(): Promise<void> {
    await this.#queue.close();
    await this.#log.close();
    await this.#parts.archive.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** All of a request, or nothing of it. */
  async #append(request: LogRequest): Promise<void> {
    const { change } = request;
    if (change.kind !== 'put') checkChange(change);
    const [problem] = await this.#queue.add(request);
    if (problem !== undefined) throw new KeyStoreError('STORE_CONFLICT', problem);
  }
}

/**
 * Opens the records of a home, or those of one that is being made.
 *
 * @throws KeyStoreError as {@link LoggedRecords.refresh} does, and what `findTrust` throws.
 */
export async function openLoggedRecords(options: LoggedRecordsOptions): Promise<LoggedRecords> {
  return orClose(options, async () => {
    const records = new LoggedRecords(options);
    await records.refresh();
    return records;
  });
}

/**
 * Opens the records of a home as they are, after a backup of the archive was restored on purpose: what came after it is given up. The home
 * then enters a trust.cms with the new head, so that the decision is signed; until then it is asked again by whoever opens it.
 *
 * @returns With the newest checkpoint that is given up; undefined where there was nothing to give up.
 * @throws KeyStoreError as {@link openLoggedRecords} does, but for LOG_REWOUND and LOG_FORKED.
 */
export async function acceptLoggedRecords(
  options: LoggedRecordsOptions,
): Promise<{ readonly records: LoggedRecords; readonly givenUp: Checkpoint | undefined }> {
  return orClose(options, async () => {
    const records = new LoggedRecords(options);
    const givenUp = await records.accept();
    return { records, givenUp };
  });
}

async function orClose<T>({ archive }: LoggedRecordsOptions, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    await archive.close();
    throw error;
  }
}

function recordToLog({ id, version, label, bytes }: RecordToPut): RecordToLog {
  checkId(id);
  checkVersion(version);
  checkBytes(bytes);
  const record = { id, version, label, sha256: plainBytes(hash('sha256', bytes, 'buffer')) };
  checkChange({ kind: 'put', ...record });
  return { ...record, bytes };
}
