/** Bytes that a stranger made to break a decoder: samples that were changed, lengths that lie, a megabyte of the same. */
import * as fc from 'fast-check';
import { concatBytes, equalBytes } from '../../lib/bytes/octets.ts';
import { parseDer, writeDer, type DerNode } from './der-tree.ts';

/** Random bytes now and then; else one of the samples with one to four changes. */
export function hostileBytes(samples: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const changed = fc
    .tuple(fc.constantFrom(...samples), fc.array(CHANGE, { minLength: 1, maxLength: 4 }))
    .map(([sample, changes]) => {
      let bytes = sample;
      for (const change of changes) bytes = changedBytes(bytes, change, samples);
      return bytes;
    });
  return fc.oneof(
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) },
    { weight: 15, arbitrary: changed },
  );
}

/** Each sample with each four bytes of its beginning, one place after another, overwritten by lengths that nothing has. */
export function* lyingLengths(samples: readonly Uint8Array[]): Generator<Uint8Array> {
  for (const sample of samples) {
    const last = Math.min(sample.length - 4, HEADER);
    for (let at = 0; at <= last; at++) {
      for (const value of LIES) {
        yield withU32(sample, at, value, true);
        yield withU32(sample, at, value, false);
      }
    }
  }
}

/**
 * Inputs of exactly 1 MiB: padded, repeated, nested samples, and samples one part of which has grown that the rest agrees.
 *
 * @param thorough - Of 8 samples, each with every part grown; else of 3, with some.
 */
export function* megabytes(
  samples: readonly Uint8Array[],
  thorough = false,
): Generator<Uint8Array> {
  for (const header of NESTINGS) yield nested(header);
  for (const sample of spread(samples, thorough ? 8 : 3)) {
    yield filled(sample, Uint8Array.of(0));
    yield filled(sample, Uint8Array.of(0xff));
    yield filled(sample, sample);
    yield* spread(grownFields(sample), thorough ? Infinity : 6);
    yield* spread(grownNodes(sample), thorough ? Infinity : 10);
  }
}

type Change = readonly [kind: number, place: number, choice: number, length: number];

function changedBytes(
  bytes: Uint8Array,
  [kind, place, choice, length]: Change,
  samples: readonly Uint8Array[],
): Uint8Array {
  // Half of the changes are made where headers are.
  const reach = place & 1 ? bytes.length : Math.min(bytes.length, HEADER);
  const at = reach === 0 ? 0 : (place >>> 1) % reach;
  switch (kind) {
    case 0:
      return withByte(bytes, at, (bytes[at] ?? 0) ^ (1 << (choice & 7)));
    case 1:
      return withByte(bytes, at, EDGE_BYTES[choice % EDGE_BYTES.length]!);
    case 2:
    case 3: {
      // One choice beyond them: about as much as there is.
      const value = EDGES[choice % (EDGES.length + 1)] ?? bytes.length - length;
      return withU32(bytes, at, value >>> 0, kind === 2);
    }
    case 4:
      return bytes.slice(0, at);
    case 5:
      return spliced(bytes, at, length, new Uint8Array(0));
    case 6:
      return spliced(bytes, at, 0, new Uint8Array(length).fill(choice));
    case 7:
      return concatBytes(bytes, new Uint8Array(length).fill(choice));
    default: {
      const other = samples[choice % samples.length]!;
      return spliced(bytes, at, length, other.subarray(at, at + length));
    }
  }
}

function withByte(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const out = Uint8Array.from(bytes);
  out[at] = value;
  return out;
}

function withU32(bytes: Uint8Array, at: number, value: number, littleEndian: boolean): Uint8Array {
  const out = Uint8Array.from(bytes);
  if (out.length < 4) return out;
  new DataView(out.buffer).setUint32(Math.min(at, out.length - 4), value, littleEndian);
  return out;
}

/** `length` bytes at `at` replaced by others. */
function spliced(bytes: Uint8Array, at: number, length: number, by: Uint8Array): Uint8Array {
  return concatBytes(bytes.subarray(0, at), by, bytes.subarray(at + length));
}

/** `start`, and `more` again and again up to 1 MiB. */
function filled(start: Uint8Array, more: Uint8Array): Uint8Array {
  const out = new Uint8Array(MEGABYTE);
  out.set(start.subarray(0, MEGABYTE));
  for (let at = start.length; at < MEGABYTE; at += more.length)
    out.set(more.subarray(0, MEGABYTE - at), at);
  return out;
}

/** As deep as it goes. */
function nested(header: readonly number[]): Uint8Array {
  return filled(new Uint8Array(0), Uint8Array.from(header));
}

/** Made where it is wanted: all of them at once would take hundreds of megabytes. */
type Making = () => Uint8Array;

/** Each number of four bytes at the beginning that may be a length, made larger, and the bytes that it then tells of put in. */
function grownFields(sample: Uint8Array): Making[] {
  const made: Making[] = [];
  const extra = MEGABYTE - sample.length;
  const view = new DataView(sample.buffer, sample.byteOffset, sample.byteLength);
  for (let at = 0; at <= Math.min(sample.length - 4, HEADER); at++) {
    for (const littleEndian of [true, false]) {
      const length = view.getUint32(at, littleEndian);
      if (length > sample.length || extra <= 0) continue;
      const place = Math.min(at + 4 + length, sample.length);
      made.push(() =>
        spliced(withU32(sample, at, length + extra, littleEndian), place, 0, new Uint8Array(extra)),
      );
    }
  }
  return made;
}

/** Of DER: each constructed value with its last child again and again, each other one with its contents made longer. */
function grownNodes(sample: Uint8Array): Making[] {
  const roots = parseDer(sample).map(opened);
  if (!equalBytes(concatBytes(...roots.map(writeDer)), sample)) return [];
  // Lengths above take up to 3 bytes more each.
  const extra = MEGABYTE - sample.length - 64;
  const grow = (target: number): Uint8Array => {
    let seen = 0;
    const write = (node: DerNode): Uint8Array => {
      const contents = seen++ === target ? grown(node, extra) : undefined;
      return writeDer({
        tag: node.tag,
        contents: contents ?? node.contents ?? concatBytes(...node.children!.map(write)),
      });
    };
    return filled(concatBytes(...roots.map(write)).subarray(0, MEGABYTE), Uint8Array.of(0));
  };
  const count = roots.reduce((sum, root) => sum + nodesIn(root), 0);
  return Array.from({ length: count }, (_, target) => () => grow(target));
}

function grown(node: DerNode, extra: number): Uint8Array | undefined {
  if (node.contents) return concatBytes(node.contents, new Uint8Array(extra));
  const children = node.children!.map(writeDer);
  const last = children.at(-1);
  if (last === undefined || last.length === 0) return undefined;
  const again = new Uint8Array(Math.floor(extra / last.length) * last.length);
  for (let at = 0; at < again.length; at += last.length) again.set(last, at);
  return concatBytes(...children, again);
}

/** An OCTET STRING that holds DER is looked into. */
function opened(node: DerNode): DerNode {
  if (node.children) return { tag: node.tag, children: node.children.map(opened) };
  const { tag, contents } = node;
  if (tag !== 0x04 || contents![0] !== 0x30) return node;
  const inside = parseDer(contents!);
  if (!equalBytes(concatBytes(...inside.map(writeDer)), contents!)) return node;
  return { tag, children: inside.map(opened) };
}

function nodesIn(node: DerNode): number {
  let count = 1;
  for (const child of node.children ?? []) count += nodesIn(child);
  return count;
}

/** At most `count` of them, from the first to the last. */
function* spread<T>(all: readonly (T | (() => T))[], count: number): Generator<T> {
  const step = Math.max(1, all.length / count);
  for (let i = 0; i < all.length; i += step) {
    const one = all[Math.floor(i)]!;
    yield typeof one === 'function' ? (one as () => T)() : one;
  }
}

export const MEGABYTE = 1 << 20;
/** Where lengths, counts and magics are, in every format here. */
const HEADER = 96;
const KINDS = 8;
const CHANGE: fc.Arbitrary<Change> = fc.tuple(
  fc.nat({ max: KINDS }),
  fc.nat({ max: 0x1ffff }),
  fc.nat({ max: 0xff }),
  fc.nat({ max: 48 }),
);
const EDGE_BYTES = [0, 1, 2, 3, 4, 0x30, 0x7f, 0x80, 0x81, 0x84, 0xfe, 0xff];
const LIES = [0x7fffffff, 0x80000000, 0xffffffff, 0x10000000, 0x00100000];
const EDGES = [0, 1, 2, 3, 7, 8, 15, 16, 0x7f, 0x80, 0xff, 0x100].concat(
  [0x400, 0x7fff, 0x8000, 0xffff, 0x10000, 0xfffffff8, 0xfffffffe],
  LIES,
);

/** SEQUENCE in SEQUENCE: with definite lengths that lie, and with indefinite ones; the same of OCTET STRING and [0]. */
const NESTINGS = [
  [0x30, 0x80],
  [0x24, 0x80],
  [0xa0, 0x80],
  [0x30, 0x83, 0x0f, 0xff, 0x00],
  [0x30, 0x84, 0x00, 0x0f, 0xf0, 0x00],
  [0x02, 0x01, 0x00],
  [0x30, 0x00],
];
