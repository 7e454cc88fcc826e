/** A store or an archive that outlives its process, named in one argument of a program. */
import type { Store } from '../../lib/contracts/store.ts';
import type { Archive } from '../../lib/stores/archive.ts';
import { openLmdbArchive, openLmdbStore } from '../../lib/stores/lmdb.ts';
import { openPostgresArchive, openPostgresStore } from '../../lib/stores/postgres.ts';

export type StorePlace =
  | { readonly kind: 'lmdb'; readonly path: string }
  | { readonly kind: 'postgres'; readonly url: string; readonly storeId: string };

export function openStoreAt(place: StorePlace): Promise<Store> {
  if (place.kind === 'lmdb') return openLmdbStore(place.path);
  const { url, storeId } = place;
  return openPostgresStore({ url, storeId, connections: 2, retryMs: 120_000 });
}

export function openArchiveAt(place: StorePlace): Promise<Archive> {
  if (place.kind === 'lmdb') return openLmdbArchive(place.path);
  const { url, storeId } = place;
  return openPostgresArchive({ url, storeId, connections: 2, retryMs: 120_000 });
}

/** What is stored as a version: tells whose it is, and is whole or not. */
export function contentOf(id: string, version: number, writer: string): Uint8Array {
  const head = `${id} ${version} ${writer} `;
  // Some in a page of the file, some over many, some outside the row.
  const length = [200, 1024, 3000, 20_000][version % 4]!;
  return new TextEncoder().encode(head.padEnd(length, head));
}

/** @returns The writer; undefined where the bytes are not those of a version of `id`, or not all of them. */
export function writerOf(id: string, version: number, bytes: Uint8Array): string | undefined {
  const writer = new TextDecoder().decode(bytes).split(' ', 3)[2] ?? '';
  return Buffer.from(contentOf(id, version, writer)).equals(bytes) ? writer : undefined;
}
