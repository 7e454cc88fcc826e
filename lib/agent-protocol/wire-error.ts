/** Errors cross the socket whole: code, NTE number, message, hint, what the system said, where a format was wrong. Never key bytes: they have none. */
import { ERROR_CODES, type KeyStoreErrorCode } from '../error-codes.ts';
import { BlobFormatError, KeyStoreError, type NativeStatus } from '../errors.ts';
import { integer, map, oneOf, optional, text, type Field, type Shaped } from './fields.ts';
import { PROTOCOL_LIMITS } from './limits.ts';

const FAMILIES = ['win32', 'hresult', 'ntstatus', 'ckr', 'errno'] as const;
const CODES = Object.keys(ERROR_CODES) as KeyStoreErrorCode[];

const NATIVE = {
  api: text(),
  family: oneOf(FAMILIES),
  // An errno of Node's may be negative: kept as text, so that it comes out as it went in.
  value: text(32),
  name: optional(text()),
};
const FAULT = { format: text(), field: text(), offset: integer(), problem: text() };
const WIRE_ERROR = {
  code: oneOf(CODES),
  nte: integer(),
  message: text(),
  hint: text(),
  native: optional(map(NATIVE)),
  fault: optional(map(FAULT)),
};

/** An error as it travels. */
export type WireError = Shaped<typeof WIRE_ERROR>;

/** Checks an error that came. */
export const wireError: Field<WireError> = map(WIRE_ERROR);

/** What is no KeyStoreError is a mistake of ours, and its text is not told. */
export function toWireError(error: unknown): WireError {
  const known = KeyStoreError.is(error) ? error : new KeyStoreError('INTERNAL');
  const { code, nte, message, hint, native } = known;
  return {
    code,
    nte,
    message: cut(message),
    hint: cut(hint),
    native: native && wireStatus(native),
    fault: faultOf(known),
  };
}

export function fromWireError({ code, message, hint, native, fault }: WireError): KeyStoreError {
  const details = { hint, ...(native && { native: nativeStatus(native) }) };
  if (!fault) return new KeyStoreError(code, message, details);
  return new BlobFormatError(fault, code);
}

function wireStatus({ api, family, value, name }: NativeStatus): Shaped<typeof NATIVE> {
  return { api: cut(api), family, value: String(value), name };
}

function nativeStatus({ api, family, value, name }: Shaped<typeof NATIVE>): NativeStatus {
  return { api, family, value: Number(value), ...(name !== undefined && { name }) };
}

function faultOf(error: KeyStoreError): Shaped<typeof FAULT> | undefined {
  // Not instanceof alone: the ESM and the CJS build have a class each.
  if (error.name !== 'BlobFormatError') return undefined;
  const { format, field, offset, problem } = error as BlobFormatError;
  return { format: cut(format), field: cut(field), offset, problem: cut(problem) };
}

/** A message may name a path; paths may be longer than a text of the protocol. */
function cut(message: string): string {
  return message.length <= PROTOCOL_LIMITS.text
    ? message
    : `${message.slice(0, PROTOCOL_LIMITS.text - 1)}…`;
}
