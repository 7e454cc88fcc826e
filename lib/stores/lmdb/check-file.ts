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
import type { Stats } from 'node:fs';
import { lstat, open, type FileHandle } from 'node:fs/promises';
import { endianness } from 'node:os';
import { KeyStoreError } from '../../errors.ts';
import { isFsError, withFsErrors } from '../../platform/fs-error.ts';

/**
 * Whether there is a file of LMDB at `path` that has all its pages.
 *
 * @returns false where there is nothing yet.
 * @throws KeyStoreError FILE_WRONG_TYPE for anything but a regular file, STORE_DAMAGED, PERMISSION_DENIED, IO_FAILED.
 */
export async function checkLmdbFile(path: string): Promise<boolean> {
  return withFsErrors(path, async () => {
    const stats = await statsOf(path);
    if (!stats) return false;
    if (!stats.isFile())
      throw new KeyStoreError('FILE_WRONG_TYPE', `${path} is not a regular file`);
    const file = await open(path, 'r');
    try {
      return await hasAllPages(file, path);
    } finally {
      await file.close();
    }
  });
}

async function hasAllPages(file: FileHandle, path: string): Promise<boolean> {
  // Another process is about to make it.
  if ((await file.stat()).size === 0) return false;
  const first = await readMeta(file, 0);
  if (!first) throw damaged(path, 'it is not a file of LMDB of this kind');
  const second = await readMeta(file, first.pageSize);
  const newest = second && second.transaction > first.transaction ? second : first;
  // Read after the meta page: a file never gets shorter.
  const { size } = await file.stat();
  if (BigInt(size) < (newest.lastPage + 1n) * BigInt(newest.pageSize))
    throw damaged(path, `it was cut: ${size} bytes`);
  return true;
}

interface Meta {
  readonly pageSize: number;
  readonly lastPage: bigint;
  readonly transaction: bigint;
}

async function readMeta(file: FileHandle, at: number): Promise<Meta | undefined> {
  const view = new DataView(new ArrayBuffer(META_LENGTH));
  const { bytesRead } = await file.read(view, 0, META_LENGTH, at);
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

async function statsOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (isFsError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function damaged(path: string, problem: string): KeyStoreError {
  return new KeyStoreError('STORE_DAMAGED', `${path}: ${problem}`);
}

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
