/** Whatever comes through an agent's socket is a message or AGENT_PROTOCOL, and what one side writes the other reads. */
import { fc, test } from '@fast-check/vitest';
import process from 'node:process';
import { expect } from 'vitest';
import { decodeBody, withEncoded } from '../../lib/agent-protocol/codec.ts';
import { encodeFrame, FrameReader } from '../../lib/agent-protocol/frames.ts';
import { decodeAnswer, decodeRequest, encodeRequest } from '../../lib/agent-protocol/index.ts';
import { codeOf } from '../support/errors.ts';

/** `npm run test:slow` has twenty times as many. */
const numRuns = (runs: number): number => (process.env['SLOW'] === '1' ? 20 * runs : runs);

const scalar = fc.oneof(
  fc.string({ maxLength: 200, unit: 'grapheme' }),
  fc.uint8Array({ maxLength: 2000 }),
  fc.boolean(),
  fc.constant(null),
  fc.integer(),
  // MessagePack's integers have one zero.
  fc.double({ noNaN: true }).filter((number) => !Object.is(number, -0)),
);
const value = fc.oneof(
  scalar,
  fc.array(scalar, { maxLength: 256 }),
  fc.dictionary(
    fc.string({ maxLength: 8 }).filter((name) => name !== '__proto__'),
    scalar,
    { maxKeys: 32 },
  ),
);
const body = fc.dictionary(fc.stringMatching(/^[a-z]{1,10}$/), value, { maxKeys: 20 });
/** Bytes that look like MessagePack more often than by chance. */
const hostile = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.tuple(body, fc.nat(), fc.integer({ min: 0, max: 255 })).map(([message, at, byte]) => {
    const bytes = withEncoded(message, (encoded) => Uint8Array.from(encoded));
    bytes[at % bytes.length] = byte;
    return bytes;
  }),
);

test.prop([body], { numRuns: numRuns(200) })('a body comes out as it went in', (message) => {
  expect(decodeBody(withEncoded(message, (bytes) => Uint8Array.from(bytes)))).toEqual({
    ...message,
  });
});

test.prop([hostile], { numRuns: numRuns(2000) })(
  'any bytes are a message or AGENT_PROTOCOL',
  (bytes) => {
    for (const decode of [decodeBody, decodeRequest, decodeAnswer])
      expect(['none', 'AGENT_PROTOCOL']).toContain(codeOf(() => decode(bytes)));
  },
);

test.prop(
  [
    fc.array(fc.uint8Array({ minLength: 1, maxLength: 400 }), { maxLength: 8 }),
    fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }),
  ],
  { numRuns: numRuns(300) },
)('frames come out whole, however they were cut', (bodies, cuts) => {
  const stream = Buffer.concat(bodies.map(encodeFrame));
  const found: Uint8Array[] = [];
  const reader = new FrameReader(400, (frame) => found.push(Uint8Array.from(frame)));
  for (let at = 0, n = 0; at < stream.length; n++) {
    const length = cuts[n % cuts.length]!;
    reader.push(stream.subarray(at, at + length));
    at += length;
  }
  expect(found).toEqual(bodies);
});

test.prop([fc.nat(), fc.uint8Array({ maxLength: 3000 }), fc.integer({ min: 0, max: 63 })], {
  numRuns: numRuns(200),
})('a request comes out as it went in', (id, record, recipient) => {
  const request = { id, op: 'unwrap', arguments: { handle: 1, record, recipient } } as const;
  expect(decodeRequest(encodeRequest(request).subarray(4))).toEqual({ ...request, settled: 0 });
});
