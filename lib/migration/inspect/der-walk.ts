/** Walking DER by its own tags, where no decoder of ours has the whole layout: every value becomes a field. */
import { DerReader } from '../../bytes/der-reader.ts';
import { TAG } from '../../bytes/der-tags.ts';

/** Reads everything that is left, by the names of the types. */
export function walk(r: DerReader, depth = 0): void {
  for (let tag = r.peek(); tag !== -1; tag = r.peek()) {
    const name = typeName(tag);
    if ((tag & 0x1f) === 0x1f) r.fail(name, 'a tag of more than one byte');
    if (tag & CONSTRUCTED && depth < MAX_DEPTH) walk(r.enter(tag, name), depth + 1);
    else r.element(tag, name);
  }
}

/** Enters a SEQUENCE that is the whole of the bytes. */
export function enterWhole(bytes: Uint8Array, format: string): DerReader {
  const outer = new DerReader(bytes, format);
  const inner = outer.enter(TAG.SEQUENCE, format);
  outer.end();
  return inner;
}

/** AlgorithmIdentifier: the identifier, then whatever its parameters are. Answers the identifier's contents. */
export function readAlgorithm(r: DerReader, field: string): Uint8Array {
  const algorithm = r.enter(TAG.SEQUENCE, field);
  const identifier = algorithm.read(TAG.OBJECT_IDENTIFIER, 'algorithm');
  walk(algorithm);
  return identifier;
}

/** Tags of the values in the outermost SEQUENCE, as far as they are whole; empty where it is none. For telling formats apart. */
export function tagsOf(bytes: Uint8Array): number[] {
  return childrenOf(bytes).map(({ tag }) => tag);
}

/** A value in the outermost SEQUENCE. */
export interface DerChild {
  readonly tag: number;
  readonly contents: Uint8Array;
}

/** At most 12 children; stops where a length is none. */
export function childrenOf(bytes: Uint8Array): DerChild[] {
  const outer = headerAt(bytes, 0);
  if (outer === undefined || bytes[0] !== TAG.SEQUENCE) return [];
  const children: DerChild[] = [];
  const end = Math.min(bytes.length, outer.end);
  for (let at = outer.contents; at < end && children.length < MAX_CHILDREN;) {
    const child = headerAt(bytes, at);
    if (child === undefined) break;
    const contents = bytes.subarray(child.contents, Math.min(child.end, end));
    children.push({ tag: bytes[at]!, contents });
    at = child.end;
  }
  return children;
}

/** Bytes of the outermost value with its header; what follows is not its. */
export function lengthOf(bytes: Uint8Array): number {
  return headerAt(bytes, 0)?.end ?? bytes.length;
}

function headerAt(bytes: Uint8Array, at: number): { contents: number; end: number } | undefined {
  const first = bytes[at + 1];
  if (first === undefined || first === 0x80 || first > 0x84) return undefined;
  const count = first & 0x80 ? first & 0x7f : 0;
  const contents = at + 2 + count;
  if (contents > bytes.length) return undefined;
  let length = count === 0 ? first : 0;
  for (let i = 0; i < count; i++) length = length * 256 + bytes[at + 2 + i]!;
  return { contents, end: contents + length };
}

function typeName(tag: number): string {
  if ((tag & 0xc0) === 0x80) return `[${tag & 0x1f}]`;
  return TYPE_NAMES[tag] ?? `tag 0x${tag.toString(16).padStart(2, '0')}`;
}

const TYPE_NAMES: Readonly<Record<number, string>> = {
  0x01: 'BOOLEAN',
  0x02: 'INTEGER',
  0x03: 'BIT STRING',
  0x04: 'OCTET STRING',
  0x05: 'NULL',
  0x06: 'OBJECT IDENTIFIER',
  0x0a: 'ENUMERATED',
  0x0c: 'UTF8String',
  0x13: 'PrintableString',
  0x14: 'T61String',
  0x16: 'IA5String',
  0x17: 'UTCTime',
  0x18: 'GeneralizedTime',
  0x1e: 'BMPString',
  0x30: 'SEQUENCE',
  0x31: 'SET',
};
const CONSTRUCTED = 0x20;
const MAX_DEPTH = 24;
const MAX_CHILDREN = 12;
