/** What can be said of bytes that are no known format: that they are text, or look like ciphertext. */
import { decodeUtf8 } from '../../bytes/octets.ts';
import type { FileStart } from './format-reader.ts';

/** One sentence. */
export function guessAt({ bytes, size }: FileStart): string {
  if (size === 0) return 'The file is empty.';
  const begin = `${size} ${size === 1 ? 'byte' : 'bytes'} of no format that keycask knows`;
  if (bytes.every((byte) => byte === bytes[0]))
    return `${begin}: all are 0x${bytes[0]!.toString(16).padStart(2, '0')}.`;
  if (looksLikeText(bytes)) return `${begin}: text.`;
  if (looksLikeUtf16(bytes)) return `${begin}: text in UTF-16.`;
  if (bytes.length < ENOUGH_TO_TELL) return `${begin}: too short to guess.`;
  const isEven = bitsPerByte(bytes) > expectedBits(bytes.length) - TOLERANCE;
  if (!isEven) return `${begin}: a structure, or data that is not encrypted.`;
  return `${begin}: looks like ciphertext or a key, its bytes are evenly spread; ${lengthHint(size)}.`;
}

/** Printable ASCII and white space, or UTF-8 without control characters. */
function looksLikeText(bytes: Uint8Array): boolean {
  const text = decodeUtf8(bytes);
  // oxlint-disable-next-line no-control-regex -- it is what is looked for
  return text !== undefined && !/[\u0000-\u0008\u000e-\u001a\u001c-\u001f\u007f]/u.test(text);
}

/** Mostly ASCII in UTF-16LE. */
export function looksLikeUtf16(bytes: Uint8Array): boolean {
  if (bytes.length < 8 || bytes.length % 2 !== 0) return false;
  let ascii = 0;
  for (let i = 0; i < bytes.length; i += 2)
    if (bytes[i + 1] === 0 && bytes[i]! >= 0x09 && bytes[i]! < 0x7f) ascii++;
  return ascii > 0.4 * bytes.length;
}

function lengthHint(size: number): string {
  if (size % 16 === 0) return 'the length is a multiple of 16, the block of AES';
  if (size % 8 === 0) return 'the length is a multiple of 8, the block of DES and RC2';
  return 'the length is no multiple of a cipher block, so a stream cipher, GCM or a signature';
}

/** Shannon's entropy of single bytes. */
export function bitsPerByte(bytes: Uint8Array): number {
  const counts = new Uint32Array(256);
  for (const byte of bytes) counts[byte]!++;
  let bits = 0;
  for (const count of counts)
    if (count > 0) bits -= (count / bytes.length) * Math.log2(count / bytes.length);
  return bits;
}

/** What random bytes of this number have: fewer than 8 bits, since a short sample repeats (Miller and Madow's correction). */
export function expectedBits(length: number): number {
  return length < 512 ? Math.log2(length) - length / 1024 : 8 - 255 / (2 * Math.LN2 * length);
}

const ENOUGH_TO_TELL = 16;
const TOLERANCE = 0.35;
