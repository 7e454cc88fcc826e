/** Comparing a copy with what it was copied from, byte for byte. */
import { equalBytes } from '../../bytes/octets.ts';
import type { Store } from '../../contracts/store.ts';
import { KeyStoreError } from '../../errors.ts';
import { isSameHead } from '../../signed-log/log-bounds.ts';
import { ARCHIVE_LIMITS, type Archive } from '../archive.ts';
import type { CopyOptions } from './copy-options.ts';
import { inPages, requireSameLeaves } from './copy-archive.ts';
import { countRecords, isSame, pagesOf, readPair } from './copy-records.ts';

interface Compared {
  readonly isEqual: boolean;
  readonly records: number;
}

/** @throws KeyStoreError STORE_DAMAGED where the copy has what the source has not, though that did not change; CANCELLED. */
export async function compareRecords(
  source: Store,
  target: Store,
  { signal, onProgress }: CopyOptions,
): Promise<Compared> {
  const total = await countRecords(source);
  let [isEqual, records] = [true, 0];
  for await (const ids of pagesOf(source)) {
    if (signal?.aborted) throw new KeyStoreError('CANCELLED');
    for (const { wanted, present } of await readPair(source, target, ids))
      if (!isSame(wanted, present)) isEqual = false;
    records += ids.length;
    onProgress?.({ step: 'comparing', done: records, total: Math.max(total, records) });
  }
  if ((await countRecords(target)) !== records) isEqual = false;
  return { isEqual, records };
}

/** @throws KeyStoreError as {@link compareRecords} does. */
export async function compareArchives(
  source: Archive,
  target: Archive,
  options: CopyOptions,
): Promise<Compared & { readonly entries: number }> {
  const head = await target.log.head();
  const { isEqual, records } = await compareRecords(source.store, target.store, options);
  if (head) await requireSameLeaves(source.log, target.log, head.size);
  const hasNodes = await hasSameNodes(source, target);
  // Only then: what was compared before is of this head, or of a later one.
  const isCurrent = isSameHead(await source.log.head(), head);
  if (isCurrent && !(isEqual && hasNodes))
    throw new KeyStoreError('STORE_DAMAGED', 'the copy is not what was written to it');
  return { isEqual: isCurrent, records, entries: head?.size ?? 0 };
}

/** Whether the copy has every node that the source has. */
async function hasSameNodes(source: Archive, target: Archive): Promise<boolean> {
  for await (const hashes of inPages(source.listNodes(), ARCHIVE_LIMITS.readNodes)) {
    const [theirs, own] = await Promise.all([source.readNodes(hashes), target.readNodes(hashes)]);
    const isSamePage = theirs.every((bytes, i) => {
      const copy = own[i];
      return !bytes || (copy !== undefined && equalBytes(bytes, copy));
    });
    if (!isSamePage) return false;
  }
  return true;
}
