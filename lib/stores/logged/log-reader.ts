/** Looks things up in the state of a log: records, labels, and the order in which records were made. */
import { toHex } from '../../bytes/octets.ts';
import { KeyStoreError } from '../../errors.ts';
import type { MerkleMap } from '../../merkle-map/merkle-map.ts';
import type { SignedLog } from '../../signed-log/signed-log.ts';
import type { ListedRecord } from '../manifest/manifested-record.ts';
import { readLeaf, type LogTracker } from './log-tracker.ts';
import {
  decodeLabelValue,
  decodeRecordValue,
  labelKey,
  recordKey,
  type RecordValue,
} from './map-values.ts';

/** Where a reader looks. */
export interface ReaderParts {
  readonly log: SignedLog;
  readonly map: MerkleMap;
  readonly tracker: LogTracker;
  readonly storeId: Uint8Array;
}

/** Records that are looked up together. */
const PAGE = 256;
/** Somebody who sweeps so often in a row is no accident. */
const MAX_SWEEPS = 16;

export class LogReader {
  readonly #parts: ReaderParts;

  constructor(parts: ReaderParts) {
    this.#parts = parts;
  }

  /** What the log says of records, in the order of `ids`; undefined where it has never heard of one. */
  async records(ids: readonly string[]): Promise<(RecordValue | undefined)[]> {
    const values = await this.#lookup(ids.map(recordKey));
    return values.map((value) => value && decodeRecordValue(value));
  }

  async record(id: string): Promise<RecordValue | undefined> {
    return (await this.records([id]))[0];
  }

  /**
   * Records in the order in which they were made, deleted ones too.
   *
   * @param after - Of the record after which it begins.
   * @throws KeyStoreError PARAMETER_INVALID where there never was a record `after`; MANIFEST_DAMAGED, and what reading log and map throws.
   */
  async *made(after?: string): AsyncGenerator<readonly [id: string, value: RecordValue]> {
    const last = after === undefined ? undefined : await this.#known(after);
    let isPast = last === undefined;
    let page: { readonly id: string; readonly index: number }[] = [];
    for await (const { id, index } of this.#firstVersions((last?.created ?? 1) - 1)) {
      if (isPast) page.push({ id, index });
      isPast ||= id === after;
      if (page.length < PAGE) continue;
      yield* this.#madeOn(page);
      page = [];
    }
    yield* this.#madeOn(page);
  }

  /** Records of a label, newest first, deleted ones too. */
  async *labelled(label: string): AsyncGenerator<readonly [id: string, value: RecordValue]> {
    const [newest] = await this.#lookup([labelKey(label)]);
    const seen = new Set<string>();
    let id = newest && decodeLabelValue(newest);
    while (id !== undefined) {
      const value: RecordValue | undefined = await this.record(id);
      if (value?.label !== label || seen.has(id))
        throw new KeyStoreError('MANIFEST_DAMAGED', `the log's state has label ${label} wrong`);
      seen.add(id);
      yield [id, value];
      id = value.before;
    }
  }

  async #known(id: string): Promise<RecordValue> {
    const value = await this.record(id);
    if (!value) throw new KeyStoreError('PARAMETER_INVALID', `there never was a record ${id}`);
    return value;
  }

  /** @param first - The leaf where it begins, counted from 0. */
  async *#firstVersions(first: number): AsyncGenerator<{ id: string; index: number }> {
    const { log, storeId } = this.#parts;
    for await (const { index: at, bytes } of log.leaves(first)) {
      const index = at + 1;
      const { change } = readLeaf(bytes, index, storeId);
      if (change.kind === 'put' && change.version === 1) yield { id: change.id, index };
      if (change.kind !== 'puts') continue;
      for (const { id, version } of change.records) if (version === 1) yield { id, index };
    }
  }

  async *#madeOn(
    page: readonly { readonly id: string; readonly index: number }[],
  ): AsyncGenerator<readonly [id: string, value: RecordValue]> {
    const values = await this.records(page.map(({ id }) => id));
    for (const [i, { id, index }] of page.entries()) {
      const value = values[i];
      if (value?.created !== index)
        throw new KeyStoreError('MANIFEST_DAMAGED', `the log's state has record ${id} wrong`);
      yield [id, value];
    }
  }

  /** Nodes of a state that is not the newest any more may have been swept. */
  async #lookup(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    const { log, map, tracker } = this.#parts;
    for (let sweeps = 0; ; sweeps++) {
      const { mapRoot } = tracker.state;
      try {
        return await map.getMany(mapRoot, keys);
      } catch (error) {
        const isGone = KeyStoreError.is(error) && error.code === 'LOG_TRUNCATED';
        if (!isGone || sweeps === MAX_SWEEPS) throw error;
        await log.refresh();
        if (toHex(tracker.state.mapRoot) === toHex(mapRoot)) throw error;
      }
    }
  }
}

/** As lists have it; undefined where it is deleted. */
export function listed(id: string, value: RecordValue | undefined): ListedRecord | undefined {
  if (!value?.sha256) return undefined;
  const { version, label, index, created } = value;
  return { id, version, label, index, created };
}
