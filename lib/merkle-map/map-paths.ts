/** The ways from a root to keys, and the nodes on them. */
import { equalBytes, toHex } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import { EMPTY_MAP_ROOT, isBranch, isEntry, isInPlace, slotOf, type MapNode } from './map-node.ts';

/** Reads nodes that were checked against their hashes, in the order of these. */
export type ReadNodes = (hashes: readonly Uint8Array[]) => Promise<readonly MapNode[]>;

/** Where a node stands. */
export interface Place {
  readonly hash: Uint8Array;
  /** Levels below the root. */
  readonly depth: number;
  /** A key, or the beginning of one, that begins as all keys below do. */
  readonly path: Uint8Array;
}

/** The nodes on some ways, by their hashes in hex. */
export type Paths = ReadonlyMap<string, MapNode>;

/**
 * Reads the nodes on the ways to some keys, level by level.
 *
 * @throws KeyStoreError LOG_DAMAGED where a node does not belong where it stands; what `read` throws.
 */
export async function pathsOf(
  read: ReadNodes,
  root: Uint8Array,
  keys: readonly Uint8Array[],
): Promise<Paths> {
  const paths = new Map<string, MapNode>();
  if (equalBytes(root, EMPTY_MAP_ROOT)) return paths;
  let level: readonly Place[] = keys.map((path) => ({ hash: root, depth: 0, path }));
  while (level.length > 0) {
    const places = [...new Map(level.map((place) => [toHex(place.hash), place])).values()];
    for (const [i, node] of (await readPlaces(read, places)).entries())
      paths.set(toHex(places[i]!.hash), node);
    level = level.flatMap(({ hash, depth, path }) => {
      const slot = paths.get(toHex(hash))!.slots[slotOf(path, depth)];
      return isBranch(slot) ? { hash: slot.hash, depth: depth + 1, path } : [];
    });
  }
  return paths;
}

/**
 * Reads the nodes of some places.
 *
 * @throws KeyStoreError LOG_DAMAGED where a node does not belong where it stands; what `read` throws.
 */
export async function readPlaces(
  read: ReadNodes,
  places: readonly Place[],
): Promise<readonly MapNode[]> {
  const nodes = await read(places.map(({ hash }) => hash));
  for (const [i, { hash, depth, path }] of places.entries())
    if (!isInPlace(nodes[i]!, depth, path))
      throw new KeyStoreError('LOG_DAMAGED', `node ${toHex(hash)} of the map is of another place`);
  return nodes;
}

/** What a key has, by the nodes on the way to it. */
export function valueOn(paths: Paths, root: Uint8Array, key: Uint8Array): Uint8Array | undefined {
  let node = paths.get(toHex(root));
  for (let depth = 0; node; depth++) {
    const slot = node.slots[slotOf(key, depth)];
    if (isEntry(slot)) return equalBytes(slot.key, key) ? slot.value : undefined;
    node = isBranch(slot) ? paths.get(toHex(slot.hash)) : undefined;
  }
  return undefined;
}
