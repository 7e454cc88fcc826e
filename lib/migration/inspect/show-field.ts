/** The value of a field, as far as it is public, and what it means. */
import { describeAlgId, algIdName } from '../../blobs/alg-id.ts';
import type { PlacedField } from '../../bytes/field-trace.ts';
import { guidText } from '../../bytes/guid.ts';
import { decodeUtf8, toHex } from '../../bytes/octets.ts';
import type { InspectedField } from '../inspection.ts';
import { showDer } from './show-der.ts';
import { showsAs, type ShowAs } from './public-fields.ts';

/** What is known of a field's value. */
export type ShownValue = Pick<InspectedField, 'value' | 'means'>;

/** Reads it again, from where the trace says that it lies. */
export function showField(bytes: Uint8Array, field: PlacedField): ShownValue {
  if (field.kind === 'der') return showDer(bytes, field);
  if (field.value !== undefined) return { value: field.value, ...meaningOf(field, field.value) };
  if (field.kind === 'structure') return {};
  const how = showsAs(field.format, field.field);
  if (how === undefined || field.length === 0 || field.length > MAX_SHOWN) return {};
  return showBytes(bytes.subarray(field.offset, field.offset + field.length), how);
}

/** Bytes that may be shown: hex as they lie, and what they say where they say something. */
function showBytes(bytes: Uint8Array, how: ShowAs): ShownValue {
  const value = toHex(bytes);
  const means = READ_AS[how](bytes);
  return { value, ...(means !== undefined && { means }) };
}

function meaningOf({ field, kind }: PlacedField, value: number): ShownValue {
  if (ALG_ID_FIELD.test(field) && algIdName(value) !== undefined)
    return { means: describeAlgId(value) };
  if (kind === 'u32' && MAGIC_FIELD.test(field)) {
    const letters = String.fromCharCode(
      value & 0xff,
      (value >>> 8) & 0xff,
      (value >>> 16) & 0xff,
      value >>> 24,
    );
    const hex = `0x${value.toString(16).padStart(8, '0')}`;
    return {
      means: /^[\u0020-\u007e]{3}[\u0000\u0020-\u007e]$/u.test(letters)
        ? `"${letters.replace('\u0000', '')}"`
        : hex,
    };
  }
  if (FLAGS_FIELD.test(field) && value > 9) return { means: `0x${value.toString(16)}` };
  return {};
}

const READ_AS: Record<ShowAs, (bytes: Uint8Array) => string | undefined> = {
  hex: () => undefined,
  guid: (bytes) => (bytes.length === 16 ? guidText(bytes) : undefined),
  utf16: (bytes) => textOf(new TextDecoder('utf-16le').decode(bytes)),
  text: (bytes) => {
    const text = decodeUtf8(bytes);
    return text === undefined ? undefined : textOf(text);
  },
  sid: sidText,
  filetime: filetimeText,
};

function textOf(text: string): string {
  return text.replace(/\u0000+$/u, '');
}

/** S-1-authority-sub-sub: revision, count, authority (48 bits, big-endian), sub-authorities. Source: [MS-DTYP] 2.4.2. */
function sidText(bytes: Uint8Array): string | undefined {
  const count = bytes[1];
  if (bytes[0] !== 1 || count === undefined || bytes.length !== 8 + 4 * count) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const authority = view.getUint16(2) * 2 ** 32 + view.getUint32(4);
  const parts = Array.from({ length: count }, (_, i) => view.getUint32(8 + 4 * i, true));
  return ['S-1', authority, ...parts].join('-');
}

/** 100 nanoseconds since 1601, as a time in UTC. */
function filetimeText(bytes: Uint8Array): string | undefined {
  if (bytes.length !== 8) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const ticks = view.getBigUint64(0, true);
  const time = Number(ticks / 10_000n) - EPOCH_1601;
  return Math.abs(time) > LAST_TIME ? undefined : new Date(time).toISOString();
}

/** Of 16,384-bit keys the longest number. */
const MAX_SHOWN = 4096;
const EPOCH_1601 = 11_644_473_600_000;
/** The last time that a Date has. */
const LAST_TIME = 8.64e15;
const ALG_ID_FIELD = /alg/iu;
const MAGIC_FIELD = /magic/iu;
const FLAGS_FIELD = /flags|policy/iu;
