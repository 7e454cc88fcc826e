/** A tree as few hashes as it can be appended to by: the roots of its complete subtrees, one for each bit of its size. */
import { EMPTY_ROOT, hashNode } from './merkle-hash.ts';
import { isOdd, shiftRight } from './tree-size.ts';

/** Told of each node that an append completes. */
export type OnNode = (height: number, hash: Uint8Array) => void;

export class CompactRange {
  #size: number;
  /** Largest subtree first. */
  readonly #nodes: Uint8Array[];

  /**
   * @param size - Leaves of the tree.
   * @param nodes - The roots of its complete subtrees, largest first: as many as `size` has bits that are set.
   */
  constructor(size = 0, nodes: readonly Uint8Array[] = []) {
    this.#size = size;
    this.#nodes = [...nodes];
  }

  get size(): number {
    return this.#size;
  }

  /** The root of the whole tree. */
  get root(): Uint8Array {
    return joinSubtrees(this.#nodes) ?? EMPTY_ROOT;
  }

  copy(): CompactRange {
    return new CompactRange(this.#size, this.#nodes);
  }

  /** Takes the next leaf. */
  append(leafHash: Uint8Array, onNode?: OnNode): void {
    let node = leafHash;
    let height = 0;
    onNode?.(height, node);
    for (let rest = this.#size; isOdd(rest); rest = shiftRight(rest, 1)) {
      node = hashNode(this.#nodes.pop()!, node);
      height++;
      onNode?.(height, node);
    }
    this.#nodes.push(node);
    this.#size++;
  }
}

/** The root over complete subtrees that stand side by side, largest first; undefined of none. */
export function joinSubtrees(nodes: readonly Uint8Array[]): Uint8Array | undefined {
  let root = nodes.at(-1);
  for (let i = nodes.length - 2; i >= 0; i--) root = hashNode(nodes[i]!, root!);
  return root;
}
