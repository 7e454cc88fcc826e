/** The ground that attacks on private keys happen on: users, homes of theirs, applications and attackers as processes of their own. */
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { CreateStoreOptions } from '../../lib/session-key-store/types.ts';
import { KeyStoreError } from '../../lib/errors.ts';
import { KeyFiles } from '../../lib/providers/key-files/key-files.ts';
import {
  machineSecretProtector,
  systemBootSecret,
  type Protector,
} from '../../lib/providers/software/index.ts';
import type { Attack, Loot } from '../proofs/children/attack.ts';
import { Child } from './child-process.ts';
import { needlesOf, type Needle } from './key-needles.ts';
import {
  publicFolder,
  throwAwayUser,
  type PublicFolder,
  type ThrowAwayUser,
} from './throw-away-user.ts';

/** Where a user's program keeps its things. */
export interface Place {
  readonly user: ThrowAwayUser;
  readonly home: string;
  readonly stateFolder: string;
  /** Sealed key files. */
  readonly keys: string;
}

/** Options that travel to another process: secrets as text. */
export type HomeOrder = Omit<CreateStoreOptions, 'passphrase' | 'pin'> & {
  readonly passphrase?: string;
  readonly pin?: string;
};

interface StartOptions {
  readonly environment?: NodeJS.ProcessEnv;
  readonly nodeArguments?: readonly string[];
}

export class AttackGround {
  readonly folder: PublicFolder;
  readonly #users: ThrowAwayUser[] = [];
  readonly #bundles = new Map<string, Promise<string>>();
  readonly #children: Child[] = [];
  readonly #atEnd: (() => void)[] = [];
  #places = 0;

  constructor() {
    this.folder = publicFolder();
  }

  async user(): Promise<ThrowAwayUser> {
    const user = await throwAwayUser();
    this.#users.push(user);
    return user;
  }

  /** A folder of a user's own, which nobody else enters. */
  place(user: ThrowAwayUser): Place {
    const folder = join(this.folder.path, `place-${this.#places++}`);
    mkdirSync(folder);
    chmodSync(folder, 0o700);
    chownSync(folder, user.uid, user.gid);
    const home = join(folder, 'home');
    return { user, home, stateFolder: join(folder, 'state'), keys: join(home, 'keys') };
  }

  /** A folder of a user's own, which others may enter. */
  openFolder(user: ThrowAwayUser): string {
    const folder = join(this.folder.path, `open-${this.#places++}`);
    mkdirSync(folder);
    chmodSync(folder, 0o755);
    chownSync(folder, user.uid, user.gid);
    return folder;
  }

  /** Starts a program of test/proofs/children as a user. */
  async start(
    user: ThrowAwayUser,
    program: string,
    order: unknown,
    { environment = {}, nodeArguments = [] }: StartOptions = {},
  ): Promise<Child> {
    const file = `proofs/children/${program}.ts`;
    const bundled = this.#bundles.get(file) ?? this.folder.bundle(file);
    this.#bundles.set(file, bundled);
    const command = [this.folder.node, ...nodeArguments, await bundled, JSON.stringify(order)];
    const child = Child.run([...user.through, ...command], {
      HOME: '/nonexistent',
      ...environment,
    });
    this.#children.push(child);
    return child;
  }

  /** An application with its home open, which has used its keys. */
  async application(
    place: Place,
    options: HomeOrder = {},
    environment: NodeJS.ProcessEnv = {},
  ): Promise<Child> {
    const { user, home, stateFolder } = place;
    const order = { home, stateFolder, ...options };
    const child = await this.start(user, 'application', order, { environment });
    await ask(child, 'open');
    await ask(child, 'use');
    return child;
  }

  /** Makes a home, with a session key in it, by a process that ends. */
  async makeHome(
    place: Place,
    options: HomeOrder,
    environment: NodeJS.ProcessEnv = {},
  ): Promise<void> {
    const { user, home, stateFolder } = place;
    const order = { home, stateFolder, ...options };
    const child = await this.start(user, 'application', order, { environment });
    await ask(child, 'create');
    await end(child);
  }

  async attack(user: ThrowAwayUser, attack: Attack): Promise<Loot> {
    const child = await this.start(user, 'attacker', attack);
    const loot = await child.next<Loot>();
    await child.ended;
    return loot;
  }

  /** Runs `end` when the ground is removed. */
  atEnd(end: () => void): void {
    this.#atEnd.push(end);
  }

  async remove(): Promise<void> {
    for (const end of this.#atEnd) end();
    for (const child of this.#children) await end(child);
    this.folder.remove();
    for (const user of this.#users) await user.remove();
  }
}

/** The answer of a child to a line; what fails there fails here. */
export async function ask(child: Child, line: string): Promise<unknown> {
  child.say(line);
  const answer = await child.next<unknown>();
  if (typeof answer === 'object' && answer !== null && 'code' in answer)
    throw new Error(`${line}: ${JSON.stringify(answer)}`);
  return answer;
}

export async function end(child: Child): Promise<void> {
  child.kill();
  await child.ended;
}

/** What the private keys of a folder look like in memory. Read as root. */
export async function needlesIn(
  { keys, stateFolder }: Pick<Place, 'keys' | 'stateFolder'>,
  protector: Protector = machineSecretProtector({ folder: stateFolder }),
): Promise<Needle[]> {
  const files = new KeyFiles({
    folder: keys,
    content: 'pkcs8',
    protector,
    otherProtectors: [],
    bootSecret: systemBootSecret(),
  });
  const needles: Needle[] = [];
  for await (const facts of files.list('user')) {
    if (KeyStoreError.is(facts)) throw facts;
    const opened = await files.open(facts);
    using privateKey = opened!.privateKey;
    needles.push(...needlesOf(privateKey.bytes));
  }
  return needles;
}
