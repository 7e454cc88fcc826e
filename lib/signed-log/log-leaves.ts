/** The leaves of a log, each checked against the tree that a checkpoint is over. */
import { equalBytes } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import { TILE_WIDTH, type LogStorage } from './log-storage.ts';
import { hashLeaf, HASH_LENGTH } from './merkle-hash.ts';
import type { LeafRange } from './tree-size.ts';
import type { VerifiedTree } from './verified-tree.ts';

/** A leaf that is in the log. */
export interface LogLeaf {
  /** Counted from 0. */
  readonly index: number;
  /** The caller owns them. */
  readonly bytes: Uint8Array;
}

/** @throws KeyStoreError LOG_TRUNCATED, LOG_DAMAGED, PARAMETER_INVALID, and what the storage throws. */
export async function* leavesOf(
  storage: Pick<LogStorage, 'readLeaves'>,
  tree: VerifiedTree,
  { first, end }: LeafRange,
): AsyncGenerator<LogLeaf> {
  checkRange({ first, end }, tree);
  for (let at = first; at < end;) {
    const tile = Math.floor(at / TILE_WIDTH);
    const hashes = await tree.leafHashes(tile);
    const count = Math.min(end, (tile + 1) * TILE_WIDTH) - at;
    const leaves = await storage.readLeaves(at, count);
    if (leaves.length === 0)
      throw new KeyStoreError('LOG_TRUNCATED', `the log no longer has leaf ${at}`);
    for (const bytes of leaves.slice(0, count)) {
      const hash = hashes.subarray((at % TILE_WIDTH) * HASH_LENGTH).subarray(0, HASH_LENGTH);
      if (!equalBytes(hashLeaf(bytes), hash))
        throw new KeyStoreError('LOG_DAMAGED', `leaf ${at} of the log was changed`);
      yield { index: at, bytes };
      at++;
    }
  }
}

/** @throws KeyStoreError PARAMETER_INVALID */
export function checkRange({ first, end }: LeafRange, { head }: VerifiedTree): void {
  const isRange = Number.isInteger(first) && Number.isInteger(end) && first >= 0 && first <= end;
  if (!isRange || end > head.size)
    throw new KeyStoreError('PARAMETER_INVALID', `the log has ${head.size} leaves`);
}
