/** The bare side of benches that use all cores: threads that are given a page of JavaScript, and nothing of keycask's. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';

/**
 * Seconds that the threads take for `total` rounds, without those that threads and keys take to be there.
 *
 * @param source - CommonJS: says 'ready', waits for a message, does `workerData.count` rounds, says 'done'.
 * @param data - For each thread; `count` is added.
 */
export async function secondsOnAllCores(
  source: string,
  total: number,
  data: Readonly<Record<string, unknown>>,
): Promise<number> {
  const threads = availableParallelism();
  const workerData = { ...data, count: Math.ceil(total / threads) };
  const workers = Array.from(
    { length: threads },
    () => new Worker(source, { eval: true, workerData }),
  );
  const heard = (): Promise<unknown[]> =>
    Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('message', resolve))));
  await heard();
  const start = performance.now();
  const done = heard();
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  for (const worker of workers) worker.postMessage('go');
  await done;
  const seconds = (performance.now() - start) / 1000;
  await Promise.all(workers.map((worker) => worker.terminate()));
  return seconds;
}
