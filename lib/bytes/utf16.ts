/** UTF-16LE, the text of Windows' structures; half a surrogate pair is kept as it is, so that what is read is what is written. */

/** The text of these bytes; undefined where they are no whole units. */
export function decodeUtf16(bytes: Uint8Array): string | undefined {
  if (bytes.length % 2 !== 0) return undefined;
  let text = '';
  for (let at = 0; at < bytes.length; at += 2)
    text += String.fromCharCode(bytes[at]! | (bytes[at + 1]! << 8));
  return text;
}

/** Two bytes a unit, without a terminating null. */
export function encodeUtf16(text: string): Uint8Array {
  const bytes = new Uint8Array(new ArrayBuffer(2 * text.length));
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    bytes[2 * i] = unit & 0xff;
    bytes[2 * i + 1] = unit >> 8;
  }
  return bytes;
}

/** The text before the one null at the end; undefined where there is none, or another one before it. */
export function decodeUtf16z(bytes: Uint8Array): string | undefined {
  const text = decodeUtf16(bytes);
  if (text === undefined || text === '' || text.indexOf('\0') !== text.length - 1) return undefined;
  return text.slice(0, -1);
}

/** With the terminating null that Windows counts. */
export function encodeUtf16z(text: string): Uint8Array {
  return encodeUtf16(`${text}\0`);
}
