/** Text files as Windows' programs write them: with a byte order mark, in UTF-8 or in UTF-16. */
import { SecretBytes } from '../keys/secret-bytes.ts';

/**
 * What a text file says, in UTF-8 without a byte order mark; as it is where it has none.
 *
 * @returns A copy, which the caller disposes of.
 */
export function readMarkedText(bytes: Uint8Array): SecretBytes {
  const mark = MARKS.find(({ begin }) => begin.every((byte, i) => bytes[i] === byte));
  if (!mark) return SecretBytes.copy(bytes);
  const rest = bytes.subarray(mark.begin.length);
  if (mark.encoding === 'utf-8') return SecretBytes.copy(rest);
  // A newline at the end may have been cut in the middle.
  const whole = rest.subarray(0, rest.length - (rest.length % 2));
  return SecretBytes.take(Buffer.from(new TextDecoder(mark.encoding).decode(whole)));
}

/** Unicode 15, table 2-4. */
const MARKS = [
  { begin: [0xef, 0xbb, 0xbf], encoding: 'utf-8' },
  { begin: [0xff, 0xfe], encoding: 'utf-16le' },
  { begin: [0xfe, 0xff], encoding: 'utf-16be' },
] as const;
