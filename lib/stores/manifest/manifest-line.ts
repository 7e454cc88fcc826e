/** A line of manifest.log: base64 of an entry, or the beginning of one that a killed writer left. */
import { copyBytes } from '../../bytes/octets.ts';
import { KeyStoreError } from '../../errors.ts';
import { decodeManifestEntry, type ManifestEntry } from './manifest-entry.ts';

/** Longer than any entry: one of 256 records with the longest labels, by an RSA-16384 key, has 112,000 characters. */
export const MAX_LINE = 1 << 17;
/** Tag and the longest length field. */
const DER_HEADER = 5;

/**
 * What one write() appends. The newline in front ends the line of a writer that was killed in the middle, so that it spoils its own
 * entry and no other.
 */
export function encodeManifestLine(der: Uint8Array): string {
  return `\n${Buffer.from(der).toString('base64')}\n`;
}

/**
 * Reads a line without its newline.
 *
 * @returns undefined for a torn line: the strict beginning of an entry, as a killed or failed write leaves it.
 * @throws KeyStoreError MANIFEST_DAMAGED for a line that no writer can have left.
 */
export function decodeManifestLine(line: string): ManifestEntry | undefined {
  const der = Buffer.from(line, 'base64');
  if (der.toString('base64') === line) {
    try {
      return decodeManifestEntry(copyBytes(der));
    } catch {
      // Torn where the cut fell between two groups of base64; see below.
    }
  }
  if (isTorn(line, der)) return undefined;
  throw new KeyStoreError('MANIFEST_DAMAGED', 'a line of the manifest is not an entry');
}

/** An entry says in its first bytes how long it is, so its beginnings are known from a line whose middle was changed. */
function isTorn(line: string, der: Uint8Array): boolean {
  // A file system that lost power may have grown the file and not yet written it.
  if (line.includes('\0')) return true;
  if (!/^[A-Za-z0-9+/]*=?$/.test(line)) return false;
  const length = declaredLength(der);
  if (length === undefined || der.length < length) return der.length === 0 || der[0] === 0x30;
  const whole = Buffer.from(der).toString('base64');
  return der.length === length && whole !== line && whole.startsWith(line);
}

/** Length of the whole SEQUENCE, or undefined where its header is cut. */
function declaredLength(der: Uint8Array): number | undefined {
  if (der.length < 2) return undefined;
  const first = der[1]!;
  if (first < 0x80) return 2 + first;
  const count = first & 0x7f;
  if (2 + count > DER_HEADER) return 0;
  if (der.length < 2 + count) return undefined;
  let length = 0;
  for (const byte of der.subarray(2, 2 + count)) length = length * 256 + byte;
  return 2 + count + length;
}
