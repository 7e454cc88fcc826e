/** Sealing and opening a whole stream of segments in constant memory. */
import { throwIfAborted, type ByteSource } from './byte-source.ts';
import { fileDamaged, type SegmentCipher } from './segment-cipher.ts';
import {
  ciphertextCapacity,
  plaintextCapacity,
  SEGMENT_LENGTH,
  segmentCount,
  segmentSpan,
  TAG_LENGTH,
  type SegmentPlace,
} from './segments.ts';

/** Where the results of a stream go. */
export interface SegmentBuffers {
  /** Two buffers for the input: the next segment is read before this one is worked on, to know whether it is the last. */
  readonly input: readonly [Uint8Array, Uint8Array];
  /** A buffer of at least `length` bytes for the next result. */
  readonly output: (length: number) => Uint8Array;
}

/** For results that are handed on and kept: each has a buffer of its own. */
export function freshBuffers(): SegmentBuffers {
  // allocUnsafeSlow: a buffer of its own that need not be zeroed, since it is overwritten before anybody sees it.
  const output = (length: number) => plain(Buffer.allocUnsafeSlow(length));
  return { input: [output(SEGMENT_LENGTH), output(SEGMENT_LENGTH)], output };
}

/** For results that are written at once: 4 MiB used again and again. A result is overwritten when the next but one is asked for. */
export function reusedBuffers(): SegmentBuffers {
  const { input, output } = freshBuffers();
  const pair = [output(SEGMENT_LENGTH), output(SEGMENT_LENGTH)] as const;
  let turn = 0;
  return { input, output: () => pair[(turn ^= 1) as 0 | 1] };
}

/**
 * Seals everything that `source` has.
 *
 * @returns Each segment: ciphertext ‖ tag.
 */
export function sealSegments(
  source: ByteSource,
  cipher: SegmentCipher,
  buffers: SegmentBuffers,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  return eachSegment({ source, buffers, signal, capacity: plaintextCapacity }, (place, input) =>
    collect(buffers.output(input.length + TAG_LENGTH), (out) => cipher.seal(place, input, out)),
  );
}

/**
 * Opens everything that `source` has. A cut or a continuation is noticed when the last segment is reached, so what came before is genuine but may
 * not be all.
 *
 * @returns The plaintext of each segment, after it has verified.
 * @throws KeyStoreError FILE_DAMAGED
 */
export function openSegments(
  source: ByteSource,
  cipher: SegmentCipher,
  buffers: SegmentBuffers,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  return eachSegment({ source, buffers, signal, capacity: ciphertextCapacity }, (place, input) => {
    // The last segment is never empty unless alone: else one plaintext would have two ciphertexts.
    if (input.length < TAG_LENGTH + (place.index === 0 ? 0 : 1)) throw fileDamaged();
    return collect(buffers.output(input.length - TAG_LENGTH), (out) =>
      cipher.open(place, input, out),
    );
  });
}

/** Seals `plaintext` into `out`, which has {@link ciphertextSize} bytes and holds the stream header already. */
export async function sealWhole(
  plaintext: Uint8Array,
  cipher: SegmentCipher,
  out: Uint8Array,
): Promise<void> {
  for (let index = 0; index < segmentCount(plaintext.length); index++) {
    const span = segmentSpan(index, plaintext.length);
    const end = span.plaintextStart + span.plaintextLength;
    const input = plaintext.subarray(span.plaintextStart, end);
    await cipher.seal(span, input, out.subarray(span.ciphertextStart));
  }
}

/**
 * Opens `ciphertext`, stream header included, into `out`, which has {@link plaintextSize} bytes.
 *
 * @throws KeyStoreError FILE_DAMAGED; `out` is then zeroed.
 */
export async function openWhole(
  ciphertext: Uint8Array,
  cipher: SegmentCipher,
  out: Uint8Array,
): Promise<void> {
  try {
    for (let index = 0; index < segmentCount(out.length); index++) {
      const span = segmentSpan(index, out.length);
      const end = span.ciphertextStart + span.ciphertextLength;
      const input = ciphertext.subarray(span.ciphertextStart, end);
      await cipher.open(span, input, out.subarray(span.plaintextStart));
    }
  } catch (error) {
    out.fill(0);
    throw error;
  }
}

interface SegmentFlow {
  readonly source: ByteSource;
  readonly buffers: SegmentBuffers;
  readonly signal: AbortSignal | undefined;
  /** Full length of a segment of the input. */
  readonly capacity: (index: number) => number;
}

/**
 * Cuts the input into segments, one read ahead, and works on each.
 *
 * @yields {Uint8Array} What the work makes of each.
 */
async function* eachSegment(
  { source, buffers, signal, capacity }: SegmentFlow,
  work: (place: SegmentPlace, input: Uint8Array) => Promise<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let [current, next] = buffers.input;
  throwIfAborted(signal);
  let length = await source.readInto(current.subarray(0, capacity(0)));
  for (let index = 0; ; index++) {
    throwIfAborted(signal);
    const full = length === capacity(index);
    const following = full ? await source.readInto(next.subarray(0, capacity(index + 1))) : 0;
    const last = following === 0;
    yield await work({ index, last }, current.subarray(0, length));
    if (last) return;
    [current, next] = [next, current];
    length = following;
  }
}

async function collect(
  out: Uint8Array,
  work: (out: Uint8Array) => number | Promise<number>,
): Promise<Uint8Array> {
  return out.subarray(0, await work(out));
}

/** A Buffer's bytes as what they are in the API. */
function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}
