/** The bare side of benches that use all cores: threads that are given a page of JavaScript, and nothing of keycask's. */
import { availableParallelism } from 'node:os';
import process from 'node:process';
import { Worker } from 'node:worker_threads';

/** What something took. */
export interface Spent {
  readonly seconds: number;
  /** Of all threads of this process. It depends less than time does on what else the machine does. */
  readonly cpuSeconds: number;
}

/** Begins to measure; the answer ends it. */
export function stopwatch(): () => Spent {
  const start = performance.now();
  const startCpu = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(startCpu);
    return { seconds: (performance.now() - start) / 1000, cpuSeconds: (user + system) / 1e6 };
  };
}

/**
 * What the threads take for `total` rounds, without what it takes until threads and keys are there.
 *
 * @param source - CommonJS: says 'ready', waits for a message, does `workerData.count` rounds, says 'done'.
 * @param data - For each thread; `count` is added.
 */
export async function spentOnAllCores(
  source: string,
  total: number,
  data: Readonly<Record<string, unknown>>,
): Promise<Spent> {
  const threads = availableParallelism();
  const workerData = { ...data, count: Math.ceil(total / threads) };
  const workers = Array.from(
    { length: threads },
    () => new Worker(source, { eval: true, workerData }),
  );
  const heard = (): Promise<unknown[]> =>
    Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('message', resolve))));
  await heard();
  const spent = stopwatch();
  const done = heard();
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  for (const worker of workers) worker.postMessage('go');
  await done;
  const result = spent();
  await Promise.all(workers.map((worker) => worker.terminate()));
  return result;
}
