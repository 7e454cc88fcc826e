/**
 * Prints how many times as long a put and a get of a 1 KiB record take through a store as by the bare package, and what they cost as a store
 * grows. A process of its own, in plain Node: `node --import tsx bench/stores-ratio.ts [full]`; `full` goes up to a million records.
 *
 * By the clock and not in CPU time: a durable write is mostly a wait for the disk. Both sides take turns, so both meet the same machine.
 */
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { median } from './ratio.ts';
import { newId, openSides, RECORD, type StoreKind, type StoreSides } from './store-sides.ts';

const LIMIT = 2;
/** More than a listing takes of any size: what the collector has not collected yet. */
const MAX_LIST_MIB = 64;
const ROUNDS = 31;
const PUTS = 20;
const GETS = 500;
const isFull = process.argv.includes('full');
const SIZES = isFull ? [1000, 10_000, 100_000, 1_000_000] : [1000, 10_000];
const CREATE_AT_ONCE = 2000;

let hasFailed = false;
for (const kind of ['lmdb', 'postgres'] satisfies StoreKind[]) {
  for (const measure of [compare, grow]) {
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
  const ratio = median(ours.map((time, n) => time / bare[n]!));
  if (ratio > LIMIT) hasFailed = true;
  console.log(
    `${name}: ${median(ours).toFixed(1)} us against ${median(bare).toFixed(1)} us bare: ${ratio.toFixed(2)} times (limit ${LIMIT}) ${ratio > LIMIT ? 'TOO SLOW' : 'ok'}`,
  );
}

/** What put, get, createAll and a whole listing cost, and what memory a listing takes, at each size. */
async function grow(kind: StoreKind, { store }: StoreSides): Promise<void> {
  console.log(
    `${kind}: records, put us, get us, createAll us a record, list us a record, list MiB more`,
  );
  let size = 0;
  for (const wanted of SIZES) {
    const known: string[] = [];
    const started = performance.now();
    const from = size;
    while (size < wanted) {
      const ids = Array.from({ length: Math.min(CREATE_AT_ONCE, wanted - size) }, newId);
      await store.createAll!(ids.map((id) => ({ id, bytes: RECORD })));
      size += ids.length;
      known.push(ids[0]!);
    }
    const create = ((performance.now() - started) * 1000) / Math.max(1, size - from);
    const put = await timeEach(50, () => store.put(newId(), 1, RECORD));
    size += 50;
    const get = await timeEach(1000, () =>
      store.get(known[Math.floor(Math.random() * known.length)]!),
    );
    const list = await timeList(store);
    if (list.memory > MAX_LIST_MIB) hasFailed = true;
    console.log(
      [
        wanted,
        put.toFixed(0),
        get.toFixed(1),
        create.toFixed(1),
        list.us.toFixed(2),
        list.memory.toFixed(1),
      ].join(', '),
    );
  }
}

async function timeEach(times: number, work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  for (let n = 0; n < times; n++) await work();
  return ((performance.now() - started) * 1000) / times;
}

async function timeList(store: StoreSides['store']): Promise<{ us: number; memory: number }> {
  const before = process.memoryUsage();
  let most = 0;
  let seen = 0;
  const started = performance.now();
  for await (const _ of store.list()) {
    if (++seen % 1000 !== 0) continue;
    const now = process.memoryUsage();
    most = Math.max(most, now.heapUsed + now.external - before.heapUsed - before.external);
  }
  return { us: ((performance.now() - started) * 1000) / seen, memory: most / 2 ** 20 };
}
