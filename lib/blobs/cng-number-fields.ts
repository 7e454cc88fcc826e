/** What the encoders of CNG's blobs demand of their caller: lengths within the bounds that their decoders read by, numbers that fit their fields. */
import type { FieldBounds } from '../bytes/blob-reader.ts';
import type { BlobWriter } from '../bytes/blob-writer.ts';
import { KeyStoreError } from '../errors.ts';
import type { NumberField } from './cng-rsa-fields.ts';
import { significant } from './rsa-bounds.ts';

/**
 * Length of a field that may have several.
 *
 * @throws KeyStoreError PARAMETER_INVALID for a length out of bounds.
 */
export function wantLength(field: string, { length }: Uint8Array, bounds: FieldBounds): number {
  const { min = 0, max = 0xffffffff } = bounds;
  if (length < min || length > max)
    refuse(`${field}: want ${min === max ? min : `${min} to ${max}`} bytes, got ${length}`);
  return length;
}

/**
 * Bytes of all these fields.
 *
 * @throws KeyStoreError PARAMETER_INVALID for a number that is too long for its field.
 */
export function wantNumbers(numbers: readonly NumberField[]): number {
  let total = 0;
  for (const { field, value, length } of numbers) {
    if (significant(value).length > length) refuse(`${field}: want at most ${length} bytes`);
    total += length;
  }
  return total;
}

/** Writes numbers big-endian, with leading zeros up to the lengths of their fields. */
export function writeNumbers(w: BlobWriter, numbers: readonly NumberField[]): BlobWriter {
  for (const { value, length } of numbers) {
    const number = significant(value);
    for (let zeros = length - number.length; zeros > 0; zeros--) w.u8(0);
    w.bytes(number);
  }
  return w;
}

/** @throws KeyStoreError PARAMETER_INVALID */
export function refuse(problem: string): never {
  throw new KeyStoreError('PARAMETER_INVALID', problem);
}
