/** Decoders of signed logs. */
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
