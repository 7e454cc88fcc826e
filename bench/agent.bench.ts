/** 10,000 unwraps through an agent from 64 clients, against the bare verification and unwrapping on all cores. */
import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { bench, describe } from 'vitest';
import { bareOnAllCores, CLIENTS, startClients, UNWRAPS } from './agent-sides.ts';

// As for records: the ratio is measured in a process without Vitest.
const ratio = fileURLToPath(new URL('agent-ratio.ts', import.meta.url));
spawnSync(process.execPath, ['--import', 'tsx', ratio], { stdio: 'inherit' });

const clients = await startClients();

describe(`${UNWRAPS} unwraps of RSA-2048, ${CLIENTS} clients`, () => {
  const once = { iterations: 1, time: 0, warmupIterations: 0, warmupTime: 0 };
  bench('through the agent', () => clients.unwrapAll().then(() => undefined), once);
  bench('bare', () => bareOnAllCores().then(() => undefined), once);
});
