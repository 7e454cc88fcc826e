/** Decoders of signed logs, and of what a log over records has: its leaves, and the nodes of its map. */
import { decodeNode, encodeNode, RADIX, type MapSlot } from '../../../lib/merkle-map/map-node.ts';
import { decodeCheckpoint, encodeCheckpoint } from '../../../lib/signed-log/checkpoint.ts';
import {
  decodeJournalEntry,
  encodeJournalEntry,
} from '../../../lib/signed-log/file/journal-entry.ts';
import {
  decodeConsistencyProof,
  decodeInclusionProof,
  encodeConsistencyProof,
  encodeInclusionProof,
} from '../../../lib/signed-log/index.ts';
import { decodeLoggedLeaf, signLoggedLeaf } from '../../../lib/stores/logged/logged-leaf.ts';
import { testIdentity } from '../signing-identity.ts';
import { decoder, type Decoder } from './decoder.ts';

const bytes = (length: number, first = 1): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => first + i);
const HASHES = [bytes(32), bytes(32, 9)];

/** An entry that takes the log from `size` leaves on. */
function entry(size: number, leaves: readonly Uint8Array[]): Uint8Array {
  const gained = (level: number): number =>
    Math.floor((size + leaves.length) / 256 ** level) - Math.floor(size / 256 ** level);
  return encodeJournalEntry({
    sequence: 7,
    prev: bytes(32),
    nonce: bytes(16),
    size,
    offset: 3 * size,
    leaves,
    nodes: Array.from({ length: 6 }, (_, level) => bytes(32 * gained(level))),
    checkpoint: bytes(40),
  });
}

const ID = '000102030405060708090a0b0c0d0e0f';
const SIGNER = await testIdentity('p-256');
const LEAVES = await Promise.all(
  (
    [
      { kind: 'put', id: ID, version: 1, sha256: bytes(32), label: 'reports' },
      { kind: 'delete', id: ID, version: 2 },
      { kind: 'trust', version: 3, sha256: bytes(32) },
    ] as const
  ).map((change) =>
    signLoggedLeaf(
      SIGNER,
      { storeId: bytes(16), homeId: bytes(16, 3), change, state: bytes(32) },
      new Date('2026-09-21T14:13:20Z'),
    ),
  ),
);

/** A node with these slots. */
function node(slots: Readonly<Record<number, MapSlot>>): Uint8Array {
  return encodeNode({ slots: Array.from({ length: RADIX }, (_, slot) => slots[slot]) });
}

export const SIGNED_LOG_DECODERS: readonly Decoder[] = [
  decoder('Checkpoint', {
    decode: decodeCheckpoint,
    encode: encodeCheckpoint,
    samples: () =>
      [1, 300, 2 ** 48 - 1].map((size) =>
        encodeCheckpoint({ logId: bytes(16), size, root: bytes(32) }),
      ),
  }),
  decoder('InclusionProof', {
    decode: decodeInclusionProof,
    encode: encodeInclusionProof,
    samples: () => [
      encodeInclusionProof({ index: 0, size: 1, hashes: [] }),
      encodeInclusionProof({ index: 2, size: 4, hashes: HASHES }),
    ],
  }),
  decoder('ConsistencyProof', {
    decode: decodeConsistencyProof,
    encode: encodeConsistencyProof,
    samples: () => [
      encodeConsistencyProof({ olderSize: 0, newerSize: 0, hashes: [] }),
      encodeConsistencyProof({ olderSize: 2, newerSize: 700, hashes: HASHES }),
    ],
  }),
  decoder('LoggedLeaf', {
    decode: decodeLoggedLeaf,
    encode: ({ der }) => der,
    samples: () => LEAVES.map(({ der }) => der),
  }),
  decoder('MapNode', {
    decode: decodeNode,
    encode: encodeNode,
    samples: () => [
      node({ 0: { key: bytes(32), value: bytes(1) } }),
      node({ 3: { hash: bytes(32) }, 15: { hash: bytes(32, 7) } }),
      node({ 1: { key: bytes(32, 16), value: bytes(60) }, 8: { hash: bytes(32) } }),
    ],
  }),
  decoder('JournalEntry', {
    decode: decodeJournalEntry,
    encode: encodeJournalEntry,
    samples: () => [
      entry(0, [bytes(3)]),
      entry(255, [bytes(1), new Uint8Array(0)]),
      entry(65_535, [bytes(2)]),
    ],
  }),
];
