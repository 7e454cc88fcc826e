/** The same ASN.1 values in encodings that BER allows and DER forbids. */
import { concatBytes } from '../../lib/bytes/octets.ts';

interface Node {
  readonly tag: number;
  /** Of a primitive. */
  readonly content: Uint8Array;
  /** Of a constructed one. */
  readonly children: readonly Node[] | undefined;
}

/** Every variant of `der` with one length longer than it need be, or one constructed value of indefinite length. */
export function* berVariants(der: Uint8Array): Generator<{ what: string; bytes: Uint8Array }> {
  const [root] = parse(der);
  const nodes = [...allOf(root!)];
  for (const [index, node] of nodes.entries()) {
    const at = `of value ${index} (tag 0x${node.tag.toString(16)})`;
    yield { what: `long length ${at}`, bytes: encode(root!, node, 'long') };
    if (node.children)
      yield { what: `indefinite length ${at}`, bytes: encode(root!, node, 'indefinite') };
  }
  yield { what: 'a trailing byte', bytes: concatBytes(der, Uint8Array.of(0)) };
}

function parse(bytes: Uint8Array): Node[] {
  const nodes: Node[] = [];
  for (let at = 0; at < bytes.length;) {
    const tag = bytes[at]!;
    const first = bytes[at + 1]!;
    const count = first < 0x80 ? 0 : first & 0x7f;
    const length = count === 0 ? first : bytes.slice(at + 2, at + 2 + count).reduce(shift, 0);
    const start = at + 2 + count;
    const content = bytes.subarray(start, start + length);
    nodes.push({ tag, content, children: (tag & 0x20) === 0 ? undefined : parse(content) });
    at = start + length;
  }
  return nodes;
}

function* allOf(node: Node): Generator<Node> {
  yield node;
  for (const child of node.children ?? []) yield* allOf(child);
}

function encode(node: Node, odd: Node, how: 'long' | 'indefinite'): Uint8Array {
  const { tag, children } = node;
  const content = children
    ? concatBytes(...children.map((child) => encode(child, odd, how)))
    : node.content;
  if (node !== odd) return concatBytes(Uint8Array.of(tag), derLength(content.length), content);
  if (how === 'indefinite')
    return concatBytes(Uint8Array.of(tag, 0x80), content, Uint8Array.of(0, 0));
  const four = new Uint8Array(4);
  new DataView(four.buffer).setUint32(0, content.length);
  return concatBytes(Uint8Array.of(tag, 0x84), four, content);
}

function derLength(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  const bytes: number[] = [];
  for (let left = length; left > 0; left >>>= 8) bytes.unshift(left & 0xff);
  return Uint8Array.of(0x80 | bytes.length, ...bytes);
}

const shift = (sum: number, byte: number): number => (sum << 8) | byte;
