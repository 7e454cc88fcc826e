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
  const found = { isKnown: false, beginsAtSecondBlock: false };
  // What should begin in another way has at best a first block that is garbled.
  if (known === undefined) {
    const whole = markOf(plaintext) ?? wholeText(plaintext, block, padding);
    if (whole) return { ...found, ...whole, firstBlock: 'fits' };
  } else if (block === 0) return undefined;
  if (block > 0 && plaintext.length > block) {
    const rest = plaintext.subarray(block);
    const mark = markOf(rest);
    if (mark) return { ...found, ...mark, firstBlock: 'garbled', beginsAtSecondBlock: true };
    const text = unicodeText(rest, padding) ?? ansiText(rest);
    if (text) return { ...found, ...text, firstBlock: 'garbled' };
  }
  const structure = structureOf(plaintext, ciphertext);
  return structure && { ...found, ...structure, firstBlock: known ? 'garbled' : 'unknown' };
}

/** Text whose first block is of the same kind as what follows it. */
function wholeText(bytes: Uint8Array, block: number, padding: number): Content | undefined {
  const first = bytes.subarray(0, block);
  const rest = bytes.subarray(block);
  const hasBoth = block > 0 && rest.length > 0;
  const text = unicodeText(bytes, padding);
  if (text && (text.content === UTF8 || !hasBoth || looksLikeUtf16(first))) return text;
  return !hasBoth || first.every(isOfAnsiText) ? ansiText(bytes) : undefined;
}

interface Content {
  readonly content: string;
  readonly bits: number;
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

/** Text in UTF-8 or UTF-16, long enough that random bytes hardly ever pass. */
function unicodeText(bytes: Uint8Array, padding: number): Content | undefined {
  const bits = BITS_OF_TEXT * bytes.length;
  // Padding has shown bits of its own.
  if (bytes.length > 0 && bits + 8 * padding >= ENOUGH && isUtf8Text(bytes))
    return { content: UTF8, bits };
  if (looksLikeUtf16(bytes.subarray(0, bytes.length & ~1)))
    return { content: 'text in UTF-16', bits: 4 * bytes.length };
  return undefined;
}

function ansiText(bytes: Uint8Array): Content | undefined {
  if (bytes.length < LEAST_ANSI || !isAnsiText(bytes)) return undefined;
  return { content: 'text of an ANSI code page', bits: BITS_OF_ANSI * bytes.length };
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
  return {
    content: 'a structure with few different bytes',
    bits: ENOUGH + ((least - bits) * bytes.length) / 8,
  };
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
    if (byte < 0x20 && !isSpace(byte)) return false;
    if (byte < 0x7f) ascii++;
  }
  return ascii >= MOSTLY * bytes.length;
}

/** ASCII, or where code pages have their letters. */
function isOfAnsiText(byte: number): boolean {
  return isSpace(byte) || (byte >= 0x20 && byte < 0x7f) || byte >= 0xc0;
}

function isSpace(byte: number): boolean {
  return byte === 0x09 || byte === 0x0a || byte === 0x0d;
}

function isSame(
  a: Uint8Array,
  b: Uint8Array,
  { from, to }: { readonly from: number; readonly to: number },
): boolean {
  for (let i = from; i < to; i++) if (a[i] !== b[i]) return false;
  return true;
}

const UTF8 = 'text';
// oxlint-disable-next-line no-control-regex -- it is what is looked for
const CONTROLS = /[\u0000-\u0008\u000e-\u001a\u001c-\u001f\u007f]/u;
/** Of known plaintext after a block that is garbled: once in four thousand million times by accident. */
const LEAST_KNOWN = 4;
/** log2(256 / 97): 97 bytes are printable ASCII or white space. */
const BITS_OF_TEXT = 1.4;
/** Three quarters ASCII where random bytes have 42 in 100, and no control characters. */
const BITS_OF_ANSI = 0.5;
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
