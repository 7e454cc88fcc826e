/** Compares the records that an archive has with what the log says of them. */
import { hash } from 'node:crypto';
import { equalBytes, plainBytes } from '../../bytes/octets.ts';
import type { StoredRecord } from '../../contracts/store.ts';
import { KeyStoreError, type KeyStoreErrorCode } from '../../errors.ts';
import type { SignedLog } from '../../signed-log/signed-log.ts';
import type { Archive } from '../archive.ts';
import type {
  ManifestedRecord,
  PlantedRecord,
  RecordFinding,
} from '../manifest/manifested-record.ts';
import type { ExamineStored } from '../manifest/manifested-store.ts';
import { listed, type LogReader } from './log-reader.ts';
import type { RecordValue } from './map-values.ts';

/** What is compared. */
export interface StoredParts {
  readonly archive: Archive;
  readonly log: SignedLog;
  readonly reader: LogReader;
  readonly examine?: ExamineStored | undefined;
}

/** What there is of one id. */
type Look =
  | { readonly status: 'intact'; readonly record: ManifestedRecord }
  | { readonly status: 'absent' }
  | { readonly status: 'planted'; readonly stored: StoredRecord }
  | {
      readonly status: 'missing' | 'rolled-back';
      readonly version: number;
      readonly stored?: StoredRecord;
    };

/** Each try that fails is another process that got further. */
const MAX_TRIES = 1000;
/** Records that are read at the same time. */
const AT_ONCE = 16;
/** Ids of one look at the map. */
const PAGE = 256;
const FAULTS = { missing: 'RECORD_MISSING', 'rolled-back': 'RECORD_ROLLED_BACK' } as const;
const EXPLANATIONS = {
  missing: 'the log lists it, and the archive does not have it',
  'rolled-back': 'the archive does not have what the log lists',
};

export class StoredRecords {
  readonly #parts: StoredParts;

  constructor(parts: StoredParts) {
    this.#parts = parts;
  }

  /** @throws KeyStoreError RECORD_MISSING, RECORD_ROLLED_BACK; what `examine` throws, and reading throws. */
  async get(id: string): Promise<ManifestedRecord | undefined> {
    const look = await this.#look(id);
    if (look.status === 'intact') return look.record;
    if (look.status === 'absent' || look.status === 'planted') return undefined;
    if (look.stored) this.#parts.examine?.(id, look.stored);
    throw new KeyStoreError(FAULTS[look.status], `record ${id}: ${EXPLANATIONS[look.status]}`);
  }

  /**
   * Records that are read together, in the order of `ids`.
   *
   * @returns Undefined where one is not there exactly as the log lists it: {@link StoredRecords.get} says why, or that it has become so.
   */
  async intact(ids: readonly string[]): Promise<(ManifestedRecord | undefined)[]> {
    const { archive, log, reader } = this.#parts;
    await log.refresh();
    const values = await reader.records(ids);
    const stored = await (archive.readRecords?.(ids) ??
      Promise.all(ids.map((id) => archive.store.get(id))));
    return ids.map((id, i) => {
      const look = compare(id, values[i], stored[i]);
      return look.status === 'intact' ? look.record : undefined;
    });
  }

  /** Those that are intact, as of one look at the log; of the others {@link StoredRecords.get} tells what they are. */
  async getMany(ids: readonly string[]): Promise<(ManifestedRecord | undefined)[]> {
    const { archive, log, reader } = this.#parts;
    await log.refresh();
    const values = await reader.records(ids);
    const found: (ManifestedRecord | undefined)[] = [];
    for (let at = 0; at < ids.length; at += AT_ONCE) {
      const some = ids.slice(at, at + AT_ONCE);
      const stored = await Promise.all(some.map((id) => archive.store.get(id)));
      for (const [i, id] of some.entries()) {
        const look = compare(id, values[at + i], stored[i]);
        found.push(look.status === 'intact' ? look.record : undefined);
      }
    }
    return found;
  }

  /** Every record that the log lists, then those that it does not. */
  async *verify(): AsyncGenerator<RecordFinding> {
    await this.#parts.log.refresh();
    let some: string[] = [];
    for await (const [id, value] of this.#parts.reader.made()) {
      if (value.sha256) some.push(id);
      if (some.length < AT_ONCE) continue;
      yield* await this.#findings(some);
      some = [];
    }
    yield* await this.#findings(some);
    for await (const { id, version } of this.planted()) yield { id, version, status: 'planted' };
  }

  async *planted(): AsyncGenerator<PlantedRecord> {
    await this.#parts.log.refresh();
    let ids: string[] = [];
    for await (const { id } of this.#parts.archive.store.list()) {
      ids.push(id);
      if (ids.length < PAGE) continue;
      yield* this.#plantedAmong(ids);
      ids = [];
    }
    yield* this.#plantedAmong(ids);
  }

  async *#plantedAmong(ids: readonly string[]): AsyncGenerator<PlantedRecord> {
    const values = await this.#parts.reader.records(ids);
    for (const [i, id] of ids.entries()) {
      if (values[i]?.sha256) continue;
      const look = await this.#look(id);
      if (look.status === 'planted') yield { id, ...look.stored };
    }
  }

  async #findings(ids: readonly string[]): Promise<RecordFinding[]> {
    const findings = await Promise.all(
      ids.map(async (id): Promise<RecordFinding[]> => {
        const look = await this.#look(id);
        switch (look.status) {
          case 'intact':
            return [{ id, version: look.record.version, status: 'intact' }];
          case 'absent':
          case 'planted':
            return [];
          case 'missing':
          case 'rolled-back':
            return [{ id, version: look.version, status: this.#statusOf(id, look) }];
        }
      }),
    );
    return findings.flat();
  }

  /** A record that stands in another one's place says so itself. */
  #statusOf(
    id: string,
    {
      status,
      stored,
    }: { readonly status: 'missing' | 'rolled-back'; readonly stored?: StoredRecord },
  ): RecordFinding['status'] {
    try {
      if (stored) this.#parts.examine?.(id, stored);
    } catch (error) {
      if (!KeyStoreError.is(error)) throw error;
      if (error.code === MISPLACED) return 'misplaced';
    }
    return status;
  }

  /** Compares archive and log, as often as other processes get in between. */
  async #look(id: string): Promise<Look> {
    const { archive, log, reader } = this.#parts;
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      await log.refresh();
      const value = await reader.record(id);
      const stored = await archive.store.get(id);
      const look = compare(id, value, stored);
      if (look.status === 'intact' || look.status === 'absent') return look;
      // What differs may have been changed between the two looks, and then log and archive have both gone on.
      await log.refresh();
      const again = await reader.record(id);
      const isStill = (await archive.store.get(id))?.version === stored?.version;
      if (isStill && again?.index === value?.index) return look;
    }
    throw new KeyStoreError('STORE_CONFLICT', `record ${id} changes faster than it can be read`);
  }
}

const MISPLACED: KeyStoreErrorCode = 'RECORD_MISPLACED';

function compare(
  id: string,
  value: RecordValue | undefined,
  stored: StoredRecord | undefined,
): Look {
  const record = listed(id, value);
  if (!record || !value?.sha256)
    return stored ? { status: 'planted', stored } : { status: 'absent' };
  const { version, label, index } = record;
  if (!stored) return { status: 'missing', version };
  const digest = plainBytes(hash('sha256', stored.bytes, 'buffer'));
  if (stored.version === version && equalBytes(digest, value.sha256))
    return { status: 'intact', record: { id, version, label, index, bytes: stored.bytes } };
  return { status: 'rolled-back', version, stored };
}
