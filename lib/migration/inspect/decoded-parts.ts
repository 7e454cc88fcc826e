/** Parts that a row decodes: a row that cannot, has none. */
import { KeyStoreError } from '../../errors.ts';
import type { DecodedPart, FormatReader } from './format-reader.ts';

export function decodeParts(row: FormatReader, bytes: Uint8Array): DecodedPart[] {
  try {
    return row.decodeParts?.(bytes) ?? [];
  } catch (error) {
    if (KeyStoreError.is(error)) return [];
    throw error;
  }
}
