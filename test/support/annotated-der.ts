/** DER as lines of hex with what they mean behind them, for people to read and for tests to compare. */
import { decodeUtf8, fromHex, toHex } from '../../lib/bytes/octets.ts';
import { OID, type OidName } from '../../lib/cms/oids.ts';
import { parseDer, writeDer, type DerNode } from './der-tree.ts';

/** Bytes that have a name of their own, in hex. */
export type Names = Readonly<Record<string, string>>;

/** One line for each header of a constructed value and for each primitive value. */
export function annotate(der: Uint8Array, names: Names): string {
  return parseDer(der)
    .flatMap((node) => lines(node, 0, names))
    .join('\n');
}

/** The bytes of {@link annotate}: comments and spaces fall away. */
export function readAnnotated(text: string): Uint8Array {
  const digits = text.replaceAll(/#.*$/gm, '').replaceAll(/\s/g, '');
  const bytes = fromHex(digits);
  if (!bytes) throw new TypeError('not hex');
  return bytes;
}

function lines(node: DerNode, depth: number, names: Names): string[] {
  const whole = writeDer(node);
  const indent = '  '.repeat(depth);
  if (node.children) {
    const inside = node.children.flatMap((child) => lines(child, depth + 1, names));
    const contents = node.children.reduce((sum, child) => sum + writeDer(child).length, 0);
    const header = whole.subarray(0, whole.length - contents);
    return [
      `${indent}${toHex(header)}  # ${TAG_NAMES[node.tag] ?? `[${node.tag & 0x1f}]`}`,
      ...inside,
    ];
  }
  const contents = node.contents!;
  const header = toHex(whole.subarray(0, whole.length - contents.length));
  // eContent holds DER again.
  if (node.tag === 0x04 && contents[0] === 0x30 && contents.length > 100) {
    const inside = parseDer(contents).flatMap((child) => lines(child, depth + 1, names));
    return [`${indent}${header}  # OCTET STRING, of`, ...inside];
  }
  return [`${indent}${header} ${toHex(contents)}  # ${meaning(node, whole, names)}`];
}

function meaning(node: DerNode, whole: Uint8Array, names: Names): string {
  const contents = node.contents!;
  const kind = TAG_NAMES[node.tag] ?? `[${node.tag & 0x1f}]`;
  const oidName = (Object.keys(OID) as OidName[]).find((name) => toHex(OID[name]) === toHex(whole));
  if (oidName) return oidName;
  const name = names[toHex(contents)];
  if (name) return `${kind} ${name}`;
  if (node.tag === 0x0c || node.tag === 0x17 || node.tag === 0x18)
    return `${kind} "${decodeUtf8(contents)}"`;
  if (node.tag === 0x02 && contents.length < 5)
    return `${kind} ${Number.parseInt(toHex(contents), 16)}`;
  return kind;
}

const TAG_NAMES: Readonly<Record<number, string>> = {
  0x01: 'BOOLEAN',
  0x02: 'INTEGER',
  0x03: 'BIT STRING',
  0x04: 'OCTET STRING',
  0x05: 'NULL',
  0x06: 'OBJECT IDENTIFIER',
  0x0a: 'ENUMERATED',
  0x0c: 'UTF8String',
  0x17: 'UTCTime',
  0x18: 'GeneralizedTime',
  0x30: 'SEQUENCE',
  0x31: 'SET',
};
