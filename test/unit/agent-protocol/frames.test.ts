/** Frames, in whatever pieces they come, and what is no frame. */
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { encodeFrame, FrameReader } from '../../../lib/agent-protocol/frames.ts';
import { codeOf } from '../../support/errors.ts';

const LIMIT = 1000;

/** Bodies that come out of pieces. */
function read(pieces: readonly Uint8Array[], limit = LIMIT): Uint8Array[] {
  const bodies: Uint8Array[] = [];
  const reader = new FrameReader(limit, (body) => bodies.push(Uint8Array.from(body)));
  for (const piece of pieces) reader.push(piece);
  return bodies;
}

function cut(bytes: Uint8Array, length: number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  // The reader owns its pieces.
  for (let at = 0; at < bytes.length; at += length)
    pieces.push(Uint8Array.from(bytes.subarray(at, at + length)));
  return pieces;
}

describe('FrameReader', () => {
  const bodies = [1, 2, 255, 256, LIMIT].map((length) => new Uint8Array(randomBytes(length)));
  const stream = Buffer.concat(bodies.map(encodeFrame));

  it('leaves nothing of a body in the pieces that it came in', () => {
    const pieces = cut(encodeFrame(new Uint8Array(100).fill(7)), 30);
    expect(read(pieces)).toEqual([new Uint8Array(100).fill(7)]);
    expect(Buffer.concat(pieces).includes(7)).toBe(false);
  });

  it.each([1, 2, 3, 4, 5, 7, 100, 259, 260, 1004, 5000])(
    'gives the same bodies from pieces of %i bytes',
    (length) => {
      expect(read(cut(stream, length))).toEqual(bodies);
    },
  );

  it.each([
    ['an empty body', [0, 0, 0, 0]],
    ['one byte more than the limit', [0, 0, 3, 0xe9]],
    ['4 GiB', [0xff, 0xff, 0xff, 0xff]],
    ['2 GiB, whose sign bit is set', [0x80, 0, 0, 0]],
  ])('refuses %s as soon as the length is there, and allocates nothing for it', (_, header) => {
    const before = process.memoryUsage().arrayBuffers;
    expect(codeOf(() => read([Uint8Array.from(header)]))).toBe('AGENT_PROTOCOL');
    expect(codeOf(() => read(cut(Uint8Array.from(header), 1)))).toBe('AGENT_PROTOCOL');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
  });

  it('says of half a frame that it is one, and forgets it when told to', () => {
    const reader = new FrameReader(LIMIT, () => undefined);
    expect(reader.isHalf).toBe(false);
    reader.push(Uint8Array.of(0, 0));
    expect(reader.isHalf).toBe(true);
    reader.push(Uint8Array.of(0, 9, 1));
    expect(reader.isHalf).toBe(true);
    reader.wipe();
    expect(reader.isHalf).toBe(false);
    reader.push(encodeFrame(Uint8Array.of(1)));
    expect(reader.isHalf).toBe(false);
  });

  it('takes a longer body once its limit was raised', () => {
    const lengths: number[] = [];
    const reader = new FrameReader(10, (body) => {
      lengths.push(body.length);
      reader.setLimit(100);
    });
    reader.push(Buffer.concat([encodeFrame(new Uint8Array(10)), encodeFrame(new Uint8Array(100))]));
    expect(lengths).toEqual([10, 100]);
  });
});
