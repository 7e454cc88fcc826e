/** Merkle maps for tests: a place for nodes that counts, and a reference that knows only the format. */
import { createHash } from 'node:crypto';
import { concatBytes, toHex } from '../../lib/bytes/octets.ts';
import type { MapDraft } from '../../lib/merkle-map/map-draft.ts';
import type { MapEntry } from '../../lib/merkle-map/map-node.ts';
import type { MerkleMap } from '../../lib/merkle-map/merkle-map.ts';
import type { NodeSource } from '../../lib/merkle-map/verified-nodes.ts';

export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(
    createHash('sha256')
      .update(concatBytes(...parts))
      .digest(),
  );
}

/** Keys as they are in use: hashes. */
export const keyOf = (n: number | string): Uint8Array => sha256(new TextEncoder().encode(`${n}`));
export const valueOf = (text: number | string): Uint8Array => new TextEncoder().encode(`${text}`);

/** Keeps nodes in memory, and counts what is read. */
export class CountingNodes implements NodeSource {
  readonly nodes = new Map<string, Uint8Array>();
  reads = 0;
  nodesRead = 0;

  reset(): void {
    this.reads = 0;
    this.nodesRead = 0;
  }

  take(draft: MapDraft): Uint8Array {
    for (const { hash, bytes } of draft.nodes()) this.nodes.set(toHex(hash), bytes);
    return draft.root;
  }

  async readNodes(hashes: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    if (hashes.length === 0 || hashes.length > 256) throw new Error('1 to 256 nodes at once');
    this.reads++;
    this.nodesRead += hashes.length;
    return hashes.map((hash) => this.nodes.get(toHex(hash)));
  }
}

export async function entriesOf(map: MerkleMap, root: Uint8Array): Promise<[string, string][]> {
  const entries: [string, string][] = [];
  for await (const { key, value } of map.entries(root))
    entries.push([toHex(key), new TextDecoder().decode(value)]);
  return entries;
}

/** The root as docs/formats/merkle-map.md defines it, all nodes made at once. */
export function naiveMapRoot(entries: readonly MapEntry[]): Uint8Array {
  return sha256(naiveNode(entries, 0));
}

function naiveNode(entries: readonly MapEntry[], depth: number): Uint8Array {
  const below = Array.from({ length: 16 }, (_, digit) =>
    entries.filter(({ key }) => Number.parseInt(toHex(key)[depth]!, 16) === digit),
  );
  const mask = (is: (count: number) => boolean): Uint8Array => {
    const bits = below.reduce((sum, { length }, i) => sum + (is(length) ? 2 ** i : 0), 0);
    return Uint8Array.of(bits >> 8, bits & 0xff);
  };
  return concatBytes(
    Uint8Array.of(2),
    mask((count) => count > 1),
    mask((count) => count === 1),
    ...below.filter(({ length }) => length > 1).map((some) => sha256(naiveNode(some, depth + 1))),
    ...below.flatMap((some) => {
      const [entry] = some;
      if (!entry || some.length > 1) return [];
      const { length } = entry.value;
      return [entry.key, Uint8Array.of(length >> 8, length & 0xff), entry.value];
    }),
  );
}
