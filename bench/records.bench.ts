/** Seal and open of a key record in memory, against the bare node:crypto operations that they contain. */
import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { bench, describe } from 'vitest';
import { sidesOf, type SideKind } from './record-sides.ts';

// Vitest turns every imported name into a property that is looked up at each call, which users' programs do not pay: the ratio is
// measured in a process without it.
const ratio = fileURLToPath(new URL('records-ratio.ts', import.meta.url));
spawnSync(process.execPath, ['--import', 'tsx', ratio], { stdio: 'inherit' });

describe.each<SideKind>(['p-256', 'rsa-3072'])('seal and open a record, %s', async (kind) => {
  const { ours, bare } = await sidesOf(kind);
  bench('keycask', ours);
  bench('bare node:crypto', async () => {
    await bare();
  });
});
