/** What a run says of a key: in the report, in the record's attributes, and where it fails. */
import { describeAlgId } from '../blobs/alg-id.ts';
import type { BlobTypeName } from '../blobs/key-blob-header.ts';
import { toHex } from '../bytes/octets.ts';
import { METADATA_LIMITS } from '../cms/metadata.ts';
import { KeyStoreError } from '../errors.ts';
import type { ForeignKey, StoredForeignKey } from '../session-key-store/foreign-keys.ts';
import type { InventoryItem } from './inventory-item.ts';
import { describeOrigin } from './key-at-hand.ts';
import type { Attempt, OpenedBlob } from './open-blob.ts';
import { pathText } from './path-text.ts';
import { LENGTH_PREFIXED, type MigrationPlan, type PlannedKey } from './plan.ts';
import type { SkippedPath } from './source-files.ts';
import type { MigratedKey, MigrationFailure, MigrationReport, OpenedBy } from './report.ts';

/** A key that was opened, until it is stored. */
export interface OpenKey extends Disposable {
  readonly planned: PlannedKey;
  readonly blob: OpenedBlob;
  readonly foreign: ForeignKey;
  /** SHA-256 of the blob; absent where that would tell the key. */
  readonly sha256: string | undefined;
}

export function migratedKey(
  { planned, blob, foreign }: OpenKey,
  record: StoredForeignKey | undefined,
  proof: MigratedKey['proof'],
): MigratedKey {
  const { algId, key, effectiveBits } = blob.key;
  return {
    path: planned.item.path,
    blobType: blobTypeOf(planned),
    algorithm: describeAlgId(algId),
    bits: key.length * 8,
    effectiveBits,
    label: foreign.label,
    openedBy: openedBy(blob.how),
    state: stateOf(record),
    ...(record && { id: record.id }),
    ...(proof && { proof }),
  };
}

function stateOf(record: StoredForeignKey | undefined): MigratedKey['state'] {
  if (record === undefined) return 'opens';
  return record.state === 'stored' ? 'stored' : 'present';
}

function openedBy({ key, padding, byteOrder }: Attempt): OpenedBy {
  return {
    with: key === undefined ? 'nothing: it is in the clear' : describeOrigin(key.origin),
    ...(key && { keyId: key.keyId }),
    ...(padding && { padding }),
    ...(byteOrder && { byteOrder }),
  };
}

/** What the record says of where the key came from: public, and signed with it. */
export function attributesOf(
  planned: PlannedKey,
  { key, how }: OpenedBlob,
  sha256: string | undefined,
): [string, string][] {
  return [
    ['origin', blobTypeOf(planned)],
    ['source', pathText(planned.item.path, METADATA_LIMITS.attributeValue)],
    ...(sha256 === undefined ? [] : [['source-sha256', sha256] as [string, string]]),
    ...(how.key === undefined ? [] : [['opened-by', how.key.keyId] as [string, string]]),
    ...(how.padding === undefined ? [] : [['padding', how.padding] as [string, string]]),
    ...(key.salt.length === 0 ? [] : [['salt', toHex(key.salt)] as [string, string]]),
  ];
}

function blobTypeOf({ item }: PlannedKey): BlobTypeName {
  if (item.format === LENGTH_PREFIXED) return 'SIMPLEBLOB';
  return item.format.toUpperCase() as BlobTypeName;
}

export function privateKeysOf(
  keys: MigrationPlan['keysAtHand']['privateKeys'],
  opened: ReadonlyMap<string, number>,
): MigrationReport['privateKeys'] {
  const found = new Map<string, { keyId: string; modulusBits: number; found: string[] }>();
  for (const { keyId, modulusBits, origin } of keys) {
    const known = found.get(keyId) ?? { keyId, modulusBits, found: [] };
    known.found.push(describeOrigin(origin));
    found.set(keyId, known);
  }
  return [...found.values()].map((key) => ({ ...key, opened: opened.get(key.keyId) ?? 0 }));
}

export function failureOf(path: string, { code, message, hint }: KeyStoreError): MigrationFailure {
  return { path, code, message, hint };
}

/** What nobody looked at may be a key as well; links and special files are left out on purpose. */
export function unreadFailure({ path, reason }: SkippedPath): MigrationFailure | undefined {
  if (reason !== 'unreadable' && reason !== 'too-deep') return undefined;
  const message =
    reason === 'unreadable' ? 'it could not be read' : 'folders below it are too deep';
  const hint = 'Make it readable, or copy it as an administrator: nothing in it was looked at.';
  return failureOf(path, new KeyStoreError('IO_FAILED', message, { hint }));
}

/** Keys as text, as registries and configurations have them. */
export function spelledFailure({
  path,
  format,
  spells,
}: InventoryItem): MigrationFailure | undefined {
  if (spells === undefined) return undefined;
  const decode = format === 'hex' ? 'xxd -r -p' : 'base64 -d';
  const error = new KeyStoreError('NOT_SUPPORTED', `it is ${format} text of a ${spells}`, {
    hint: `Make a file of the bytes first: \`${decode} FILE > FILE.blob\`.`,
  });
  return failureOf(path, error);
}

export function wasRemoved(id: string): KeyStoreError {
  return new KeyStoreError(
    'KEY_NOT_FOUND',
    `an earlier run stored this key as ${id}, and it was removed from the store since`,
    { hint: 'A removed id does not come back: migrate it into another home to have it again.' },
  );
}

export function noKeyOpens(count: number): KeyStoreError {
  return new KeyStoreError(
    'KEY_UNWRAP_FAILED',
    count === 0
      ? 'no private key is at hand to open it with'
      : `none of the ${count} private keys at hand opens it`,
    {
      hint: 'Add the folder or file that has its key-exchange key, or ask `keycask diagnose` what it needs.',
    },
  );
}
