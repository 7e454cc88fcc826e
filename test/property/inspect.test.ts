/** inspect against bytes that nobody checked: it answers, soon, and its fields cover them. */
import * as fc from 'fast-check';
import process from 'node:process';
import { describe, expect, test } from 'vitest';
import { toHex } from '../../lib/bytes/octets.ts';
import { inspect } from '../../lib/migration/inspect.ts';
import type { Inspection } from '../../lib/migration/inspection.ts';
import { DECODERS } from '../support/decoders/index.ts';
import { hostileBytes, MEGABYTE, megabytes } from '../support/hostile-bytes.ts';
import { hostileVectors } from '../support/hostile-vectors.ts';
import { startCpuClock } from '../support/cpu-clock.ts';

const SLOW = process.env['SLOW'] === '1';
const NUM_RUNS = SLOW ? 200_000 : 4000;
const TIMEOUT = SLOW ? 1_800_000 : 180_000;
const TRIES = 5;
/** For a megabyte. Every row of the table is asked, and text is decoded once more. */
const MILLISECONDS = 1000;

const SAMPLES = DECODERS.flatMap((decoder) => decoder.samples());

describe('inspect', () => {
  test(
    'answers whatever the bytes, and its fields are all of them',
    () => {
      fc.assert(
        fc.property(hostileBytes(SAMPLES), (bytes) => {
          expect(faultOf(bytes)).toBeUndefined();
        }),
        { numRuns: NUM_RUNS },
      );
    },
    TIMEOUT,
  );

  test(
    'answers whatever the text that spells the bytes',
    () => {
      fc.assert(
        fc.property(hostileBytes(SAMPLES), (bytes) => {
          const base64 = Buffer.from(bytes).toString('base64');
          expect(faultOf(asText(toHex(bytes)))).toBeUndefined();
          expect(faultOf(asText(base64))).toBeUndefined();
          const pem = `-----BEGIN X-----\n${base64}\n-----END X-----\n`;
          expect(faultOf(asText(pem))).toBeUndefined();
        }),
        { numRuns: NUM_RUNS / 10 },
      );
    },
    TIMEOUT,
  );

  test('answers on what once broke a decoder', () => {
    for (const { bytes } of hostileVectors()) expect(faultOf(bytes)).toBeUndefined();
  });

  test(
    'answers every beginning of a sample',
    () => {
      for (const sample of SAMPLES)
        for (let length = 0; length < Math.min(sample.length, 200); length += SLOW ? 1 : 7)
          expect(faultOf(sample.subarray(0, length))).toBeUndefined();
    },
    TIMEOUT,
  );

  test(
    'reads a megabyte in a second',
    () => {
      for (const bytes of megabytes(SAMPLES)) expect(bestTimeOf(bytes)).toBeLessThan(MILLISECONDS);
      const text = new Uint8Array(MEGABYTE).fill(0x41);
      expect(bestTimeOf(text)).toBeLessThan(MILLISECONDS);
    },
    TIMEOUT,
  );
});

function asText(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text));
}

/** What is wrong with an answer; undefined for a good one. */
function faultOf(bytes: Uint8Array): string | undefined {
  const inspection = inspect(bytes);
  const { length, summary, state, fault } = inspection;
  if (length !== bytes.length || summary === '') return `length or summary: ${toHex(bytes)}`;
  // What is damaged says where; a failure of another kind would be a fault of ours.
  if (state === 'damaged' && fault === undefined) return `damaged, and not where: ${toHex(bytes)}`;
  return coveredTo(inspection) === bytes.length ? undefined : `not covered: ${toHex(bytes)}`;
}

/** The outermost fields lie side by side, without a gap, to the end. */
function coveredTo({ fields }: Inspection): number {
  let end = 0;
  for (const { offset, length, depth } of fields) {
    if (depth > 0) continue;
    if (offset !== end) return -1;
    end += length;
  }
  return end;
}

/** Of processor time. What the engine does beside it, it does not do each time: the best one counts. */
function bestTimeOf(bytes: Uint8Array): number {
  let best = Infinity;
  for (let i = 0; i < TRIES && best >= MILLISECONDS; i++) {
    const spent = startCpuClock();
    inspect(bytes);
    best = Math.min(best, spent());
  }
  return best;
}
