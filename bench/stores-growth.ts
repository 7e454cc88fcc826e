/** What a store and an archive cost as they grow: a table and a chart for each kind; bench/stores-ratio.ts prints them. */
import process from 'node:process';
import type { LogHead } from '../lib/signed-log/index.ts';
import { appendOf, headAfter } from './append-samples.ts';
import { median } from './ratio.ts';
import { newId, RECORD, type StoreKind, type StoreSides } from './store-sides.ts';

/** More than a listing takes of any size: what the collector has not collected yet. */
const MAX_LIST_MIB = 64;
const MAX_OPEN_MS = 1000;
const CREATE_AT_ONCE = 2000;
const APPENDS = 20;
const ALONG = 64;
const OPENINGS = 5;
const BAR = 40;

const COLUMNS = [
  'put us',
  'get us',
  'createAll us a record',
  'append us a record',
  'list us a record',
  'list MiB more',
  'open ms',
] as const;
type Row = Readonly<Record<(typeof COLUMNS)[number], number>>;

/** @returns Whether memory and opening stay within their limits. */
// oxlint-disable-next-line max-params -- what, and how far
export async function measureGrowth(
  kind: StoreKind,
  sides: StoreSides,
  sizes: readonly number[],
): Promise<boolean> {
  const rows = new Map<number, Row>();
  let size = 0;
  let head: LogHead | undefined;
  console.log(`${kind}: records, ${COLUMNS.join(', ')}`);
  for (const wanted of sizes) {
    const known: string[] = [];
    const from = size;
    const started = performance.now();
    while (size < wanted) {
      const ids = Array.from({ length: Math.min(CREATE_AT_ONCE, wanted - size) }, newId);
      await sides.store.createAll!(ids.map((id) => ({ id, bytes: RECORD })));
      size += ids.length;
      known.push(ids[0]!);
    }
    const create = ((performance.now() - started) * 1000) / Math.max(1, size - from);
    const openings: number[] = [];
    for (let n = 0; n < OPENINGS; n++) openings.push(await timeOpen(sides, known[0]!));
    const put = await timeEach(50, () => sides.store.put(newId(), 1, RECORD));
    const append = await timeEach(APPENDS, async () => {
      const one = appendOf(head, ALONG);
      await sides.archive.log.append(one);
      head = headAfter(one);
    });
    size += 50 + APPENDS * ALONG;
    const pick = () => known[Math.floor(Math.random() * known.length)]!;
    const list = await timeList(sides.store);
    const row: Row = {
      'put us': put,
      'get us': await timeEach(1000, () => sides.store.get(pick())),
      'createAll us a record': create,
      'append us a record': append / ALONG,
      'list us a record': list.us,
      'list MiB more': list.memory,
      'open ms': median(openings),
    };
    rows.set(wanted, row);
    console.log([wanted, ...COLUMNS.map((name) => row[name].toFixed(2))].join(', '));
  }
  draw(kind, rows);
  const all = [...rows.values()];
  return all.every((row) => row['list MiB more'] < MAX_LIST_MIB && row['open ms'] < MAX_OPEN_MS);
}

/** A bar for each size, as long as its part of the longest. */
function draw(kind: StoreKind, rows: ReadonlyMap<number, Row>): void {
  for (const name of COLUMNS) {
    const most = Math.max(...[...rows.values()].map((row) => row[name]));
    console.log(`${kind}, ${name}`);
    for (const [size, row] of rows) {
      const bar = '#'.repeat(Math.max(0, Math.round((BAR * row[name]) / most)));
      console.log(`${String(size).padStart(9)} ${bar} ${row[name].toFixed(2)}`);
    }
  }
}

/** Until the newest state of the log and a record have been read. */
async function timeOpen(sides: StoreSides, id: string): Promise<number> {
  const started = performance.now();
  await sides.reopen();
  await sides.archive.log.head();
  await sides.store.get(id);
  return performance.now() - started;
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
