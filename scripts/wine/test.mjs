/**
 * Runs the Windows tests under Wine: `npm run test:wine [-- options and filters]`.
 *
 *     npm run test:wine                                   both passes, at once, on one Node
 *     npm run test:wine:all                               on every Node that keycask supports
 *     npm run test:wine -- --pass double test/windows/cng.test.ts
 *     npm run test:wine -- --node 24 -t 'deletes a key'
 *
 * KEYCASK_WINE_DIR is where Wine, node and packages are kept from run to run; it is made when it is not there,
 * which takes minutes. KEYCASK_WINE_PREFIX names a workspace (sources, prefix, reports) when several people
 * use one machine. Registries are new at each run.
 */
import process from 'node:process';
import { inSeconds } from '../run.mjs';
import { takeOptions } from './options.mjs';
import { prepareGround, runPasses } from './suites.mjs';

const { passes, versions, rest } = takeOptions(process.argv.slice(2));
const ground = await prepareGround({ versions, passes });
const tallies = await runPasses(ground, rest);
console.log('');
for (const { name, passed, failed, skipped, seconds } of tallies) {
  console.log(
    `${name}: ${passed} passed, ${failed} failed, ${skipped} skipped, ${inSeconds(seconds)}`,
  );
}
process.exitCode = tallies.length > 0 && tallies.every(({ failed }) => failed === 0) ? 0 : 1;
