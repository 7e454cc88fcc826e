/**
 * Child: creates, re-wraps and removes keys in a home that others use too, for a while.
 *
 * Arguments: home, state folder, milliseconds. It tells each `Change` when it is done for good.
 */
import process from 'node:process';
import { KeyStoreError } from '../../../lib/errors.ts';
import { SessionKeyStore } from '../../../lib/session-key-store.ts';
import { tell } from './tell.ts';

/** One thing that was acknowledged, or refused because another process was faster. */
export interface Change {
  readonly what: 'created' | 'rewrapped' | 'removed' | 'conflict';
  readonly id: string;
  readonly version?: number;
}

/** Keys of this label belong to nobody: everybody re-wraps them. */
export const SHARED_LABEL = 'everybody';

const [home, stateFolder, milliseconds] = process.argv.slice(2) as [string, string, string];
await using store = await SessionKeyStore.open({ home, stateFolder });
const shared: string[] = [];
for await (const { id, label } of store.listKeys()) if (label === SHARED_LABEL) shared.push(id);
const end = Date.now() + Number(milliseconds);
const own: string[] = [];

for (let turn = 0; Date.now() < end; turn++) {
  switch (turn % 4) {
    case 0:
    case 1:
      await create();
      break;
    case 2:
      await rewrap(turn % 8 === 2 ? pick(shared) : pick(own));
      break;
    default:
      await remove(pick(own));
  }
}

async function create(): Promise<void> {
  using key = await store.createKey(`of ${process.pid}`);
  own.push(key.id);
  tell({ what: 'created', id: key.id } satisfies Change);
}

async function rewrap(id: string): Promise<void> {
  try {
    const { version } = await store.rewrap(id);
    tell({ what: 'rewrapped', id, version } satisfies Change);
  } catch (error) {
    // Only where somebody else can have been faster.
    if (!KeyStoreError.is(error) || error.code !== 'STORE_CONFLICT' || !shared.includes(id))
      throw error;
    tell({ what: 'conflict', id } satisfies Change);
  }
}

async function remove(id: string): Promise<void> {
  await store.removeKey(id);
  own.splice(own.indexOf(id), 1);
  tell({ what: 'removed', id } satisfies Change);
}

function pick(ids: readonly string[]): string {
  return ids[Math.floor(Math.random() * ids.length)]!;
}
