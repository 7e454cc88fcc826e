/** Prints how many times as long sealing and opening a record takes as the bare operations. A process of its own, in plain Node. */
import { printRatio } from './ratio.ts';
import { sidesOf } from './record-sides.ts';

for (const { kind, limit, calls } of [
  { kind: 'p-256', limit: 1.4, calls: 200 },
  { kind: 'rsa-3072', limit: 1.15, calls: 20 },
] as const) {
  const sides = await sidesOf(kind);
  await printRatio({ name: `seal + open a record, ${kind}`, ...sides, limit, calls });
}
