/** A process that is killed at any moment leaves the old state or the new one. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { decryptFile, encryptFile } from '../../lib/encrypt-file.ts';
import { TEMPORARY_PREFIX } from '../../lib/platform/durable-file.ts';
import { SessionKeyStore } from '../../lib/session-key-store.ts';
import { bundleChild, Child } from '../support/child-process.ts';
import { filesBelow } from '../support/folder-contents.ts';
import { temporaryHome, type TemporaryHome } from '../support/temporary-home.ts';
import type { Done, Kept, WorkKind } from './children/killed.ts';
import type { FoundKey } from './children/keys-of.ts';

/** Kills of each kind of work, in homes of their own, so that a check does not get slower and slower. */
const KILLS_IN_ONE_HOME = 50;
/** If the kills missed the work, nothing would be shown. */
const ENOUGH_KILLS = KILLS_IN_ONE_HOME / 2;
const HOMES = process.env['SLOW'] === '1' ? 10 : 1;
/** Long enough for several pieces of work, so that every moment of one is hit. */
const LONGEST_LIFE_MS = 60;
const KEYS_AT_FIRST = 8;
/** Several segments: writing it takes a while. */
const FILE_LENGTH = 3_000_000;

let bundle: string;
beforeAll(async () => {
  const child = await bundleChild('proofs/children/killed.ts');
  bundle = child.path;
  return child.remove;
});

describe('killed at a random moment of', { timeout: HOMES * 900_000 }, () => {
  const kinds: readonly WorkKind[] = ['create', 'rewrap', 'rotate a key', 'rotate the container'];
  test.for(kinds)('%s, a process leaves a store that is whole', async (kind) => {
    for (let home = 0; home < HOMES; home++)
      expect(await killManyTimes(kind, await newHome())).toBeGreaterThan(ENOUGH_KILLS);
  });

  test.for(['encrypt', 'decrypt'] as const)(
    '%s, a process leaves whole files or none under their names',
    async (kind) => {
      for (let home = 0; home < HOMES; home++) {
        const where = await newHome();
        await writeSources(where);
        const interrupted = await killManyTimes(kind, where, () => checkFiles(kind, where));
        expect(interrupted).toBeGreaterThan(ENOUGH_KILLS);
      }
    },
  );
});

/**
 * Each process finds what the one before it left, works on, and is killed in its turn.
 *
 * @returns How many were killed in the middle of their work.
 */
async function killManyTimes(
  kind: WorkKind,
  where: TemporaryHome,
  check: () => Promise<void> = async () => {},
): Promise<number> {
  const folder = dirname(where.home);
  let left: Left | undefined;
  let interrupted = 0;
  // On a busy machine they may die before they have begun: then more of them are killed.
  for (let kills = 0; kills <= KILLS_IN_ONE_HOME || interrupted <= ENOUGH_KILLS; kills++) {
    expect(kills, 'kills that miss the work').toBeLessThan(10 * KILLS_IN_ONE_HOME);
    const child = Child.start(bundle, [kind, where.home, where.stateFolder, folder]);
    const found = await child.next<FoundKey[]>();
    left?.mustBecome(found);
    await setTimeout(Math.random() * LONGEST_LIFE_MS);
    child.kill();
    left = new Left(kind, found, await child.rest<'doing' | Done>());
    expect((await child.ended).signal).toBe('SIGKILL');
    if (left.isInterrupted) interrupted++;
    await check();
  }
  expect(await strangers(where.home), 'files that no home has').toEqual([]);
  return interrupted;
}

/** What a killed process left, as far as it had told. */
class Left {
  readonly #kind: WorkKind;
  readonly #found: ReadonlyMap<string, FoundKey>;
  readonly #kept = new Map<string, number>();
  /** Was it in the middle of something? */
  readonly isInterrupted: boolean;

  constructor(kind: WorkKind, found: readonly FoundKey[], told: readonly ('doing' | Done)[]) {
    this.#kind = kind;
    this.#found = new Map(found.map((key) => [key.id, key]));
    for (const { id, version } of found) this.#kept.set(id, version);
    this.isInterrupted = told.at(-1) === 'doing';
    const kept = told.flatMap((one): Kept[] => (one !== 'doing' && one.kept ? [one.kept] : []));
    for (const { id, version } of kept) this.#kept.set(id, version);
  }

  /** What the next process finds is that, or with the one piece of work that was interrupted on top. */
  mustBecome(found: readonly FoundKey[]): void {
    expect(found.filter(({ state }) => state !== 'ok')).toEqual([]);
    const isRotation = this.#kind === 'rotate the container';
    const extra = found.filter(({ id, version }) => version !== this.#kept.get(id));
    for (const { id, version } of extra) {
      const next = (this.#kept.get(id) ?? 0) + 1;
      if (isRotation) expect(version).toBeGreaterThanOrEqual(next);
      else expect(version).toBe(next);
    }
    if (!isRotation) expect(extra.length).toBeLessThanOrEqual(this.isInterrupted ? 1 : 0);
    const ids = new Set(found.map(({ id }) => id));
    expect(
      [...this.#kept.keys()].filter((id) => !ids.has(id)),
      'keys that are lost',
    ).toEqual([]);
    for (const { id, commitment } of found)
      expect(commitment).toBe(this.#found.get(id)?.commitment ?? commitment);
  }
}

async function newHome(): Promise<TemporaryHome> {
  const where = await temporaryHome();
  await using store = await SessionKeyStore.create(where);
  for (let made = 0; made < KEYS_AT_FIRST; made++) (await store.createKey('files')).dispose();
  return where;
}

const sourceOf = (name: string): Buffer =>
  Buffer.alloc(FILE_LENGTH + name.length, `${name} content `);

async function writeSources(where: TemporaryHome): Promise<void> {
  const folder = dirname(where.home);
  await mkdir(join(folder, 'out'));
  await using store = await SessionKeyStore.open(where);
  for (const name of ['even', 'odd']) {
    await writeFile(join(folder, name), sourceOf(name));
    await encryptFile(store, join(folder, name), join(folder, `${name}.cask`), { key: 'files' });
  }
}

/** What stands under a final name is one of the sources, whole; everything else is a temporary, of which each kill leaves one at most. */
async function checkFiles(kind: 'encrypt' | 'decrypt', where: TemporaryHome): Promise<void> {
  const folder = dirname(where.home);
  const out = join(folder, 'out');
  const whole = new Set(['even', 'odd'].map((name) => sha256(sourceOf(name))));
  const names = await readdir(out);
  expect(names.filter((name) => name.startsWith(TEMPORARY_PREFIX)).length).toBeLessThan(2);
  await using store = await SessionKeyStore.open(where);
  for (const name of names.filter((name) => !name.startsWith(TEMPORARY_PREFIX))) {
    const path = join(out, name);
    const plain = kind === 'decrypt' ? path : join(folder, 'plain');
    if (kind === 'encrypt') await decryptFile(store, path, plain, { overwrite: true });
    expect(whole).toContain(sha256(await readFile(plain)));
  }
  for (const name of names) await rm(join(out, name));
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Files that are neither a home's own nor unfinished. */
async function strangers(home: string): Promise<string[]> {
  const known =
    /^(keycask\.json|trust\.cms|manifest\.log|keys\/.+|pending\/[^/]+\.cms|records\/([0-9a-f]{2})\/\2[0-9a-f]{30}\.\d+\.cms)$/u;
  return (await filesBelow(home)).filter(
    (path) => !known.test(path) && !path.split('/').at(-1)!.startsWith(TEMPORARY_PREFIX),
  );
}
