/** Reads the entries of a chain again from its file: the chain itself keeps only their hashes. */
import { KeyStoreError } from '../../errors.ts';
import type { ManifestChain } from './manifest-chain.ts';
import type { ManifestEntry } from './manifest-entry.ts';
import type { ManifestFile } from './manifest-file.ts';
import { decodeManifestLine } from './manifest-line.ts';

interface Page {
  readonly entries: readonly ManifestEntry[];
  /** Where the next page begins. */
  readonly end: number;
}

const ENTRIES_AT_ONCE = 256;

/**
 * The entries that count, oldest first, up to the present head.
 *
 * @throws KeyStoreError MANIFEST_ROLLED_BACK where the file no longer has one.
 */
export async function* entriesOf(
  file: ManifestFile,
  chain: ManifestChain,
): AsyncGenerator<ManifestEntry> {
  const { index: total } = chain.head;
  let from = 0;
  for (let done = 0; done < total;) {
    const { entries, end } = await readPage(file, from, (entry, taken) => {
      return entry.index === done + taken + 1 && entry.index <= total && chain.has(entry);
    });
    if (entries.length === 0)
      throw new KeyStoreError(
        'MANIFEST_ROLLED_BACK',
        `manifest entry ${done + 1} is no longer there`,
      );
    yield* entries;
    done += entries.length;
    from = end;
  }
}

async function readPage(
  file: ManifestFile,
  from: number,
  isWanted: (entry: ManifestEntry, taken: number) => boolean,
): Promise<Page> {
  const entries: ManifestEntry[] = [];
  let end = from;
  await file.readLines(from, ({ text, at }) => {
    end = at + text.length;
    const entry = decodeManifestLine(text);
    if (entry && isWanted(entry, entries.length)) entries.push(entry);
    return entries.length < ENTRIES_AT_ONCE;
  });
  return { entries, end };
}
