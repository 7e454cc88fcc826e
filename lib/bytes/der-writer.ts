/** Writes DER (X.690): each function gives one whole value. Not for secrets: values are copied as they nest. */
import { contextConstructed, contextPrimitive, TAG } from './der-tags.ts';
import { KeyStoreError } from '../errors.ts';
import { compareBytes } from './octets.ts';

/** Calls of {@link assemble} that this thread is in. */
let depth = 0;
let shared = new ArrayBuffer(0);
let used = 0;

/** One value: tag, minimal length, contents. */
export function tlv(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = memoryFor(derHeaderLength(length) + length);
  let at = writeDerHeader(out, 0, tag, length);
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/**
 * Makes a value of many nested ones in one go: those inside lie side by side in memory that they share, the whole in its own.
 *
 * A record has some thirty values within values, and V8 takes longer to make and collect a buffer for each than to fill it.
 */
export function assemble(make: () => Uint8Array): Uint8Array {
  depth++;
  try {
    return new Uint8Array(make());
  } finally {
    depth--;
  }
}

/** Bytes that nobody else has: a part of the shared memory is given out once and never again. */
function memoryFor(length: number): Uint8Array {
  if (depth === 0 || length > MAX_SHARE) return new Uint8Array(length);
  if (used + length > shared.byteLength) {
    shared = new ArrayBuffer(SHARED_LENGTH);
    used = 0;
  }
  used += length;
  return new Uint8Array(shared, used - length, length);
}

/** Bytes of a tag and of the minimal length field of contents this long, which are under 16 MiB. */
export function derHeaderLength(length: number): number {
  if (length < 0x80) return 2;
  if (length < 0x100) return 3;
  return length < 0x10000 ? 4 : 5;
}

/** Writes a tag and the length of the contents; answers where the contents start. */
// oxlint-disable-next-line max-params -- the place, then what is written
export function writeDerHeader(
  target: Uint8Array,
  start: number,
  tag: number,
  length: number,
): number {
  const end = start + derHeaderLength(length);
  target[start] = tag;
  if (end === start + 2) target[start + 1] = length;
  else {
    target[start + 1] = 0x80 | (end - start - 2);
    for (let i = end - 1, rest = length; i > start + 1; i--, rest >>>= 8) target[i] = rest & 0xff;
  }
  return end;
}

export const sequence = (...parts: readonly Uint8Array[]): Uint8Array =>
  tlv(TAG.SEQUENCE, ...parts);

/** SET OF: members in ascending order of their encodings (X.690 section 11.6). */
export const setOf = (...members: readonly Uint8Array[]): Uint8Array =>
  tlv(TAG.SET, ...sortedSet(members));

/** Members of a SET OF in the order that DER wants. */
const sortedSet = (members: readonly Uint8Array[]): Uint8Array[] => members.toSorted(compareBytes);

/** `[n]` EXPLICIT, or IMPLICIT on a constructed type. */
export const context = (n: number, ...parts: readonly Uint8Array[]): Uint8Array =>
  tlv(contextConstructed(n), ...parts);

/** `[n]` IMPLICIT on a primitive type. */
export const contextOctets = (n: number, contents: Uint8Array): Uint8Array =>
  tlv(contextPrimitive(n), contents);

export const octetString = (contents: Uint8Array): Uint8Array => tlv(TAG.OCTET_STRING, contents);

/** BIT STRING of whole bytes. */
export const bitString = (contents: Uint8Array): Uint8Array =>
  tlv(TAG.BIT_STRING, NO_UNUSED_BITS, contents);

/** @throws KeyStoreError PARAMETER_INVALID for half a surrogate pair: UTF-8 has no encoding of it. */
export function utf8String(text: string): Uint8Array {
  if (/\p{Surrogate}/u.test(text)) refuse('this text is not well-formed Unicode');
  const length = Buffer.byteLength(text);
  const out = memoryFor(derHeaderLength(length) + length);
  UTF8.encodeInto(text, out.subarray(writeDerHeader(out, 0, TAG.UTF8_STRING, length)));
  return out;
}

/**
 * A non-negative INTEGER of at most 48 bits.
 *
 * @throws KeyStoreError PARAMETER_INVALID for any other number.
 */
export function integer(value: number, tag: number = TAG.INTEGER): Uint8Array {
  if (!Number.isInteger(value) || value < 0 || value >= 2 ** 48)
    refuse(`want a whole number under 2^48, got ${value}`);
  let length = 1;
  // One bit more than the value has: the top bit is the sign.
  for (let limit = 128; value >= limit; limit *= 256) length += 1;
  const bytes = new Uint8Array(length);
  for (let i = length - 1, rest = value; i >= 0; i--, rest = Math.floor(rest / 256))
    bytes[i] = rest;
  return tlv(tag, bytes);
}

/** OBJECT IDENTIFIER from its dotted form. */
export function oid(dotted: string): Uint8Array {
  const arcs = dotted.split('.').map(BigInt);
  const out: number[] = [];
  for (const arc of [arcs[0]! * 40n + arcs[1]!, ...arcs.slice(2)]) {
    const base128 = [Number(arc & 0x7fn)];
    for (let rest = arc >> 7n; rest > 0n; rest >>= 7n) base128.unshift(Number(rest & 0x7fn) | 0x80);
    out.push(...base128);
  }
  return tlv(TAG.OBJECT_IDENTIFIER, Uint8Array.from(out));
}

/**
 * GeneralizedTime to the second.
 *
 * @throws KeyStoreError PARAMETER_INVALID for a time that is none, or of a year that is not written in four digits.
 */
export function generalizedTime(time: Date, tag: number = TAG.GENERALIZED_TIME): Uint8Array {
  const year = time.getUTCFullYear();
  // Readers refuse years 0 to 99: Date.UTC takes them for the twentieth century.
  if (!(year >= 100 && year <= 9999)) refuse('want a time in the years 100 to 9999');
  return tlv(tag, timeDigits(time, [Math.floor(year / 100), year % 100]));
}

/** UTCTime to the second, for years 1950 to 2049. */
export const utcTime = (time: Date): Uint8Array =>
  tlv(TAG.UTC_TIME, timeDigits(time, [time.getUTCFullYear() % 100]));

/** Time of RFC 5652 section 11.3: UTCTime through 2049, GeneralizedTime after. */
export const cmsTime = (time: Date): Uint8Array =>
  time.getUTCFullYear() >= 1950 && time.getUTCFullYear() < 2050
    ? utcTime(time)
    : generalizedTime(time);

/** Two digits for each number, then Z. */
function timeDigits(time: Date, year: readonly number[]): Uint8Array {
  const numbers = [
    ...year,
    time.getUTCMonth() + 1,
    time.getUTCDate(),
    time.getUTCHours(),
    time.getUTCMinutes(),
    time.getUTCSeconds(),
  ];
  const out = new Uint8Array(2 * numbers.length + 1);
  let at = 0;
  for (const number of numbers) {
    out[at++] = DIGIT_0 + Math.floor(number / 10);
    out[at++] = DIGIT_0 + (number % 10);
  }
  out[at] = LETTER_Z;
  return out;
}

function refuse(problem: string): never {
  throw new KeyStoreError('PARAMETER_INVALID', problem);
}

export const NULL = Uint8Array.of(TAG.NULL, 0);
const SHARED_LENGTH = 1 << 16;
/** A larger value does not wait for the collection of its neighbours. */
const MAX_SHARE = 1 << 12;
const UTF8 = new TextEncoder();
const NO_UNUSED_BITS = Uint8Array.of(0);
const DIGIT_0 = 0x30;
const LETTER_Z = 0x5a;
