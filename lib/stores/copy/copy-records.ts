/** Copying records from one store into another: each ends at the version that it has in the source. */
import { equalBytes } from '../../bytes/octets.ts';
import type { NewStoredRecord, Store, StoredRecord } from '../../contracts/store.ts';
import { KeyStoreError } from '../../errors.ts';
import type { CopyOptions } from './copy-options.ts';

/** @returns How many were written. */
export async function copyRecords(
  source: Store,
  target: Store,
  { signal, onProgress }: CopyOptions,
): Promise<number> {
  await refuseOthers(source, target);
  const total = await countRecords(source);
  let [done, written] = [0, 0];
  for await (const ids of pagesOf(source)) {
    if (signal?.aborted) throw new KeyStoreError('CANCELLED');
    written += await copyPage(source, target, ids);
    done += ids.length;
    onProgress?.({ step: 'copying', done, total: Math.max(total, done) });
  }
  return written;
}

export async function countRecords(store: Store): Promise<number> {
  let count = 0;
  for await (const _ of store.list()) count++;
  return count;
}

/** Ids, {@link PAGE} at a time. */
export async function* pagesOf(store: Store): AsyncGenerator<readonly string[]> {
  let page: string[] = [];
  for await (const { id } of store.list()) {
    page.push(id);
    if (page.length < PAGE) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

/** Records of which at least one side is there, read at once. */
export async function readPair(
  source: Store,
  target: Store,
  ids: readonly string[],
): Promise<{ id: string; wanted: StoredRecord | undefined; present: StoredRecord | undefined }[]> {
  return Promise.all(
    ids.map(async (id) => {
      const [wanted, present] = await Promise.all([source.get(id), target.get(id)]);
      return { id, wanted, present };
    }),
  );
}

export function isSame(a: StoredRecord | undefined, b: StoredRecord | undefined): boolean {
  if (!a || !b) return a === b;
  return a.version === b.version && equalBytes(a.bytes, b.bytes);
}

async function copyPage(source: Store, target: Store, ids: readonly string[]): Promise<number> {
  const pairs = await readPair(source, target, ids);
  const different = pairs.filter(({ wanted, present }) => wanted && !isSame(wanted, present));
  const created = new Set(await createFirst(target, different));
  for (const { id, wanted, present } of different) {
    const from = created.has(id) ? 1 : (present?.version ?? 0);
    await bringTo(target, { id, from, ...wanted! });
  }
  return different.length;
}

/** First versions of those that are not there, at once where the store can. */
async function createFirst(
  target: Store,
  pairs: readonly {
    id: string;
    wanted: StoredRecord | undefined;
    present: StoredRecord | undefined;
  }[],
): Promise<string[]> {
  const fresh: NewStoredRecord[] = pairs
    .filter(({ present }) => !present)
    .map(({ id, wanted }) => ({ id, bytes: wanted!.bytes }));
  if (fresh.length === 0 || !target.createAll) return [];
  const won = await target.createAll(fresh);
  return fresh.filter((_, i) => won[i]).map(({ id }) => id);
}

/** A store takes no version but the next, so those between are written too: with the bytes of the last. */
export async function bringTo(
  target: Store,
  { id, from, version, bytes }: StoredRecord & { readonly id: string; readonly from: number },
): Promise<void> {
  const isOther = from > version || version - from > MOST_VERSIONS;
  if (isOther) throw conflict(id);
  if (from === version && !isSame({ version, bytes }, await target.get(id))) throw conflict(id);
  for (let next = from + 1; next <= version; next++) await target.put(id, next, bytes);
}

/**
 * Nothing is removed: what the source does not have may be all that somebody has.
 *
 * @throws KeyStoreError STORE_CONFLICT
 */
export async function refuseOthers(source: Store, target: Store): Promise<void> {
  for await (const ids of pagesOf(target))
    for (const { id, wanted, present } of await readPair(source, target, ids))
      if (present && !wanted) throw conflict(id);
}

function conflict(id: string): KeyStoreError {
  return new KeyStoreError('STORE_CONFLICT', `the target has another record ${id}`, {
    hint: 'Copy into a store that is empty, or that was copied from this one.',
  });
}

const PAGE = 256;
/** A record is re-wrapped some times in its life; so many versions are another record. */
const MOST_VERSIONS = 1000;
