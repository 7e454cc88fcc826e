/** Where the archive of a home lies: keycask.json says it, but for what a database lets nobody in without. */
import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fromHex, toHex } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import type { OpenWork } from '../contracts/work-list.ts';
import { withFsErrors } from '../platform/fs-error.ts';
import type { Archive } from '../stores/archive.ts';
import type { DatabasePlace } from '../stores/postgres/open-database.ts';
import type { HomeConfiguration, HomeFolder } from './home-folder.ts';
import type { StoreChoice } from './types.ts';

/** Of a home on an archive, what keycask.json says beside the provider. */
export type ArchiveConfiguration = Pick<
  HomeConfiguration,
  'store' | 'storePath' | 'storeUrlFile' | 'storeSchema' | 'homeId'
>;

/** What a new home on an archive writes down; nothing for one whose records lie in its folder. */
export function describePlace(choice: StoreChoice | undefined): ArchiveConfiguration {
  if (!choice || choice.kind === 'directory') return {};
  const homeId = toHex(randomBytes(HOME_ID_LENGTH));
  if (choice.kind === 'lmdb')
    return { store: 'lmdb', homeId, ...(choice.path && { storePath: resolve(choice.path) }) };
  return {
    store: 'postgres',
    homeId,
    ...(choice.urlFile && { storeUrlFile: resolve(choice.urlFile) }),
    ...(choice.schema && { storeSchema: choice.schema }),
  };
}

/**
 * Opens the archive that keycask.json names.
 *
 * @param access - `storeId`: whose records these are. `storeUrl`: of PostgreSQL, where keycask.json names no file with it.
 * @throws KeyStoreError MODULE_MISSING, STORE_UNAVAILABLE, STORE_ACCESS_DENIED, STORE_DAMAGED, STORE_VERSION_UNSUPPORTED, PARAMETER_INVALID.
 */
export async function openArchive(
  folder: HomeFolder,
  { store, storePath, storeUrlFile, storeSchema }: ArchiveConfiguration,
  { storeId, storeUrl }: { readonly storeId: Uint8Array; readonly storeUrl?: string | undefined },
): Promise<Archive> {
  if (store === 'lmdb') {
    const { openLmdbArchive } = await import('../stores/lmdb.ts');
    return openLmdbArchive(storePath ?? folder.database);
  }
  const { openPostgresArchive } = await import('../stores/postgres.ts');
  const database = databaseOf({ storeUrlFile, storeSchema }, storeUrl);
  const opened = openPostgresArchive({ storeId: toHex(storeId), ...database });
  const isPlaceKnown = database.url !== undefined || database.urlFile !== undefined;
  return isPlaceKnown ? opened : opened.catch(tellNoUrl);
}

/** Without a URL the PG variables say where the database is, and where they say nothing it is this machine: seldom what was meant. */
function tellNoUrl(error: unknown): never {
  if (!KeyStoreError.is(error) || !PLACE_IS_WRONG.has(error.code)) throw error;
  throw new KeyStoreError(error.code, error.message, {
    hint: 'No URL says where the database of this home is: set KEYCASK_STORE_URL, or PGHOST, PGUSER, PGPASSWORD… If that is where it is, check that it runs.',
  });
}

/**
 * Opening an lmdb archive makes its file. Of a home that is there, or of a store that is joined, an empty new one would be of no use, and hide
 * that the right one is away: a disk that is not mounted, a file that was moved.
 *
 * @throws KeyStoreError FILE_NOT_FOUND
 */
export async function requireArchive(
  folder: HomeFolder,
  { store, storePath = folder.database }: ArchiveConfiguration,
): Promise<void> {
  if (store !== 'lmdb') return;
  const stats = await withFsErrors(storePath, () => stat(storePath)).catch((error: unknown) => {
    if (KeyStoreError.is(error) && error.code === 'FILE_NOT_FOUND') return undefined;
    throw error;
  });
  if (stats) return;
  throw new KeyStoreError('FILE_NOT_FOUND', `${storePath}: the file of the store is not there`, {
    hint: 'Mount its disk, or put it back. Where only a backup is left, put that in its place; then see `keycask store accept`.',
  });
}

/** Where processes share the work over all records of a home: the database that its archive lies in, or nowhere. */
export function workPlaceOf(
  configuration: ArchiveConfiguration,
  storeUrl: string | undefined,
): OpenWork | undefined {
  if (configuration.store !== 'postgres') return undefined;
  return async (request) => {
    const { postgresWork } = await import('../stores/postgres-work.ts');
    return postgresWork(databaseOf(configuration, storeUrl))(request);
  };
}

function databaseOf(
  {
    storeUrlFile,
    storeSchema,
  }: {
    readonly storeUrlFile?: string | undefined;
    readonly storeSchema?: string | undefined;
  },
  storeUrl: string | undefined,
): DatabasePlace {
  return {
    ...(storeUrl !== undefined && { url: storeUrl }),
    ...(storeUrl === undefined && storeUrlFile && { urlFile: storeUrlFile }),
    ...(storeSchema && { schema: storeSchema }),
  };
}

/** @throws KeyStoreError BLOB_MALFORMED */
export function homeIdOf(folder: HomeFolder, { homeId }: ArchiveConfiguration): Uint8Array {
  const bytes = homeId === undefined ? undefined : fromHex(homeId);
  if (bytes?.length === HOME_ID_LENGTH) return bytes;
  throw new KeyStoreError(
    'BLOB_MALFORMED',
    `${folder.configuration}: "homeId" has to be 32 lower-case hex digits`,
  );
}

const HOME_ID_LENGTH = 16;
const PLACE_IS_WRONG: ReadonlySet<string> = new Set(['STORE_UNAVAILABLE', 'STORE_ACCESS_DENIED']);
