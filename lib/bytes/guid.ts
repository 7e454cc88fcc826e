/**
 * A GUID between its 16 bytes and its text. Source: guiddef.h; RFC 9562 section 4.
 *
 *  off size field  text
 *    0    4 Data1  little-endian: the first 8 digits
 *    4    2 Data2  little-endian: the next 4
 *    6    2 Data3  little-endian: the next 4
 *    8    8 Data4  bytes in order: 4 and 12 digits
 */
import { fromHex, toHex } from './octets.ts';

export const GUID_LENGTH = 16;

/** `df9d8cd0-1501-11d1-8c7a-00c04fc297eb`: lower case, no braces. Takes exactly 16 bytes. */
export function guidText(bytes: Uint8Array): string {
  const hex = toHex(swapped(bytes));
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join('-');
}

/** 16 bytes of a GUID's text, with or without braces; undefined for anything else. */
export function guidBytes(text: string): Uint8Array | undefined {
  const bare = /^(?:\{(?<braced>.{36})\}|(?<plain>.{36}))$/u.exec(text)?.groups;
  const digits = bare?.['braced'] ?? bare?.['plain'] ?? '';
  if (!/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/iu.test(digits))
    return undefined;
  return swapped(fromHex(digits.replaceAll('-', ''))!);
}

/** Its own inverse. */
function swapped(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(ORDER, (index) => bytes[index]!);
}

const ORDER = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
