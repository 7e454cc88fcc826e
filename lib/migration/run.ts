/**
 * runMigration: opens each planned key, stores it as a signed record, proves that it is the same key, encrypts its data again, and reports.
 *
 * Keys go through in batches: while one is stored, the next is read and its RSA done on the other cores. A run that is killed is run
 * again: record ids are those of the first time, so the store has each key once, and data that is done is not done again.
 */
import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { BLOB_TYPE } from '../blobs/key-blob-header.ts';
import { equalBytes, toHex } from '../bytes/octets.ts';
import type { FileKey } from '../contracts/file-keys.ts';
import { KeyStoreError } from '../errors.ts';
import { RsaWorkers } from '../legacy/rsa-workers.ts';
import { readStart } from '../platform/read-start.ts';
import { commitmentFor } from '../records/commitment.ts';
import type { SessionKeyStore } from '../session-key-store.ts';
import type { StoredForeignKey } from '../session-key-store/foreign-keys.ts';
import { storeForeignKeys } from '../session-key-store/inside.ts';
import { provedByOpening } from './prove.ts';
import { keptBlob } from './inventory.ts';
import { Journal } from './journal.ts';
import type { DataFile } from './data-files.ts';
import { migrateData, type DataWork } from './migrate-data.ts';
import { BlobOpener, type Attempt } from './open-blob.ts';
import type { MigrationPlan, PlannedKey } from './plan.ts';
import type { MigratedDataFile, MigratedKey, MigrationFailure, MigrationReport } from './report.ts';
import {
  attributesOf,
  failureOf,
  migratedKey,
  noKeyOpens,
  privateKeysOf,
  spelledFailure,
  unreadFailure,
  wasRemoved,
  type OpenKey,
} from './report-rows.ts';
import { risksOf } from './risks.ts';

export interface RunOptions {
  readonly store: SessionKeyStore;
  /** Open everything, store nothing. */
  readonly dryRun?: boolean;
  /** Folder for data files that are encrypted again; without it data is left alone. */
  readonly dataFolder?: string;
  /** Threads that do RSA, and data files at once. Default: one for each core. */
  readonly jobs?: number;
  /** Where journals lie. Default `migrations` in the home. */
  readonly journalFolder?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: MigrationProgress) => void;
  /** Default `() => new Date()`. */
  readonly clock?: () => Date;
}

export interface MigrationProgress {
  readonly phase: 'keys' | 'data';
  readonly done: number;
  readonly total: number;
  readonly path: string;
}

/**
 * Carries a plan out.
 *
 * @param plan - From `planMigration`. The caller still owns it.
 * @returns What became of every key; one that fails does not stop the others.
 * @throws KeyStoreError CANCELLED: what was stored until then stays, and the next run goes on. PARAMETER_INVALID for a store in memory without
 *   `journalFolder`. What writing to the store throws.
 * @example
 * ```ts
 * const report = await runMigration(plan, { store, dryRun: true });
 * console.log(report.counts, report.failures);
 * ```
 */
export async function runMigration(
  plan: MigrationPlan,
  options: RunOptions,
): Promise<MigrationReport> {
  const now = options.clock ?? ((): Date => new Date());
  const startedAt = now();
  await using journal = await Journal.begin(folderOf(options), plan.inventory.roots, startedAt);
  await using workers = new RsaWorkers(options.jobs);
  const { privateKeys, sessionKeys } = plan.keysAtHand;
  const run = new Run(plan, {
    ...options,
    journal,
    opener: new BlobOpener(privateKeys, sessionKeys, workers),
  });
  try {
    await run.migrateKeys();
  } finally {
    await run.close();
  }
  journal.write({ event: 'end', at: now().toISOString() });
  return run.report(startedAt, now());
}

function folderOf({ journalFolder, store }: RunOptions): string {
  if (journalFolder !== undefined) return journalFolder;
  if (store.home !== undefined) return join(store.home, 'migrations');
  throw new KeyStoreError('PARAMETER_INVALID', 'journalFolder: a store in memory has none');
}

interface RunParts extends RunOptions {
  readonly journal: Journal;
  readonly opener: BlobOpener;
}

class Run {
  readonly #plan: MigrationPlan;
  readonly #parts: RunParts;
  readonly #keys: MigratedKey[] = [];
  readonly #data: MigratedDataFile[] = [];
  readonly #failures: MigrationFailure[];
  readonly #openedBy = new Map<string, number>();
  /** The roots that are folders. */
  readonly #folders: readonly string[];
  /** Which file each new file is made of; of one folder no two can become the same. */
  readonly #targets = new Map<string, string>();
  /** Files of data that several keys have the name of: what one of them opened, the others need not. */
  readonly #contested = new Map<string, MigrationFailure | 'done'>();
  /** Files of keys all data of which is encrypted again. */
  readonly #replaced = new Set<string>();
  #fileKey: Promise<FileKey> | undefined;
  #done = 0;

  constructor(plan: MigrationPlan, parts: RunParts) {
    this.#plan = plan;
    this.#parts = parts;
    const { roots, items } = plan.inventory;
    this.#folders = roots.filter((root) => !items.some(({ path }) => path === root));
    this.#failures = [
      ...plan.inventory.skipped.flatMap((skipped) => unreadFailure(skipped) ?? []),
      ...plan.inventory.items.flatMap((item) => spelledFailure(item) ?? []),
      ...plan.keysAtHand.closed.map(({ path, error }) => failureOf(path, error)),
    ];
  }

  async migrateKeys(): Promise<void> {
    const { keys } = this.#plan;
    let next = this.#openBatch(keys.slice(0, BATCH));
    // Its failure is seen where it is awaited.
    next.catch(() => undefined);
    try {
      for (let at = 0; at < keys.length; at += BATCH) {
        const batch = await next;
        try {
          next = this.#openBatch(keys.slice(at + BATCH, at + 2 * BATCH));
          next.catch(() => undefined);
          await this.#storeBatch(batch);
        } finally {
          for (const key of batch) key[Symbol.dispose]();
        }
      }
    } finally {
      // Of a run that ended early, the batch that nobody came to.
      for (const key of await next.catch(() => [])) key[Symbol.dispose]();
    }
  }

  async #openBatch(batch: readonly PlannedKey[]): Promise<OpenKey[]> {
    this.#throwIfAborted();
    const opened: (OpenKey | { readonly error: unknown })[] = [];
    const left = batch.entries();
    const work = async (): Promise<void> => {
      for (const [i, planned] of left)
        opened[i] = await this.#open(planned).catch((error: unknown) => ({ error }));
    };
    await Promise.all(Array.from({ length: OPENED_AT_ONCE }, work));
    const keys = opened.flatMap((one) => ('error' in one ? [] : [one]));
    try {
      // In the order of the plan, whichever came first.
      for (const [i, one] of opened.entries())
        if ('error' in one) this.#fail(batch[i]!.item.path, one.error);
      return keys;
    } catch (error) {
      for (const key of keys) key[Symbol.dispose]();
      throw error;
    }
  }

  async #open(planned: PlannedKey): Promise<OpenKey> {
    const { item, start, label } = planned;
    const file = keptBlob(this.#plan.inventory, item.path) ?? readStart(item.path, MAX_BLOB);
    const bytes = file.subarray(start);
    const isPlaintext = bytes[0] === BLOB_TYPE.PLAINTEXTKEYBLOB;
    try {
      const blob = await this.#parts.opener.open(bytes);
      if (blob === undefined) throw noKeyOpens(this.#plan.keysAtHand.privateKeys.length);
      const digest = createHash('sha256').update(bytes.subarray(0, blob.length)).digest();
      const sha256 = isPlaintext ? undefined : digest.toString('hex');
      const foreign = {
        recordId: this.#parts.journal.recordId(digest),
        label,
        secret: blob.key.key,
        algorithm: blob.key.algId,
        effectiveBits: blob.key.effectiveBits,
        attributes: attributesOf(planned, blob, sha256),
      };
      return { planned, blob, foreign, sha256, [Symbol.dispose]: () => blob[Symbol.dispose]() };
    } finally {
      // Also where it did not open.
      if (isPlaintext) file.fill(0);
    }
  }

  async #storeBatch(batch: readonly OpenKey[]): Promise<void> {
    const { store, journal, dryRun = false } = this.#parts;
    const stored = dryRun
      ? []
      : await storeForeignKeys(
          store,
          batch.map(({ foreign }) => foreign),
        );
    for (const [i, key] of batch.entries()) {
      const { item } = key.planned;
      try {
        const record = stored[i];
        if (record?.state === 'removed') throw wasRemoved(record.id);
        const proof = record && (await this.#prove(key, record));
        this.#keys.push(migratedKey(key, record, proof));
        this.#count(key.blob.how);
        if (record) journal.write({ event: 'key', source: key.sha256 ?? item.path, id: record.id });
      } catch (error) {
        this.#fail(item.path, error);
      }
      await this.#migrateDataOf(key);
      this.#tell('keys', { done: ++this.#done, total: this.#plan.keys.length, path: item.path });
    }
    await journal.flush();
  }

  /** @throws KeyStoreError KEY_COMMITMENT_MISMATCH where the record holds another key. */
  async #prove(
    { foreign }: OpenKey,
    { id, commitment }: StoredForeignKey,
  ): Promise<NonNullable<MigratedKey['proof']>> {
    const wanted = commitmentFor(foreign.secret, foreign.recordId);
    if (wanted === undefined) return provedByOpening(this.#parts.store, id, foreign.secret);
    if (!commitment || !equalBytes(wanted, commitment))
      throw new KeyStoreError('KEY_COMMITMENT_MISMATCH');
    return 'commitment';
  }

  async #migrateDataOf({ planned, blob, foreign }: OpenKey): Promise<void> {
    const { dataFolder } = this.#parts;
    if (dataFolder === undefined) return;
    const work: DataWork = {
      ...this.#parts,
      dataFolder,
      targets: this.#targets,
      folders: this.#folders,
      oldKeyId: this.#parts.dryRun === true ? undefined : toHex(foreign.recordId),
      key: blob.key,
      blobEnd: planned.start + blob.length,
      fileKey: () => this.#newFileKey(),
    };
    let done = 0;
    for (const file of planned.data) if (await this.#migrateFile(file, work)) done++;
    if (done > 0 && done === planned.data.length && !this.#parts.dryRun)
      this.#replaced.add(planned.item.path);
  }

  /** @returns Whether its data is in the data folder. */
  async #migrateFile(file: DataFile, work: DataWork): Promise<boolean> {
    this.#throwIfAborted();
    const { path } = file.item;
    if (this.#contested.get(path) === 'done') return false;
    try {
      const migrated = await migrateData(file, work);
      if (!migrated) return false;
      this.#data.push(migrated);
      if (file.isContested) this.#contested.set(path, 'done');
      return true;
    } catch (error) {
      if (file.isContested && isFailure(error)) this.#contested.set(path, failureOf(path, error));
      else this.#fail(path, error);
      return false;
    }
  }

  /** One for all files of the run: each has its own salt. */
  #newFileKey(): Promise<FileKey> {
    return (this.#fileKey ??= this.#parts.store.fileKey({
      label: `migrated ${this.#parts.journal.run}`,
    }));
  }

  /** Wipes the key of the new files. */
  async close(): Promise<void> {
    // Where none could be made, each data file that asked for it is in the failures.
    const fileKey = await this.#fileKey?.catch(() => undefined);
    fileKey?.[Symbol.dispose]();
  }

  report(startedAt: Date, endedAt: Date): MigrationReport {
    const { inventory, keysAtHand, keys } = this.#plan;
    const undecided = [...this.#contested.values()].filter((one) => one !== 'done');
    const failures = [...this.#failures, ...undecided];
    const counted = (state: MigratedKey['state']): number =>
      this.#keys.filter((key) => key.state === state).length;
    return {
      format: 'keycask migration report',
      version: 1,
      run: this.#parts.journal.run,
      dryRun: this.#parts.dryRun === true,
      startedAt: startedAt.toISOString(),
      endedAt: endedAt.toISOString(),
      storeId: this.#parts.store.storeId,
      roots: inventory.roots,
      counts: {
        files: inventory.items.length,
        keysStored: counted('stored'),
        keysPresent: counted('present'),
        keysThatOpen: this.#keys.length,
        keysFailed: keys.length - this.#keys.length,
        dataFiles: this.#data.length,
        failures: failures.length,
      },
      privateKeys: privateKeysOf(keysAtHand.privateKeys, this.#openedBy),
      keys: this.#keys,
      data: this.#data,
      failures,
      risks: this.#replaced.size === 0 ? inventory.risks : risksOf(inventory.items, this.#replaced),
      skipped: inventory.skipped,
    };
  }

  #count({ key }: Attempt): void {
    if (key) this.#openedBy.set(key.keyId, (this.#openedBy.get(key.keyId) ?? 0) + 1);
  }

  #throwIfAborted(): void {
    if (this.#parts.signal?.aborted === true) throw new KeyStoreError('CANCELLED');
  }

  #fail(path: string, error: unknown): void {
    if (!isFailure(error)) throw error;
    this.#failures.push(failureOf(path, error));
  }

  #tell(phase: MigrationProgress['phase'], progress: Omit<MigrationProgress, 'phase'>): void {
    this.#parts.onProgress?.({ phase, ...progress });
  }
}

/** What stops one file and not the run. */
function isFailure(error: unknown): error is KeyStoreError {
  return KeyStoreError.is(error) && error.code !== 'CANCELLED';
}

/** Several chunks of what the store takes at once: while one is entered in the manifest, the next is sealed, and RSA opens those after. */
const BATCH = 4096;
/** More than all threads are sent, so that each has always something to do. Of what waits here, all that opening needs is in memory. */
const OPENED_AT_ONCE = Math.max(256, 128 * availableParallelism());
/** Longer than any session key's blob. The ciphertext behind it is not read: of a whole batch it would fill the memory. */
const MAX_BLOB = 1 << 14;
