/** Arithmetic on sizes and places of a tree. They go to 2^48, where JavaScript's operations on bits end at 2^31. */

/** The largest tree: DER integers of keycask have 48 bits. */
export const MAX_TREE_SIZE = 2 ** 48 - 1;

/** Without its `bits` lowest bits. */
export function shiftRight(value: number, bits: number): number {
  return Math.floor(value / 2 ** bits);
}

export function isOdd(value: number): boolean {
  return value % 2 === 1;
}

/** The largest power of two that is smaller than `size`, which is at least 2 (RFC 9162 section 2.1.1: k). */
export function splitOf(size: number): number {
  let split = 1;
  while (split * 2 < size) split *= 2;
  return split;
}

/** Leaves `first` up to and without `end`. */
export interface LeafRange {
  readonly first: number;
  readonly end: number;
}

/** A subtree that has all its leaves: 2^height of them, beginning with leaf `index` * 2^height. */
export interface NodePlace {
  readonly height: number;
  readonly index: number;
}

/**
 * The complete subtrees that a range consists of, largest first. There are at most 48.
 *
 * @param range - Begins where a subtree of its size begins: the whole tree, or a part that the tree is split into.
 */
export function completeSubtrees({ first, end }: LeafRange): NodePlace[] {
  const places: NodePlace[] = [];
  let at = first;
  for (let height = 47; height >= 0; height--) {
    const width = 2 ** height;
    if (end - at < width) continue;
    places.push({ height, index: at / width });
    at += width;
  }
  return places;
}
