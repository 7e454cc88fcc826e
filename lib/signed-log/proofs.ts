/**
 * Inclusion and consistency proofs of RFC 9162 section 2.1.3 and 2.1.4: which parts of a tree one consists of, and whether one holds.
 *
 * Verifying needs nothing but the proof and checkpoints: an auditor who has only a public key can do it.
 */
import { equalBytes } from '../bytes/octets.ts';
import { hashNode, HASH_LENGTH } from './merkle-hash.ts';
import { isOdd, shiftRight, splitOf, type LeafRange } from './tree-size.ts';

/** A tree: how many leaves, and the hash of all. */
export interface TreeHead {
  /** Leaves. */
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
}

/** Shows that a leaf is in a tree. */
export interface InclusionProof {
  /** Of the leaf, counted from 0. */
  readonly index: number;
  /** Of the tree. */
  readonly size: number;
  /** From the leaf up; at most 48. */
  readonly hashes: readonly Uint8Array[];
}

/** Shows that a tree begins with all the leaves of an older one. */
export interface ConsistencyProof {
  /** From 0 to `newerSize`. */
  readonly olderSize: number;
  /** Of the tree that it leads to. */
  readonly newerSize: number;
  /** At most 49. */
  readonly hashes: readonly Uint8Array[];
}

/**
 * Is the leaf at its place in the tree?
 *
 * @param proof - From anybody; false for one of another tree's size.
 * @param leafHash - What `hashLeaf` makes of the leaf.
 * @param head - Of a checkpoint that was verified.
 */
export function verifyInclusion(
  proof: InclusionProof,
  leafHash: Uint8Array,
  head: TreeHead,
): boolean {
  const { index, size, hashes } = proof;
  if (size !== head.size || !isPlaceIn(index, size) || !areHashes([leafHash, ...hashes]))
    return false;
  let place = index;
  let last = size - 1;
  let root = leafHash;
  for (const hash of hashes) {
    if (last === 0) return false;
    if (isOdd(place) || place === last) {
      root = hashNode(hash, root);
      while (!isOdd(place) && place !== 0)
        [place, last] = [shiftRight(place, 1), shiftRight(last, 1)];
    } else root = hashNode(root, hash);
    [place, last] = [shiftRight(place, 1), shiftRight(last, 1)];
  }
  return last === 0 && equalBytes(root, head.root);
}

/**
 * Does the newer tree begin with all the leaves of the older one?
 *
 * @param proof - From anybody; false for one between trees of other sizes.
 * @param older - Of a checkpoint that was verified.
 * @param newer - Of another one.
 */
export function verifyConsistency(
  proof: ConsistencyProof,
  older: TreeHead,
  newer: TreeHead,
): boolean {
  const { olderSize, newerSize, hashes } = proof;
  if (olderSize !== older.size || newerSize !== newer.size || !areHashes(hashes)) return false;
  if (!Number.isSafeInteger(newerSize) || !(olderSize >= 0 && olderSize <= newerSize)) return false;
  if (olderSize === newerSize) return hashes.length === 0 && equalBytes(older.root, newer.root);
  // Everything begins with nothing.
  if (olderSize === 0) return hashes.length === 0;
  const path = isPowerOfTwo(olderSize) ? [older.root, ...hashes] : hashes;
  const [first, ...rest] = path;
  if (!first) return false;
  let place = olderSize - 1;
  let last = newerSize - 1;
  while (isOdd(place)) [place, last] = [shiftRight(place, 1), shiftRight(last, 1)];
  let [olderRoot, newerRoot] = [first, first];
  for (const hash of rest) {
    if (last === 0) return false;
    if (isOdd(place) || place === last) {
      olderRoot = hashNode(hash, olderRoot);
      newerRoot = hashNode(hash, newerRoot);
      while (!isOdd(place) && place !== 0)
        [place, last] = [shiftRight(place, 1), shiftRight(last, 1)];
    } else newerRoot = hashNode(newerRoot, hash);
    [place, last] = [shiftRight(place, 1), shiftRight(last, 1)];
  }
  return last === 0 && equalBytes(olderRoot, older.root) && equalBytes(newerRoot, newer.root);
}

/**
 * The parts of a tree whose roots are the inclusion proof of a leaf, from the leaf up: PATH of RFC 9162 section 2.1.3.1.
 *
 * @param index - Less than `size`.
 */
export function inclusionRanges(index: number, size: number): LeafRange[] {
  const ranges: LeafRange[] = [];
  let [first, end] = [0, size];
  while (end - first > 1) {
    const middle = first + splitOf(end - first);
    if (index < middle) {
      ranges.push({ first: middle, end });
      end = middle;
    } else {
      ranges.push({ first, end: middle });
      first = middle;
    }
  }
  return ranges.toReversed();
}

/**
 * The parts of the newer tree whose roots are the consistency proof: SUBPROOF of RFC 9162 section 2.1.4.1.
 *
 * @param olderSize - From 0 to `newerSize`.
 */
export function consistencyRanges(olderSize: number, newerSize: number): LeafRange[] {
  if (olderSize === 0) return [];
  const ranges: LeafRange[] = [];
  let [first, end] = [0, newerSize];
  while (end !== olderSize) {
    const middle = first + splitOf(end - first);
    if (olderSize <= middle) {
      ranges.push({ first: middle, end });
      end = middle;
    } else {
      ranges.push({ first, end: middle });
      first = middle;
    }
  }
  // What begins at 0 is the older tree itself, whose root the verifier has.
  if (first !== 0) ranges.push({ first, end });
  return ranges.toReversed();
}

function isPlaceIn(index: number, size: number): boolean {
  return Number.isSafeInteger(size) && Number.isInteger(index) && index >= 0 && index < size;
}

function isPowerOfTwo(size: number): boolean {
  return size === 1 || splitOf(size) * 2 === size;
}

function areHashes(hashes: readonly Uint8Array[]): boolean {
  return hashes.every(({ length }) => length === HASH_LENGTH);
}
