/** inventory: what lies in old folders, and what each file is for a migration. Nothing is opened, nothing is written. */
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { fsError } from '../platform/fs-error.ts';
import type { FileRole, InventoryItem } from './inventory-item.ts';
import { recognise } from './recognise.ts';
import { risksOf, type Risk } from './risks.ts';
import {
  isSkipped,
  sourceFiles,
  type SkippedPath,
  type SourceFile,
  type SourceFilesOptions,
} from './source-files.ts';

/** What there is. */
export interface Inventory {
  /** The paths that were looked through. */
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
 * @throws KeyStoreError FILE_NOT_FOUND, PERMISSION_DENIED for a path that is named; CANCELLED. What is found below and cannot be read is in `skipped`.
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
  const take = async (looking: Promise<InventoryItem | SkippedPath>): Promise<void> => {
    const item = await looking;
    if (isSkipped(item)) skipped.push(item);
    else items.push(item);
    options.onProgress?.({ files: items.length + skipped.length, path: item.path });
  };
  // In the order in which they were found, and some ahead: the disk is waited for by several at once.
  const ahead: Promise<InventoryItem | SkippedPath>[] = [];
  for await (const found of sourceFiles(paths, options)) {
    const looking = isSkipped(found) ? Promise.resolve(found) : itemOf(found);
    // Its failure is seen where it is awaited.
    looking.catch(() => undefined);
    ahead.push(looking);
    if (ahead.length === FILES_AHEAD) await take(ahead.shift()!);
  }
  for (const looking of ahead) await take(looking);
  return { roots: paths, items, skipped, risks: risksOf(items) };
}

async function itemOf(file: SourceFile): Promise<InventoryItem | SkippedPath> {
  let bytes: Uint8Array;
  try {
    bytes = await readStart(file);
  } catch {
    return { path: file.path, reason: 'unreadable' };
  }
  try {
    const { size, path } = file;
    const found = recognise({ bytes, size, name: basename(path) });
    return { ...file, ...found, role: ROLES.get(found.format) ?? 'other' };
  } finally {
    // Private keys lie in such files in the clear.
    bytes.fill(0);
  }
}

/** All of a file that holds keys, the beginning of one that holds data. */
export async function readStart(
  { path, size }: Pick<SourceFile, 'path' | 'size'>,
  most: number = MAX_START,
) {
  try {
    const file = await open(path, 'r');
    try {
      const bytes = new Uint8Array(new ArrayBuffer(Math.min(size, most)));
      let length = 0;
      while (length < bytes.length) {
        const { bytesRead } = await file.read(bytes, length, bytes.length - length, length);
        if (bytesRead === 0) break;
        length += bytesRead;
      }
      return bytes.subarray(0, length);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fsError(error, path);
  }
}

/** As many as the thread pool has threads, and as many that wait. */
const FILES_AHEAD = 8;
/** Longer than any key file: a hive of Wine's registry is the longest. */
const MAX_START = 4 << 20;

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
