/**
 * Decoders against bytes that nobody checked: nothing but BlobFormatError comes out, what is read is written back as it was, and neither
 * memory nor time is spent that the input is not worth. test/property/hostile-bytes has a file for each list of test/support/decoders.
 */
import * as fc from 'fast-check';
import process from 'node:process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { equalBytes, toHex } from '../../lib/bytes/octets.ts';
import { BlobFormatError } from '../../lib/errors.ts';
import type { Decoder } from './decoders/decoder.ts';
import { hostileBytes, lyingLengths, MEGABYTE, megabytes } from './hostile-bytes.ts';
import { startCpuClock } from './cpu-clock.ts';

const SLOW = process.env['SLOW'] === '1';
/**
 * How much is tried, of how many samples the lengths lie, how long a megabyte may take, and how many bytes a call may allocate beside those for its
 * input.
 */
const OWN = {
  numRuns: SLOW ? 1_000_000 : 20_000,
  lying: SLOW ? 8 : 3,
  milliseconds: 50,
  beside: 1 << 20,
};
/** asn1js makes some 20 KiB of objects for each value. */
const OVER_ASN1JS = {
  numRuns: SLOW ? 20_000 : 400,
  lying: 1,
  milliseconds: 250,
  beside: 4 << 20,
};
/** Bytes that a call may allocate for each byte of its input. */
const ALLOCATED_PER_BYTE = 10;
/** Machines are noisy: what takes too long is tried this often, and the best time counts. */
const TRIES = 8;
const TIMEOUT = SLOW ? 1_800_000 : 180_000;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** The tests of a list of decoders. */
// oxlint-disable vitest/require-top-level-describe -- it stands for describe
export function describeDecoders(decoders: readonly Decoder[]): void {
  describe.each(decoders)('$name', (decoder) => {
    const limits = decoder.over === undefined ? OWN : OVER_ASN1JS;
    const samples = decoder.samples();

    test('reads its samples, and writes them as they were', async () => {
      expect(samples.length).toBeGreaterThan(0);
      for (const sample of samples)
        expect(await outcomeOf(decoder, sample)).toBe(decoder.encode ? 'canonical' : 'read');
    });

    test(
      'refuses hostile bytes with BlobFormatError, or writes them as they were',
      async () => {
        const seen = new Set<string>();
        const now = (bytes: Uint8Array): void => {
          seen.add(rightOutcome(outcomeNow(decoder, bytes), bytes));
        };
        const awaited = async (bytes: Uint8Array): Promise<void> => {
          seen.add(rightOutcome(await outcomeOf(decoder, bytes), bytes));
        };
        const { numRuns } = limits;
        const bytes = hostileBytes(samples);
        if (decoder.over === undefined) fc.assert(fc.property(bytes, now), { numRuns });
        else await fc.assert(fc.asyncProperty(bytes, awaited), { numRuns });
        expect(seen).toContain('refused');
      },
      TIMEOUT,
    );

    test(
      'allocates no more than its input is worth where lengths lie',
      async () => {
        const greedy: string[] = [];
        collectGarbage();
        for (const bytes of lyingLengths(samples.slice(0, limits.lying))) {
          const allocated = await allocatedBy(decoder, bytes);
          if (allocated > allowed(bytes, limits)) greedy.push(`${allocated} for ${excerpt(bytes)}`);
        }
        expect(greedy).toEqual([]);
      },
      TIMEOUT,
    );

    test(
      `takes at most ${limits.milliseconds} ms for a megabyte, and as little memory`,
      async () => {
        const offenders: string[] = [];
        collectGarbage();
        for (const bytes of megabytes(samples, SLOW)) {
          expect(bytes).toHaveLength(MEGABYTE);
          const allocated = await allocatedBy(decoder, bytes);
          if (allocated > allowed(bytes, limits))
            offenders.push(`${allocated} bytes: ${excerpt(bytes)}`);
          const best = await bestTimeOf(decoder, bytes, limits.milliseconds);
          if (best > limits.milliseconds) offenders.push(`${best} ms: ${excerpt(bytes)}`);
        }
        expect(offenders).toEqual([]);
      },
      TIMEOUT,
    );
  });
}

/** `refused`, `canonical` (read, and written as it was), `read` (there is no way back), or what went wrong. */
function outcomeNow(
  decoder: Decoder,
  bytes: Uint8Array,
  alsoBack = true,
): string | Promise<string> {
  try {
    const decoded = decoder.decode(bytes);
    if (decoded instanceof Promise)
      return decoded.then((value) => wayBack(decoder, value, alsoBack && bytes), failure);
    return wayBack(decoder, decoded, alsoBack && bytes);
  } catch (error) {
    return failure(error);
  }
}

function wayBack(decoder: Decoder, decoded: unknown, bytes: Uint8Array | false): string {
  if (!decoder.encode || !bytes) return 'read';
  try {
    const written = decoder.encode(decoded);
    return equalBytes(written, bytes) ? 'canonical' : `written otherwise: ${toHex(written)}`;
  } catch (error) {
    return `not written: ${String(error)}`;
  }
}

function failure(error: unknown): string {
  return error instanceof BlobFormatError ? 'refused' : `not a BlobFormatError: ${String(error)}`;
}

/** What comes of the bytes: right are `refused`, `canonical` (read, and written as it was) and `read` (there is no way back). */
export async function outcomeOf(decoder: Decoder, bytes: Uint8Array): Promise<string> {
  return outcomeNow(decoder, bytes);
}

/** Throws in place of `expect`, which would take longer than most decoders. */
function rightOutcome(outcome: string | Promise<string>, bytes: Uint8Array): string {
  if (typeof outcome !== 'string') throw new TypeError('gives a promise, and is not over asn1js');
  if (!RIGHT.test(outcome)) throw new TypeError(`${outcome}, for ${toHex(bytes)}`);
  return outcome;
}

/** What one call takes of the heap and of array buffers; again where a garbage collection came between. */
async function allocatedBy(decoder: Decoder, bytes: Uint8Array): Promise<number> {
  let allocated = 0;
  for (let i = 0; i < TRIES; i++) {
    const before = process.memoryUsage();
    const outcome = outcomeNow(decoder, bytes, false);
    if (typeof outcome !== 'string') await outcome;
    const after = process.memoryUsage();
    const heap = after.heapUsed - before.heapUsed;
    const buffers = after.arrayBuffers - before.arrayBuffers;
    allocated = Math.max(0, heap) + Math.max(0, buffers);
    if (heap >= 0 && buffers >= 0) break;
    collectGarbage();
  }
  return allocated;
}

function allowed(bytes: Uint8Array, { beside }: { readonly beside: number }): number {
  return ALLOCATED_PER_BYTE * bytes.length + beside;
}

/** Milliseconds of processor time of the first try that is fast enough, else of the fastest. */
async function bestTimeOf(decoder: Decoder, bytes: Uint8Array, enough: number): Promise<number> {
  let best = Infinity;
  for (let i = 0; i < TRIES && best > enough; i++) {
    const spent = startCpuClock();
    const outcome = outcomeNow(decoder, bytes, false);
    if (typeof outcome !== 'string') await outcome;
    best = Math.min(best, spent());
  }
  return best;
}

function excerpt(bytes: Uint8Array): string {
  return `${toHex(bytes.subarray(0, 200))}...`;
}

/** Outcomes that are right. */
export const RIGHT = /^(refused|canonical|read)$/;
