/** pathText: a path as a label or an attribute takes it. Names come from whoever made the files. */

/**
 * Text for what is signed: well-formed, without control characters, and its end where it is too long, which says more than its beginning.
 *
 * @param maxBytes - Of UTF-8.
 */
export function pathText(path: string, maxBytes: number): string {
  let text = wellFormed(path).replaceAll(/[\u0000-\u001f\u007f-\u009f]/gu, '-');
  // Cutting may leave half of a surrogate pair, which becomes a longer U+FFFD: so it is measured as it will be.
  while (Buffer.byteLength(text) > maxBytes)
    text = wellFormed(text.slice(Math.ceil(text.length / 16)));
  return text;
}

/** A lone surrogate becomes U+FFFD. */
function wellFormed(text: string): string {
  return Buffer.from(text).toString();
}
