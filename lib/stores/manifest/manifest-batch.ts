/** Several manifest entries at once: each signed over the one before it, all written by one write(). */
import { setImmediate } from 'node:timers/promises';
import { KeyStoreError } from '../../errors.ts';
import type { SigningIdentity } from '../../messages/sign-message.ts';
import type { ManifestHead } from './manifest-chain.ts';
import { signManifestEntry, type ManifestChange, type ManifestEntry } from './manifest-entry.ts';
import { encodeManifestLine } from './manifest-line.ts';

/** Who signs entries, and when. */
export interface EntryAuthor {
  readonly identity: SigningIdentity;
  readonly clock: () => Date;
}

/** What entries are signed for: where they go, and by whom. */
export interface BatchPlace {
  readonly storeId: Uint8Array;
  readonly head: ManifestHead;
  readonly identity: SigningIdentity;
  readonly signingTime: Date;
}

/** Changes that can be entered in one go: those of a record that comes twice wait for the first. */
export function batchOf(changes: readonly ManifestChange[]): ManifestChange[] {
  const ids = new Set<string>();
  const batch: ManifestChange[] = [];
  for (const change of changes.slice(0, ENTRIES_AT_ONCE)) {
    const id = change.kind === 'trust' ? 'trust' : change.id;
    // After a change of the trust another key may sign.
    if (ids.has(id) || ids.has('trust')) break;
    ids.add(id);
    batch.push(change);
  }
  return batch;
}

/** Signs entries that follow each other, the first of them `place.head`. */
export async function signBatch(
  changes: readonly ManifestChange[],
  { storeId, head, identity, signingTime }: BatchPlace,
): Promise<ManifestEntry[]> {
  const entries: ManifestEntry[] = [];
  let last: ManifestHead = head;
  for (const change of changes) {
    const place = { storeId, index: last.index + 1, prev: last.hash };
    const fields = { ...place, signerKeyId: identity.keyId, change };
    const entry = await signManifestEntry(identity, fields, signingTime);
    entries.push(entry);
    last = entry;
    if (entries.length % SIGNATURES_AT_ONCE === 0) await setImmediate();
  }
  return entries;
}

/** A write() that had no room for all lines. */
export interface ShortWrite {
  readonly error: KeyStoreError;
  /** Is an entry in the file, or will it be as soon as something follows? */
  readonly mayCount: boolean;
}

/**
 * Writes entries by one write().
 *
 * @param append - Answers how many bytes it wrote.
 * @returns undefined where all are written.
 */
export function writeBatch(
  entries: readonly ManifestEntry[],
  append: (lines: string) => number,
  path: string,
): ShortWrite | undefined {
  const lines = entries.map(({ der }) => encodeManifestLine(der));
  const text = lines.join('');
  const written = append(text);
  if (written === text.length) return undefined;
  const error = new KeyStoreError('STORAGE_FULL', `${path}: no room for an entry`);
  // A line that lacks nothing but its newline becomes an entry by what the next writer appends.
  return { error, mayCount: written >= lines[0]!.length - 1 };
}

/** Entries of one write: some 30 KB. */
const ENTRIES_AT_ONCE = 64;
/** Signatures between two moments in which the program can do something else. */
const SIGNATURES_AT_ONCE = 16;
