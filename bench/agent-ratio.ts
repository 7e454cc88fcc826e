/** Prints how an agent's throughput and latency compare with the bare operations, in one run. A process of its own, in plain Node. */
import process from 'node:process';
import { bareOnAllCores, bareOnce, CLIENTS, startClients, UNWRAPS } from './agent-sides.ts';
import { median } from './ratio.ts';

/** Of the bare throughput. */
const THROUGHPUT = 0.9;
const ADDED_MS = 0.3;
const ROUNDS = Number(process.env['ROUNDS'] ?? 5);
const SAMPLES = 400;

const clients = await startClients();
await clients.unwrapAll();
await bareOnAllCores();
const [ours, bare]: [number[], number[]] = [[], []];
const cpu = { clients: 0, bare: 0 };
const agentBefore = clients.agentCpu();
for (let round = 0; round < ROUNDS; round++) {
  // Turn by turn: what slows the machine for a while slows both.
  const start = process.cpuUsage();
  ours.push(await clients.unwrapAll());
  cpu.clients += used(start);
  const between = process.cpuUsage();
  bare.push(await bareOnAllCores());
  cpu.bare += used(between);
}
const agentAfter = clients.agentCpu();
const ratio = median(bare.map((seconds, n) => seconds / ours[n]!));
const rate = (seconds: readonly number[]): string => (UNWRAPS / median(seconds)).toFixed(0);
console.log(
  `${UNWRAPS} unwraps of RSA-2048 from ${CLIENTS} clients: ${rate(ours)} a second against ${rate(bare)} bare: ` +
    `${ratio.toFixed(3)} of it (limit ${THROUGHPUT}) ${ratio >= THROUGHPUT ? 'ok' : 'TOO SLOW'}`,
);
const each = (microseconds: number): string => (microseconds / UNWRAPS / ROUNDS).toFixed(0);
if (agentBefore !== undefined && agentAfter !== undefined)
  console.log(
    `CPU for one unwrap: ${each(cpu.bare)} us bare; ${each((agentAfter - agentBefore) * 1e6)} us of the agent and ${each(cpu.clients)} us of its client`,
  );
const added: number[] = [];
const single: number[] = [];
for (let n = 0; n < SAMPLES; n++) {
  const through = await clients.unwrapOnce(n);
  const alone = bareOnce(n);
  single.push(alone);
  added.push(through - alone);
}
console.log(
  `one unwrap: ${median(single).toFixed(3)} ms bare; the agent adds ${median(added).toFixed(3)} ms (limit ${ADDED_MS}) ` +
    (median(added) <= ADDED_MS ? 'ok' : 'TOO SLOW'),
);
await clients.close();

function used(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return user + system;
}
