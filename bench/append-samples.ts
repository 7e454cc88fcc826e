/** Appends as a home makes them: one signed leaf, records of real size, and the map nodes that they change. */
import { randomBytes } from 'node:crypto';
import type { LogAppend, LogHead } from '../lib/signed-log/index.ts';
import { newId } from './store-sides.ts';

/** Bytes of a record of a P-256 container, of its part of a leaf, of a checkpoint, of a map node with 16 hashes. */
const RECORD_BYTES = 1400;
const LEAF_BYTES = 450;
const LISTED_BYTES = 80;
const CHECKPOINT_BYTES = 900;
const NODE_BYTES = 540;
const NODES_ABOVE = 6;

/** An append of one leaf with so many new records. Signatures and hashes are random bytes: a storage does not look at them. */
export function appendOf(after: LogHead | undefined, records: number): LogAppend {
  const size = after?.size ?? 0;
  const nodes = Array.from({ length: 6 }, (_, level) => {
    const gained = Math.floor((size + 1) / 256 ** level) - Math.floor(size / 256 ** level);
    return randomBytes(32 * gained);
  });
  return {
    after,
    leaves: [randomBytes(LEAF_BYTES + LISTED_BYTES * (records - 1))],
    nodes,
    checkpoint: randomBytes(CHECKPOINT_BYTES),
    along: {
      records: Array.from({ length: records }, () => ({
        id: newId(),
        version: 1,
        bytes: randomBytes(RECORD_BYTES),
      })),
      // A record and its label, each under a leaf of the map and the node above it; the nodes further up are shared.
      mapNodes: Array.from({ length: 3 * records + NODES_ABOVE }, () => ({
        hash: randomBytes(32),
        bytes: randomBytes(NODE_BYTES),
      })),
    },
  };
}

/** The head after it. */
export function headAfter({ after, leaves, checkpoint }: LogAppend): LogHead {
  return { size: (after?.size ?? 0) + leaves.length, checkpoint };
}
