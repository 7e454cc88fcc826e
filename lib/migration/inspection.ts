/** What a file is, as inspect answers it. No secret is in here: fields that nobody listed as public have a length and no value. */

/** Whether it could be read. */
export type InspectionState =
  /** To its end, by the decoder of the format. */
  | 'read'
  /** It has the mark of the format, and its inside is not read: encrypted, too long, or no layout is published. */
  | 'recognised'
  /** It has the mark of the format, and a field is wrong: see `fault`. */
  | 'damaged'
  /** No format of the table. */
  | 'unknown';

/** How a field was read. `structure` and `der` hold fields of their own; `unknown` are bytes that no decoder read. */
export type InspectedFieldKind = 'u8' | 'u16' | 'u32' | 'bytes' | 'structure' | 'der' | 'unknown';

/** One field. */
export interface InspectedField {
  /** The format's name, as in a BlobFormatError: `SIMPLEBLOB`. */
  readonly format: string;
  /** The specification's name: `aiKeyAlg`. */
  readonly field: string;
  /** Bytes from the start of the file; in a part that was decoded from text, from the start of that. */
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
  /** How many fields it lies in. */
  readonly depth: number;
  readonly kind: InspectedFieldKind;
  /** A number, hex of bytes as they lie, or text. Absent where the field is not public, or too long to show. */
  readonly value?: number | string;
  /** What the value is, for people: `CALG_AES_256 (0x6610)`. */
  readonly means?: string;
}

/** A remark. Switch on `id`; `text` may change in any release. */
export interface InspectionNote {
  /** `warning`: what should be looked after. */
  readonly severity: 'note' | 'warning';
  readonly id: NoteId;
  /** One sentence. */
  readonly text: string;
}

/** Every remark that inspect makes. */
export type NoteId =
  | 'CERTIFICATE_SIGNED_WITH_MD5'
  | 'CERTIFICATE_SIGNED_WITH_SHA1'
  | 'CIPHERTEXT_FOLLOWS'
  | 'EXPONENT_OF_ONE'
  | 'KEY_IN_THE_CLEAR'
  | 'KEY_LENGTH_ODD'
  | 'LAYOUT_NOT_PUBLISHED'
  | 'MORE_FIELDS'
  | 'NOT_VERIFIED'
  | 'PADDING_NOT_IN_BLOB'
  | 'PRIVATE_KEY_ENCRYPTED'
  | 'PRIVATE_KEY_IN_THE_CLEAR'
  | 'SALT_NOT_IN_BLOB'
  | 'SHORT_KEY'
  | 'TEXT_OF_BYTES'
  | 'TRAILING_BYTES'
  | 'WEAK_CIPHER'
  | 'WEAK_HASH'
  | 'WINE_NOT_DPAPI';

/** What a file is. */
export interface Inspection {
  /** Stable name of the format, a row of the table: `simpleblob`; `unknown`. */
  readonly format: string;
  /** Its name for people, as its specification writes it: `SIMPLEBLOB`. */
  readonly what: string;
  /** One sentence. */
  readonly summary: string;
  readonly state: InspectionState;
  /** Where it begins: bytes from the start of the file, or of the decoded text that it was in. */
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
  /** In the order of their offsets, parents before their children. What no decoder read is there as `unknown`. */
  readonly fields: readonly InspectedField[];
  /** What lies in it and is a format of its own. */
  readonly parts: readonly InspectedPart[];
  readonly notes: readonly InspectionNote[];
  /** The field that was refused. */
  readonly fault?: InspectionFault;
}

/** A format within another. */
export interface InspectedPart extends Inspection {
  /** The field that it is in, or how it was written there: `exPrivate`, `base64`. */
  readonly name: string;
}

/** Where and why reading ended. */
export interface InspectionFault {
  readonly format: string;
  readonly field: string;
  readonly offset: number;
  /** Never bytes of a secret. */
  readonly problem: string;
}
