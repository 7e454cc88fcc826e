/** Child of bench/bulk-ratio.ts: takes part in re-wrapping all records of a home. Arguments: home, state folder, URL, begin or join. */
import process from 'node:process';
import { SessionKeyStore } from '../lib/session-key-store.ts';

const [home, stateFolder, storeUrl, how] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
];
await using store = await SessionKeyStore.open({ home, stateFolder, storeUrl });
const { done, total, state, own } = await store.rewrapAll({ isJoining: how === 'join' });
process.stdout.write(`${JSON.stringify({ done, total, state, own })}\n`);
