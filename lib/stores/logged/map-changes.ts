/** What a change does to the map, and where it does not fit: the rules of the manifest, on what the map says. */
import { toHex } from '../../bytes/octets.ts';
import type { MapDraft } from '../../merkle-map/map-draft.ts';
import type { ManifestChange, WrittenRecord } from '../manifest/manifest-change.ts';
import {
  decodeHomeValue,
  decodeLabelValue,
  decodeRecordValue,
  encodeHomeValue,
  encodeLabelValue,
  encodeRecordValue,
  encodeTrustValue,
  homeKey,
  labelKey,
  recordKey,
  trustKey,
  type RecordValue,
} from './map-values.ts';

/** Whose change, and of which leaf. */
export interface ChangePlace {
  /** 16 bytes. */
  readonly homeId: Uint8Array;
  /** Of the leaf, counted from 1. */
  readonly index: number;
}

/**
 * Makes a change.
 *
 * @returns Why it does not fit; undefined where it does, and then it was made.
 * @throws KeyStoreError MANIFEST_DAMAGED where the map has values that are none, and what reading the map throws.
 */
export async function applyChange(
  draft: MapDraft,
  change: ManifestChange,
  place: ChangePlace,
): Promise<string | undefined> {
  const values = new Values(draft);
  const problem = await applyTo(values, change, place);
  if (problem === undefined) await values.write();
  return problem;
}

/**
 * Which of these records could be written next, each after those before it.
 *
 * @returns For each, in order, why it cannot; undefined where it can.
 */
export async function problemsOfPuts(
  draft: MapDraft,
  records: readonly WrittenRecord[],
): Promise<(string | undefined)[]> {
  const values = new Values(draft);
  await values.load(records.map(({ id }) => recordKey(id)));
  return records.map((record) => problemOfPut(record, values.record(record.id)));
}

async function applyTo(
  values: Values,
  change: ManifestChange,
  place: ChangePlace,
): Promise<string | undefined> {
  switch (change.kind) {
    case 'put':
      return putAll(values, [change], place);
    case 'puts':
      return putAll(values, change.records, place);
    case 'delete': {
      const { id, version } = change;
      await values.load([recordKey(id)]);
      const current = values.record(id);
      if (version !== (current?.version ?? 0) + 1) return atVersion(id, current);
      if (!current?.sha256) return `there is no record ${id}`;
      values.setRecord(id, { ...current, version, index: place.index, sha256: undefined });
      return undefined;
    }
    case 'trust': {
      const { version, sha256 } = change;
      const { homeId, index } = place;
      await values.load([homeKey(homeId)]);
      const present = values.get(homeKey(homeId), decodeHomeValue);
      if (present && version !== present.newest + 1)
        return `the trust of its home is at version ${present.newest}`;
      const first = present?.first ?? version;
      values.set(homeKey(homeId), encodeHomeValue({ first, newest: version }));
      values.set(trustKey(homeId, version), encodeTrustValue({ sha256, index }));
      return undefined;
    }
  }
}

async function putAll(
  values: Values,
  records: readonly WrittenRecord[],
  { index }: ChangePlace,
): Promise<string | undefined> {
  await values.load(records.flatMap(({ id, label }) => [recordKey(id), labelKey(label)]));
  for (const { id, version, sha256, label } of records) {
    const current = values.record(id);
    const problem = problemOfPut({ id, version, label }, current);
    if (problem !== undefined) return problem;
    if (current) {
      values.setRecord(id, { ...current, version, sha256, index });
      continue;
    }
    const before = values.get(labelKey(label), decodeLabelValue);
    values.setRecord(id, { version, sha256, label, index, created: index, before });
    values.set(labelKey(label), encodeLabelValue(id));
  }
  return undefined;
}

function problemOfPut(
  { id, version, label }: Omit<WrittenRecord, 'sha256'>,
  current: RecordValue | undefined,
): string | undefined {
  if (version !== (current?.version ?? 0) + 1) return atVersion(id, current);
  if (current && current.label !== label) return `record ${id} has another label`;
  return undefined;
}

function atVersion(id: string, current: RecordValue | undefined): string {
  return `record ${id} is at version ${current?.version ?? 0}`;
}

/** Values of a map, read together, changed one by one, and written together. */
class Values {
  readonly #draft: MapDraft;
  readonly #values = new Map<string, Uint8Array | undefined>();
  readonly #changed = new Map<string, { readonly key: Uint8Array; readonly value: Uint8Array }>();

  constructor(draft: MapDraft) {
    this.#draft = draft;
  }

  async load(keys: readonly Uint8Array[]): Promise<void> {
    const values = await this.#draft.getMany(keys);
    for (const [i, key] of keys.entries()) this.#values.set(toHex(key), values[i]);
  }

  get<T>(key: Uint8Array, decode: (der: Uint8Array) => T): T | undefined {
    const der = this.#values.get(toHex(key));
    return der && decode(der);
  }

  set(key: Uint8Array, value: Uint8Array): void {
    this.#values.set(toHex(key), value);
    this.#changed.set(toHex(key), { key, value });
  }

  record(id: string): RecordValue | undefined {
    return this.get(recordKey(id), decodeRecordValue);
  }

  setRecord(id: string, value: RecordValue): void {
    this.set(recordKey(id), encodeRecordValue(value));
  }

  async write(): Promise<void> {
    await this.#draft.update([...this.#changed.values()]);
  }
}
