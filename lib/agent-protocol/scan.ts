/**
 * Walks over the structure of a MessagePack body before it is decoded: kinds, lengths, depth, nothing after the end. The decoder would
 * allocate for every level of `[[[[…` and for every length that an array claims; this walk allocates nothing.
 *
 * Source: https://github.com/msgpack/msgpack/blob/master/spec.md. Extension types are not of this protocol.
 */
import { PROTOCOL_LIMITS } from './limits.ts';
import { protocolError } from './protocol-error.ts';

/** Values that are still to come at each depth. */
const REMAINING = new Uint32Array(PROTOCOL_LIMITS.depth + 1);

/**
 * @returns How many fields all maps have together.
 * @throws KeyStoreError AGENT_PROTOCOL.
 */
export function scanBody(body: Uint8Array): number {
  let at = 0;
  let depth = 0;
  let fields = 0;
  REMAINING[0] = 1;
  for (;;) {
    while (REMAINING[depth] === 0) {
      if (depth === 0) {
        if (at !== body.length) throw protocolError(`${body.length - at} bytes after the end`);
        return fields;
      }
      depth--;
    }
    REMAINING[depth]!--;
    if (at >= body.length) throw protocolError('cut short');
    const kind = body[at]!;
    const head = headOf(kind);
    if (at + 1 + head.lengthBytes > body.length) throw protocolError('cut short');
    const length = head.length ?? readLength(body, at + 1, head.lengthBytes);
    at += 1 + head.lengthBytes;
    if (head.type === 'scalar') {
      if (length > body.length - at) throw protocolError('cut short');
      at += length;
      continue;
    }
    const isMap = head.type === 'map';
    if (length > (isMap ? PROTOCOL_LIMITS.fields : PROTOCOL_LIMITS.elements))
      throw protocolError(`${isMap ? 'a map' : 'an array'} of ${length}`);
    if (depth === PROTOCOL_LIMITS.depth) throw protocolError('nested too deep');
    depth++;
    REMAINING[depth] = isMap ? 2 * length : length;
    if (isMap) fields += length;
  }
}

/** What the first byte of a value says. */
interface Head {
  readonly type: 'scalar' | 'array' | 'map';
  /** Bytes that tell the length. */
  readonly lengthBytes: number;
  /** Where the first byte tells it: bytes of a scalar, elements of an array, fields of a map. */
  readonly length?: number;
}

function headOf(kind: number): Head {
  return HEADS[kind] ?? refuseKind(kind);
}

function refuseKind(kind: number): never {
  throw protocolError(`a value of kind 0x${kind.toString(16)}`);
}

function readLength(body: Uint8Array, at: number, bytes: number): number {
  let length = 0;
  for (let i = 0; i < bytes; i++) length = length * 256 + body[at + i]!;
  return length;
}

/** 0xc1 is never used; 0xc7 to 0xc9 and 0xd4 to 0xd8 are extensions, 0xca is a float of 32 bits. */
const LONG_HEADS: Readonly<Record<number, Head>> = {
  // nil, false, true
  0xc0: { type: 'scalar', lengthBytes: 0, length: 0 },
  0xc2: { type: 'scalar', lengthBytes: 0, length: 0 },
  0xc3: { type: 'scalar', lengthBytes: 0, length: 0 },
  // bin 8, 16, 32
  0xc4: { type: 'scalar', lengthBytes: 1 },
  0xc5: { type: 'scalar', lengthBytes: 2 },
  0xc6: { type: 'scalar', lengthBytes: 4 },
  // float 64
  0xcb: { type: 'scalar', lengthBytes: 0, length: 8 },
  // uint 8, 16, 32
  0xcc: { type: 'scalar', lengthBytes: 0, length: 1 },
  0xcd: { type: 'scalar', lengthBytes: 0, length: 2 },
  0xce: { type: 'scalar', lengthBytes: 0, length: 4 },
  // uint 64, int 64
  0xcf: { type: 'scalar', lengthBytes: 0, length: 8 },
  0xd3: { type: 'scalar', lengthBytes: 0, length: 8 },
  // int 8, 16, 32
  0xd0: { type: 'scalar', lengthBytes: 0, length: 1 },
  0xd1: { type: 'scalar', lengthBytes: 0, length: 2 },
  0xd2: { type: 'scalar', lengthBytes: 0, length: 4 },
  // str 8, 16, 32
  0xd9: { type: 'scalar', lengthBytes: 1 },
  0xda: { type: 'scalar', lengthBytes: 2 },
  0xdb: { type: 'scalar', lengthBytes: 4 },
  // array 16, 32
  0xdc: { type: 'array', lengthBytes: 2 },
  0xdd: { type: 'array', lengthBytes: 4 },
  // map 16, 32
  0xde: { type: 'map', lengthBytes: 2 },
  0xdf: { type: 'map', lengthBytes: 4 },
};
const HEADS: readonly (Head | undefined)[] = Array.from({ length: 256 }, (_, kind) => {
  if (kind <= 0x7f || kind >= 0xe0) return { type: 'scalar', lengthBytes: 0, length: 0 };
  if (kind <= 0x8f) return { type: 'map', lengthBytes: 0, length: kind & 0x0f };
  if (kind <= 0x9f) return { type: 'array', lengthBytes: 0, length: kind & 0x0f };
  if (kind <= 0xbf) return { type: 'scalar', lengthBytes: 0, length: kind & 0x1f };
  return LONG_HEADS[kind];
});
