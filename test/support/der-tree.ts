/** DER as a tree that can be written again otherwise than DER allows: what a reader has to refuse. */

export interface DerNode {
  readonly tag: number;
  /** Of a constructed value. */
  readonly children?: readonly DerNode[];
  /** Of a primitive one. */
  readonly contents?: Uint8Array;
}

/** Reads values one after another; valid DER is assumed. */
export function parseDer(bytes: Uint8Array): DerNode[] {
  const nodes: DerNode[] = [];
  for (let at = 0; at < bytes.length;) {
    const tag = bytes[at]!;
    let length = bytes[at + 1]!;
    at += 2;
    if (length > 0x80) {
      const end = at + (length & 0x7f);
      for (length = 0; at < end; at++) length = length * 256 + bytes[at]!;
    }
    const contents = bytes.subarray(at, at + length);
    at += length;
    nodes.push(tag & CONSTRUCTED ? { tag, children: parseDer(contents) } : { tag, contents });
  }
  return nodes;
}

/** One wrong way to write a node; undefined where it does not apply. */
type Misspelling = (node: DerNode) => Uint8Array | undefined;

/** Ways that BER allows, or that change the value while its meaning seems the same; none is DER. */
const MISSPELLINGS: Readonly<Record<string, Misspelling>> = {
  'a length in more bytes than it needs': (node) => {
    const contents = contentsOf(node);
    const { length } = contents;
    return join([node.tag, 0x84, length >>> 24, length >>> 16, length >>> 8, length], contents);
  },
  'a length with one leading zero': (node) => {
    const contents = contentsOf(node);
    const digits =
      contents.length < 256 ? [contents.length] : [contents.length >> 8, contents.length];
    return join([node.tag, 0x80 | (digits.length + 1), 0, ...digits], contents);
  },
  'an indefinite length': (node) =>
    node.children && join([node.tag, 0x80], contentsOf(node), Uint8Array.of(0, 0)),
  'an OCTET STRING in two pieces': (node) => {
    const { contents } = node;
    if (node.tag !== 0x04 || !contents || contents.length < 2) return undefined;
    const pieces = [contents.subarray(0, 1), contents.subarray(1)].map((piece) =>
      writeDer({ tag: 0x04, contents: piece }),
    );
    return writeTlv(0x24, join([], ...pieces));
  },
  'an INTEGER with a leading zero': (node) =>
    node.tag === 0x02 ? writeTlv(0x02, join([0], node.contents!)) : undefined,
  'a negative INTEGER': (node) =>
    node.tag === 0x02 ? writeTlv(0x02, join([0xff], node.contents!)) : undefined,
  'a SET OF in another order': (node) =>
    isSet(node) && node.children!.length > 1
      ? writeDer({ tag: node.tag, children: node.children!.toReversed() })
      : undefined,
  'a last child twice': (node) =>
    node.children && node.children.length > 0
      ? writeDer({ tag: node.tag, children: [...node.children, node.children.at(-1)!] })
      : undefined,
  'a NULL at the end': (node) =>
    node.children &&
    writeDer({
      tag: node.tag,
      children: [...node.children, { tag: 0x05, contents: new Uint8Array(0) }],
    }),
  'a last child too few': (node) =>
    node.children && node.children.length > 0
      ? writeDer({ tag: node.tag, children: node.children.slice(0, -1) })
      : undefined,
  'a tag of another class': (node) => writeTlv(node.tag ^ 0x40, contentsOf(node)),
};

/** Every single misspelling of every node of `der`, with what and where it is. */
export function* misspelt(der: Uint8Array): Generator<{ what: string; bytes: Uint8Array }> {
  const roots = parseDer(der);
  let count = 0;
  walk(roots, () => count++);
  for (const [what, spell] of Object.entries(MISSPELLINGS)) {
    for (let target = 0; target < count; target++) {
      let seen = 0;
      let applied = false;
      const write = (node: DerNode): Uint8Array => {
        const replaced = seen++ === target ? spell(node) : undefined;
        if (replaced) applied = true;
        return (
          replaced ?? writeTlv(node.tag, node.contents ?? join([], ...node.children!.map(write)))
        );
      };
      const bytes = join([], ...roots.map(write));
      if (applied && !same(bytes, der)) yield { what: `${what}, node ${target}`, bytes };
    }
  }
}

export function writeDer(node: DerNode): Uint8Array {
  return writeTlv(node.tag, contentsOf(node));
}

export function writeTlv(tag: number, contents: Uint8Array): Uint8Array {
  const { length } = contents;
  if (length < 0x80) return join([tag, length], contents);
  if (length < 0x100) return join([tag, 0x81, length], contents);
  if (length < 0x10000) return join([tag, 0x82, length >> 8, length], contents);
  return join([tag, 0x83, length >> 16, length >> 8, length], contents);
}

function contentsOf(node: DerNode): Uint8Array {
  return node.contents ?? join([], ...node.children!.map(writeDer));
}

function walk(nodes: readonly DerNode[], visit: () => void): void {
  for (const node of nodes) {
    visit();
    walk(node.children ?? [], visit);
  }
}

/** SET OF, and signedAttrs, which is one under [0]. */
function isSet(node: DerNode): boolean {
  return node.tag === 0x31 || (node.tag === 0xa0 && node.children!.length > 2);
}

function join(head: readonly number[], ...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat([Uint8Array.from(head), ...parts]));
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.from(a).equals(b);
}

const CONSTRUCTED = 0x20;
