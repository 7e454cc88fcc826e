/**
 * An entry of a file log's journal: one append, and what it follows.
 *
 *   JournalEntry ::= SEQUENCE {
 *     version INTEGER (1), sequence INTEGER (1..), prev OCTET STRING (32), nonce OCTET STRING (16),
 *     size INTEGER, offset INTEGER,
 *     leaves SEQUENCE (SIZE (1..1024)) OF OCTET STRING (SIZE (0..131072)),
 *     nodes SEQUENCE (SIZE (6)) OF OCTET STRING, checkpoint OCTET STRING (SIZE (1..32768)) }
 *
 * prev is the SHA-256 of the entry before, zeros in the first; size and offset are the leaves before it, and their bytes.
 */
import { createHash } from 'node:crypto';
import { DerReader } from '../../bytes/der-reader.ts';
import { TAG } from '../../bytes/der-tags.ts';
import { integer, octetString, sequence } from '../../bytes/der-writer.ts';
import { plainBytes } from '../../bytes/octets.ts';
import { nodesGained } from '../log-bounds.ts';
import { LOG_LIMITS, TILE_LEVELS } from '../log-storage.ts';
import { HASH_LENGTH } from '../merkle-hash.ts';
import { MAX_TREE_SIZE } from '../tree-size.ts';

export interface JournalEntry {
  /** Counted from 1. */
  readonly sequence: number;
  readonly prev: Uint8Array;
  /** Random: two processes that append the same make two entries. */
  readonly nonce: Uint8Array;
  /** Leaves before it. */
  readonly size: number;
  /** Bytes of the leaves before it. */
  readonly offset: number;
  readonly leaves: readonly Uint8Array[];
  readonly nodes: readonly Uint8Array[];
  readonly checkpoint: Uint8Array;
}

/** Longer than any entry: the leaves, 6 bytes around each, and a hash for each. */
export const MAX_ENTRY_BYTES = LOG_LIMITS.appendBytes + 64 * LOG_LIMITS.appendLeaves + (1 << 16);
/** An integer of DER has 48 bits here; so many bytes are 256 TiB. */
const MAX_OFFSET = 2 ** 48 - 1;
const VERSION = integer(1);
const DIGEST = { min: HASH_LENGTH, max: HASH_LENGTH };
const NONCE = { min: 16, max: 16 };

export function encodeJournalEntry(entry: JournalEntry): Uint8Array {
  const { leaves, nodes } = entry;
  return sequence(
    VERSION,
    integer(entry.sequence),
    octetString(entry.prev),
    octetString(entry.nonce),
    integer(entry.size),
    integer(entry.offset),
    sequence(...leaves.map((leaf) => octetString(leaf))),
    sequence(...nodes.map((hashes) => octetString(hashes))),
    octetString(entry.checkpoint),
  );
}

/** @throws BlobFormatError BLOB_MALFORMED, BLOB_VERSION_UNSUPPORTED */
export function decodeJournalEntry(der: Uint8Array): JournalEntry {
  const outer = new DerReader(der, 'JournalEntry');
  const r = outer.enter(TAG.SEQUENCE, 'JournalEntry');
  outer.end();
  r.expect(VERSION, 'version', 'BLOB_VERSION_UNSUPPORTED');
  const place = r.integer('sequence', { min: 1, max: MAX_TREE_SIZE });
  const prev = r.octets('prev', DIGEST);
  const nonce = r.octets('nonce', NONCE);
  const size = r.integer('size', { max: MAX_TREE_SIZE - 1 });
  const offset = r.integer('offset', { max: MAX_OFFSET });
  const leaves = readLeaves(r, size);
  const nodes = readNodes(r, size, size + leaves.length);
  const checkpoint = r.octets('checkpoint', { min: 1, max: LOG_LIMITS.checkpointBytes });
  r.end();
  return { sequence: place, prev, nonce, size, offset, leaves, nodes, checkpoint };
}

/** What the next entry's `prev` is. */
export function digestOf(der: Uint8Array): Uint8Array {
  return plainBytes(createHash('sha256').update(der).digest());
}

function readLeaves(r: DerReader, size: number): Uint8Array[] {
  const list = r.enter(TAG.SEQUENCE, 'leaves');
  const leaves: Uint8Array[] = [];
  const most = Math.min(LOG_LIMITS.appendLeaves, MAX_TREE_SIZE - size);
  let bytes = 0;
  while (list.peek() !== -1) {
    if (leaves.length === most) list.fail('leaves', `want at most ${most}`);
    const leaf = list.octets('leaf', { max: LOG_LIMITS.leafBytes });
    bytes += leaf.length;
    if (bytes > LOG_LIMITS.appendBytes)
      list.fail('leaves', `want at most ${LOG_LIMITS.appendBytes} bytes`);
    leaves.push(leaf);
  }
  if (leaves.length === 0) list.fail('leaves', 'want at least one');
  return leaves;
}

function readNodes(r: DerReader, size: number, grown: number): Uint8Array[] {
  const list = r.enter(TAG.SEQUENCE, 'nodes');
  const nodes: Uint8Array[] = [];
  for (let level = 0; level < TILE_LEVELS; level++) {
    const length = nodesGained(size, grown, level) * HASH_LENGTH;
    nodes.push(list.octets('nodes', { min: length, max: length }));
  }
  list.end();
  return nodes;
}
