/** inventory: what lies in old folders, and what each file is for a migration. Nothing is opened, nothing is written. */
import { basename } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { readFileStart, type FileStart } from '../platform/read-start.ts';
import { MAX_KEY_FILE, type FileRole, type InventoryItem } from './inventory-item.ts';
import { KeptBlobs } from './kept-blobs.ts';
import { recognise, recogniseParts } from './recognise.ts';
import { risksOf, type Risk } from './risks.ts';
import {
  isSkipped,
  sourceFiles,
  sourceRoots,
  type FoundFile,
  type SkippedPath,
  type SourceFilesOptions,
} from './source-files.ts';

/** What there is. */
export interface Inventory {
  /** The paths that were looked through, without those that lie in another of them. */
  readonly roots: readonly string[];
  readonly items: readonly InventoryItem[];
  readonly skipped: readonly SkippedPath[];
  readonly risks: readonly Risk[];
}

export interface InventoryOptions extends SourceFilesOptions {
  /** Called after each file. */
  readonly onProgress?: (done: { readonly files: number; readonly path: string }) => void;
}

/**
 * Looks through folders for key blobs, private keys, container files, DPAPI's master keys, and data.
 *
 * @param paths - Files and folders; a copied profile of Windows is one too. They are read and never written to.
 * @throws KeyStoreError FILE_NOT_FOUND, PERMISSION_DENIED for a path that is named, FILE_WRONG_TYPE for one that is neither file nor folder; CANCELLED. What is found below and cannot be read is in `skipped`.
 * @example
 * ```ts
 * const { items, risks } = await inventory(['/mnt/old/keys']);
 * console.log(items.filter(({ role }) => role === 'session-key').length, risks);
 * ```
 */
export async function inventory(
  paths: readonly string[],
  options: InventoryOptions = {},
): Promise<Inventory> {
  const items: InventoryItem[] = [];
  const skipped: SkippedPath[] = [];
  const kept = new KeptBlobs();
  const roots = await sourceRoots(paths);
  for await (const found of sourceFiles(roots, options)) {
    const item = isSkipped(found) ? found : itemOf(found, kept);
    if (isSkipped(item)) skipped.push(item);
    else items.push(item);
    const files = items.length + skipped.length;
    options.onProgress?.({ files, path: item.path });
    if (files % FILES_AT_ONCE === 0) await setImmediate();
  }
  const found = { roots, items, skipped, risks: risksOf(items) };
  KEPT.set(found, kept);
  return found;
}

/** The bytes of a file as the inventory read them, where it kept them: not the caller's to change. */
export function keptBlob(found: Inventory, path: string): Uint8Array | undefined {
  return KEPT.get(found)?.get(path);
}

function itemOf({ path }: FoundFile, kept: KeptBlobs): InventoryItem | SkippedPath {
  let start: FileStart;
  try {
    start = readFileStart(path, MAX_KEY_FILE);
  } catch {
    return { path, reason: 'unreadable' };
  }
  const { bytes, stats } = start;
  try {
    const { size, mtimeMs: modified } = stats;
    const found = recognise({ bytes, size, name: basename(path) });
    const { format, what, summary, state, notes } = found;
    const role = ROLES.get(format) ?? 'other';
    const mode = stats.mode & PERMISSIONS;
    const item = { path, size, modified, mode, format, what, summary, state, role, notes };
    if (
      format === 'simpleblob' &&
      bytes.length === size &&
      !notes.some(({ id }) => id === 'EXPONENT_OF_ONE')
    )
      kept.keep(path, bytes);
    return HAVE_PARTS.has(found.format) ? withParts(item, bytes) : item;
  } finally {
    // Private keys lie in such files in the clear.
    bytes.fill(0);
  }
}

/** A PEM file is as weak as the key in it. */
function withParts(item: InventoryItem, bytes: Uint8Array): InventoryItem {
  const parts = recogniseParts(item.format, bytes);
  const notes = new Map(
    [item, ...parts].flatMap((one) => one.notes.map((each) => [each.text, each])),
  );
  const key = parts.find(({ format }) => KEY_ROLES.has(ROLES.get(format) ?? 'other'));
  const isText = item.format === 'hex' || item.format === 'base64';
  return { ...item, notes: [...notes.values()], ...(isText && key && { spells: key.what }) };
}

const KEPT = new WeakMap<Inventory, KeptBlobs>();
const PERMISSIONS = 0o7777;
/** Files between two moments in which the program can do something else. */
const FILES_AT_ONCE = 32;

const HAVE_PARTS: ReadonlySet<string> = new Set(['pem', 'wine-registry', 'hex', 'base64']);
const KEY_ROLES: ReadonlySet<FileRole> = new Set<FileRole>([
  'session-key',
  'private-key',
  'sealed-key',
]);
/** By format. */
const ROLES: ReadonlyMap<string, FileRole> = new Map<string, FileRole>([
  ['unknown', 'data'],
  ['simpleblob', 'session-key'],
  ['plaintextkeyblob', 'session-key'],
  ['symmetricwrapkeyblob', 'session-key'],
  ['length-prefixed-simpleblob', 'session-key'],
  ['privatekeyblob', 'private-key'],
  ['pvk', 'private-key'],
  ['pem', 'private-key'],
  ['pkcs8', 'private-key'],
  ['encrypted-pkcs8', 'private-key'],
  ['pkcs1-private', 'private-key'],
  ['pkcs12', 'private-key'],
  ['rsaprivateblob', 'private-key'],
  ['rsafullprivateblob', 'private-key'],
  ['capi-container-file', 'sealed-key'],
  ['cng-container-file', 'sealed-key'],
  ['roamed-cng-key', 'sealed-key'],
  ['wine-registry', 'sealed-key'],
  ['master-key-file', 'sealing-key'],
  ['credhist', 'sealing-key'],
  ['preferred', 'sealing-key'],
  ['domain-backup-key', 'sealing-key'],
  ['publickeyblob', 'public-key'],
  ['spki', 'public-key'],
  ['pkcs1-public', 'public-key'],
  ['rsapublicblob', 'public-key'],
  ['certificate', 'public-key'],
]);
