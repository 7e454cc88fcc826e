/**
 * PEM, the textual encoding of DER (RFC 7468), between arrays: what it spells may be a secret, and a string cannot be wiped.
 *
 *   -----BEGIN label-----
 *   base64, 64 digits a line
 *   -----END label-----
 *
 * Read are lines of any length with LF or CR LF, and text before, between and after the blocks, which OpenSSL writes there. Header lines inside
 * a block (RFC 1421: `Proc-Type: 4,ENCRYPTED`) mean that a password encrypts it.
 */
import { BlobFormatError } from '../errors.ts';
import { base64Length, decodeBase64, writeBase64Into } from './base64.ts';
import { encodeUtf8 } from './octets.ts';

/** One block. */
export interface PemBlock {
  /** `PRIVATE KEY`. */
  readonly label: string;
  /** In a buffer of its own, which the caller owns, and wipes. */
  readonly der: Uint8Array;
}

/** Whether text has the beginning of a block in it. */
export function isPem(bytes: Uint8Array): boolean {
  return indexOf(bytes, BEGIN, 0) >= 0;
}

/**
 * Reads all blocks.
 *
 * @throws BlobFormatError BLOB_MALFORMED for text without a block, and for one that is not whole; NOT_SUPPORTED for one with header lines.
 */
export function decodePem(bytes: Uint8Array): PemBlock[] {
  const blocks: PemBlock[] = [];
  try {
    for (let at = indexOf(bytes, BEGIN, 0); at >= 0;) {
      const { block, end } = readBlock(bytes, at);
      blocks.push(block);
      if (blocks.length > MAX_BLOCKS) refuse('label', at, `want at most ${MAX_BLOCKS} blocks`);
      at = indexOf(bytes, BEGIN, end);
    }
    return blocks.length === 0 ? refuse('label', 0, 'no block begins here') : blocks;
  } catch (error) {
    for (const { der } of blocks) der.fill(0);
    throw error;
  }
}

/** Bytes of a block of this label and so much DER. */
export function pemLength(label: string, derLength: number): number {
  const digits = base64Length(derLength);
  return (
    BEGIN.length + END.length + 2 * (label.length + DASHES.length + 1) + digits + linesOf(digits)
  );
}

/** Writes a block from `start` on; answers where it ends. */
export function writePemInto({ label, der }: PemBlock, target: Uint8Array, start = 0): number {
  const line = (mark: Uint8Array, from: number): number => {
    let to = from;
    for (const part of [mark, encodeUtf8(label), DASHES, NEWLINE]) {
      target.set(part, to);
      to += part.length;
    }
    return to;
  };
  let at = line(BEGIN, start);
  for (let i = 0; i < der.length; i += BYTES_A_LINE) {
    at = writeBase64Into(der.subarray(i, i + BYTES_A_LINE), target, at);
    target[at++] = LF;
  }
  return line(END, at);
}

function readBlock(bytes: Uint8Array, start: number): { block: PemBlock; end: number } {
  const labelAt = start + BEGIN.length;
  const labelEnd = indexOf(bytes, DASHES, labelAt);
  if (labelEnd < 0 || labelEnd - labelAt > MAX_LABEL) refuse('label', labelAt, 'has no end');
  const label = String.fromCharCode(...bytes.subarray(labelAt, labelEnd));
  if (!/^[\u0021-\u007e]+( [\u0021-\u007e]+)*$/u.test(label))
    refuse('label', labelAt, 'not a label');
  const bodyAt = labelEnd + DASHES.length;
  const bodyEnd = indexOf(bytes, END, bodyAt);
  if (bodyEnd < 0) refuse('END', bodyAt, 'missing');
  const ending = encodeUtf8(`${label}-----`);
  const end = bodyEnd + END.length + ending.length;
  if (indexOf(bytes.subarray(0, end), ending, end - ending.length) < 0)
    refuse('END', bodyEnd, 'another label than that of BEGIN');
  const der = decodeBody(bytes.subarray(bodyAt, bodyEnd), bodyAt);
  return { block: { label, der }, end };
}

function decodeBody(body: Uint8Array, offset: number): Uint8Array {
  if (body.includes(COLON))
    throw new BlobFormatError(
      {
        format: 'PEM',
        field: 'headers',
        offset,
        problem: 'a block with headers, which a password encrypts',
      },
      'NOT_SUPPORTED',
    );
  const digits = new Uint8Array(new ArrayBuffer(body.length));
  let count = 0;
  for (const byte of body) if (!isSpace(byte)) digits[count++] = byte;
  const der = decodeBase64(digits.subarray(0, count));
  digits.fill(0);
  return der ?? refuse('base64', offset, 'not base64');
}

function linesOf(digits: number): number {
  return Math.ceil(digits / DIGITS_A_LINE);
}

/** Where `wanted` is first found, or -1. Every search ends at a byte that is looked for, so that it costs one pass. */
function indexOf(bytes: Uint8Array, wanted: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(wanted[0]!, from); at >= 0; at = bytes.indexOf(wanted[0]!, at + 1))
    if (at + wanted.length <= bytes.length && wanted.every((byte, i) => byte === bytes[at + i]))
      return at;
  return -1;
}

function isSpace(byte: number): boolean {
  return byte === LF || byte === 0x0d || byte === 0x20 || byte === 0x09;
}

// oxlint-disable-next-line max-params -- the place of a fault
function refuse(field: string, offset: number, problem: string): never {
  throw new BlobFormatError({ format: 'PEM', field, offset, problem });
}

const DASHES = encodeUtf8('-----');
const BEGIN = encodeUtf8('-----BEGIN ');
const END = encodeUtf8('-----END ');
const NEWLINE = encodeUtf8('\n');
const LF = 0x0a;
const COLON = 0x3a;
const DIGITS_A_LINE = 64;
const BYTES_A_LINE = 48;
/** A file of all certificate authorities has 150. */
const MAX_BLOCKS = 1000;
/** The longest known label has 22 characters. */
const MAX_LABEL = 64;
