/** Bodies: the part of MessagePack that the protocol has, and everything else refused. */
import { encode } from '@msgpack/msgpack';
import { describe, expect, it } from 'vitest';
import { decodeBody, withEncoded, type Fields } from '../../../lib/agent-protocol/codec.ts';
import { PROTOCOL_LIMITS } from '../../../lib/agent-protocol/limits.ts';
import { codeOf } from '../../support/errors.ts';

const encoded = (message: Fields): Uint8Array =>
  withEncoded(message, (body) => Uint8Array.from(body));
const refused = (bytes: readonly number[] | Uint8Array) =>
  codeOf(() => decodeBody(Uint8Array.from(bytes)));

function nested(depth: number): unknown {
  return depth === 0 ? 1 : [nested(depth - 1)];
}

describe('a body', () => {
  it('comes out as it went in', () => {
    const message = {
      text: 'ünïcode 鍵',
      bytes: Uint8Array.of(1, 2, 3),
      list: [true, false, null, 0, -1, 1.5, 4_294_967_296],
      map: { inner: { deepest: 'x' } },
    };
    expect(decodeBody(encoded(message))).toEqual(message);
  });

  it('leaves out fields that are undefined', () => {
    expect(decodeBody(encoded({ a: undefined, b: 1 }))).toEqual({ b: 1 });
  });

  it('has byte strings that are views of it, so that wiping it wipes them', () => {
    const body = encoded({ secret: new Uint8Array(32).fill(7) });
    const { secret } = decodeBody(body) as { secret: Uint8Array };
    body.fill(0);
    expect(secret).toEqual(new Uint8Array(32));
  });

  it('is wiped where it was written, once it was used', () => {
    let memory: Uint8Array | undefined;
    withEncoded({ secret: new Uint8Array(32).fill(7) }, (body) => {
      memory = body;
    });
    expect(memory!.every((byte) => byte === 0)).toBe(true);
  });

  it('is refused with bytes after its end, cut short, or empty', () => {
    const body = encoded({ id: 1, op: 'status', arguments: {} });
    for (let length = 0; length < body.length; length++)
      expect(refused(body.subarray(0, length))).toBe('AGENT_PROTOCOL');
    expect(refused([...body, 0])).toBe('AGENT_PROTOCOL');
  });

  it.each([
    ['an array', [0x91, 1]],
    ['a number', [5]],
    ['a byte string', [0xc4, 1, 0]],
    ['nil', [0xc0]],
    ['a field twice', [0x82, 0xa1, 0x61, 1, 0xa1, 0x61, 2]],
    ['a number as a name', [0x81, 1, 1]],
    ['a name that would be a prototype', encode(JSON.parse('{"__proto__": 1}'))],
    ['an extension type', [0x81, 0xa1, 0x61, 0xd4, 1, 0]],
    ['a timestamp', encode({ a: new Date(0) })],
    ['a float of 32 bits', [0x81, 0xa1, 0x61, 0xca, 0, 0, 0, 0]],
    ['the byte that MessagePack never uses', [0x81, 0xa1, 0x61, 0xc1]],
    ['a byte string that claims 4 GiB', [0x81, 0xa1, 0x61, 0xc6, 0xff, 0xff, 0xff, 0xff]],
    ['an array that claims 4 billion elements', [0x81, 0xa1, 0x61, 0xdd, 0xff, 0xff, 0xff, 0xff]],
    ['a map that claims 4 billion fields', [0xdf, 0xff, 0xff, 0xff, 0xff]],
    ['an array of one element too many', encode({ a: Array.from({ length: 257 }, () => 0) })],
    [
      'a map of one field too many',
      encode(Object.fromEntries(Array.from({ length: 33 }, (_, n) => [`f${n}`, 0]))),
    ],
  ])('is refused as %s', (_, bytes) => {
    expect(refused(bytes)).toBe('AGENT_PROTOCOL');
  });

  it('may be nested as deep as the limit, and no deeper', () => {
    const { depth } = PROTOCOL_LIMITS;
    expect(() => decodeBody(encode({ a: nested(depth - 1) }))).not.toThrow();
    expect(refused(encode({ a: nested(depth) }))).toBe('AGENT_PROTOCOL');
  });

  it('of a mebibyte of opened arrays is refused before the decoder allocates for them', () => {
    const bytes = new Uint8Array(PROTOCOL_LIMITS.body).fill(0x91);
    const before = process.memoryUsage().heapUsed;
    expect(refused(bytes)).toBe('AGENT_PROTOCOL');
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(4 << 20);
  });

  it.each([
    ['a function', () => 1],
    ['something deeper than the protocol', nested(20)],
    ['more than a body holds', new Uint8Array(PROTOCOL_LIMITS.body + 1)],
  ])('that would have %s is not written', (_, value) => {
    expect(codeOf(() => encoded({ value }))).toBe('PARAMETER_INVALID');
    expect(decodeBody(encoded({ fine: true }))).toEqual({ fine: true });
  });
});
