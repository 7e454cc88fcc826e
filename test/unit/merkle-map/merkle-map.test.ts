/** A Merkle map: known roots, every node changed or missing, shapes that no honest writer makes, and what it costs. */
import { describe, expect, it } from 'vitest';
import { toHex } from '../../../lib/bytes/octets.ts';
import {
  decodeNode,
  EMPTY_MAP_ROOT,
  encodeNode,
  hashOfNode,
  type MapSlot,
} from '../../../lib/merkle-map/map-node.ts';
import { MerkleMap } from '../../../lib/merkle-map/merkle-map.ts';
import { codeOf, codeOfAsync } from '../../support/errors.ts';
import {
  CountingNodes,
  entriesOf,
  keyOf,
  naiveMapRoot,
  sha256,
  valueOf,
} from '../../support/merkle-map.ts';
import { flipped } from '../../support/signed-log.ts';

const entry = (n: number) => ({ key: keyOf(n), value: valueOf(n) });
const someEntries = (count: number) => Array.from({ length: count }, (_, i) => entry(i));

async function mapOf(count: number, cacheBytes?: number) {
  const nodes = new CountingNodes();
  const map = new MerkleMap(nodes, cacheBytes);
  const draft = map.edit(EMPTY_MAP_ROOT);
  for (let at = 0; at < count; at += 5000)
    await draft.update(someEntries(count).slice(at, at + 5000));
  return { nodes, map, root: nodes.take(draft) };
}

/** A node of these slots, under its hash. */
function placed(nodes: CountingNodes, slots: Record<number, MapSlot>): Uint8Array {
  const bytes = encodeNode({ slots: Array.from({ length: 16 }, (_, i) => slots[i]) });
  nodes.nodes.set(toHex(hashOfNode(bytes)), bytes);
  return hashOfNode(bytes);
}

describe('a Merkle map', () => {
  it('without entries has a root that is known beforehand, and no node', async () => {
    const { map, nodes, root } = await mapOf(0);
    expect(toHex(EMPTY_MAP_ROOT)).toBe(toHex(sha256(Uint8Array.of(2, 0, 0, 0, 0))));
    expect(root).toEqual(EMPTY_MAP_ROOT);
    expect(await map.get(root, keyOf(1))).toBeUndefined();
    expect(await entriesOf(map, root)).toEqual([]);
    expect(nodes.nodes.size).toBe(0);
  });

  it('with one entry is one node, byte for byte', async () => {
    const { nodes, root } = await mapOf(1);
    const { key, value } = entry(0);
    const bytes = nodes.nodes.get(toHex(root))!;
    // SHA-256("0") begins with 5: bit 5 of the entries.
    expect(toHex(bytes)).toBe(`0200000020${toHex(key)}0001${toHex(value)}`);
    expect(root).toEqual(sha256(bytes));
  });

  it('has the root that its entries alone decide, and gives each of them', async () => {
    const { map, root } = await mapOf(2000);
    expect(root).toEqual(naiveMapRoot(someEntries(2000)));
    for (const { key, value } of someEntries(2000)) expect(await map.get(root, key)).toEqual(value);
    expect(await map.get(root, keyOf(2000))).toBeUndefined();
  });

  it('is what it was before, after entries were added and removed again', async () => {
    const { map, root } = await mapOf(300);
    const draft = map.edit(root);
    const more = Array.from({ length: 300 }, (_, i) => entry(1000 + i));
    expect(await draft.update(more)).not.toEqual(root);
    expect(await draft.update(more.map(({ key }) => ({ key, value: undefined })))).toEqual(root);
    const all = someEntries(300).map(({ key }) => ({ key, value: undefined }));
    expect(await draft.update(all)).toEqual(EMPTY_MAP_ROOT);
    expect(draft.nodes()).toEqual([]);
  });

  it('refuses keys, values and changes that are out of bounds', async () => {
    const { map, root } = await mapOf(3);
    const { key, value } = entry(7);
    const codes = [
      map.get(root, key.subarray(1)),
      map.edit(root).update([{ key: key.subarray(1), value }]),
      map.edit(root).update([
        { key, value },
        { key, value },
      ]),
      map.edit(root).update([{ key, value: new Uint8Array(0) }]),
      map.edit(root).update([{ key, value: new Uint8Array(1025) }]),
    ].map((call) => codeOfAsync(call));
    expect(await Promise.all(codes)).toEqual([
      ...Array.from({ length: 4 }, () => 'PARAMETER_INVALID'),
      'BLOB_TOO_LARGE',
    ]);
  });
});

describe('a Merkle map whose nodes lie with a stranger', () => {
  it('is LOG_TRUNCATED without any one of its nodes', async () => {
    const { nodes, root } = await mapOf(200);
    for (const [hash, bytes] of new Map(nodes.nodes)) {
      nodes.nodes.delete(hash);
      expect(await codeOfAsync(entriesOf(new MerkleMap(nodes), root))).toBe('LOG_TRUNCATED');
      nodes.nodes.set(hash, bytes);
    }
  });

  it('is LOG_DAMAGED with one bit of any of its nodes changed', async () => {
    const { nodes, root } = await mapOf(20);
    for (const [hash, bytes] of new Map(nodes.nodes))
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        nodes.nodes.set(hash, flipped(bytes, bit));
        expect(await codeOfAsync(entriesOf(new MerkleMap(nodes), root))).toBe('LOG_DAMAGED');
        nodes.nodes.set(hash, bytes);
      }
  });

  it('is LOG_DAMAGED where a node is genuine and stands elsewhere', async () => {
    const { nodes, root } = await mapOf(200);
    const { slots } = decodeNode(nodes.nodes.get(toHex(root))!);
    const wrong = placed(nodes, Object.assign([...slots], { 3: slots[4], 4: slots[3] }));
    expect(await codeOfAsync(entriesOf(new MerkleMap(nodes), wrong))).toBe('LOG_DAMAGED');
    const below3 = someEntries(200).filter(({ key }) => key[0]! >> 4 === 3);
    for (const { key } of below3)
      expect(await codeOfAsync(new MerkleMap(nodes).get(wrong, key))).toBe('LOG_DAMAGED');
  });

  it('is LOG_DAMAGED where one entry has a node for itself, and so a second shape', async () => {
    const nodes = new CountingNodes();
    const { key, value } = entry(0);
    const below = placed(nodes, { [key[0]! & 0x0f]: { key, value } });
    const root = placed(nodes, { [key[0]! >> 4]: { hash: below } });
    expect(await codeOfAsync(new MerkleMap(nodes).get(root, key))).toBe('LOG_DAMAGED');
  });

  it('is LOG_DAMAGED where it is deeper than keys are long', async () => {
    const nodes = new CountingNodes();
    const key = new Uint8Array(32);
    let root = placed(nodes, { 0: { key, value: key }, 1: { key, value: key } });
    for (let depth = 0; depth < 64; depth++) root = placed(nodes, { 0: { hash: root } });
    nodes.reset();
    expect(await codeOfAsync(new MerkleMap(nodes).get(root, key))).toBe('LOG_DAMAGED');
    expect(nodes.nodesRead).toBeLessThanOrEqual(64);
  });

  it('is walked once where all ways lead to the same nodes', async () => {
    const nodes = new CountingNodes();
    const key = new Uint8Array(32);
    let root = placed(nodes, { 0: { key, value: key } });
    const all = (hash: Uint8Array) =>
      Object.fromEntries(Array.from({ length: 16 }, (_, i) => [i, { hash }]));
    for (let depth = 0; depth < 40; depth++) root = placed(nodes, all(root));
    const map = new MerkleMap(nodes);
    const seen = new Set<string>();
    for await (const hash of map.reachable(root, (one) => seen.has(toHex(one))))
      seen.add(toHex(hash));
    expect(seen.size).toBe(41);
    expect(await codeOfAsync(entriesOf(map, root))).toBe('LOG_DAMAGED');
    expect(nodes.nodesRead).toBeLessThan(100);
  });

  it('holds keys that are the same for 63 of their 64 hex digits', async () => {
    const nodes = new CountingNodes();
    const map = new MerkleMap(nodes, 0);
    const deep = [0, 1, 2].map((last) => {
      const key = new Uint8Array(32).fill(0x11);
      key[31] = 0x10 + last;
      return { key, value: valueOf(last) };
    });
    const draft = map.edit(EMPTY_MAP_ROOT);
    for (const one of deep) await draft.update([one]);
    const root = nodes.take(draft);
    expect(nodes.nodes.size).toBe(64);
    expect(root).toEqual(naiveMapRoot(deep));
    for (const { key, value } of deep) expect(await map.get(root, key)).toEqual(value);
    await draft.update(deep.slice(1).map(({ key }) => ({ key, value: undefined })));
    expect(draft.nodes()).toHaveLength(1);
  });

  it.each([
    ['nothing', ''],
    ['another first byte', '0100000001'],
    ['no slot', '0200000000'],
    ['a slot that is both', `0200010001${'00'.repeat(67)}`],
    ['a cut hash', `0200010000${'00'.repeat(31)}`],
    ['a byte too many', `0200010000${'00'.repeat(33)}`],
    ['an empty value', `0200000001${'00'.repeat(34)}`],
    ['a value that is too long', `0200000001${'00'.repeat(32)}0401${'00'.repeat(1025)}`],
  ])('refuses a node with %s', (_what, hex) => {
    const bytes = Uint8Array.from(Buffer.from(hex, 'hex'));
    expect(codeOf(() => decodeNode(bytes))).toBe('BLOB_MALFORMED');
  });
});

describe('what a Merkle map of 20,000 costs', async () => {
  const COUNT = 20_000;
  const { nodes, root } = await mapOf(COUNT);

  it('is at most 5 reads for a key, and 5 for many keys', async () => {
    for (let i = 0; i < 100; i++) {
      nodes.reset();
      await new MerkleMap(nodes).get(root, keyOf(i * 199));
      expect(nodes.reads).toBeLessThanOrEqual(6);
    }
    nodes.reset();
    await new MerkleMap(nodes).getMany(
      root,
      someEntries(200).map(({ key }) => key),
    );
    expect(nodes.reads).toBeLessThanOrEqual(6);
  });

  it('is at most 6 new nodes for a change, and none to read where the map was just changed', async () => {
    const map = new MerkleMap(nodes);
    let at = root;
    for (let i = 0; i < 100; i++) {
      const draft = map.edit(at);
      await draft.update([entry(COUNT + i)]);
      expect(draft.nodes().length).toBeLessThanOrEqual(7);
      at = nodes.take(draft);
      map.adopt(draft);
      nodes.reset();
      expect(await map.get(at, keyOf(COUNT + i))).toEqual(valueOf(COUNT + i));
      expect(nodes.reads).toBe(0);
    }
  });

  it('is memory for the cache, which is bounded', async () => {
    const map = new MerkleMap(nodes, 20_000);
    let seen = 0;
    for await (const _entry of map.entries(root)) seen++;
    expect(seen).toBe(COUNT);
    nodes.reset();
    // The root was read long ago, and has gone.
    await map.get(root, keyOf(0));
    expect(nodes.reads).toBeGreaterThan(0);
  });
});
