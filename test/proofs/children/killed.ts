/**
 * Child: opens a home, tells what it finds, then does one kind of work over and over until it is killed.
 *
 * Arguments: kind of work, home, state folder, folder for files. It tells `FoundKey[]`, then `Doing` before and `Done` after each piece of work.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import process from 'node:process';
import { decryptFile, encryptFile } from '../../../lib/encrypt-file.ts';
import { SessionKeyStore } from '../../../lib/session-key-store.ts';
import { keysOf } from './keys-of.ts';
import { tell } from './tell.ts';

/** A version of a record that is in the store for good. */
export interface Kept {
  readonly id: string;
  readonly version: number;
}

/** What was told after a piece of work; nothing where the store did not change. */
export interface Done {
  readonly kept?: Kept;
}

export type WorkKind = keyof typeof WORK;

type Work = (store: SessionKeyStore, folder: string, turn: number) => Promise<Done>;

const WORK = {
  create: async (store) => {
    using key = await store.createKey(`made ${randomBytes(4).toString('hex')}`);
    return { kept: { id: key.id, version: 1 } };
  },
  rewrap: async (store) => {
    const ids: string[] = [];
    for await (const { id } of store.listKeys()) ids.push(id);
    const { id, version } = await store.rewrap(ids[Math.floor(Math.random() * ids.length)]!);
    return { kept: { id, version } };
  },
  'rotate a key': async (store) => {
    using key = await store.rotateKey('files');
    return { kept: { id: key.id, version: 1 } };
  },
  'rotate the container': async (store) => {
    await store.rotateContainer();
    return {};
  },
  encrypt: async (store, folder, turn) => {
    // Some names are new, some are replaced.
    const target = join(folder, 'out', `${turn % 3 === 0 ? turn % 9 : randomName()}.cask`);
    const source = join(folder, turn % 2 === 0 ? 'even' : 'odd');
    await encryptFile(store, source, target, { key: 'files', overwrite: true });
    return {};
  },
  decrypt: async (store, folder, turn) => {
    const target = join(folder, 'out', turn % 3 === 0 ? `${turn % 9}` : randomName());
    const source = join(folder, turn % 2 === 0 ? 'even.cask' : 'odd.cask');
    await decryptFile(store, source, target, { overwrite: true });
    return {};
  },
} satisfies Record<string, Work>;

const [kind, home, stateFolder, folder] = process.argv.slice(2) as [
  WorkKind,
  string,
  string,
  string,
];
const store = await SessionKeyStore.open({ home, stateFolder });
tell(await keysOf(store));
for (let turn = 0; ; turn++) {
  tell('doing');
  tell((await WORK[kind](store, folder, turn)) satisfies Done);
}

function randomName(): string {
  return randomBytes(4).toString('hex');
}
