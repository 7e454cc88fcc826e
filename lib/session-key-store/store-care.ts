/** Looking after what the records of a home lie in: what it is, whether its log is whole, and what can be swept. */
import process from 'node:process';
import { toHex } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import { connectionWords } from '../stores/postgres/connection-url.ts';
import { HomeFolder } from './home-folder.ts';
import type { Home } from './home.ts';
import type { VerifyEntriesOptions } from './record-shelf.ts';

/** What the records of a home lie in. */
export interface StoreStatus {
  /** `directory`, `lmdb`, `postgres`, `memory`. */
  readonly kind: string;
  /** A path, or user, host, port and database; never a password. */
  readonly place?: string;
  /** 32 hex digits. */
  readonly storeId: string;
  readonly records: number;
  /** Of the manifest, or the log. */
  readonly entries: number;
  /** Hash of the newest entry, or root of the log, in hex. */
  readonly head: string;
  /** Of a log: whether this home keeps a checkpoint that it has seen. */
  readonly hasSeen?: boolean;
}

/** @param storeUrl - Of PostgreSQL, where keycask.json names no file with it. */
export async function storeStatus(home: Home, storeUrl?: string): Promise<StoreStatus> {
  await home.refresh();
  let records = 0;
  for await (const _ of home.shelf.list()) records++;
  const { index, hash } = home.shelf.head;
  const seen = await home.shelf.newestCheckpoint?.();
  return {
    ...(await placeOf(home, storeUrl)),
    storeId: toHex(home.storeId),
    records,
    entries: index,
    head: toHex(hash),
    ...(home.shelf.newestCheckpoint && { hasSeen: seen !== undefined }),
  };
}

/**
 * Reads the manifest, or the log, from its first entry on.
 *
 * @returns How many entries it has.
 * @throws KeyStoreError MANIFEST_DAMAGED, MANIFEST_ROLLED_BACK, LOG_DAMAGED, LOG_TRUNCATED, CANCELLED.
 */
export async function verifyEntries(home: Home, options: VerifyEntriesOptions): Promise<number> {
  await home.refresh();
  return (await home.shelf.verifyEntries?.(options)) ?? home.shelf.head.index;
}

/** @throws KeyStoreError NOT_SUPPORTED where there is nothing to sweep. */
export async function compactStore(
  home: Home,
): Promise<{ readonly kept: number; readonly removed: number }> {
  await home.refresh();
  if (!home.shelf.compact)
    throw new KeyStoreError('NOT_SUPPORTED', 'a directory store leaves nothing behind to be swept');
  return home.shelf.compact();
}

async function placeOf(
  { path }: Home,
  url: string | undefined,
): Promise<Pick<StoreStatus, 'kind' | 'place'>> {
  if (path === undefined) return { kind: 'memory' };
  const folder = new HomeFolder(path);
  const { store: kind = 'directory', storePath, storeUrlFile } = await folder.readConfiguration();
  if (kind === 'directory') return { kind, place: folder.records };
  if (kind === 'lmdb') return { kind, place: storePath ?? folder.database };
  const { user, host, port, dbname } = await connectionWords({
    ...(url !== undefined && { url }),
    ...(url === undefined && storeUrlFile !== undefined && { urlFile: storeUrlFile }),
    environment: process.env,
  });
  return { kind, place: `${user ? `${user}@` : ''}${host}:${port}${dbname ? `/${dbname}` : ''}` };
}
