/** Laws of Merkle maps: they have what a plain Map has, the same entries have the same root, and nothing but the right nodes is believed. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toHex } from '../../lib/bytes/octets.ts';
import { decodeNode, EMPTY_MAP_ROOT, encodeNode } from '../../lib/merkle-map/map-node.ts';
import { MerkleMap } from '../../lib/merkle-map/merkle-map.ts';
import { codeOf, codeOfAsync } from '../support/errors.ts';
import { CountingNodes, entriesOf, keyOf, naiveMapRoot, valueOf } from '../support/merkle-map.ts';

const RUNS = process.env.SLOW ? 2000 : 60;

/** Hashes, and keys that are the same for up to 63 of their 64 hex digits: what nobody can find, and what must work all the same. */
const key = fc.oneof(
  fc.nat({ max: 40 }).map((n) => keyOf(n)),
  fc.tuple(fc.nat({ max: 31 }), fc.nat({ max: 255 })).map(([at, byte]) => {
    const path = new Uint8Array(32).fill(0x77);
    path[at] = byte;
    return path;
  }),
);
const change = fc.tuple(key, fc.option(fc.string({ minLength: 1, maxLength: 20 })));
const batches = fc.array(fc.array(change, { maxLength: 12 }), { maxLength: 12 });

/** The last word on each key. */
function lastOf(batch: readonly (readonly [Uint8Array, string | null])[]) {
  const last = new Map(batch.map(([at, text]) => [toHex(at), { key: at, text }]));
  return [...last.values()].map(({ key: at, text }) => ({
    key: at,
    value: text === null ? undefined : valueOf(text),
  }));
}

describe('a Merkle map', () => {
  it('has what a plain Map has after the same changes, and the root that its entries alone decide', async () => {
    const law = fc.asyncProperty(batches, async (all) => {
      const nodes = new CountingNodes();
      const map = new MerkleMap(nodes, 2000);
      const plain = new Map<string, { key: Uint8Array; value: Uint8Array }>();
      let root = EMPTY_MAP_ROOT;
      for (const batch of all) {
        const draft = map.edit(root);
        await draft.update(lastOf(batch));
        root = nodes.take(draft);
        for (const { key: at, value } of lastOf(batch))
          if (value) plain.set(toHex(at), { key: at, value });
          else plain.delete(toHex(at));
      }
      const entries = [...plain.values()];
      expect(root).toEqual(naiveMapRoot(entries));
      expect(
        await map.getMany(
          root,
          entries.map((entry) => entry.key),
        ),
      ).toEqual(entries.map(({ value }) => value));
      const texts = entries.map((entry) => [
        toHex(entry.key),
        new TextDecoder().decode(entry.value),
      ]);
      expect(await entriesOf(new MerkleMap(nodes), root)).toEqual(
        texts.toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1)),
      );
    });
    await fc.assert(law, { numRuns: RUNS });
  });

  it('needs the nodes of its newest root only, and a draft of many changes makes no others', async () => {
    const law = fc.asyncProperty(batches, async (all) => {
      const nodes = new CountingNodes();
      const map = new MerkleMap(nodes, 0);
      const draft = map.edit(EMPTY_MAP_ROOT);
      for (const batch of all) await draft.update(lastOf(batch));
      nodes.take(draft);
      const reachable = new Set<string>();
      for await (const hash of map.reachable(draft.root, (one) => reachable.has(toHex(one))))
        reachable.add(toHex(hash));
      expect([...nodes.nodes.keys()].toSorted()).toEqual([...reachable].toSorted());
    });
    await fc.assert(law, { numRuns: RUNS });
  });

  it('believes no other bytes in the place of a node', async () => {
    const nodes = new CountingNodes();
    const draft = new MerkleMap(nodes).edit(EMPTY_MAP_ROOT);
    await draft.update(
      Array.from({ length: 60 }, (_, i) => ({ key: keyOf(i), value: valueOf(i) })),
    );
    const root = nodes.take(draft);
    const hashes = [...nodes.nodes.keys()];
    const law = fc.asyncProperty(
      fc.constantFrom(...hashes),
      fc.oneof(fc.uint8Array({ maxLength: 90 }), fc.constantFrom(...nodes.nodes.values())),
      async (hash, bytes) => {
        const right = nodes.nodes.get(hash)!;
        nodes.nodes.set(hash, bytes);
        const wanted = toHex(bytes) === toHex(right) ? 'none' : 'LOG_DAMAGED';
        expect(await codeOfAsync(entriesOf(new MerkleMap(nodes), root))).toBe(wanted);
        nodes.nodes.set(hash, right);
      },
    );
    await fc.assert(law, { numRuns: RUNS });
  });

  it('has one encoding of each node', () => {
    const law = fc.property(fc.uint8Array({ maxLength: 200 }), (tail) => {
      const bytes = Uint8Array.of(2, ...tail);
      const code = codeOf(() => {
        if (toHex(encodeNode(decodeNode(bytes))) !== toHex(bytes)) throw new Error('another one');
      });
      expect(['none', 'BLOB_MALFORMED']).toContain(code);
    });
    fc.assert(law, { numRuns: RUNS * 5 });
  });
});
