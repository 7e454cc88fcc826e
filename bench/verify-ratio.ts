/**
 * Verifying all records of a home on all cores beside one thread, in turns in one run.
 *
 *   node --import tsx bench/verify-ratio.ts [records] [p-256|rsa-3072]      default 3,000 and p-256
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { SessionKeyStore } from '../lib/session-key-store.ts';
import { stopwatch, type Spent } from './all-cores.ts';

const records = Number(process.argv[2] ?? 3000);
const algorithm = process.argv[3] === 'rsa-3072' ? 'rsa-3072' : 'p-256';
const ROUNDS = 5;

interface Verified extends Spent {
  readonly mainSeconds: number;
}

const folder = mkdtempSync(join(tmpdir(), 'keycask-verify-'));
try {
  await using store = await SessionKeyStore.create({
    home: join(folder, 'home'),
    stateFolder: join(folder, 'state'),
    algorithm,
    store: { kind: 'lmdb' },
  });
  for (let n = 0; n < records; n += 256)
    await Promise.all(
      Array.from({ length: Math.min(256, records - n) }, async (_, i) =>
        (await store.createKey(`key ${n + i}`)).dispose(),
      ),
    );
  const inOne: Verified[] = [];
  const onAll: Verified[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    inOne.push(await verify(store, 1));
    onAll.push(await verify(store, availableParallelism()));
  }
  const [one, all] = [fastest(inOne), fastest(onAll)];
  const cores = availableParallelism();
  console.log(`one thread: ${rate(one)}/s; ${cores} cores: ${rate(all)}/s`);
  console.log(`ratio by the clock ${(one.seconds / all.seconds).toFixed(2)}`);
  // What the clock would say of a machine that does nothing else: the thread that reads is one of the cores'.
  const least = Math.max(all.mainSeconds, all.cpuSeconds / cores);
  console.log(
    `processor time, one thread: ${each(one.cpuSeconds)}; all: ${each(all.cpuSeconds)}, of which the thread that reads: ${each(all.mainSeconds)}`,
  );
  console.log(`ratio by processor time ${(one.cpuSeconds / least).toFixed(2)}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function verify(store: SessionKeyStore, jobs: number): Promise<Verified> {
  const spent = stopwatch();
  const mainBefore = mainSeconds();
  let count = 0;
  for await (const { state } of store.verify(undefined, { jobs })) if (state === 'ok') count++;
  if (count !== records) throw new Error(`${count} of ${records} records are as they should be`);
  return { ...spent(), mainSeconds: mainSeconds() - mainBefore };
}

/** Processor time of this thread, where the system tells (Linux). */
function mainSeconds(): number {
  const path = `/proc/self/task/${process.pid}/schedstat`;
  if (!existsSync(path)) return 0;
  return Number(readFileSync(path, 'utf8').split(' ')[0]) / 1e9;
}

/** What else the machine does only makes it slower. */
function fastest(spent: readonly Verified[]): Verified {
  return spent.reduce((best, next) => (next.cpuSeconds < best.cpuSeconds ? next : best));
}

function each(seconds: number): string {
  return `${((seconds / records) * 1e6).toFixed(0)} us a record`;
}

function rate({ seconds }: Spent): string {
  return (records / seconds).toFixed(0);
}
