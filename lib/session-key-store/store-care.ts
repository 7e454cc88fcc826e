/** Looking after what the records of a home lie in: what it is, whether its log is whole, and what can be swept. */
import process from 'node:process';
import { equalBytes, toHex } from '../bytes/octets.ts';
import type { Signer } from '../cms/signed-data.ts';
import type { WorkProgress } from '../contracts/work-list.ts';
import { KeyStoreError } from '../errors.ts';
import { signerOf } from '../keys/certificate-signer.ts';
import { verifyCheckpoint } from '../signed-log/checkpoint.ts';
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
  /** Of a log: its newest checkpoint. */
  readonly checkpoint?: CheckpointStatus;
  /** Of a log: entries of the newest checkpoint that this home keeps, apart from the store; undefined where it keeps none. */
  readonly seen?: number | undefined;
  /** Of PostgreSQL: work over all records that is under way, on whatever machine; the oldest first. */
  readonly work?: readonly WorkProgress[];
}

/** What a signed checkpoint says. */
export interface CheckpointStatus {
  /** Entries of the log. */
  readonly size: number;
  /** In hex. */
  readonly root: string;
  /** What its signer says, to the second. */
  readonly time: Date;
  /** As the trust list calls him; where it does not, his key identifier in hex. */
  readonly signer: string;
}

/** @param storeUrl - Of PostgreSQL, where keycask.json names no file with it. */
export async function storeStatus(home: Home, storeUrl?: string): Promise<StoreStatus> {
  await home.refresh();
  let records = 0;
  for await (const _ of home.shelf.list()) records++;
  const { index, hash } = home.shelf.head;
  const { work, ...place } = await placeOf(home, storeUrl);
  return {
    ...place,
    storeId: toHex(home.storeId),
    records,
    entries: index,
    head: toHex(hash),
    ...(await checkpointOf(home)),
    ...(work && { work }),
  };
}

async function checkpointOf({
  shelf,
  trust,
  storeId,
}: Home): Promise<Pick<StoreStatus, 'checkpoint' | 'seen'>> {
  const { checkpoint } = shelf;
  if (!checkpoint || !shelf.newestCheckpoint) return {};
  const { size, root, signingTime, signer } = checkpoint;
  const pin = trust.pins.find(({ keyId }) => equalBytes(keyId, signer.keyId));
  const bytes = await shelf.newestCheckpoint();
  const findSigner = (_keyId: Uint8Array, own: Uint8Array): Signer => signerOf(own);
  return {
    checkpoint: {
      size,
      root: toHex(root),
      time: signingTime,
      signer: pin?.name ?? toHex(signer.keyId),
    },
    // Nobody but this home writes it, and opening has compared the log with it.
    seen: bytes && verifyCheckpoint(bytes, { logId: storeId, findSigner }).size,
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
  { path, storeId }: Home,
  url: string | undefined,
): Promise<Pick<StoreStatus, 'kind' | 'place' | 'work'>> {
  if (path === undefined) return { kind: 'memory' };
  const folder = new HomeFolder(path);
  const configuration = await folder.readConfiguration();
  const { store: kind = 'directory', storePath, storeUrlFile, storeSchema } = configuration;
  if (kind === 'directory') return { kind, place: folder.records };
  if (kind === 'lmdb') return { kind, place: storePath ?? folder.database };
  const access = {
    ...(url !== undefined && { url }),
    ...(url === undefined && storeUrlFile !== undefined && { urlFile: storeUrlFile }),
  };
  const { user, host, port, dbname } = await connectionWords({
    ...access,
    environment: process.env,
  });
  const { listWorkUnderWay } = await import('../stores/postgres-work.ts');
  const database = { ...access, ...(storeSchema && { schema: storeSchema }) };
  const work = await listWorkUnderWay(database, toHex(storeId));
  return {
    kind,
    work,
    place: `${user ? `${user}@` : ''}${host}:${port}${dbname ? `/${dbname}` : ''}`,
  };
}
