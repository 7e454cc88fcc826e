/**
 * Keys that were made elsewhere, many at once: a migration brings them in.
 *
 * They are stored in chunks, and while one chunk is entered in the manifest, whose signatures have to be made one after another, the next
 * is sealed.
 */
import { availableParallelism } from 'node:os';
import { toHex } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import { RandomPool } from '../keys/random-pool.ts';
import type { SecretBytes } from '../keys/secret-bytes.ts';
import type { Home } from './home.ts';
import {
  MAX_ATTEMPTS,
  openStored,
  sealForeign,
  type ForeignKeyFacts,
  type SealingOptions,
} from './keys.ts';
import type { ChangeAuthor } from './record-shelf.ts';

/** A key that was made elsewhere, under the id that it is to have: whoever brings it twice gets one record. */
export interface ForeignKey extends ForeignKeyFacts {
  readonly recordId: Uint8Array;
  /** Read, not kept. */
  readonly secret: SecretBytes;
}

/** What became of one. */
export interface StoredForeignKey {
  /** Record id in hex. */
  readonly id: string;
  /** `present`: the store had it already; `removed`: it had it, and somebody removed it, which is not undone. */
  readonly state: 'stored' | 'present' | 'removed';
  /** 32 bytes: proves, without telling the key, which one the record holds. */
  readonly commitment: Uint8Array | undefined;
}

/** A record that is not yet in the store. */
interface SealedKey {
  readonly id: string;
  readonly label: string;
  readonly bytes: Uint8Array;
  /** As the record says it, read back. */
  readonly commitment: Uint8Array | undefined;
}

/**
 * Stores keys; those whose id the store has are looked at and left alone.
 *
 * @throws KeyStoreError What storing and opening throws. Some may be stored.
 */
export async function importForeignKeys(
  home: Home,
  keys: readonly ForeignKey[],
): Promise<StoredForeignKey[]> {
  await home.refresh();
  const fresh = new Map(keys.map((key) => [toHex(key.recordId), key]));
  for (const id of fresh.keys())
    if ((await home.shelf.lastVersion(id)) !== undefined) fresh.delete(id);
  const made = await storeAll(home, [...fresh.values()]);
  const stored: StoredForeignKey[] = [];
  for (const { recordId } of keys) {
    const id = toHex(recordId);
    const sealed = made.get(id);
    if (sealed) stored.push({ id, state: 'stored', commitment: sealed.commitment });
    else stored.push(await present(home, id));
    // The same key twice: the second time it is there.
    made.delete(id);
  }
  return stored;
}

/** Answers what was stored, by id. Where another process rotated the container meanwhile, the rest is sealed again for the new one. */
async function storeAll(home: Home, keys: readonly ForeignKey[]): Promise<Map<string, SealedKey>> {
  const stored = new Map<string, SealedKey>();
  let left = keys;
  for (let attempt = 1; left.length > 0; attempt++) {
    try {
      await storeChunks(home, left, stored);
      return stored;
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || !KeyStoreError.is(error) || error.code !== 'STORE_CONFLICT')
        throw error;
    }
    await home.refresh();
    const missing: ForeignKey[] = [];
    for (const key of left)
      if ((await home.shelf.lastVersion(toHex(key.recordId))) === undefined) missing.push(key);
    left = missing;
  }
  return stored;
}

async function storeChunks(
  home: Home,
  keys: readonly ForeignKey[],
  stored: Map<string, SealedKey>,
): Promise<void> {
  let next = sealChunk(home, keys.slice(0, CHUNK));
  try {
    for (let at = 0; at < keys.length; at += CHUNK) {
      const { sealed, author } = await next;
      next = sealChunk(home, keys.slice(at + CHUNK, at + 2 * CHUNK));
      // Its failure is seen where it is awaited.
      next.catch(() => undefined);
      const counts = await home.shelf.putAll(sealed, author);
      for (const [i, key] of sealed.entries()) if (counts[i]) stored.set(key.id, key);
    }
  } finally {
    // Nobody reads a secret any more once this is left.
    await next.catch(() => undefined);
  }
}

/** Seals some more at once than there are cores: a signature that is ready does not wait for this thread with a core idle. */
async function sealChunk(
  home: Home,
  keys: readonly ForeignKey[],
): Promise<{ sealed: SealedKey[]; author: ChangeAuthor }> {
  // Whoever seals them enters them: one container for all, whatever is rotated meanwhile.
  const container = await home.container();
  const author = { identity: container.identity, clock: () => home.now() };
  using random = new RandomPool();
  const sealing = { container, random: (target: Uint8Array) => random.into(target) };
  const sealed: SealedKey[] = [];
  const left = keys.entries();
  const work = async (): Promise<void> => {
    for (const [i, key] of left) sealed[i] = await seal(home, key, sealing);
  };
  await Promise.all(Array.from({ length: 2 * availableParallelism() }, work));
  return { sealed, author };
}

async function seal(home: Home, foreign: ForeignKey, sealing: SealingOptions): Promise<SealedKey> {
  const { bytes, metadata } = await sealForeign(home, foreign.secret, foreign, sealing);
  const { recordId, label, commitment } = metadata;
  return { id: toHex(recordId), label, bytes, commitment };
}

async function present(home: Home, id: string): Promise<StoredForeignKey> {
  if (!(await home.shelf.find(id))) return { id, state: 'removed', commitment: undefined };
  const made = await openStored(home, id);
  using sessionKey = made.key;
  return { id, state: 'present', commitment: sessionKey.commitment };
}

/** Records that one look into each folder, and one fsync of it, does for. */
const CHUNK = 1024;
