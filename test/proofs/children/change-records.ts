/**
 * Child: creates, re-writes and deletes records of one home until its time is over or it is killed.
 *
 * Arguments: home, milliseconds, ids that all children share. The signature key comes in the environment. Says after each change what
 * it has done, so that its parent knows what must be there.
 */
import { KeyStoreError } from '../../../lib/errors.ts';
import { done, started } from '../../support/fork.ts';
import {
  clock,
  identityOf,
  openManifestedStore,
  randomId,
  recordBytes,
} from '../../support/manifest.ts';

const [home, milliseconds, ...shared] = process.argv.slice(2);
const me = identityOf(process.env.SIGNING_KEY!);
const records = await openManifestedStore(home!, me);
const own = new Map<string, number>();
const changes = { changed: [] as [id: string, version: number][], sharedWins: 0 };

await started();
const end = Date.now() + Number(milliseconds);
while (Date.now() < end) {
  const choice = Math.random();
  if (choice < 0.3) await change(randomId(), 1);
  else if (choice < 0.5) await changeShared(shared[Math.floor(Math.random() * shared.length)]!);
  else {
    const [id, version] = [...own][Math.floor(Math.random() * own.size)] ?? [randomId(), 0];
    if (choice < 0.9 || version === 0) await change(id, version + 1);
    else await remove(id, version + 1);
  }
}
done(changes);

async function change(id: string, version: number): Promise<void> {
  await records.put({ id, version, label: '', bytes: recordBytes(id, version) }, me, clock);
  own.set(id, version);
  say(id, version);
}

async function remove(id: string, version: number): Promise<void> {
  await records.delete(id, version, me, clock);
  own.delete(id);
  say(id, version);
}

/** The next version of a record that others write too: of those who try, one wins. */
async function changeShared(id: string): Promise<void> {
  const version = ((await records.get(id))?.version ?? 0) + 1;
  try {
    await records.put({ id, version, label: '', bytes: recordBytes(id, version) }, me, clock);
    changes.sharedWins++;
    say(id, version);
  } catch (error) {
    if (!KeyStoreError.is(error) || error.code !== 'STORE_CONFLICT') throw error;
  }
}

function say(id: string, version: number): void {
  changes.changed.push([id, version]);
  process.send?.([id, version]);
}
