/**
 * The nodes of a tree, read from a storage that nobody trusts: each is checked up to the root before it is used.
 *
 * The tiles at the right edge fold to the root, so a root vouches for all of their hashes; every other tile is full, and its own root is
 * a hash in the tile above it. A node costs as many tiles as the tree is high, divided by 8; tiles that were checked are kept.
 */
import { concatBytes, equalBytes } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import { CompactRange, joinSubtrees } from './compact-range.ts';
import { nodesAt } from './log-bounds.ts';
import { TILE_HEIGHT, TILE_LEVELS, TILE_WIDTH, type LogStorage } from './log-storage.ts';
import { EMPTY_ROOT, HASH_LENGTH, hashNode } from './merkle-hash.ts';
import type { TreeHead } from './proofs.ts';
import { completeSubtrees, type LeafRange, type NodePlace } from './tree-size.ts';

/** Where tiles are read from. */
export type TileSource = Pick<LogStorage, 'readTile'>;

/** Full tiles that are kept: 512 KiB. */
const MAX_KEPT = 64;

export class VerifiedTree {
  readonly head: TreeHead;
  readonly #source: TileSource;
  /** Full tiles that were checked. */
  readonly #full: Map<string, Uint8Array>;
  #edges: Promise<readonly Uint8Array[]> | undefined;

  constructor(source: TileSource, head: TreeHead, full = new Map<string, Uint8Array>()) {
    this.#source = source;
    this.head = head;
    this.#full = full;
  }

  /** The same tree after it has grown: what is known of it stays. That it has grown and nothing else, the caller has seen. */
  grown(head: TreeHead): VerifiedTree {
    return new VerifiedTree(this.#source, head, this.#full);
  }

  /**
   * Reads the tiles at the right edge, and checks that they fold to the root.
   *
   * @throws KeyStoreError LOG_TRUNCATED where hashes are missing, LOG_DAMAGED where they are others.
   */
  async check(): Promise<void> {
    await this.#edge(0);
  }

  /** The hashes of the leaves of one tile, joined: as many as the tree has there. */
  async leafHashes(tile: number): Promise<Uint8Array> {
    return this.#tile(0, tile);
  }

  /** The root of a part: the whole tree, or what one is split into. */
  async rootOf(range: LeafRange): Promise<Uint8Array> {
    return joinSubtrees(await this.#subtrees(range)) ?? EMPTY_ROOT;
  }

  /** What the tree was when it had `size` leaves: enough to go on from there. */
  async rangeAt(size: number): Promise<CompactRange> {
    return new CompactRange(size, await this.#subtrees({ first: 0, end: size }));
  }

  async #subtrees(range: LeafRange): Promise<Uint8Array[]> {
    const nodes: Uint8Array[] = [];
    for (const place of completeSubtrees(range)) nodes.push(await this.#node(place));
    return nodes;
  }

  async #node({ height, index }: NodePlace): Promise<Uint8Array> {
    const level = Math.min(Math.floor(height / TILE_HEIGHT), TILE_LEVELS - 1);
    const width = 2 ** (height - level * TILE_HEIGHT);
    const first = index * width;
    const tile = await this.#tile(level, Math.floor(first / TILE_WIDTH));
    return subtreeRoot(tile, first % TILE_WIDTH, width);
  }

  /** A tile of a level, with as many hashes as this tree has there. */
  async #tile(level: number, index: number): Promise<Uint8Array> {
    if (index === this.#edgeIndex(level)) return this.#edge(level);
    const key = `${level} ${index}`;
    const kept = this.#full.get(key);
    if (kept) return kept;
    const tile = await this.#read(level, index, TILE_WIDTH);
    const above = await this.#tile(level + 1, Math.floor(index / TILE_WIDTH));
    const want = hashAt(above, index % TILE_WIDTH);
    if (!equalBytes(subtreeRoot(tile, 0, TILE_WIDTH), want))
      throw damaged(`the hashes of tile ${index} of level ${level} are others`);
    this.#keep(key, tile);
    return tile;
  }

  async #edge(level: number): Promise<Uint8Array> {
    this.#edges ??= this.#readEdges();
    try {
      return (await this.#edges)[level]!;
    } catch (error) {
      // What failed for the network's or the disk's sake may succeed the next time.
      this.#edges = undefined;
      throw error;
    }
  }

  async #readEdges(): Promise<readonly Uint8Array[]> {
    const { size, root } = this.head;
    const edges: Uint8Array[] = [];
    for (let level = 0; level < TILE_LEVELS; level++) {
      const width = nodesAt(size, level) % TILE_WIDTH;
      const index = this.#edgeIndex(level);
      edges.push(width === 0 ? new Uint8Array(0) : await this.#read(level, index, width));
    }
    const subtrees = edges
      .map((hashes) => subtreesOf(hashes))
      .toReversed()
      .flat();
    if (!equalBytes(joinSubtrees(subtrees) ?? EMPTY_ROOT, root))
      throw damaged('the newest hashes are not those that its checkpoint is over');
    return edges;
  }

  /** At this place a level ends: in the middle of a tile, or before one. */
  #edgeIndex(level: number): number {
    return nodesAt(this.head.size, level + 1);
  }

  async #read(level: number, index: number, width: number): Promise<Uint8Array> {
    const bytes = await this.#source.readTile(level, index);
    const length = width * HASH_LENGTH;
    if (bytes.length < length)
      throw new KeyStoreError(
        'LOG_TRUNCATED',
        `the log lacks hashes of tile ${index} of level ${level}`,
      );
    // The log may have grown since its head was read.
    return bytes.subarray(0, length);
  }

  #keep(key: string, tile: Uint8Array): void {
    this.#full.set(key, tile);
    for (const oldest of this.#full.keys()) {
      if (this.#full.size <= MAX_KEPT) return;
      this.#full.delete(oldest);
    }
  }
}

/** The hashes that each level gains while leaves are appended, joined: what a storage keeps. */
export function appendTo(range: CompactRange, leafHashes: readonly Uint8Array[]): Uint8Array[] {
  const levels: Uint8Array[][] = Array.from({ length: TILE_LEVELS }, () => []);
  for (const hash of leafHashes)
    range.append(hash, (height, node) => {
      if (height % TILE_HEIGHT === 0) levels[height / TILE_HEIGHT]?.push(node);
    });
  return levels.map((hashes) => concatBytes(...hashes));
}

function hashAt(hashes: Uint8Array, index: number): Uint8Array {
  return hashes.subarray(index * HASH_LENGTH, (index + 1) * HASH_LENGTH);
}

/** The roots of the complete subtrees over the hashes of one tile. */
function subtreesOf(hashes: Uint8Array): Uint8Array[] {
  return completeSubtrees({ first: 0, end: hashes.length / HASH_LENGTH }).map(({ height, index }) =>
    subtreeRoot(hashes, index * 2 ** height, 2 ** height),
  );
}

/** The root over `width` hashes of a tile, a power of two. */
function subtreeRoot(hashes: Uint8Array, first: number, width: number): Uint8Array {
  if (width === 1) return hashAt(hashes, first);
  const half = width / 2;
  return hashNode(subtreeRoot(hashes, first, half), subtreeRoot(hashes, first + half, half));
}

function damaged(problem: string): KeyStoreError {
  return new KeyStoreError('LOG_DAMAGED', `the log was changed: ${problem}`);
}
