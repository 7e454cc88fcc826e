/**
 * Prints how many times as long a put and a get of a 1 KiB record take through a store as by the bare package, and an append of an archive with
 * all that goes along as the same durable writes; and what they cost as a store grows. A process of its own, in plain Node: `node --import tsx bench/stores-ratio.ts [full]`; `full` goes up to a million records.
 *
 * By the clock and not in CPU time: a durable write is mostly a wait for the disk. Both sides take turns, so both meet the same machine.
 */
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import type { LogHead } from '../lib/signed-log/index.ts';
import { appendOf, headAfter } from './append-samples.ts';
import { median } from './ratio.ts';
import { measureGrowth } from './stores-growth.ts';
import { newId, openSides, RECORD, type StoreKind, type StoreSides } from './store-sides.ts';

const LIMIT = 2;
const ROUNDS = 31;
const PUTS = 20;
const GETS = 500;
const isFull = process.argv.includes('full');
const SIZES = isFull ? [1000, 10_000, 100_000, 1_000_000] : [1000, 10_000];
/** Of one append each: alone, and as a home makes many at once. 79 of these are 20,000. */
const ALONG = [
  { records: 1, appends: 200 },
  { records: 256, appends: 79 },
];

let hasFailed = false;
for (const kind of ['lmdb', 'postgres'] satisfies StoreKind[]) {
  for (const measure of [compare, compareAppends, grow]) {
    const sides = await openSides(kind);
    await measure(kind, sides);
    await sides.close();
  }
}
process.exitCode = hasFailed ? 1 : 0;

async function compare(kind: StoreKind, { store, bare }: StoreSides): Promise<void> {
  const ids: string[] = [];
  await printRatio(`${kind}: put`, PUTS, {
    ours: (id) => store.put(id, 1, RECORD),
    bare: (id) => bare.put(id),
    id: () => {
      const id = newId();
      ids.push(id);
      return id;
    },
  });
  // Both have all of them.
  for (const id of ids) {
    if (!(await store.get(id))) await store.put(id, 1, RECORD);
    if ((await bare.get(id)) === undefined) await bare.put(id);
  }
  await printRatio(`${kind}: get`, GETS, {
    ours: (id) => store.get(id),
    bare: (id) => bare.get(id),
    id: () => ids[Math.floor(Math.random() * ids.length)]!,
  });
}

interface Turn {
  ours(id: string): Promise<unknown>;
  bare(id: string): Promise<unknown>;
  id(): string;
}

async function printRatio(name: string, calls: number, turn: Turn): Promise<void> {
  const ours: number[] = [];
  const bare: number[] = [];
  for (let round = -3; round < ROUNDS; round++) {
    // The first rounds warm up; who goes first alternates.
    const order = round % 2 === 0 ? (['ours', 'bare'] as const) : (['bare', 'ours'] as const);
    for (const side of order) {
      const ids = Array.from({ length: calls }, () => turn.id());
      const started = performance.now();
      for (const id of ids) await turn[side](id);
      const each = ((performance.now() - started) * 1000) / calls;
      if (round >= 0) (side === 'ours' ? ours : bare).push(each);
      // A read transaction ends with its turn of the event loop.
      await setTimeout(0);
    }
  }
  tell(name, ours, bare);
}

/** Both sides write the same bytes in turns. */
async function compareAppends(kind: StoreKind, { archive, bare }: StoreSides): Promise<void> {
  let head: LogHead | undefined;
  for (const { records, appends } of ALONG) {
    const ours: number[] = [];
    const others: number[] = [];
    for (let n = 0; n < appends; n++) {
      const append = appendOf(head, records);
      for (const side of n % 2 === 0 ? (['ours', 'bare'] as const) : (['bare', 'ours'] as const)) {
        const started = performance.now();
        await (side === 'ours' ? archive.log.append(append) : bare.append(append));
        (side === 'ours' ? ours : others).push((performance.now() - started) * 1000);
        await setTimeout(0);
      }
      head = headAfter(append);
    }
    tell(`${kind}: append with ${records} records`, ours, others);
  }
}

async function grow(kind: StoreKind, sides: StoreSides): Promise<void> {
  if (!(await measureGrowth(kind, sides, SIZES))) hasFailed = true;
}

// oxlint-disable-next-line max-params -- what, and both sides of it
function tell(name: string, ours: readonly number[], bare: readonly number[]): void {
  const ratio = median(ours.map((time, n) => time / bare[n]!));
  if (ratio > LIMIT) hasFailed = true;
  console.log(
    `${name}: ${median(ours).toFixed(1)} us against ${median(bare).toFixed(1)} us bare: ${ratio.toFixed(2)} times (limit ${LIMIT}) ${ratio > LIMIT ? 'TOO SLOW' : 'ok'}`,
  );
}
