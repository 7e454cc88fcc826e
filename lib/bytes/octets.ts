/** Comparing, joining and showing byte strings that are not secret. */
import { fieldTrace } from './field-trace.ts';

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Lexicographic order, shorter first: the order of a DER SET OF (X.690 section 11.6). */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Joins byte strings. Not for secrets: those are written in place (BlobWriter). */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** The same bytes in the opposite order: CryptoAPI writes big numbers little-endian. */
export function reverseBytes(bytes: Uint8Array): Uint8Array {
  // Not `Uint8Array.from`, which goes through an iterator.
  return new Uint8Array(bytes).reverse();
}

/** A copy in memory of its own. Not `slice()`: a Buffer's shares its memory, so writing to it would change what the caller holds. */
export function copyBytes(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(bytes);
  fieldTrace?.copied(bytes, copy);
  return copy;
}

/** The same memory as a plain Uint8Array: node:crypto answers with Buffers, and those do not leave keycask. */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += HEX[byte]!;
  return text;
}

/** Reads an even number of hex digits; undefined if `text` is anything else. */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) return undefined;
  return Uint8Array.from({ length: text.length / 2 }, (_, i) =>
    Number.parseInt(text.slice(2 * i, 2 * i + 2), 16),
  );
}

/** The text whose UTF-8 encoding is exactly `bytes`, or undefined where they are not well formed. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return STRICT_UTF8.decode(bytes);
  } catch {
    return undefined;
  }
}

export function encodeUtf8(text: string): Uint8Array {
  return UTF8.encode(text);
}

const UTF8 = new TextEncoder();
/** Keeps a byte order mark: another encoding of the same text would be a second form of one value. */
const STRICT_UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
