/**
 * A node of a Merkle map, and its bytes (docs/formats/merkle-map.md).
 *
 *   off size  field
 *     0    1  02: no hash of a leaf or a node of a log begins so (RFC 9162: 00, 01)
 *     1    2  branches   bit n: slot n is a node below this one
 *     3    2  entries    bit n: slot n is an entry
 *     5   32  for each branch, by ascending slot: SHA-256 of that node's bytes
 *        ..   for each entry, by ascending slot: key (32), length of the value (2), value
 *
 * Numbers are big-endian. The slot of a key in a node `depth` levels below the root is the key's hex digit `depth`.
 */
import { hash } from 'node:crypto';
import { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';
import { copyBytes, equalBytes, plainBytes } from '../bytes/octets.ts';

/** A key with its value. */
export interface MapEntry {
  /** 32 bytes. */
  readonly key: Uint8Array;
  /** 1 to {@link MAX_VALUE_BYTES} bytes. */
  readonly value: Uint8Array;
}

/** What a slot has: nothing, the hash of a node, or an entry that is alone below it. */
export type MapSlot = undefined | { readonly hash: Uint8Array } | MapEntry;

/** A node that was read or made. */
export interface MapNode {
  /** 16. */
  readonly slots: readonly MapSlot[];
}

/** Slots of a node. */
export const RADIX = 16;
/** Bytes of a key. */
export const KEY_BYTES = 32;
/** Hex digits of a key: nothing is deeper. */
export const MAX_DEPTH = KEY_BYTES * 2;
/** Bytes of a value: that of a record with the longest label is under 400. */
export const MAX_VALUE_BYTES = 1024;
/** Bytes of a node of 16 entries with the longest values. */
export const MAX_NODE_BYTES = 5 + RADIX * (KEY_BYTES + 2 + MAX_VALUE_BYTES);

const MAGIC = 0x02;
const HEADER = 5;
const HASH_BYTES = 32;

/** The hash that a node is known by. */
export function hashOfNode(bytes: Uint8Array): Uint8Array {
  return plainBytes(hash('sha256', bytes, 'buffer'));
}

/** The root of a map without entries. Its node, `02 0000 0000`, is kept nowhere. */
export const EMPTY_MAP_ROOT: Uint8Array = hashOfNode(Uint8Array.of(MAGIC, 0, 0, 0, 0));

export function isBranch(slot: MapSlot): slot is { readonly hash: Uint8Array } {
  return slot !== undefined && 'hash' in slot;
}

export function isEntry(slot: MapSlot): slot is MapEntry {
  return slot !== undefined && 'key' in slot;
}

/** The slot of a key in a node that is `depth` levels below the root. */
export function slotOf(key: Uint8Array, depth: number): number {
  const byte = key[depth >> 1]!;
  return depth % 2 === 0 ? byte >> 4 : byte & 0x0f;
}

/** A path with hex digit `depth` set, which was 0. */
export function withDigit(path: Uint8Array, depth: number, digit: number): Uint8Array {
  const out = copyBytes(path);
  out[depth >> 1]! |= depth % 2 === 0 ? digit << 4 : digit;
  return out;
}

export function encodeNode({ slots }: MapNode): Uint8Array {
  const branches = slots.filter(isBranch);
  const entries = slots.filter(isEntry);
  const values = entries.reduce((sum, { value }) => sum + value.length, 0);
  const length = HEADER + branches.length * HASH_BYTES + entries.length * (KEY_BYTES + 2) + values;
  const w = new BlobWriter(length).u8(MAGIC).u16be(maskOf(slots, isBranch));
  w.u16be(maskOf(slots, isEntry));
  for (const branch of branches) w.bytes(branch.hash);
  for (const { key, value } of entries) w.bytes(key).u16be(value.length).bytes(value);
  return w.finish();
}

/**
 * Reads a node. Hashes, keys and values are views of `bytes`. Whether it belongs where it was found, {@link isInPlace} says.
 *
 * @throws BlobFormatError BLOB_MALFORMED
 */
export function decodeNode(bytes: Uint8Array): MapNode {
  const r = new BlobReader(bytes, 'MapNode');
  if (bytes.length > MAX_NODE_BYTES) r.fail('node', `want at most ${MAX_NODE_BYTES} bytes`);
  if (r.u8('magic') !== MAGIC) r.fail('magic', `want ${MAGIC}`);
  const branches = r.u16be('branches');
  const entries = r.u16be('entries');
  if ((branches & entries) !== 0) r.fail('entries', 'a slot is a node and an entry');
  if ((branches | entries) === 0) r.fail('entries', 'all slots are empty');
  const slots: MapSlot[] = Array.from({ length: RADIX }, () => undefined);
  for (const slot of slotsIn(branches)) slots[slot] = { hash: r.bytes('branch', HASH_BYTES) };
  for (const slot of slotsIn(entries)) {
    const key = r.bytes('key', KEY_BYTES);
    const length = r.u16be('length');
    if (length === 0 || length > MAX_VALUE_BYTES)
      r.fail('length', `want 1 to ${MAX_VALUE_BYTES} bytes`);
    slots[slot] = { key, value: r.bytes('value', length) };
  }
  r.end();
  return { slots };
}

/**
 * May this node stand `depth` levels below the root, on the way to `key`? Its entries begin as that key does, and stand in their slots; and
 * below the root a node has at least two entries, itself or in the nodes below it: one alone stands in the node above.
 */
export function isInPlace({ slots }: MapNode, depth: number, key: Uint8Array): boolean {
  const isAlone = slots.filter((slot) => slot !== undefined).length === 1;
  if (depth > 0 && isAlone && slots.some(isEntry)) return false;
  if (depth >= MAX_DEPTH - 1 && slots.some(isBranch)) return false;
  return slots.every(
    (slot, i) =>
      !isEntry(slot) || (slotOf(slot.key, depth) === i && sharesPath(slot.key, key, depth)),
  );
}

/** Are the first `depth` hex digits the same? */
function sharesPath(a: Uint8Array, b: Uint8Array, depth: number): boolean {
  const whole = depth >> 1;
  if (!equalBytes(a.subarray(0, whole), b.subarray(0, whole))) return false;
  return depth % 2 === 0 || slotOf(a, depth - 1) === slotOf(b, depth - 1);
}

function maskOf(slots: readonly MapSlot[], is: (slot: MapSlot) => boolean): number {
  return slots.reduce((mask, slot, i) => (is(slot) ? mask | (1 << i) : mask), 0);
}

function slotsIn(mask: number): number[] {
  return Array.from({ length: RADIX }, (_, slot) => slot).filter((slot) => mask & (1 << slot));
}
