/** The value of a DER field: of what is public by its type, and of listed fields. */
import type { PlacedField } from '../../bytes/field-trace.ts';
import { TAG } from '../../bytes/der-tags.ts';
import { decodeUtf16 } from '../../bytes/utf16.ts';
import { decodeUtf8, toHex } from '../../bytes/octets.ts';
import type { InspectedField } from '../inspection.ts';
import { oidName, oidText } from './oid-names.ts';
import { showsAs } from './public-fields.ts';

/** Identifiers, times, booleans and traced numbers are public in every format; strings and byte strings where they are listed. */
export function showDer(
  bytes: Uint8Array,
  { format, field, offset, length, contents: at = offset, value }: PlacedField,
): Pick<InspectedField, 'value' | 'means'> {
  if (value !== undefined) return { value };
  const tag = bytes[offset]!;
  const contents = bytes.subarray(at, offset + length);
  switch (tag) {
    case TAG.OBJECT_IDENTIFIER:
      return identifier(contents);
    case TAG.BOOLEAN:
      return { value: contents[0] === 0 ? 'FALSE' : 'TRUE' };
    case TAG.NULL:
      return { value: 'NULL' };
    case TAG.UTC_TIME:
    case TAG.GENERALIZED_TIME:
      return text(decodeUtf8(contents));
    default:
  }
  if (tag & CONSTRUCTED) return firstIdentifier(contents);
  if (showsAs(format, field) === undefined || contents.length > MAX_SHOWN) return {};
  if (tag === BMP_STRING) return text(decodeUtf16(swapPairs(contents)));
  if (STRINGS.includes(tag)) return text(decodeUtf8(contents));
  return contents.length === 0 ? {} : { value: toHex(contents) };
}

function identifier(contents: Uint8Array): Pick<InspectedField, 'value' | 'means'> {
  const dotted = contents.length > MAX_OID ? undefined : oidText(contents);
  if (dotted === undefined) return {};
  const name = oidName(dotted);
  return { value: dotted, ...(name !== undefined && { means: name }) };
}

/** A SEQUENCE that begins with an identifier is what that says: an algorithm, an attribute, an extension. */
function firstIdentifier(contents: Uint8Array): Pick<InspectedField, 'value' | 'means'> {
  const length = contents[1];
  if (contents[0] !== TAG.OBJECT_IDENTIFIER || length === undefined || length > MAX_OID) return {};
  if (2 + length > contents.length) return {};
  const { value, means } = identifier(contents.subarray(2, 2 + length));
  const name = means ?? value;
  return typeof name === 'string' ? { means: name } : {};
}

function text(value: string | undefined): Pick<InspectedField, 'value' | 'means'> {
  return value === undefined ? {} : { value };
}

function swapPairs(bytes: Uint8Array): Uint8Array {
  const even = bytes.length - (bytes.length % 2);
  return Uint8Array.from({ length: even }, (_, i) => bytes[i ^ 1]!);
}

/** X.690 section 8.1.2.5. */
const CONSTRUCTED = 0x20;
const BMP_STRING = 0x1e;
/** UTF8String, PrintableString, T61String, IA5String, VisibleString. */
const STRINGS: readonly number[] = [TAG.UTF8_STRING, 0x13, 0x14, 0x16, 0x1a];
const MAX_OID = 64;
const MAX_SHOWN = 4096;
