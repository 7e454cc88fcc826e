/**
 * What an entry of the manifest, or a leaf of a log, says has happened.
 *
 *   change CHOICE {
 *     put    [0] IMPLICIT SEQUENCE { id OCTET STRING (16), version INTEGER (1..), sha256 OCTET STRING (32), label UTF8String (0..255) },
 *     delete [1] IMPLICIT SEQUENCE { id OCTET STRING (16), version INTEGER (1..) },
 *     trust  [2] IMPLICIT SEQUENCE { version INTEGER (1..), sha256 OCTET STRING (32) },
 *     puts   [3] IMPLICIT SEQUENCE (SIZE (2..256)) OF SEQUENCE { as put } }
 */
import { DerReader } from '../../bytes/der-reader.ts';
import { contextConstructed, TAG } from '../../bytes/der-tags.ts';
import { context, integer, octetString, sequence, utf8String } from '../../bytes/der-writer.ts';
import { fromHex, toHex } from '../../bytes/octets.ts';
import { METADATA_LIMITS } from '../../cms/metadata.ts';
import { KeyStoreError } from '../../errors.ts';

/** What an entry says has happened. */
export type ManifestChange = RecordPut | RecordsPut | RecordDeleted | TrustChanged;

/** A version of a record that was written. */
export interface WrittenRecord {
  /** 32 lower-case hex digits. */
  readonly id: string;
  readonly version: number;
  /** SHA-256 of the whole record. */
  readonly sha256: Uint8Array;
  /** At most 255 bytes of UTF-8, no control characters. */
  readonly label: string;
}

interface RecordPut extends WrittenRecord {
  readonly kind: 'put';
}

/** Several at once, under one signature: all of them count, or none does. */
interface RecordsPut {
  readonly kind: 'puts';
  /** 2 to {@link MAX_PUTS}, each id once, in the order in which they were made. */
  readonly records: readonly WrittenRecord[];
}

interface RecordDeleted {
  readonly kind: 'delete';
  readonly id: string;
  /** The version that the deletion is: one more than that of the last record. */
  readonly version: number;
}

/** trust.cms was replaced; where it names another signer, that one signs from the next entry on. */
interface TrustChanged {
  readonly kind: 'trust';
  readonly version: number;
  /** SHA-256 of trust.cms. */
  readonly sha256: Uint8Array;
}

const KINDS = { put: 0, delete: 1, trust: 2, puts: 3 } as const;
/** Records that one change can list: some 100 KB with the longest labels. */
export const MAX_PUTS = 256;
const SIXTEEN = { min: 16, max: 16 };
const DIGEST = { min: 32, max: 32 };

/** @throws KeyStoreError PARAMETER_INVALID where an id is none, or a field does not fit its type. */
export function encodeChange(change: ManifestChange): Uint8Array {
  return context(KINDS[change.kind], ...encodeFields(change));
}

/**
 * Refuses what nobody could read, before it is put together with what others wait for.
 *
 * @throws KeyStoreError PARAMETER_INVALID
 */
export function checkChange(change: ManifestChange): void {
  const der = encodeChange(change);
  try {
    decodeChange(new DerReader(der, 'change'));
  } catch (error) {
    if (!KeyStoreError.is(error)) throw error;
    throw new KeyStoreError('PARAMETER_INVALID', error.message);
  }
}

/** @throws BlobFormatError BLOB_MALFORMED */
export function decodeChange(content: DerReader): ManifestChange {
  const tag = content.peek();
  if (tag === contextConstructed(KINDS.put))
    return { kind: 'put', ...decodeRecord(content.enter(tag, 'put')) };
  if (tag === contextConstructed(KINDS.puts))
    return { kind: 'puts', records: decodeRecords(content.enter(tag, 'puts')) };
  if (tag === contextConstructed(KINDS.delete)) {
    const r = content.enter(tag, 'delete');
    const id = toHex(r.octets('id', SIXTEEN));
    const version = r.integer('version', { min: 1 });
    r.end();
    return { kind: 'delete', id, version };
  }
  const r = content.enter(contextConstructed(KINDS.trust), 'trust');
  const version = r.integer('version', { min: 1 });
  const sha256 = r.octets('sha256', DIGEST);
  r.end();
  return { kind: 'trust', version, sha256 };
}

function encodeFields(change: ManifestChange): Uint8Array[] {
  switch (change.kind) {
    case 'put':
      return encodeRecord(change);
    case 'puts':
      return change.records.map((record) => sequence(...encodeRecord(record)));
    case 'delete':
      return [octetString(idBytes(change.id)), integer(change.version)];
    case 'trust':
      return [integer(change.version), octetString(change.sha256)];
  }
}

function encodeRecord({ id, version, sha256, label }: WrittenRecord): Uint8Array[] {
  return [octetString(idBytes(id)), integer(version), octetString(sha256), utf8String(label)];
}

function idBytes(id: string): Uint8Array {
  const bytes = fromHex(id);
  if (!bytes) throw new KeyStoreError('PARAMETER_INVALID', 'an id is 32 lower-case hex digits');
  return bytes;
}

function decodeRecords(list: DerReader): WrittenRecord[] {
  const records: WrittenRecord[] = [];
  const ids = new Set<string>();
  while (list.peek() !== -1) {
    if (records.length === MAX_PUTS) list.fail('puts', `want at most ${MAX_PUTS} records`);
    const record = decodeRecord(list.enter(TAG.SEQUENCE, 'puts'));
    if (ids.has(record.id)) list.fail('puts', 'an id comes twice');
    ids.add(record.id);
    records.push(record);
  }
  // One record is a `put`: there is one encoding of everything.
  if (records.length < 2) list.fail('puts', 'want at least two records');
  return records;
}

function decodeRecord(r: DerReader): WrittenRecord {
  const id = toHex(r.octets('id', SIXTEEN));
  const version = r.integer('version', { min: 1 });
  const sha256 = r.octets('sha256', DIGEST);
  const label = r.utf8('label', { max: METADATA_LIMITS.label });
  r.end();
  return { id, version, sha256, label };
}
