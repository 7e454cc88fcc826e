/**
 * How many times as long one thing takes as another, measured turn by turn so that both meet the same machine, and in CPU time of this
 * process, threads included, so that what else the machine does is not counted.
 */
import process from 'node:process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What is compared: `ours` does the work, `bare` the operations it cannot do without. */
export interface Comparison {
  readonly name: string;
  readonly ours: () => unknown;
  readonly bare: () => unknown;
  /** The highest ratio that is acceptable. */
  readonly limit: number;
  /** Calls that one sample is made of. Enough that a sample takes some milliseconds. */
  readonly calls: number;
  /** Samples of each side. Default 41. */
  readonly samples?: number;
}

export interface Ratio {
  readonly name: string;
  /** Medians of a call, in microseconds. */
  readonly ours: number;
  readonly bare: number;
  /** Median of the ratios of neighbouring samples: what slows the machine for a while slows both. */
  readonly ratio: number;
  readonly limit: number;
}

/** Measures, and prints one line: `seal + open, P-256: 312 us against 251 us bare: 1.24 times (limit 1.4)`. */
export async function printRatio(comparison: Comparison): Promise<Ratio> {
  const result = await measureRatio(comparison);
  const { name, ours, bare, ratio, limit } = result;
  const verdict = ratio <= limit ? 'ok' : 'TOO SLOW';
  console.log(
    `${name}: ${ours.toFixed(1)} us against ${bare.toFixed(1)} us bare: ${ratio.toFixed(3)} times (limit ${limit}) ${verdict}`,
  );
  return result;
}

async function measureRatio(comparison: Comparison): Promise<Ratio> {
  const { name, ours, bare, limit, calls, samples = 41 } = comparison;
  // Until V8 has optimized both: it takes thousands of calls.
  const warmUntil = performance.now() + WARM_UP_MS;
  while (performance.now() < warmUntil) {
    await sample(ours, calls);
    await sample(bare, calls);
  }
  const times = { ours: [] as number[], bare: [] as number[], ratio: [] as number[] };
  for (let i = 0; i < samples; i++) {
    // Which goes first alternates, or the collector's pauses would fall on one side.
    const first = i % 2 === 0 ? await sample(ours, calls) : undefined;
    const bareTime = await sample(bare, calls);
    const oursTime = first ?? (await sample(ours, calls));
    times.ours.push(oursTime);
    times.bare.push(bareTime);
    times.ratio.push(oursTime / bareTime);
  }
  return {
    name,
    ours: median(times.ours),
    bare: median(times.bare),
    ratio: median(times.ratio),
    limit,
  };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1]!;
}

/**
 * CPU microseconds of one call. A promise is waited for, and nothing else is: `await` costs time too. Each sample collects its own
 * garbage: else the side that allocates more would also collect what the other left, and node:crypto's objects are dear to collect.
 */
async function sample(work: () => unknown, calls: number): Promise<number> {
  const start = process.cpuUsage();
  for (let i = 0; i < calls; i++) {
    const result = work();
    if (result instanceof Promise) await result;
  }
  collectYoung();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / calls;
}

const collectYoung = (() => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: { readonly type: 'minor' }) => void;
  return () => collect({ type: 'minor' });
})();

const WARM_UP_MS = 4000;
