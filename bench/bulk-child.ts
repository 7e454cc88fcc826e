/**
 * Child of bench/bulk-ratio.ts: opens a home, says so, and takes part in re-wrapping all records of it as soon as it hears a line.
 *
 * Arguments: home, state folder, URL, begin or join. It tells the CPU seconds of its start, and at the end what it did and what that took.
 */
import { once } from 'node:events';
import process from 'node:process';
import { SessionKeyStore } from '../lib/session-key-store.ts';
import { tell } from '../test/proofs/children/tell.ts';

const [home, stateFolder, storeUrl, how] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
];

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

await using store = await SessionKeyStore.open({ home, stateFolder, storeUrl });
const start = cpuSeconds();
tell({ start });
await once(process.stdin, 'data');
process.stdin.destroy();
const { own } = await store.rewrapAll({ isJoining: how === 'join' });
tell({ own, start, cpu: cpuSeconds() - start });
