/**
 * DataFile: data that was encrypted with CryptEncrypt, and the key blob that belongs to it.
 *
 *   behind     the ciphertext follows the blob in one file
 *   beside     it lies in the blob's folder and has its name: report.doc.enc with report.doc.blob, report.blob, or report.doc.enc.key
 *   named      a data map says so, and with which mode, IV and salt
 */
import { basename, dirname, extname, join, resolve } from 'node:path';
import { BLOB_HEADER_LENGTH } from '../blobs/key-blob-header.ts';
import { KeyStoreError } from '../errors.ts';
import type { CapiMode } from '../legacy/cipher.ts';
import type { InventoryItem } from './inventory-item.ts';
import type { Inventory } from './inventory.ts';

/** Parameters that old data does not tell; what is left out is searched for. */
export interface DataParameters {
  readonly mode?: CapiMode;
  readonly iv?: Uint8Array;
  readonly salt?: 'default' | 'none' | Uint8Array;
  readonly effectiveBits?: number;
}

/** A file of ciphertext. */
export interface DataFile {
  readonly item: InventoryItem;
  readonly place: 'behind' | 'beside' | 'named';
  readonly parameters: DataParameters;
  /** Several keys could be its own by their names. */
  readonly isContested: boolean;
}

/** Says which key data has. Paths are compared when they are resolved. */
export type DataMap = readonly DataMapEntry[];

export interface DataMapEntry extends DataParameters {
  /** The file with the ciphertext. */
  readonly data: string;
  /** The file with the key blob. */
  readonly key: string;
}

/**
 * Finds what was encrypted with which key.
 *
 * @returns For the item of a session key its data; behind the blob there is data where the file goes on after it, which only the size of
 *   the RSA key tells.
 * @throws KeyStoreError PARAMETER_INVALID for a map that names a file that is not in the inventory, or twice, or no key blob.
 */
export function findData(
  inventory: Inventory,
  map: DataMap = [],
): (key: InventoryItem) => DataFile[] {
  const named = map.length === 0 ? NONE : namedData(byPathOf(inventory), map);
  const taken = new Set([...named.values()].flat().map(({ item }) => item));
  const beside = besideByName(inventory.items, taken);
  const contested = contestedData(inventory.items, beside);
  return (key) => [
    ...(named.get(key) ?? []),
    ...(beside.get(nameOf(key)) ?? []).map((item) => ({
      item,
      place: 'beside' as const,
      parameters: {},
      isContested: contested.has(item),
    })),
    ...(hasMore(key)
      ? [{ item: key, place: 'behind' as const, parameters: {}, isContested: false }]
      : []),
  ];
}

/** By their resolved paths. */
function byPathOf({ items }: Inventory): Map<string, InventoryItem> {
  return new Map(items.map((item) => [resolve(item.path), item]));
}

/** Data that several keys have the name of: report.enc with report.blob and report.key. */
function contestedData(
  items: readonly InventoryItem[],
  beside: ReadonlyMap<string, readonly InventoryItem[]>,
): ReadonlySet<InventoryItem> {
  const seen = new Set<InventoryItem>();
  const contested = new Set<InventoryItem>();
  for (const key of items) {
    if (key.role !== 'session-key') continue;
    for (const item of beside.get(nameOf(key)) ?? [])
      if (seen.has(item)) contested.add(item);
      else seen.add(item);
  }
  return contested;
}

function namedData(
  byPath: ReadonlyMap<string, InventoryItem>,
  map: DataMap,
): Map<InventoryItem, DataFile[]> {
  const named = new Map<InventoryItem, DataFile[]>();
  const seen = new Set<InventoryItem>();
  for (const { data, key, ...parameters } of map) {
    const item = byPath.get(resolve(data)) ?? missing(data);
    const keyItem = byPath.get(resolve(key)) ?? missing(key);
    if (keyItem.role !== 'session-key')
      throw new KeyStoreError('PARAMETER_INVALID', `${key} is no session key: ${keyItem.summary}`);
    if (seen.has(item))
      throw new KeyStoreError('PARAMETER_INVALID', `the data map names ${data} twice`, {
        hint: 'Name each file of data once, with the key that it has.',
      });
    seen.add(item);
    const file: DataFile = { item, place: 'named', parameters, isContested: false };
    named.set(keyItem, [...(named.get(keyItem) ?? []), file]);
  }
  return named;
}

function missing(path: string): never {
  throw new KeyStoreError(
    'PARAMETER_INVALID',
    `the data map names ${path}, which is not among the files that were looked at`,
    { hint: 'Paths are from where the map lies, with / between folders; name their folder too.' },
  );
}

/** Files that no format claims, by the names that a key beside them could have. */
function besideByName(
  items: readonly InventoryItem[],
  taken: ReadonlySet<InventoryItem>,
): Map<string, InventoryItem[]> {
  const beside = new Map<string, InventoryItem[]>();
  for (const item of items) {
    if (item.role !== 'data' || item.size === 0 || taken.has(item)) continue;
    for (const name of stems(item.path)) beside.set(name, [...(beside.get(name) ?? []), item]);
  }
  return beside;
}

/** report.doc.enc: itself, report.doc, report. */
function stems(path: string): string[] {
  const names = [join(dirname(path), basename(path))];
  for (let name = names[0]!; extname(name) !== ''; names.push(name))
    name = name.slice(0, -extname(name).length);
  return names;
}

/** What the data of a key can be called: report.doc.blob opens report.doc and report.doc.*; its own name without the ending decides. */
function nameOf({ path }: InventoryItem): string {
  const ending = extname(path);
  return ending === '' ? path : path.slice(0, -ending.length);
}

/** Whether a file is longer than the blob in it can be for any RSA key, or says so itself. */
function hasMore({ format, size }: InventoryItem): boolean {
  if (format === 'length-prefixed-simpleblob') return true;
  return format === 'simpleblob' && !RSA_SIZES.has(size - BLOB_HEADER_LENGTH - 4);
}

const NONE: ReadonlyMap<InventoryItem, DataFile[]> = new Map();
/** Bytes of the moduli that there are in practice. */
const RSA_SIZES: ReadonlySet<number> = new Set(
  [384, 512, 768, 1024, 1536, 2048, 3072, 4096, 8192, 16384].map((bits) => bits / 8),
);
