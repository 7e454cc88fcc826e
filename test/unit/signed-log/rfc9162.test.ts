/** Known answers: the tree of eight leaves that implementations of RFC 6962 and RFC 9162 have in common, its roots and proofs. */
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../../lib/bytes/octets.ts';
import {
  EMPTY_ROOT,
  hashLeaf,
  hashNode,
  verifyConsistency,
  verifyInclusion,
} from '../../../lib/signed-log/index.ts';
import { logOf } from '../../support/signed-log.ts';

const LEAVES = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
].map((text) => fromHex(text)!);
/** Of the first 1 to 8 leaves. */
const ROOTS = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];
const N = {
  a: '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
  b: '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
  c: '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
  d: 'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
  e: 'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
  f: '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
};
/** Leaves are counted from 0. */
const INCLUSION: readonly (readonly [index: number, size: number, hashes: readonly string[]])[] = [
  [0, 1, []],
  [0, 8, [N.a, N.b, N.c]],
  [5, 8, [N.d, N.e, ROOTS[3]!]],
  [2, 3, [ROOTS[1]!]],
  [1, 5, [ROOTS[0]!, N.b, N.d]],
];
const CONSISTENCY: readonly (readonly [older: number, newer: number, hashes: readonly string[]])[] =
  [
    [1, 1, []],
    [1, 8, [N.a, N.b, N.c]],
    [6, 8, [N.f, N.e, ROOTS[3]!]],
    [2, 5, [N.b, N.d]],
  ];
const headAt = (size: number) => ({ size, root: fromHex(ROOTS[size - 1]!)! });

describe('the tree of eight leaves', () => {
  it('has the published root without a leaf', () => {
    expect(toHex(EMPTY_ROOT)).toBe(
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    );
  });

  it('hashes leaves and nodes apart', () => {
    const left = hashLeaf(LEAVES[0]!);
    const right = hashLeaf(LEAVES[1]!);
    expect(toHex(hashNode(left, right))).toBe(ROOTS[1]);
    expect(toHex(hashLeaf(Uint8Array.from([...left, ...right])))).not.toBe(ROOTS[1]);
  });

  it('has the published root at each size', async () => {
    const { log, append } = await logOf();
    for (const [i, leaf] of LEAVES.entries()) {
      await append(leaf);
      expect(toHex(log.checkpoint!.root)).toBe(ROOTS[i]);
    }
  });

  it.each(INCLUSION)('has the published inclusion proof of leaf %d of %d', async (...known) => {
    const [index, size, hashes] = known;
    const { log } = await logOf(LEAVES);
    const proof = await log.proveInclusion(index, size);
    expect(proof.hashes.map(toHex)).toEqual(hashes);
    expect(verifyInclusion(proof, hashLeaf(LEAVES[index]!), headAt(size))).toBe(true);
  });

  it.each(CONSISTENCY)('has the published consistency proof of %d to %d', async (...known) => {
    const [older, newer, hashes] = known;
    const { log } = await logOf(LEAVES);
    const proof = await log.proveConsistency(older, newer);
    expect(proof.hashes.map(toHex)).toEqual(hashes);
    expect(verifyConsistency(proof, headAt(older), headAt(newer))).toBe(true);
  });
});
