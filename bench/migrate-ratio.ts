/**
 * A folder of SIMPLEBLOBs migrated, against the bare asymmetric operations that it cannot do without, on all cores, turn by turn.
 *
 * The bare side does nothing else: no file is read or written, no record made, none read back. What stands between the two: reading each
 * file twice (to see what it is, and to open it), two small files, two links and an fsync for each record, DER and JSON. P-256
 * agreements and signatures are made by the thread that does all that; only RSA leaves it. So a P-256 home cannot come near the bare
 * operations on more than one core, while RSA of a home with RSA keys outweighs the rest.
 */
import type { Spent } from './all-cores.ts';
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
  const turns: { ours: Spent; bare: Spent[] }[] = [];
  for (let n = 0; n < TURNS; n++) {
    const ofBare: Spent[] = [];
    for (const { operations } of yardsticks) ofBare.push(await bare(kind, operations));
    turns.push({ ours: await ours(kind), bare: ofBare });
  }
  const own = turns.map(({ ours: spent }) => spent);
  for (const [i, { name, limit }] of yardsticks.entries()) {
    const theirs = turns.map(({ bare: spent }) => spent[i]!);
    const ratio = median(own.map(({ seconds }, turn) => theirs[turn]!.seconds / seconds));
    const verdict =
      limit === undefined ? '' : ` (limit ${limit}) ${ratio >= limit ? 'ok' : 'TOO SLOW'}`;
    console.log(
      `${FILES} keys into a home of ${kind}: ${rate(own)} a second against ${rate(theirs)} of ${name}: ${ratio.toFixed(2)} of the bare speed${verdict}; ` +
        `CPU for one ${cpuOfOne(own)} us against ${cpuOfOne(theirs)} us`,
    );
  }
}

function rate(spent: readonly Spent[]): string {
  return (FILES / median(spent.map(({ seconds }) => seconds))).toFixed(0);
}

function cpuOfOne(spent: readonly Spent[]): string {
  const microseconds = 1e6 * median(spent.map(({ cpuSeconds }) => cpuSeconds));
  return (microseconds / FILES).toFixed(0);
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
