/** Reads of one input in the order of their offsets, each told once: decoders look ahead, step back, and read parts again. */

/** How a field was read. `structure` holds fields of its own; `der` is a whole value with its tag and length. */
export type FieldKind = 'u8' | 'u16' | 'u32' | 'bytes' | 'structure' | 'der';

/** One field. No bytes of it: where it lies tells whoever holds the input what is in it. */
export interface TracedField {
  /** The format's name, as in a BlobFormatError. */
  readonly format: string;
  /** The specification's name of the field. */
  readonly field: string;
  /** Bytes from the start of the input, however deep the cursor was. */
  readonly offset: number;
  /** Bytes, with tag and length for `der`. */
  readonly length: number;
  readonly kind: FieldKind;
  /** Of numbers only. */
  readonly value?: number;
  /** Of `der`: where the contents begin. */
  readonly contents?: number;
}

/** A field among the others: parents come before their children. */
export interface PlacedField extends TracedField {
  /** How many fields it lies in. */
  readonly depth: number;
}

/** A field, and which read it was. */
interface Read extends TracedField {
  readonly turn: number;
}

/**
 * Sorts reads by offset, parents before children.
 *
 * Of two reads of the same number the later one stays, and so where two cross, or where a number was read in pieces: what a decoder
 * read last is what it went on with.
 */
export function settleFields(fields: readonly TracedField[]): PlacedField[] {
  const reads = readOnce(fields).toSorted(byPlace);
  const parents: Read[] = [];
  const dropped = new Set<Read>();
  const placed: { read: Read; depth: number }[] = [];
  for (const read of reads) {
    while (parents.length > 0 && endOf(parents.at(-1)!) <= read.offset) parents.pop();
    let isDropped = false;
    while (!isDropped && read.length > 0 && parents.length > 0) {
      const parent = parents.at(-1)!;
      if (mayHold(parent) && endOf(read) <= endOf(parent)) break;
      if (parent.turn > read.turn) isDropped = true;
      else dropped.add(parents.pop()!);
    }
    if (isDropped) continue;
    placed.push({ read, depth: parents.length });
    if (read.length > 0) parents.push(read);
  }
  return placed
    .filter(({ read }) => !dropped.has(read))
    .map(({ read: { turn: _turn, ...field }, depth }) => ({ ...field, depth }));
}

/** Without reads that a later one of the same bytes replaces: the same field, or a number. */
function readOnce(fields: readonly TracedField[]): Read[] {
  const last = new Map<string, Read>();
  for (const [turn, field] of fields.entries()) {
    const name = mayHold(field) ? field.field : '';
    const key = `${field.offset} ${field.length} ${name}`;
    const before = last.get(key);
    // A structure keeps its turn: it was there before what lies in it.
    last.set(key, { ...field, turn: before && mayHold(field) ? before.turn : turn });
  }
  return [...last.values()];
}

/** Empty fields stand before what begins where they do. */
function byPlace(a: Read, b: Read): number {
  if (a.offset !== b.offset) return a.offset - b.offset;
  if (a.length === 0 || b.length === 0) return a.length - b.length || a.turn - b.turn;
  return b.length - a.length || a.turn - b.turn;
}

function mayHold({ kind }: TracedField): boolean {
  return kind === 'bytes' || kind === 'structure' || kind === 'der';
}

function endOf({ offset, length }: TracedField): number {
  return offset + length;
}
