/**
 * Looks at an LMDB file before LMDB maps it: LMDB believes what it maps, and a file that is none, or was cut, ends the process.
 *
 *   offset size meta page (twice: at 0 and one page size later), 64-bit, data version 2
 *       24    4 mm_magic      0xbeefc0de
 *       28    4 mm_version    2
 *       48    4 md_pad        page size
 *      144    8 mm_last_pg    last page in use
 *      152    8 mm_txnid      the higher one is the newer
 *
 * Source: mdb.c, MDB_page, MDB_meta, in the byte order of the machine. A commit writes one meta page after its data are on the disk.
 */
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readSync,
  type Stats,
} from 'node:fs';
import { endianness } from 'node:os';
import { KeyStoreError } from '../../errors.ts';
import { fsError, isFsError } from '../../platform/fs-error.ts';

/** What is at a path: nothing yet, a file with all its pages, or one that ends before its last page. */
export type LmdbFile = 'absent' | 'whole' | 'short';

/**
 * Looks at the file of LMDB at `path`.
 *
 * @throws KeyStoreError FILE_WRONG_TYPE for anything but a regular file, STORE_DAMAGED for one of something else, or one that was cut by so
 *   much that it shows; PERMISSION_DENIED, IO_FAILED.
 */
export function checkLmdbFile(path: string): LmdbFile {
  return onFile(path, () => {
    const stats = statsOf(path);
    // An empty one is about to be made by another process, or was when that was killed.
    if (!stats || (stats.isFile() && stats.size === 0)) return 'absent';
    if (!stats.isFile())
      throw new KeyStoreError('FILE_WRONG_TYPE', `${path} is not a regular file`);
    const { size, needed } = lengthsOf(path);
    if (size >= needed) return 'whole';
    if (needed - size > MAX_UNWRITTEN) throw damaged(path, `it was cut: ${size} bytes`);
    return 'short';
  });
}

/**
 * Makes a short file as long as its pages need, with zeros, while nobody writes. A file may be short by right: pages that a transaction took at
 * the end and did not need after all are never written. And it may have been cut: then the zeros are found to be no page, where reading
 * behind the end of a mapped file would end the process.
 */
export function completeLmdbFile(path: string): void {
  onFile(path, () => {
    const { size, needed } = lengthsOf(path);
    if (size >= needed) return;
    const file = openSync(path, 'r+');
    try {
      ftruncateSync(file, needed);
    } finally {
      closeSync(file);
    }
  });
}

function lengthsOf(path: string): { readonly size: number; readonly needed: number } {
  const file = openSync(path, 'r');
  try {
    const first = readMeta(file, 0);
    const second = first && readMeta(file, first.pageSize);
    if (!second) throw damaged(path, 'it is not a file of LMDB of this kind');
    const newest = second.transaction > first.transaction ? second : first;
    // Read after the meta pages: a file never gets shorter.
    const { size } = fstatSync(file);
    return { size, needed: (Number(newest.lastPage) + 1) * newest.pageSize };
  } finally {
    closeSync(file);
  }
}

interface Meta {
  readonly pageSize: number;
  readonly lastPage: bigint;
  readonly transaction: bigint;
}

function readMeta(file: number, at: number): Meta | undefined {
  const view = new DataView(new ArrayBuffer(META_LENGTH));
  const bytesRead = readSync(file, view, 0, META_LENGTH, at);
  const isLittleEndian = endianness() === 'LE';
  if (bytesRead < META_LENGTH) return undefined;
  if (view.getUint32(MAGIC_AT, isLittleEndian) !== MAGIC) return undefined;
  if (view.getUint32(VERSION_AT, isLittleEndian) !== VERSION) return undefined;
  const pageSize = view.getUint32(PAGE_SIZE_AT, isLittleEndian);
  if (pageSize < MIN_PAGE || pageSize > MAX_PAGE || (pageSize & (pageSize - 1)) !== 0)
    return undefined;
  return {
    pageSize,
    lastPage: view.getBigUint64(LAST_PAGE_AT, isLittleEndian),
    transaction: view.getBigUint64(TRANSACTION_AT, isLittleEndian),
  };
}

function statsOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    if (isFsError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function onFile<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw fsError(error, path);
  }
}

function damaged(path: string, problem: string): KeyStoreError {
  return new KeyStoreError('STORE_DAMAGED', `${path}: ${problem}`);
}

/** More than the pages of one transaction: writer-thread.ts ends one at 16 MiB, and each of 16,384 map nodes may change a page of 4 KiB. */
const MAX_UNWRITTEN = 1 << 28;
const META_LENGTH = 160;
const MAGIC_AT = 24;
const VERSION_AT = 28;
const PAGE_SIZE_AT = 48;
const LAST_PAGE_AT = 144;
const TRANSACTION_AT = 152;
/** mdb.c: MDB_MAGIC, MDB_DATA_VERSION. */
const MAGIC = 0xbeefc0de;
const VERSION = 2;
/** mdb.c: the smallest and the largest page that LMDB takes. */
const MIN_PAGE = 0x200;
const MAX_PAGE = 0x10000;
