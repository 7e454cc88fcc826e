/** Values of properties as they travel to an agent, which judges them: plain values only. */
import { PROTOCOL_LIMITS } from '../../agent-protocol/index.ts';
import { decodeUtf8, encodeUtf8 } from '../../bytes/octets.ts';
import { KeyStoreError } from '../../errors.ts';

const MAX_DEPTH = 3;

/** @throws KeyStoreError PARAMETER_INVALID for what no property holds: functions, dates, objects of classes, text that is not well formed. */
export function toWireValue(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return toWireText(value);
  const isScalar = ['undefined', 'boolean', 'number'].includes(typeof value);
  if (isScalar || value === null || value instanceof Uint8Array) return value;
  if (typeof value === 'object' && depth < MAX_DEPTH) return toWireObject(value, depth + 1);
  throw refused();
}

/** @throws KeyStoreError PARAMETER_INVALID */
export function toWireText(text: unknown): string {
  const isText = typeof text === 'string' && text.length <= PROTOCOL_LIMITS.text;
  if (!isText || decodeUtf8(encodeUtf8(text)) !== text) throw refused();
  return text;
}

function toWireObject(value: object, depth: number): unknown {
  if (Array.isArray(value) && value.length <= PROTOCOL_LIMITS.elements)
    return value.map((element) => toWireValue(element, depth) ?? null);
  const entries = Object.entries(value);
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain = prototype === Object.prototype || prototype === null;
  if (Array.isArray(value) || !isPlain || entries.length > PROTOCOL_LIMITS.fields) throw refused();
  return Object.fromEntries(
    entries.map(([name, one]) => [toWireText(name), toWireValue(one, depth)]),
  );
}

function refused(): KeyStoreError {
  return new KeyStoreError('PARAMETER_INVALID', 'no property holds such a value');
}
