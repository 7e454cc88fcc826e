/** The record shelf of a home on an archive: records, and the signed log that homes on one archive share. */
import { KeyStoreError } from '../errors.ts';
import { signerOf } from '../keys/certificate-signer.ts';
import type { Checkpoint } from '../signed-log/checkpoint.ts';
import { openCheckpointMemory, type CheckpointMemory } from '../signed-log/checkpoint-memory.ts';
import type { Archive } from '../stores/archive.ts';
import {
  acceptLoggedRecords,
  openLoggedRecords,
  type LoggedRecords,
  type LoggedRecordsOptions,
  type LoggedTrustAnchor,
} from '../stores/logged/logged-records.ts';
import type {
  ExamineStored,
  ListedRecord,
  ManifestedRecord,
  NewRecord,
  PlantedRecord,
  RecordToPut,
} from '../stores/manifest/manifested-store.ts';
import type { Trust } from '../trust/trust.ts';
import { homeIdOf, openArchive, type ArchiveConfiguration } from './archive-place.ts';
import type { HomeFolder } from './home-folder.ts';
import type { ChangeAuthor, RecordShelf, VerifyEntriesOptions } from './record-shelf.ts';
import { hashOfTrust, readAnyTrust, type TrustFile } from './trust-file.ts';

/** What opens the log of a home. */
export interface LogAccess {
  readonly folder: HomeFolder;
  readonly configuration: ArchiveConfiguration;
  /** Of PostgreSQL. */
  readonly storeUrl?: string | undefined;
  /** Certificates of signers who are about to be pinned: the log may be theirs already. */
  readonly alsoTrust?: readonly Uint8Array[] | undefined;
}

/** Enters the trust of a new home in the log, which it begins where there is none. */
export async function enterFirstTrust(
  access: LogAccess,
  trust: Trust,
  { identity, clock }: ChangeAuthor,
): Promise<void> {
  await using records = await openLoggedRecords({
    ...(await partsOf(access, trust.list.storeId)),
    findTrust: () => Promise.resolve(anchorOf(trust, access)),
  });
  await records.enterTrust(trust.list.trustVersion, hashOfTrust(trust), identity, clock);
}

/** @throws KeyStoreError TRUST_NOT_FOUND, TRUST_INVALID; what opening the archive, and following its log, throws. */
export async function openLogShelf(
  access: LogAccess,
  trustFile: TrustFile,
  examine: ExamineStored,
): Promise<RecordShelf> {
  const options = await optionsOf(access, trustFile);
  const records = await openLoggedRecords({ ...options, examine });
  // What lies there is what this home does not go back behind. Where it cannot be written, it is by the next that can.
  if (records.trust) await trustFile.settle(records.trust.sha256).catch(() => undefined);
  return new LogShelf(records, options);
}

/** Opens a log that was put back to an older state, on purpose. */
export async function acceptLogShelf(
  access: LogAccess,
  trustFile: TrustFile,
): Promise<{ readonly shelf: RecordShelf; readonly givenUp: Checkpoint | undefined }> {
  const options = await optionsOf(access, trustFile, 0);
  const { records, givenUp } = await acceptLoggedRecords(options);
  return { shelf: new LogShelf(records, options), givenUp };
}

/**
 * @param oldest - Version of trust.cms that the log has to list at least. Default: that of the one in the folder, which was entered in the log
 *   before it was put there. Without that, an older database would bring back whom this home has revoked since.
 */
async function optionsOf(
  access: LogAccess,
  trustFile: TrustFile,
  oldest?: number,
): Promise<LoggedRecordsOptions> {
  // Before the log is read: whatever is entered meanwhile is newer.
  const { storeId, trustVersion } = (await readAnyTrust(access.folder)).list;
  return {
    ...(await partsOf(access, storeId)),
    findTrust: async (listed) => {
      // Even the first trust is entered: a log that lists none of this home is another one, or was cut.
      if (!listed)
        throw new KeyStoreError('LOG_REWOUND', 'the log has no entry of the trust of this home');
      if (listed.version < (oldest ?? trustVersion))
        throw new KeyStoreError(
          'LOG_REWOUND',
          `the log lists trust.cms of version ${listed.version}, and the home has version ${trustVersion}`,
        );
      return anchorOf(await trustFile.load(listed.sha256), access);
    },
  };
}

async function partsOf(
  { folder, configuration, storeUrl }: LogAccess,
  storeId: Uint8Array,
): Promise<Omit<LoggedRecordsOptions, 'findTrust'>> {
  const homeId = homeIdOf(folder, configuration);
  const seen = await openCheckpointMemory(folder.seen);
  const archive = await openArchive(folder, configuration, { storeId, storeUrl });
  return { archive, storeId, homeId, seen };
}

function anchorOf(trust: Trust, { alsoTrust = [] }: LogAccess): LoggedTrustAnchor {
  const own = trust.pins.filter(({ container }) => container);
  const others = trust.pins.filter(({ container, state }) => !container && state === 'pinned');
  // Who is listed already is what the list says: a revoked one cannot be pinned again.
  const newcomers = alsoTrust
    .map((certificate) => signerOf(certificate))
    .filter(({ keyId }) => !trust.find(keyId));
  return {
    current: trust.current,
    retired: own.filter(({ state }) => state === 'retired'),
    pinned: [...others, ...newcomers],
    trustedHead: trust.list.manifestHead,
  };
}

class LogShelf implements RecordShelf {
  readonly #records: LoggedRecords;
  readonly #archive: Archive;
  readonly #seen: CheckpointMemory;

  constructor(records: LoggedRecords, { archive, seen }: LoggedRecordsOptions) {
    this.#records = records;
    this.#archive = archive;
    this.#seen = seen;
  }

  get head(): RecordShelf['head'] {
    return this.#records.head;
  }

  get checkpoint(): Checkpoint | undefined {
    return this.#records.checkpoint;
  }

  get trust(): RecordShelf['trust'] {
    const { trust } = this.#records;
    if (!trust) throw new KeyStoreError('LOG_REWOUND', 'the log has no trust of this home');
    return trust;
  }

  trustAfter(index: number): number | undefined {
    return this.#records.trustAfter(index);
  }

  refresh(): Promise<void> {
    return this.#records.refresh();
  }

  async get(id: string): Promise<ManifestedRecord> {
    const record = await this.#records.get(id);
    if (!record) throw new KeyStoreError('KEY_NOT_FOUND', `there is no key ${id} in this store`);
    return record;
  }

  getIntact(ids: readonly string[]): Promise<(ManifestedRecord | undefined)[]> {
    return this.#records.getIntact(ids);
  }

  getMany(ids: readonly string[]): Promise<(ManifestedRecord | undefined)[]> {
    return this.#records.getMany(ids);
  }

  find(id: string): Promise<ListedRecord | undefined> {
    return this.#records.find(id);
  }

  lastVersion(id: string): Promise<number | undefined> {
    return this.#records.lastVersion(id);
  }

  list(): AsyncIterable<ListedRecord> {
    return this.#records.list();
  }

  labelled(label: string): AsyncIterable<ListedRecord> {
    return this.#records.labelled(label);
  }

  async *beginningWith(prefix: string): AsyncIterable<ListedRecord> {
    const { store } = this.#archive;
    const first = prefix.padEnd(ID_DIGITS, '0');
    // Only what comes after an id can be asked for.
    const exact = await this.#records.find(first);
    if (exact) yield exact;
    for await (const { id } of store.list({ after: first })) {
      if (!id.startsWith(prefix)) return;
      const listed = await this.#records.find(id);
      if (listed) yield listed;
    }
  }

  planted(): AsyncIterable<PlantedRecord> {
    return this.#records.planted();
  }

  put(record: RecordToPut, { identity, clock }: ChangeAuthor): Promise<void> {
    return this.#records.put(record, identity, clock);
  }

  putAll(records: readonly NewRecord[], { identity, clock }: ChangeAuthor): Promise<boolean[]> {
    return this.#records.putAll(records, identity, clock);
  }

  putVersions(
    records: readonly RecordToPut[],
    { identity, clock }: ChangeAuthor,
  ): Promise<boolean[]> {
    return this.#records.putVersions(records, identity, clock);
  }

  delete(id: string, version: number, { identity, clock }: ChangeAuthor): Promise<void> {
    return this.#records.delete(id, version, identity, clock);
  }

  enterTrust(
    version: number,
    sha256: Uint8Array,
    { identity, clock }: ChangeAuthor,
  ): Promise<void> {
    return this.#records.enterTrust(version, sha256, identity, clock);
  }

  async verifyEntries(options: VerifyEntriesOptions): Promise<number> {
    return (await this.#records.verifyAll(options)).leaves;
  }

  compact(): Promise<{ readonly kept: number; readonly removed: number }> {
    return this.#records.compact();
  }

  newestCheckpoint(): Promise<Uint8Array | undefined> {
    return this.#seen.newest();
  }

  close(): Promise<void> {
    return this.#records.close();
  }
}

const ID_DIGITS = 32;
