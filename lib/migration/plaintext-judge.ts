/** Whether decrypted bytes are what somebody encrypted: by what is known of them, by marks of file formats, by how text and structures look. */
import { bitsPerByte, expectedBits, looksLikeUtf16 } from './inspect/unknown-bytes.ts';

export interface JudgeFacts {
  /** Bytes that a wrong IV garbles; 0 where there is no IV. */
  readonly block: number;
  /** What the plaintext came of. */
  readonly ciphertext: Uint8Array;
  /** How the plaintext should begin. */
  readonly known: Uint8Array | undefined;
  /** Bytes of padding at the message's end. */
  readonly padding: number;
}

export interface Judgement {
  /** It begins as is known; after a first block that is garbled, perhaps. */
  readonly isKnown: boolean;
  /** What was recognised. */
  readonly content?: string;
  readonly firstBlock: 'fits' | 'garbled' | 'unknown';
  readonly beginsAtSecondBlock: boolean;
  /** How unlikely random bytes are to look so: two to this power. */
  readonly bits: number;
}

/** Judges the beginning of a plaintext. */
export function judgeBeginning(plaintext: Uint8Array, facts: JudgeFacts): Judgement {
  return (
    (facts.known && byKnown(plaintext, facts.known, facts.block)) ??
    byContent(plaintext, facts) ?? {
      isKnown: false,
      firstBlock: 'unknown',
      beginsAtSecondBlock: false,
      bits: 0,
    }
  );
}

/** PKCS#5: how many bytes of value n end a block, where there are n of them; else 0. */
export function paddingLength(block: Uint8Array): number {
  const count = block.at(-1) ?? 0;
  if (count === 0 || count > block.length) return 0;
  return block.subarray(-count).every((byte) => byte === count) ? count : 0;
}

function byKnown(plaintext: Uint8Array, known: Uint8Array, block: number): Judgement | undefined {
  const length = Math.min(plaintext.length, known.length);
  if (length === 0) return undefined;
  const found = { isKnown: true, beginsAtSecondBlock: false };
  if (isSame(plaintext, known, { from: 0, to: length }))
    return { ...found, firstBlock: 'fits', bits: 8 * length };
  if (block === 0) return undefined;
  if (length >= block + LEAST_KNOWN && isSame(plaintext, known, { from: block, to: length }))
    return { ...found, firstBlock: 'garbled', bits: 8 * (length - block) };
  const moved = plaintext.subarray(block);
  const common = Math.min(moved.length, known.length);
  if (common >= LEAST_KNOWN && isSame(moved, known, { from: 0, to: common }))
    return {
      isKnown: true,
      beginsAtSecondBlock: true,
      firstBlock: 'garbled',
      bits: 8 * common,
    };
  return undefined;
}

function byContent(
  plaintext: Uint8Array,
  { block, ciphertext, known, padding }: JudgeFacts,
): Judgement | undefined {
  // What should begin in another way has at best a first block that is garbled.
  const whole = known === undefined ? contentOf(plaintext, padding) : undefined;
  const found = { isKnown: false, beginsAtSecondBlock: false };
  if (whole) return { ...found, ...whole, firstBlock: 'fits' };
  if (block > 0 && plaintext.length > block) {
    const rest = plaintext.subarray(block);
    const mark = markOf(rest);
    if (mark) return { ...found, ...mark, firstBlock: 'garbled', beginsAtSecondBlock: true };
    const text = textOf(rest, padding);
    if (text) return { ...found, ...text, firstBlock: 'garbled' };
  }
  if (known !== undefined && block === 0) return undefined;
  const structure = structureOf(plaintext, ciphertext);
  return structure && { ...found, ...structure, firstBlock: known ? 'garbled' : 'unknown' };
}

interface Content {
  readonly content: string;
  readonly bits: number;
}

function contentOf(bytes: Uint8Array, padding: number): Content | undefined {
  return markOf(bytes) ?? textOf(bytes, padding);
}

function markOf(bytes: Uint8Array): Content | undefined {
  for (const [content, mark, at = 0] of MARKS) {
    if (bytes.length < at + mark.length) continue;
    let fits = true;
    for (let i = 0; i < mark.length; i++) fits &&= bytes[at + i] === mark[i];
    if (fits) return { content, bits: 8 * mark.length };
  }
  return undefined;
}

/** Text of any encoding, long enough that random bytes hardly ever pass. */
function textOf(bytes: Uint8Array, padding: number): Content | undefined {
  // Bits that the padding has shown already.
  const shown = 8 * padding;
  const utf8 = BITS_OF_TEXT * bytes.length;
  if (utf8 + shown >= ENOUGH && bytes.length > 0 && isUtf8Text(bytes))
    return { content: 'text', bits: utf8 };
  if (looksLikeUtf16(bytes.subarray(0, bytes.length & ~1)))
    return { content: 'text in UTF-16', bits: 4 * bytes.length };
  if (bytes.length >= LEAST_ANSI && isAnsiText(bytes))
    return { content: 'text of an ANSI code page', bits: ENOUGH };
  return undefined;
}

/** Bytes that repeat as random ones, and this ciphertext, do not. */
function structureOf(bytes: Uint8Array, ciphertext: Uint8Array): Content | undefined {
  if (bytes.length < LEAST_STRUCTURE) return undefined;
  const bits = bitsPerByte(bytes);
  const least = Math.min(
    expectedBits(bytes.length),
    bitsPerByte(ciphertext.subarray(0, bytes.length)),
  );
  if (bits > least - STRUCTURE_BITS) return undefined;
  return { content: 'a structure with few different bytes', bits: ENOUGH + (least - bits) };
}

/** Up to its end, where a character may be cut. */
function isUtf8Text(bytes: Uint8Array): boolean {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return !CONTROLS.test(text);
  } catch {
    return false;
  }
}

function isAnsiText(bytes: Uint8Array): boolean {
  let ascii = 0;
  for (const byte of bytes) {
    const isSpace = byte === 0x09 || byte === 0x0a || byte === 0x0d;
    if (byte < 0x20 && !isSpace) return false;
    if (byte < 0x7f) ascii++;
  }
  return ascii >= MOSTLY * bytes.length;
}

function isSame(
  a: Uint8Array,
  b: Uint8Array,
  { from, to }: { readonly from: number; readonly to: number },
): boolean {
  for (let i = from; i < to; i++) if (a[i] !== b[i]) return false;
  return true;
}

// oxlint-disable-next-line no-control-regex -- it is what is looked for
const CONTROLS = /[\u0000-\u0008\u000e-\u001a\u001c-\u001f\u007f]/u;
/** Of known plaintext after a block that is garbled: once in four thousand million times by accident. */
const LEAST_KNOWN = 4;
/** log2(256 / 97): 97 bytes are printable ASCII or white space. */
const BITS_OF_TEXT = 1.4;
/** Of some dozen ways that are tried one passes by accident once in a thousand messages. */
const ENOUGH = 14;
const LEAST_ANSI = 32;
const MOSTLY = 0.75;
const LEAST_STRUCTURE = 64;
const STRUCTURE_BITS = 0.6;

/** How files begin that people kept encrypted: content, mark, offset. Sources: the formats' own specifications. */
const MARKS: readonly (readonly [content: string, mark: readonly number[], at?: number])[] = [
  ['a PDF file', ascii('%PDF-')],
  ['a ZIP file, or a document of Office or OpenDocument', [0x50, 0x4b, 0x03, 0x04]],
  ['a document of Office (OLE)', [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]],
  ['an RTF document', ascii('{\\rtf')],
  ['XML', ascii('<?xml')],
  ['XML in UTF-16', [0xff, 0xfe, 0x3c, 0x00]],
  ['a PNG image', [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]],
  ['a JPEG image', [0xff, 0xd8, 0xff, 0xe0]],
  ['a JPEG image', [0xff, 0xd8, 0xff, 0xe1]],
  ['a GIF image', ascii('GIF8')],
  ['a TIFF image', [0x49, 0x49, 0x2a, 0x00]],
  ['a TIFF image', [0x4d, 0x4d, 0x00, 0x2a]],
  ['a RIFF file (AVI, WAV)', ascii('RIFF')],
  ['a gzip file', [0x1f, 0x8b, 0x08, 0x00]],
  ['a 7z file', [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c]],
  ['a cabinet file', ascii('MSCF')],
  ['a program of Windows', [0x4d, 0x5a, 0x90, 0x00]],
  ['an Access database', [0x00, 0x01, 0x00, 0x00, ...ascii('Standard ')]],
  ['an SQLite database', ascii('SQLite format 3')],
  ['PEM', ascii('-----BEGIN ')],
];

function ascii(text: string): number[] {
  return Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
}
