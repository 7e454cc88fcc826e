/** Put and get of a 1 KiB record through a store in a database, against the bare package doing the same durable write. */
import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, bench, describe } from 'vitest';
import { newId, openSides, RECORD, type StoreKind } from './store-sides.ts';

// The ratio is measured in a process without vitest: bench/records.bench.ts says why.
const ratio = fileURLToPath(new URL('stores-ratio.ts', import.meta.url));
spawnSync(process.execPath, ['--import', 'tsx', ratio], { stdio: 'inherit' });

const OPTIONS = { time: 500, warmupTime: 100 };

describe.each<StoreKind>(['lmdb', 'postgres'])('put a record, %s', async (kind) => {
  const sides = await openSides(kind);
  afterAll(() => sides.close());
  bench('keycask', () => sides.store.put(newId(), 1, RECORD), OPTIONS);
  bench('bare', () => sides.bare.put(newId()), OPTIONS);
});
