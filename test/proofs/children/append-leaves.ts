/**
 * Child: appends leaves to a log in files until it is killed, some of them together.
 *
 * Arguments: folder of the log, folder of the checkpoints that were seen, name. The signature key comes in the environment. Tells what it is
 * about to append, and what was acknowledged.
 */
import {
  openCheckpointMemory,
  openFileLogStorage,
  SignedLog,
} from '../../../lib/signed-log/index.ts';
import { authorOf, trustIn } from '../../support/log-author.ts';
import { tell } from './tell.ts';

/** What was acknowledged: a leaf and where it is. */
export type Acknowledged = readonly (readonly [index: number, leaf: string])[];

const [path, seen, name] = process.argv.slice(2);
const author = authorOf(process.env['SIGNING_KEY']!);
const log = await SignedLog.open({
  ...trustIn(author),
  storage: await openFileLogStorage(path!),
  memory: await openCheckpointMemory(seen!),
});
tell('open');
for (let turn = 0; ; turn++) {
  const calls = Array.from({ length: 1 + (turn % 3) }, (_, call) =>
    Array.from({ length: 1 + ((turn + call) % 4) }, (_leaf, i) => {
      return `${name} ${turn}.${call}.${i} `.padEnd(20 + Math.floor(Math.random() * 3000), '.');
    }),
  );
  tell('appending');
  const acknowledged = await Promise.all(
    calls.map(async (leaves) => {
      const { index } = await log.append(
        leaves.map((leaf) => new TextEncoder().encode(leaf)),
        author,
      );
      return leaves.map((leaf, i) => [index + i, leaf] as const);
    }),
  );
  tell(acknowledged.flat() satisfies Acknowledged);
}
