/** Makes a store do what the manifest already says, together with every other process that does the same. */
import type { Store } from '../../contracts/store.ts';
import { KeyStoreError } from '../../errors.ts';

/** Each try that fails is another process that got further. */
const MAX_TRIES = 1000;

/**
 * Brings the store to `version`. Versions that it never got are filled in on the way: nobody believes them.
 *
 * @returns Whether this process wrote the last one, so that it is known to be durable.
 */
export async function bringTo(
  store: Store,
  id: string,
  version: number,
  bytes: Uint8Array,
): Promise<boolean> {
  const put = (next: number) => hasWon(store.put(id, next, bytes));
  if (await put(version)) return true;
  const present = (await store.get(id))?.version ?? 0;
  let isOurs = false;
  for (let next = present + 1; next <= version; next++) isOurs = await put(next);
  return isOurs;
}

/** Leaves a tombstone for what the store has below `version`; what is above it was written after the deletion. */
export async function bury(store: Store, id: string, version: number): Promise<void> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const stored = await store.get(id);
    if (!stored || stored.version >= version) return;
    if (await hasWon(store.delete(id, stored.version + 1))) return;
  }
}

async function hasWon(change: Promise<void>): Promise<boolean> {
  try {
    await change;
    return true;
  } catch (error) {
    if (KeyStoreError.is(error) && error.code === 'STORE_CONFLICT') return false;
    throw error;
  }
}
