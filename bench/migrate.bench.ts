/** A folder of SIMPLEBLOBs migrated, against the bare asymmetric operations on all cores. */
import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { bench, describe } from 'vitest';
import { bare, FILES, ours } from './migrate-sides.ts';

// As for records: the ratio is measured in a process without Vitest.
const ratio = fileURLToPath(new URL('migrate-ratio.ts', import.meta.url));
spawnSync(process.execPath, ['--import', 'tsx', ratio], { stdio: 'inherit' });

describe(`a folder of ${FILES} SIMPLEBLOBs of RSA-2048`, () => {
  const once = { iterations: 1, time: 0, warmupIterations: 0, warmupTime: 0 };
  bench('keycask, p-256', () => ours('p-256').then(() => undefined), once);
  bench('bare RSA', () => bare('p-256', ['unwrap']).then(() => undefined), once);
});
