/** UTF-16LE, the text of Windows' structures; half a surrogate pair is kept as it is, so that what is read is what is written. */

/** The text of these bytes; undefined where they are no whole units. */
export function decodeUtf16(bytes: Uint8Array): string | undefined {
  if (bytes.length % 2 !== 0) return undefined;
  const units = new Uint16Array(Math.min(bytes.length / 2, UNITS_AT_ONCE));
  let text = '';
  for (let start = 0; start < bytes.length; start += 2 * UNITS_AT_ONCE) {
    const count = Math.min(units.length, (bytes.length - start) / 2);
    for (let i = 0; i < count; i++)
      units[i] = bytes[start + 2 * i]! | (bytes[start + 2 * i + 1]! << 8);
    text += String.fromCharCode(...units.subarray(0, count));
  }
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

/** Each part that is added to a string takes 32 bytes beside its own, which is much for a single unit. */
const UNITS_AT_ONCE = 4096;
