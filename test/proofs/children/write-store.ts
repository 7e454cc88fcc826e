/**
 * Child: changes a store over and over, some ids of its own and some that others change too. It is killed meanwhile, or ends after so many changes.
 *
 * Arguments: where the store is (JSON), own name, how many changes, ids that are shared. It tells `Told` before and after each change.
 */
import { randomBytes } from 'node:crypto';
import process from 'node:process';
import { KeyStoreError } from '../../../lib/errors.ts';
import { contentOf, openStoreAt, type StorePlace } from '../../support/open-store.ts';
import { tell } from './tell.ts';

/** `deleted` where the version is a deletion. */
export interface Version {
  readonly id: string;
  readonly version: number;
  readonly deleted?: boolean;
}

/** `doing` before, then one of the others: all were written, none was, or nobody can say. */
export interface Told {
  readonly what: 'doing' | 'done' | 'lost' | 'unknown';
  readonly versions: readonly Version[];
}

const [place, me, count, ...shared] = process.argv.slice(2) as [string, string, string];
await using store = await openStoreAt(JSON.parse(place) as StorePlace);
/** Own ids, and whether they are records at present. */
const own = new Map<string, Version>();
tell('ready');
for (let n = 0; n < Number(count); n++) {
  const choice = Math.random();
  const [, last] = [...own][Math.floor(Math.random() * own.size)] ?? [];
  if (choice < 0.3 || !last) await create(choice < 0.1 ? 8 : 1);
  else if (choice < 0.6) await change({ id: last.id, version: last.version + 1 });
  else if (choice < 0.7) await change({ id: last.id, version: last.version + 1, deleted: true });
  else await changeShared(shared[Math.floor(Math.random() * shared.length)]!);
}

async function create(many: number): Promise<void> {
  const versions = Array.from({ length: many }, () => ({
    id: randomBytes(16).toString('hex'),
    version: 1,
  }));
  if (many === 1) return change(versions[0]!);
  say('doing', versions);
  const records = versions.map(({ id }) => ({ id, bytes: contentOf(id, 1, me) }));
  const won = await store.createAll!(records);
  // Nobody else knows these ids.
  if (!won.every(Boolean)) throw new TypeError('an id of my own was taken');
  for (const version of versions) own.set(version.id, version);
  say('done', versions);
}

/** An id of its own: nobody else can have changed it. */
async function change(version: Version): Promise<void> {
  say('doing', [version]);
  await write(version);
  own.set(version.id, version);
  say('done', [version]);
}

async function changeShared(id: string): Promise<void> {
  const version = { id, version: ((await store.get(id))?.version ?? 0) + 1 };
  say('doing', [version]);
  try {
    await write(version);
    say('done', [version]);
  } catch (error) {
    if (!KeyStoreError.is(error)) throw error;
    if (error.code === 'STORE_CONFLICT') say('lost', [version]);
    else if (error.code === 'STORE_OUTCOME_UNKNOWN') say('unknown', [version]);
    else throw error;
  }
}

async function write({ id, version, deleted }: Version): Promise<void> {
  if (deleted === true) await store.delete(id, version);
  else await store.put(id, version, contentOf(id, version, me));
}

function say(what: Told['what'], versions: readonly Version[]): void {
  tell({ what, versions } satisfies Told);
}
