/** Bodies: maps of MessagePack, by the package @msgpack/msgpack, in the part of it that this protocol has. */
import { Decoder, Encoder } from '@msgpack/msgpack';
import { KeyStoreError } from '../errors.ts';
import { PROTOCOL_LIMITS } from './limits.ts';
import { protocolError } from './protocol-error.ts';
import { scanBody } from './scan.ts';

/** A body's fields, none of them believed yet. */
export type Fields = Readonly<Record<string, unknown>>;

/** As large as any message, so that it never grows: what it grew out of would stay in memory, secrets included. */
const ENCODER_OPTIONS = {
  ignoreUndefined: true,
  maxDepth: PROTOCOL_LIMITS.depth + 1,
  initialBufferSize: PROTOCOL_LIMITS.body + 64,
};
const DECODER = new Decoder({
  maxStrLength: PROTOCOL_LIMITS.text * 3,
  maxBinLength: PROTOCOL_LIMITS.body,
  maxArrayLength: PROTOCOL_LIMITS.elements,
  maxMapLength: PROTOCOL_LIMITS.fields,
  maxExtLength: 0,
  mapKeyConverter: (name) => {
    if (typeof name === 'string') return name;
    throw protocolError('the name of a field is a text');
  },
});
let encoder = new Encoder(ENCODER_OPTIONS);

/**
 * Encodes a message and hands it to `use`, which must not keep it: the memory is wiped and used again, since messages carry secrets.
 *
 * @throws KeyStoreError PARAMETER_INVALID where the message is longer than the limit, or cannot be encoded.
 */
export function withEncoded<Result>(message: Fields, use: (body: Uint8Array) => Result): Result {
  const body = encode(message);
  try {
    if (body.length > PROTOCOL_LIMITS.body)
      throw new KeyStoreError(
        'PARAMETER_INVALID',
        `a message of ${body.length} bytes; an agent takes ${PROTOCOL_LIMITS.body}`,
      );
    return use(body);
  } finally {
    body.fill(0);
  }
}

function encode(message: Fields): Uint8Array {
  try {
    return encoder.encodeSharedRef(message);
  } catch {
    // What a half-written message left in its buffer goes with it.
    encoder = new Encoder(ENCODER_OPTIONS);
    throw new KeyStoreError('PARAMETER_INVALID', 'this value cannot be given to an agent');
  }
}

/**
 * The fields of a body. Its byte strings are views of it.
 *
 * @throws KeyStoreError AGENT_PROTOCOL.
 */
export function decodeBody(body: Uint8Array): Fields {
  const fields = scanBody(body);
  let message: unknown;
  try {
    message = DECODER.decode(body);
  } catch {
    throw protocolError('not a body of MessagePack that this protocol has');
  }
  if (typeof message !== 'object' || message === null || !isFields(message))
    throw protocolError('a body is a map');
  // Of two fields of one name the decoder keeps the last.
  if (countFields(message) !== fields) throw protocolError('a field twice');
  return message;
}

function isFields(value: object): value is Fields {
  return !Array.isArray(value) && !(value instanceof Uint8Array);
}

/** All fields of all maps. The depth is bounded by the scan. */
function countFields(value: unknown): number {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const element of value) count += countFields(element);
    return count;
  }
  for (const name in value) count += 1 + countFields((value as Fields)[name]);
  return count;
}
