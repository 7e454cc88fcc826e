/**
 * MerkleMap: what holds now, under one hash. A radix tree of 16 over keys that are hashes; the same entries have the same root, in whatever
 * order they came there.
 *
 * It has no state of its own: each root is a map, and a change makes another root with the few nodes that differ. Where nodes are kept is
 * trusted with nothing: whoever believes the root can believe what is read here. docs/formats/merkle-map.md has the bytes.
 */
import { equalBytes, toHex } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import { MapDraft } from './map-draft.ts';
import {
  EMPTY_MAP_ROOT,
  isBranch,
  isEntry,
  KEY_BYTES,
  withDigit,
  type MapEntry,
} from './map-node.ts';
import { pathsOf, readPlaces, valueOn, type Place, type ReadNodes } from './map-paths.ts';
import { READ_AT_ONCE, VerifiedNodes, type NodeSource } from './verified-nodes.ts';

/** Bytes of nodes that are kept, where nothing else is said. */
const CACHE_BYTES = 16 << 20;
/** Keys that are looked up together. */
const KEYS_AT_ONCE = 1024;

export class MerkleMap {
  readonly #nodes: VerifiedNodes;
  readonly #read: ReadNodes = (hashes) => this.#nodes.read(hashes);

  /**
   * @param source - Where the nodes are kept.
   * @param cacheBytes - Bytes of nodes that are kept in memory.
   */
  constructor(source: NodeSource, cacheBytes = CACHE_BYTES) {
    this.#nodes = new VerifiedNodes(source, cacheBytes);
  }

  /** What {@link MerkleMap.getMany} gives for one key. */
  async get(root: Uint8Array, key: Uint8Array): Promise<Uint8Array | undefined> {
    return (await this.getMany(root, [key]))[0];
  }

  /**
   * Looks up keys, level by level: one read for each level, or for each 256 nodes of it.
   *
   * @param keys - 32 bytes each.
   * @returns In the order of `keys`: the value, which is not to be changed; undefined where there is none.
   * @throws KeyStoreError PARAMETER_INVALID; LOG_TRUNCATED where a node is missing, LOG_DAMAGED where one is another; what reading nodes throws.
   */
  async getMany(
    root: Uint8Array,
    keys: readonly Uint8Array[],
  ): Promise<(Uint8Array | undefined)[]> {
    checkKeys(keys);
    const values: (Uint8Array | undefined)[] = [];
    for (let at = 0; at < keys.length; at += KEYS_AT_ONCE) {
      const some = keys.slice(at, at + KEYS_AT_ONCE);
      const paths = await pathsOf(this.#read, root, some);
      values.push(...some.map((key) => valueOn(paths, root, key)));
    }
    return values;
  }

  /** Begins to change a map. Nothing is written by that. */
  edit(root: Uint8Array): MapDraft {
    return new MapDraft(this.#read, root);
  }

  /** Keeps the nodes of a draft that has become the map, so that they need not be read. */
  adopt(draft: MapDraft): void {
    for (const { stored, node } of draft.made()) this.#nodes.keep(stored, node);
  }

  /**
   * All entries, by ascending key. Memory is that of the cache, and of the nodes beside one path.
   *
   * @throws KeyStoreError as {@link MerkleMap.getMany} does.
   */
  async *entries(root: Uint8Array): AsyncGenerator<MapEntry> {
    if (equalBytes(root, EMPTY_MAP_ROOT)) return;
    yield* this.#entriesBelow({ hash: root, depth: 0, path: new Uint8Array(KEY_BYTES) });
  }

  /**
   * The hashes of all nodes that a root needs, but for those that are known and what is below them.
   *
   * @param isKnown - Asked again after each hash was given.
   * @throws KeyStoreError as {@link MerkleMap.getMany} does.
   */
  async *reachable(
    root: Uint8Array,
    isKnown: (hash: Uint8Array) => boolean,
  ): AsyncGenerator<Uint8Array> {
    if (equalBytes(root, EMPTY_MAP_ROOT)) return;
    // Depth first, so that what waits is what stands beside one path.
    const waiting: Uint8Array[] = [root];
    while (waiting.length > 0) {
      const some = waiting.splice(-READ_AT_ONCE).filter((hash) => !isKnown(hash));
      const hashes = [...new Map(some.map((hash) => [toHex(hash), hash])).values()];
      for (const { slots } of await this.#read(hashes))
        for (const slot of slots) if (isBranch(slot)) waiting.push(slot.hash);
      yield* hashes;
    }
  }

  async *#entriesBelow(place: Place): AsyncGenerator<MapEntry> {
    const [{ slots } = { slots: [] }] = await readPlaces(this.#read, [place]);
    const below = slots.map((slot, i) => isBranch(slot) && placeBelow(place, slot.hash, i));
    // Read together: they are kept until they are come to.
    await this.#read(below.flatMap((next) => (next ? next.hash : [])));
    for (const [i, slot] of slots.entries()) {
      const next = below[i];
      if (isEntry(slot)) yield slot;
      else if (next) yield* this.#entriesBelow(next);
    }
  }
}

function placeBelow({ depth, path }: Place, hash: Uint8Array, slot: number): Place {
  return { hash, depth: depth + 1, path: withDigit(path, depth, slot) };
}

/** @throws KeyStoreError PARAMETER_INVALID */
function checkKeys(keys: readonly Uint8Array[]): void {
  if (keys.some(({ length }) => length !== KEY_BYTES))
    throw new KeyStoreError('PARAMETER_INVALID', `a key of a map has ${KEY_BYTES} bytes`);
}
