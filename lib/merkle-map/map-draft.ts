/** MapDraft: a map that is being changed. The nodes that it makes are in memory until somebody writes them. */
import { equalBytes, toHex } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import {
  EMPTY_MAP_ROOT,
  encodeNode,
  hashOfNode,
  isBranch,
  isEntry,
  KEY_BYTES,
  MAX_VALUE_BYTES,
  RADIX,
  slotOf,
  type MapEntry,
  type MapNode,
  type MapSlot,
} from './map-node.ts';
import { pathsOf, valueOn, type Paths, type ReadNodes } from './map-paths.ts';
import type { StoredNode } from './verified-nodes.ts';

/** What becomes of a key. */
export interface MapChange {
  /** 32 bytes. */
  readonly key: Uint8Array;
  /** 1 to 1024 bytes; undefined removes the entry, where there is one. */
  readonly value: Uint8Array | undefined;
}

/** A node that a draft has made. */
interface MadeNode {
  readonly stored: StoredNode;
  readonly node: MapNode;
}

export class MapDraft {
  readonly #readOlder: ReadNodes;
  /** Those of the present root that are not those of the root that it began with, by their hashes. */
  readonly #made = new Map<string, MadeNode>();
  #root: Uint8Array;

  constructor(read: ReadNodes, root: Uint8Array) {
    this.#readOlder = read;
    this.#root = root;
  }

  /** Of the map as it is now. */
  get root(): Uint8Array {
    return this.#root;
  }

  /** What `MerkleMap.getMany` gives, for the map as it is now. */
  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    const paths = await this.#pathsOf(keys);
    return keys.map((key) => valueOn(paths, this.#root, key));
  }

  /**
   * Changes entries.
   *
   * @param changes - Each key once.
   * @returns The new root.
   * @throws KeyStoreError PARAMETER_INVALID, BLOB_TOO_LARGE; and as `MerkleMap.getMany` does: nothing was changed.
   */
  async update(changes: readonly MapChange[]): Promise<Uint8Array> {
    checkChanges(changes);
    if (changes.length === 0) return this.#root;
    const keys = changes.map(({ key }) => key);
    const paths = await this.#pathsOf(keys);
    const made: MadeNode[] = [];
    const { slots } = paths.get(toHex(this.#root)) ?? EMPTY;
    const changed = changeSlots({ slots, depth: 0, changes, paths, made });
    for (const hash of paths.keys()) this.#made.delete(hash);
    this.#root = changed.some((slot) => slot) ? makeNode(changed, made) : EMPTY_MAP_ROOT;
    // What was made anew at the same place is there again.
    for (const node of made) this.#made.set(toHex(node.stored.hash), node);
    return this.#root;
  }

  /** The nodes that are to be written before the root can be read elsewhere. All on the changed paths are among them. */
  nodes(): StoredNode[] {
    return [...this.#made.values()].map(({ stored }) => stored);
  }

  made(): Iterable<MadeNode> {
    return this.#made.values();
  }

  #pathsOf(keys: readonly Uint8Array[]): Promise<Paths> {
    return pathsOf((hashes) => this.#read(hashes), this.#root, keys);
  }

  async #read(hashes: readonly Uint8Array[]): Promise<MapNode[]> {
    const made = hashes.map((hash) => this.#made.get(toHex(hash))?.node);
    const older = hashes.filter((_, i) => !made[i]);
    const read = older.length > 0 ? await this.#readOlder(older) : [];
    let next = 0;
    return made.map((node) => node ?? read[next++]!);
  }
}

const EMPTY: MapNode = { slots: Array.from({ length: RADIX }, () => undefined) };

/** One node, and what is to change in it and below. */
interface Work {
  readonly slots: readonly MapSlot[];
  readonly depth: number;
  readonly changes: readonly MapChange[];
  readonly paths: Paths;
  /** Takes the nodes that are made. */
  readonly made: MadeNode[];
}

function changeSlots({ slots, depth, changes, paths, made }: Work): MapSlot[] {
  const perSlot = new Map<number, MapChange[]>();
  for (const change of changes) {
    const slot = slotOf(change.key, depth);
    const others = perSlot.get(slot);
    if (others) others.push(change);
    else perSlot.set(slot, [change]);
  }
  return slots.map((slot, i) => {
    const here = perSlot.get(i);
    return here ? changeSlot(slot, { depth: depth + 1, changes: here, paths, made }) : slot;
  });
}

/** @param work - `depth`: of the node that is below the slot, or would be. */
function changeSlot(slot: MapSlot, work: Omit<Work, 'slots'>): MapSlot {
  const { depth, changes, paths, made } = work;
  if (isBranch(slot)) {
    const { slots } = paths.get(toHex(slot.hash))!;
    return slotOver(changeSlots({ slots, depth, changes, paths, made }), made);
  }
  const entries = changes.filter(isPut);
  if (isEntry(slot) && !changes.some(({ key }) => equalBytes(key, slot.key))) entries.push(slot);
  return slotOfEntries(entries, depth, made);
}

/** What a slot has that entries are below: one alone stands in it, more have a node. */
function slotOfEntries(entries: readonly MapEntry[], depth: number, made: MadeNode[]): MapSlot {
  if (entries.length < 2) return entries[0];
  const slots = Array.from({ length: RADIX }, (_, slot) => {
    const below = entries.filter(({ key }) => slotOf(key, depth) === slot);
    return slotOfEntries(below, depth + 1, made);
  });
  return { hash: makeNode(slots, made) };
}

/** What the slot above a node has: nothing, the node's only entry, or the node. */
function slotOver(slots: readonly MapSlot[], made: MadeNode[]): MapSlot {
  const [first, second] = slots.filter((slot) => slot !== undefined);
  return second || isBranch(first) ? { hash: makeNode(slots, made) } : first;
}

/** @returns Its hash. */
function makeNode(slots: readonly MapSlot[], made: MadeNode[]): Uint8Array {
  const node = { slots };
  const bytes = encodeNode(node);
  const hash = hashOfNode(bytes);
  made.push({ stored: { hash, bytes }, node });
  return hash;
}

function isPut(change: MapChange): change is MapEntry {
  return change.value !== undefined;
}

/** @throws KeyStoreError PARAMETER_INVALID, BLOB_TOO_LARGE */
function checkChanges(changes: readonly MapChange[]): void {
  if (changes.some(({ key }) => key.length !== KEY_BYTES))
    throw new KeyStoreError('PARAMETER_INVALID', `a key of a map has ${KEY_BYTES} bytes`);
  if (new Set(changes.map(({ key }) => toHex(key))).size < changes.length)
    throw new KeyStoreError('PARAMETER_INVALID', 'a key comes twice');
  for (const { value } of changes) {
    if (value?.length === 0)
      throw new KeyStoreError('PARAMETER_INVALID', 'a value of a map is not empty');
    if (value && value.length > MAX_VALUE_BYTES)
      throw new KeyStoreError('BLOB_TOO_LARGE', `a value has at most ${MAX_VALUE_BYTES} bytes`);
  }
}
