/** Bounds of foreign DER before asn1js reads it: that library recurses, copies at each level, and looks into every OCTET STRING and BIT STRING for more. */
import { TAG } from '../bytes/der-tags.ts';
import { BlobFormatError } from '../errors.ts';

/** What a message may be made of. */
export interface DerLimits {
  /** Values, those inside strings included. */
  readonly values: number;
  /** Values around a value. */
  readonly depth: number;
  /** Bytes of all values together that are not tagged `[0]`, which is where CMS has a content. */
  readonly bytes: number;
}

/**
 * Refuses what asn1js would take long for. Takes one step for each value, and nothing of the stack.
 *
 * @param der - One value, with nothing after it.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA) for BER with indefinite lengths, tags of many bytes, and what is cut short;
 *   BLOB_TOO_LARGE (NTE_BAD_LEN) beyond the limits.
 */
export function checkDerBounds(der: Uint8Array, format: string, limits: DerLimits): void {
  const open: Span[] = [{ at: 0, end: der.length, isGuess: false }];
  let values = 0;
  let bytes = 0;
  for (;;) {
    const span = open.at(-1);
    if (span === undefined) return;
    if (span.at === span.end) {
      open.pop();
      continue;
    }
    const header = readHeader(der, span);
    if (typeof header === 'string') {
      // What a string holds need not be DER.
      const guess = open.findLastIndex(({ isGuess }) => isGuess);
      if (guess === -1)
        throw new BlobFormatError({ format, field: 'DER', offset: span.at, problem: header });
      open.splice(guess);
      continue;
    }
    const { tag, contents, end } = header;
    values += 1;
    if ((tag & CONSTRUCTED) === 0 && tag !== CONTENT) bytes += end - contents;
    if (values > limits.values || open.length > limits.depth || bytes > limits.bytes)
      throw new BlobFormatError(
        { format, field: 'DER', offset: span.at, problem: 'nested, split or long beyond any use' },
        'BLOB_TOO_LARGE',
      );
    span.at = end;
    if ((tag & CONSTRUCTED) !== 0) open.push({ at: contents, end, isGuess: false });
    else if (tag === TAG.OCTET_STRING) open.push({ at: contents, end, isGuess: true });
    else if (tag === TAG.BIT_STRING && end > contents)
      open.push({ at: contents + 1, end, isGuess: true });
  }
}

/** Bytes that hold values, and how far they were read. */
interface Span {
  at: number;
  readonly end: number;
  /** Whether it is what a string holds. */
  readonly isGuess: boolean;
}

interface Header {
  readonly tag: number;
  readonly contents: number;
  readonly end: number;
}

/** The next tag and length, or what is wrong with them. */
function readHeader(der: Uint8Array, { at, end }: Span): Header | string {
  if (at + 2 > end) return 'cut short';
  const tag = der[at]!;
  if ((tag & 0x1f) === 0x1f) return 'a tag of more than one byte';
  const first = der[at + 1]!;
  if (first < 0x80) return within({ tag, contents: at + 2, end: at + 2 + first }, end);
  const count = first & 0x7f;
  if (count === 0) return 'indefinite length';
  if (count > MAX_LENGTH_BYTES) return `length field of ${count} bytes`;
  const contents = at + 2 + count;
  if (contents > end) return 'cut short';
  let length = 0;
  for (let i = at + 2; i < contents; i++) length = length * 256 + der[i]!;
  return within({ tag, contents, end: contents + length }, end);
}

function within(header: Header, end: number): Header | string {
  return header.end > end ? `want ${header.end - header.contents} bytes` : header;
}

const CONSTRUCTED = 0x20;
/** `[0]`, primitive */
const CONTENT = 0x80;
const MAX_LENGTH_BYTES = 4;
