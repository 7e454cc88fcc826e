/**
 * Child: opens a home, tells what of it is not in order, then migrates a folder into it. It is killed meanwhile, or tells how it ended.
 *
 * Arguments: home, state folder, folder of old blobs. It tells `Found`, then `Ended`.
 */
import process from 'node:process';
import { inventory } from '../../../lib/migration/inventory.ts';
import { planMigration } from '../../../lib/migration/plan.ts';
import { runMigration } from '../../../lib/migration/run.ts';
import { SessionKeyStore } from '../../../lib/session-key-store.ts';
import { tell } from './tell.ts';

/** What a run finds of those before it. */
export interface Found {
  readonly keys: number;
  /** States of records that are not in order. */
  readonly faults: readonly string[];
}

export interface Ended {
  readonly stored: number;
  readonly present: number;
  readonly failures: number;
}

const [home, stateFolder, folder] = process.argv.slice(2) as [string, string, string];
await using store = await SessionKeyStore.open({ home, stateFolder });
const faults: string[] = [];
let keys = 0;
for await (const { state } of store.verify()) {
  keys++;
  if (state !== 'ok') faults.push(state);
}
using plan = await planMigration(await inventory([folder]));
tell({ keys, faults } satisfies Found);
const { counts } = await runMigration(plan, { store, jobs: 1 });
tell({
  stored: counts.keysStored,
  present: counts.keysPresent,
  failures: counts.failures,
} satisfies Ended);
