/**
 * A folder of SIMPLEBLOBs migrated, against the bare asymmetric operations that it cannot do without, on all cores, turn by turn.
 *
 * The bare side does nothing else: no file is read or written, no record made, none read back. What stands between the two: reading each
 * file twice (to see what it is, and to open it), two small files, two links and an fsync for each record, DER and JSON. P-256
 * agreements and signatures are made by the thread that does all that; only RSA leaves it. So a P-256 home cannot come near the bare
 * operations on more than one core, while RSA of a home with RSA keys outweighs the rest.
 */
import process from 'node:process';
import { bare, FILES, ours, type HomeKind, type Operation } from './migrate-sides.ts';
import { median } from './ratio.ts';

const TURNS = 3;
const LIMIT = 0.8;

interface Yardstick {
  readonly name: string;
  readonly operations: readonly Operation[];
  /** Share of the bare speed that is wanted; without it the ratio is printed only. */
  readonly limit?: number;
}

async function compare(kind: HomeKind, yardsticks: readonly Yardstick[]): Promise<void> {
  const turns: { ours: number; bare: number[] }[] = [];
  const cpu = { ours: 0, bare: yardsticks.map(() => 0) };
  for (let n = 0; n < TURNS; n++) {
    const bareTimes: number[] = [];
    for (const [i, { operations }] of yardsticks.entries()) {
      const start = process.cpuUsage();
      bareTimes.push(await bare(kind, operations));
      cpu.bare[i]! += used(start);
    }
    const start = process.cpuUsage();
    turns.push({ ours: await ours(kind), bare: bareTimes });
    cpu.ours += used(start);
  }
  const rate = FILES / median(turns.map(({ ours: seconds }) => seconds));
  for (const [i, { name, limit }] of yardsticks.entries()) {
    const bareRate = FILES / median(turns.map(({ bare: times }) => times[i]!));
    const ratio = median(turns.map(({ ours: seconds, bare: times }) => times[i]! / seconds));
    const verdict =
      limit === undefined ? '' : ` (limit ${limit}) ${ratio >= limit ? 'ok' : 'TOO SLOW'}`;
    console.log(
      `${FILES} keys into a home of ${kind}: ${rate.toFixed(0)} a second against ${bareRate.toFixed(0)} of ${name}: ${ratio.toFixed(2)} of the bare speed${verdict}; ` +
        `CPU for one ${each(cpu.ours)} us against ${each(cpu.bare[i]!)} us`,
    );
  }
}

/** Less than time depends on what else the machine does. */
function used(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return user + system;
}

function each(microseconds: number): string {
  return (microseconds / FILES / TURNS).toFixed(0);
}

await compare('rsa-3072', [
  {
    name: 'bare RSA: unwrap, wrap, signature',
    operations: ['unwrap', 'wrap and sign'],
    limit: LIMIT,
  },
]);
await compare('p-256', [
  { name: 'bare RSA: unwrap', operations: ['unwrap'] },
  { name: 'bare RSA, ECDH and signature', operations: ['unwrap', 'wrap and sign'] },
]);
