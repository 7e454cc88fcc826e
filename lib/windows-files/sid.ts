/**
 * SID: who an account is. Source: winnt.h; [MS-DTYP] sections 2.4.2.1 (text) and 2.4.2.2 (bytes).
 *
 *  off size field                text
 *    0    1 Revision             1
 *    1    1 SubAuthorityCount    0 to 15
 *    2    6 IdentifierAuthority  big-endian: decimal below 2^32, else 0x and 12 digits
 *    8  4*n SubAuthority         little-endian, decimal
 */
import type { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';
import { fromHex, toHex } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';

/** Reads a SID as text, `S-1-5-18`. */
export function readSid(r: BlobReader, field: string): string {
  r.expectU8(`${field}.Revision`, 1);
  const start = r.offset;
  const count = r.u8(`${field}.SubAuthorityCount`);
  if (count > MAX_SUB_AUTHORITIES)
    r.failAt(start, `${field}.SubAuthorityCount`, `want at most 15, got ${count}`);
  const digits = toHex(r.bytes(`${field}.IdentifierAuthority`, 6));
  const authority = digits.startsWith('0000') ? String(Number.parseInt(digits, 16)) : `0x${digits}`;
  const parts = ['S', '1', authority];
  for (let i = 0; i < count; i++) parts.push(String(r.u32le(`${field}.SubAuthority`)));
  return parts.join('-');
}

/** The SID that `r` holds and nothing else. */
export function readWholeSid(r: BlobReader, field: string): string {
  const sid = readSid(r, field);
  r.end();
  return sid;
}

/**
 * Bytes of a SID's text.
 *
 * @throws KeyStoreError PARAMETER_INVALID for anything else.
 */
export function encodeSid(text: string): Uint8Array {
  const [authorityText, ...subAuthorities] = text.split('-').slice(2);
  const authority = authorityText?.startsWith('0x')
    ? fromHex(authorityText.slice(2).padStart(12, '0'))
    : fromHex(Number(authorityText).toString(16).padStart(12, '0'));
  if (!isSid(text) || authority?.length !== 6) throw notSid(text);
  const w = new BlobWriter(SID_HEADER_LENGTH + 4 * subAuthorities.length)
    .u8(1)
    .u8(subAuthorities.length)
    .bytes(authority);
  for (const part of subAuthorities) {
    if (Number(part) > 0xffffffff) throw notSid(text);
    w.u32le(Number(part));
  }
  return w.finish();
}

/** Is this the text of a SID? */
export function isSid(text: string): boolean {
  return /^S-1-(?:\d{1,10}|0x[0-9a-f]{12})(?:-\d{1,10}){0,15}$/iu.test(text);
}

function notSid(text: string): KeyStoreError {
  return new KeyStoreError('PARAMETER_INVALID', `not a SID: ${text}`);
}

const SID_HEADER_LENGTH = 8;
const MAX_SUB_AUTHORITIES = 15;
