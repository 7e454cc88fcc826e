/**
 * Copying a store or an archive into another one, of whatever kind. What is there already is not written again, so a copy that was interrupted
 * goes on, and an older copy is brought up to date; at the end both are compared, byte for byte.
 */
import type { Store } from '../contracts/store.ts';
import { KeyStoreError } from '../errors.ts';
import type { Archive } from './archive.ts';
import { compareArchives, compareRecords } from './copy/compare.ts';
import { copyArchive } from './copy/copy-archive.ts';
import type { CopyOptions } from './copy/copy-options.ts';
import { copyRecords } from './copy/copy-records.ts';

export type { CopyOptions, CopyProgress } from './copy/copy-options.ts';

/** Records alone, or records with the signed log over them. */
export type CopyEnd = Store | Archive;

/** What the copy has now. */
export interface CopySummary {
  readonly records: number;
  /** Of them, those that this call wrote. */
  readonly written: number;
  /** Entries of the log; 0 of a store without one. */
  readonly entries: number;
}

/**
 * Makes `target` what `source` is. Others may write to the source meanwhile: then it is gone through again.
 *
 * The target has to be empty, or an earlier copy of the source. While an archive is being copied it cannot be opened as a home's: its newest
 * checkpoint comes last.
 *
 * @throws KeyStoreError STORE_CONFLICT where the target has what is not from the source, or the source changes faster than it is copied; NOT_SUPPORTED
 *   where the source has a log and the target can keep none; STORE_DAMAGED where the copy is not what was written; CANCELLED; what both throw.
 */
export async function copyStore(
  source: CopyEnd,
  target: CopyEnd,
  options: CopyOptions = {},
): Promise<CopySummary> {
  let written = 0;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const copied = await copyOnce(source, target, options);
    written += copied.written;
    if (copied.isEqual) return { records: copied.records, written, entries: copied.entries };
  }
  throw new KeyStoreError('STORE_CONFLICT', 'the source changes faster than it can be copied', {
    hint: 'Run it again while fewer others write: it goes on where it ended.',
  });
}

interface CopiedOnce extends CopySummary {
  /** False where the source changed meanwhile. */
  readonly isEqual: boolean;
}

async function copyOnce(
  source: CopyEnd,
  target: CopyEnd,
  options: CopyOptions,
): Promise<CopiedOnce> {
  if (isArchive(source) && isArchive(target)) {
    const head = await source.log.head();
    if (head || (await target.log.head())) {
      const written = await copyArchive(source, target, options);
      return { written, ...(await compareArchives(source, target, options)) };
    }
  }
  for (const end of [source, target])
    if (isArchive(end) && (await end.log.head()))
      throw new KeyStoreError(
        'NOT_SUPPORTED',
        'a signed log says what is current in one of the two, and the other keeps none',
        { hint: 'Copy it into an lmdb or postgres store.' },
      );
  const [from, to] = [recordsOf(source), recordsOf(target)];
  const written = await copyRecords(from, to, options);
  return { written, entries: 0, ...(await compareRecords(from, to, options)) };
}

function isArchive(end: CopyEnd): end is Archive {
  return 'log' in end;
}

function recordsOf(end: CopyEnd): Store {
  return isArchive(end) ? end.store : end;
}

const MAX_ROUNDS = 10;
