/** Base64 and base64url (RFC 4648 sections 4 and 5) between arrays: what they spell may be a secret, and a string cannot be wiped. */
import { encodeUtf8 } from './octets.ts';

/** `base64` has padding; `base64url` has none, as in JOSE. */
export type Base64Alphabet = 'base64' | 'base64url';

/** Digits that so many bytes have. */
export function base64Length(byteLength: number, alphabet: Base64Alphabet = 'base64'): number {
  return alphabet === 'base64' ? 4 * Math.ceil(byteLength / 3) : Math.ceil((4 * byteLength) / 3);
}

/** Writes the digits of `bytes` from `start` on; answers where they end. */
// oxlint-disable-next-line max-params -- what is written, where to, and how
export function writeBase64Into(
  bytes: Uint8Array,
  target: Uint8Array,
  start: number,
  alphabet: Base64Alphabet = 'base64',
): number {
  const digits = DIGITS[alphabet];
  const end = start + base64Length(bytes.length, alphabet);
  let at = start;
  for (let i = 0; i < bytes.length; i += 3) {
    const group = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    for (let digit = 0; digit < 4 && at < end; digit++)
      target[at++] =
        i + digit > bytes.length ? PADDING : digits[(group >> (18 - 6 * digit)) & 0x3f]!;
  }
  return end;
}

/**
 * Reads digits in their one form: padding exactly where the alphabet has it, no other characters, unused bits zero.
 *
 * @returns A fresh array in a buffer of its own, which the caller owns, and wipes; undefined for anything else.
 */
export function decodeBase64(
  text: Uint8Array,
  alphabet: Base64Alphabet = 'base64',
): Uint8Array | undefined {
  let count = text.length;
  if (alphabet === 'base64') {
    if (count % 4 !== 0) return undefined;
    while (count > text.length - 2 && count > 0 && text[count - 1] === PADDING) count--;
  }
  if (count % 4 === 1) return undefined;
  const out = new Uint8Array(new ArrayBuffer(Math.floor((3 * count) / 4)));
  const values = VALUES[alphabet];
  let bits = 0;
  let held = 0;
  let at = 0;
  for (let i = 0; i < count; i++) {
    const value = values[text[i]!]!;
    if (value === NO_DIGIT) {
      out.fill(0);
      return undefined;
    }
    bits = ((bits << 6) | value) & 0xfff;
    held += 6;
    if (held >= 8) {
      held -= 8;
      out[at++] = bits >> held;
    }
  }
  if ((bits & ((1 << held) - 1)) === 0) return out;
  out.fill(0);
  return undefined;
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const DIGITS = { base64: encodeUtf8(`${LETTERS}+/`), base64url: encodeUtf8(`${LETTERS}-_`) };
const NO_DIGIT = 0xff;
const PADDING = 0x3d;

/** Value of each character, by its code. */
function valuesOf(digits: Uint8Array): Uint8Array {
  const values = new Uint8Array(256).fill(NO_DIGIT);
  for (const [value, digit] of digits.entries()) values[digit] = value;
  return values;
}

const VALUES = { base64: valuesOf(DIGITS.base64), base64url: valuesOf(DIGITS.base64url) };
