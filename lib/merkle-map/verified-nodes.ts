/** The nodes of a map, read from a place that nobody trusts: each is checked against the hash that it was asked for by, and the newest are kept. */
import { equalBytes, toHex } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import { decodeNode, hashOfNode, type MapNode } from './map-node.ts';

/** Where nodes are kept. */
export interface NodeSource {
  /**
   * Reads nodes by their hashes.
   *
   * @param hashes - 1 to 256, of 32 bytes each.
   * @returns In the order of `hashes`; undefined where there is none. They need not be the right ones.
   */
  readNodes(hashes: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]>;
}

/** A node with what it is kept as. */
export interface StoredNode {
  /** 32 bytes. */
  readonly hash: Uint8Array;
  readonly bytes: Uint8Array;
}

/** Nodes of one read. */
export const READ_AT_ONCE = 256;

interface Kept {
  readonly node: MapNode;
  readonly size: number;
}

export class VerifiedNodes {
  readonly #source: NodeSource;
  readonly #maxBytes: number;
  /** By hash; least recently used first. */
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  /** @param maxBytes - Of the nodes that are kept. */
  constructor(source: NodeSource, maxBytes: number) {
    this.#source = source;
    this.#maxBytes = maxBytes;
  }

  /**
   * Reads nodes.
   *
   * @throws KeyStoreError LOG_TRUNCATED where one is missing, LOG_DAMAGED where one is another; what the source throws.
   */
  async read(hashes: readonly Uint8Array[]): Promise<MapNode[]> {
    const found = hashes.map((hash) => this.#find(hash));
    const missing = hashes.filter((_, i) => !found[i]);
    const read: MapNode[] = [];
    for (let at = 0; at < missing.length; at += READ_AT_ONCE)
      read.push(...(await this.#readFromSource(missing.slice(at, at + READ_AT_ONCE))));
    let next = 0;
    return found.map((node) => node ?? read[next++]!);
  }

  /** Keeps a node that was made here. */
  keep({ hash, bytes }: StoredNode, node: MapNode): void {
    this.#keep(toHex(hash), { node, size: bytes.length });
  }

  async #readFromSource(hashes: readonly Uint8Array[]): Promise<MapNode[]> {
    const answers = await this.#source.readNodes(hashes);
    return hashes.map((hash, i) => {
      const bytes = answers[i];
      if (!bytes)
        throw new KeyStoreError('LOG_TRUNCATED', `node ${toHex(hash)} of the map is gone`);
      const node = verifiedNode(bytes, hash);
      this.#keep(toHex(hash), { node, size: bytes.length });
      return node;
    });
  }

  #find(hash: Uint8Array): MapNode | undefined {
    const name = toHex(hash);
    const kept = this.#kept.get(name);
    if (!kept) return undefined;
    this.#kept.delete(name);
    this.#kept.set(name, kept);
    return kept.node;
  }

  #keep(name: string, kept: Kept): void {
    this.#bytes += kept.size - (this.#kept.get(name)?.size ?? 0);
    this.#kept.delete(name);
    this.#kept.set(name, kept);
    for (const [oldest, { size }] of this.#kept) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#kept.delete(oldest);
      this.#bytes -= size;
    }
  }
}

/** @throws KeyStoreError LOG_DAMAGED */
function verifiedNode(bytes: Uint8Array, hash: Uint8Array): MapNode {
  if (!equalBytes(hashOfNode(bytes), hash))
    throw new KeyStoreError('LOG_DAMAGED', `node ${toHex(hash)} of the map was changed`);
  try {
    return decodeNode(bytes);
  } catch (error) {
    if (!KeyStoreError.is(error)) throw error;
    throw new KeyStoreError('LOG_DAMAGED', `${toHex(hash)} is no node of a map: ${error.message}`);
  }
}
