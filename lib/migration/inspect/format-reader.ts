/** FormatReader: a row of the table of formats. How a file is known, read, and described. */
import type { InspectionNote } from '../inspection.ts';

/** What a file is known by. */
export interface FileStart {
  /** The file, or its beginning. */
  readonly bytes: Uint8Array;
  /** Bytes of the whole file. */
  readonly size: number;
  /** Its name without folders, where it has one. */
  readonly name: string | undefined;
}

/** What a row says of what it read. */
export interface Description {
  /** Where the row's own name is not all that is known: `PUBLICKEYBLOB (DSS)`. */
  readonly what?: string;
  /** One sentence. */
  readonly summary: string;
  readonly notes?: readonly InspectionNote[];
  /** `recognised` where only the mark was looked at. Default `read`. */
  readonly state?: 'read' | 'recognised';
  /** What follows the last field, to the end of the file: `ciphertext`. Without a name it is unknown. */
  readonly rest?: string;
}

/** Bytes that a row decoded, such as the DER of a PEM block: inspected as a file of their own, then wiped. */
export interface DecodedPart {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A field that holds a file of its own, by the names that its decoder gives it. */
export interface PartField {
  readonly format: string;
  readonly field: string;
  /** Contents (default) or the whole value, of DER. */
  readonly take?: 'contents' | 'whole';
}

export interface FormatReader {
  /** Stable: {@link Inspection.format}. */
  readonly id: string;
  /** The format's name as its specification writes it. */
  readonly what: string;
  /** Whether the first bytes, or the name, are this format's. Cheap: every row is asked. */
  readonly detect: (start: FileStart) => boolean;
  /**
   * Reads and describes it. Runs under a trace: decoders tell the fields by themselves.
   *
   * @throws BlobFormatError, or any KeyStoreError, where it is damaged.
   */
  readonly read: (bytes: Uint8Array, start: FileStart) => Description;
  readonly partFields?: readonly PartField[];
  readonly decodeParts?: (bytes: Uint8Array) => DecodedPart[];
}

/** A row whose decoder answers an object: it is described, then disposed of where it can be. */
export function formatReader<T extends object>(row: {
  readonly id: string;
  readonly what: string;
  readonly detect: (start: FileStart) => boolean;
  readonly decode: (bytes: Uint8Array) => T;
  readonly describe: (decoded: T, start: FileStart) => Description;
  readonly partFields?: readonly PartField[];
}): FormatReader {
  const { decode, describe, ...rest } = row;
  return {
    ...rest,
    read: (bytes, start) => {
      const decoded = decode(bytes);
      try {
        return describe(decoded, start);
      } finally {
        (decoded as Partial<Disposable>)[Symbol.dispose]?.();
      }
    },
  };
}

/** A u32, little-endian; -1 where the file ends before. */
export function u32At(bytes: Uint8Array, at: number): number {
  if (at + 4 > bytes.length) return -1;
  return (
    (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
  );
}

/** Whether these bytes are at this place. */
export function hasAt(bytes: Uint8Array, at: number, wanted: ArrayLike<number>): boolean {
  if (at + wanted.length > bytes.length) return false;
  for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) return false;
  return true;
}

/** Whether these bytes, an identifier's DER for instance, are anywhere in it. */
export function includes(bytes: Uint8Array, wanted: Uint8Array): boolean {
  for (let at = bytes.indexOf(wanted[0]!); at >= 0; at = bytes.indexOf(wanted[0]!, at + 1))
    if (hasAt(bytes, at, wanted)) return true;
  return false;
}

export function note(id: InspectionNote['id'], text: string): InspectionNote {
  return { severity: 'note', id, text };
}

export function warning(id: InspectionNote['id'], text: string): InspectionNote {
  return { severity: 'warning', id, text };
}
