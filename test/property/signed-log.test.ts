/** Laws of signed logs: the tree is that of the RFC's own definitions, proofs hold where they should, and nothing else does. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeCheckpoint, encodeCheckpoint } from '../../lib/signed-log/checkpoint.ts';
import {
  decodeConsistencyProof,
  decodeInclusionProof,
  encodeConsistencyProof,
  encodeInclusionProof,
  hashLeaf,
  verifyConsistency,
  verifyInclusion,
  type ConsistencyProof,
  type InclusionProof,
} from '../../lib/signed-log/index.ts';
import { KeyStoreError } from '../../lib/errors.ts';
import {
  flipped,
  logOf,
  naivePath,
  naiveProof,
  naiveRoot,
  openLog,
  AUTHOR,
  someLeaves,
} from '../support/signed-log.ts';

const RUNS = process.env.SLOW ? 2000 : 100;
/** More than two tiles, so that the borders of tiles are crossed. */
const MOST = 600;
const LEAVES = someLeaves(MOST);
const { log: LOG } = await logOf(LEAVES);
const headAt = (size: number) => ({ size, root: naiveRoot(LEAVES.slice(0, size)) });
const size = fc.oneof(
  fc.integer({ min: 1, max: MOST }),
  fc.constantFrom(1, 2, 3, 4, 7, 8, 9, 255, 256, 257, 511, 512, 513, MOST),
);
/** A leaf of a tree, or an older tree of a newer one. */
const place = size.chain((newer) => fc.tuple(fc.nat({ max: newer - 1 }), fc.constant(newer)));
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const bigNumber = fc.integer({ min: 1, max: 2 ** 48 - 1 });
const hashes = fc.array(bytes(32), { maxLength: 49 });

describe('a log', () => {
  it('has the root of its leaves, however they are put together into appends', async () => {
    const batches = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 5 });
    const law = fc.asyncProperty(
      batches,
      fc.uint8Array({ maxLength: 9 }),
      async (counts, prefix) => {
        const total = counts.reduce((a, b) => a + b, 0);
        const leaves = Array.from({ length: total }, (_, i) =>
          Uint8Array.of(...prefix, i & 255, i >> 8),
        );
        const { log, append, storage } = await logOf();
        let at = 0;
        for (const count of counts) {
          const appended = await append(...leaves.slice(at, at + count));
          expect(appended.index).toBe(at);
          at += count;
          expect(appended.checkpoint.root).toEqual(naiveRoot(leaves.slice(0, at)));
        }
        // Another process computes the same from what is stored.
        const other = await openLog(storage);
        await other.append([prefix], AUTHOR);
        expect(other.checkpoint!.root).toEqual(naiveRoot([...leaves, prefix]));
        await log.refresh();
        expect(log.checkpoint).toEqual(other.checkpoint);
      },
    );
    await fc.assert(law, { numRuns: RUNS / 10 });
  });

  it('gives the inclusion proofs of the definition, and they hold', async () => {
    const law = fc.asyncProperty(place, async ([index, of]) => {
      const proof = await LOG.proveInclusion(index, of);
      expect(proof.hashes).toEqual(naivePath(index, LEAVES.slice(0, of)));
      expect(verifyInclusion(proof, hashLeaf(LEAVES[index]!), headAt(of))).toBe(true);
      expect(decodeInclusionProof(encodeInclusionProof(proof))).toEqual(proof);
    });
    await fc.assert(law, { numRuns: RUNS });
  });

  it('gives the consistency proofs of the definition, and they hold', async () => {
    const law = fc.asyncProperty(size, size, async (...sizes) => {
      const [older, newer] = sizes.toSorted((a, b) => a - b) as [number, number];
      const proof = await LOG.proveConsistency(older, newer);
      expect(proof.hashes).toEqual(naiveProof(older, LEAVES.slice(0, newer)));
      expect(verifyConsistency(proof, headAt(older), headAt(newer))).toBe(true);
      expect(decodeConsistencyProof(encodeConsistencyProof(proof))).toEqual(proof);
    });
    await fc.assert(law, { numRuns: RUNS });
  });

  it('is consistent with the empty one, by no hash at all', async () => {
    const proof = await LOG.proveConsistency(0);
    const empty = { size: 0, root: naiveRoot([]) };
    expect(proof.hashes).toEqual([]);
    expect(verifyConsistency(proof, empty, headAt(MOST))).toBe(true);
    expect(verifyConsistency({ ...proof, hashes: [empty.root] }, empty, headAt(MOST))).toBe(false);
  });
});

describe('an inclusion proof', () => {
  it('does not hold with any bit of it, of the leaf or of the root changed', async () => {
    const law = fc.asyncProperty(place, fc.nat(), async ([index, of], bit) => {
      const proof = await LOG.proveInclusion(index, of);
      const leaf = hashLeaf(LEAVES[index]!);
      const head = headAt(of);
      const holds = (other: InclusionProof) => verifyInclusion(other, leaf, head);
      for (let at = 0; at < proof.hashes.length; at++)
        expect(holds({ ...proof, hashes: replaced(proof.hashes, at, bit) })).toBe(false);
      expect(verifyInclusion(proof, flipped(leaf, bit % 256), head)).toBe(false);
      expect(verifyInclusion(proof, leaf, { ...head, root: flipped(head.root, bit % 256) })).toBe(
        false,
      );
      expect(verifyInclusion(proof, leaf, { ...head, size: of + 1 })).toBe(false);
      expect(
        holdsEncoded(encodeInclusionProof(proof), bit, (der) => holds(decodeInclusionProof(der))),
      ).toBe(false);
    });
    await fc.assert(law, { numRuns: RUNS });
  });

  it('does not hold for another leaf, with a hash more or less, or in another order', async () => {
    const law = fc.asyncProperty(place, fc.nat(), fc.nat(), async ([index, of], other, at) => {
      const proof = await LOG.proveInclusion(index, of);
      const head = headAt(of);
      const leaf = hashLeaf(LEAVES[index]!);
      const elsewhere = other % of;
      const wrong: InclusionProof[] = [
        { ...proof, hashes: [...proof.hashes, leaf] },
        { ...proof, hashes: [leaf, ...proof.hashes] },
        { ...proof, index: of },
        { ...proof, index: -1 },
        { ...proof, index: index + 0.5 },
        { ...proof, hashes: proof.hashes.map((hash) => hash.subarray(1)).concat(leaf) },
      ];
      if (proof.hashes.length > 0) {
        const gone = at % proof.hashes.length;
        wrong.push({ ...proof, hashes: proof.hashes.toSpliced(gone, 1) });
      }
      if (proof.hashes.length > 1) wrong.push({ ...proof, hashes: proof.hashes.toReversed() });
      if (elsewhere !== index) wrong.push({ ...proof, index: elsewhere });
      for (const one of wrong) expect(verifyInclusion(one, leaf, head)).toBe(false);
    });
    await fc.assert(law, { numRuns: RUNS });
  });
});

describe('a consistency proof', () => {
  it('does not hold with any bit of it or of a root changed', async () => {
    const law = fc.asyncProperty(place, fc.nat(), async ([before, newer], bit) => {
      const older = before + 1;
      const proof = await LOG.proveConsistency(older, newer);
      const [first, second] = [headAt(older), headAt(newer)];
      const holds = (other: ConsistencyProof) => verifyConsistency(other, first, second);
      const other = flipped(second.root, bit % 256);
      for (let at = 0; at < proof.hashes.length; at++)
        expect(holds({ ...proof, hashes: replaced(proof.hashes, at, bit) })).toBe(false);
      expect(verifyConsistency(proof, first, { ...second, root: other })).toBe(false);
      expect(
        verifyConsistency(proof, { ...first, root: flipped(first.root, bit % 256) }, second),
      ).toBe(false);
      expect(holds({ ...proof, hashes: [...proof.hashes, other] })).toBe(false);
      expect(holds({ ...proof, hashes: [other, ...proof.hashes] })).toBe(false);
      expect(holds({ ...proof, olderSize: newer, newerSize: older })).toBe(older === newer);
      expect(
        holdsEncoded(encodeConsistencyProof(proof), bit, (der) =>
          holds(decodeConsistencyProof(der)),
        ),
      ).toBe(false);
    });
    await fc.assert(law, { numRuns: RUNS });
  });

  it('of made-up hashes holds for no two logs', () => {
    const law = fc.property(place, hashes, ([before, newer], made) => {
      const older = before + 1;
      fc.pre(older < newer);
      const other = { size: older, root: naiveRoot(someLeaves(older, 'other')) };
      const proof = { olderSize: older, newerSize: newer, hashes: made };
      expect(verifyConsistency(proof, other, headAt(newer))).toBe(false);
    });
    fc.assert(law, { numRuns: RUNS });
  });
});

describe('what is written', () => {
  it('of any checkpoint is read as it was', () => {
    const law = fc.property(bytes(16), bigNumber, bytes(32), (logId, leaves, root) => {
      const content = { logId, size: leaves, root };
      expect(decodeCheckpoint(encodeCheckpoint(content))).toEqual(content);
    });
    fc.assert(law, { numRuns: RUNS });
  });

  it('of any proof is read as it was, and proves nothing for it', () => {
    const law = fc.property(bigNumber, bigNumber, hashes, (a, b, made) => {
      const [less, more] = a < b ? [a, b] : [b, a];
      const consistency = { olderSize: less, newerSize: more, hashes: made };
      expect(decodeConsistencyProof(encodeConsistencyProof(consistency))).toEqual(consistency);
      const inclusion = { index: less - 1, size: more, hashes: made };
      expect(decodeInclusionProof(encodeInclusionProof(inclusion))).toEqual(inclusion);
      const root = hashLeaf(Uint8Array.of(1));
      expect(verifyInclusion(inclusion, hashLeaf(Uint8Array.of(2)), { size: more, root })).toBe(
        false,
      );
    });
    fc.assert(law, { numRuns: RUNS });
  });
});

/** Does an encoding with one bit changed still hold? That it cannot be read is no. */
function holdsEncoded(der: Uint8Array, bit: number, holds: (der: Uint8Array) => boolean): boolean {
  try {
    return holds(flipped(der, bit % (der.length * 8)));
  } catch (error) {
    if (KeyStoreError.is(error)) return false;
    throw error;
  }
}

/** The same hashes but for one bit of one of them. */
function replaced(list: readonly Uint8Array[], at: number, bit: number): Uint8Array[] {
  return list.map((hash, i) => (i === at ? flipped(hash, bit % 256) : hash));
}
