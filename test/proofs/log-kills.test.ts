/** Logs in files whose writers are killed: nothing that was acknowledged is lost, nothing is there by half, and every checkpoint goes on. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { openCheckpointMemory, openFileLogStorage, SignedLog } from '../../lib/signed-log/index.ts';
import { bundleChild, Child } from '../support/child-process.ts';
import { authorOf, authorText, trustIn } from '../support/log-author.ts';
import { testIdentity } from '../support/signing-identity.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import type { Acknowledged } from './children/append-leaves.ts';

const KILLS = process.env['SLOW'] === '1' ? 300 : 50;

/** Of which several tiles are settled. */
const ENOUGH_LEAVES = 1000;

let bundle: string;
beforeAll(async () => {
  const child = await bundleChild('proofs/children/append-leaves.ts');
  bundle = child.path;
  return child.remove;
});

test.each([
  // Short lives: most are killed in an append. One is killed while the other is writing.
  { kills: KILLS, writers: 2, longestLifeMs: 250 },
  { kills: 16, writers: 8, longestLifeMs: 2500 },
])(
  '$kills writers of one log are killed, $writers at once, and it is whole',
  { timeout: KILLS * 10_000 },
  async ({ kills, writers, longestLifeMs }) => {
    const folder = await temporaryFolder();
    const path = join(folder.path, 'log');
    const seen = join(folder.path, 'seen');
    const text = authorText(await testIdentity());
    const trust = trustIn(authorOf(text));
    const open = async (): Promise<SignedLog> =>
      SignedLog.open({ ...trust, storage: await openFileLogStorage(path) });
    const start = async (name: string): Promise<Child> => {
      const child = Child.start(bundle, [path, seen, name], { SIGNING_KEY: text });
      expect(await child.next()).toBe('open');
      return child;
    };
    const told = new Told();
    let sizeBefore = 0;
    // On a busy machine they may die before they have done much: then more of them are killed.
    let killed = 0;
    for (; killed < kills || sizeBefore < ENOUGH_LEAVES; killed += writers) {
      expect(killed).toBeLessThan(10 * kills);
      const children = await Promise.all(
        Array.from({ length: writers }, (_, n) => start(`${killed + n}`)),
      );
      await Promise.all(
        children.map(async (child) => {
          await setTimeout(Math.random() * longestLifeMs);
          child.kill();
          told.add(await child.rest<'appending' | Acknowledged>());
          expect(await child.ended).toMatchObject({ signal: 'SIGKILL', stderr: '' });
        }),
      );
      // A process that remembers nothing, and one that knows what the killed ones have seen.
      const log = await open();
      const memory = await openCheckpointMemory(seen);
      await SignedLog.open({ ...trust, storage: await openFileLogStorage(path), memory });
      expect(log.size).toBeGreaterThanOrEqual(Math.max(sizeBefore, told.highest + 1));
      await told.mustBeIn(log, sizeBefore);
      sizeBefore = log.size;
    }
    const log = await open();
    expect(await log.verifyAll()).toBe(sizeBefore);
    await told.mustBeIn(log, 0);
    // Kills that missed the work would show nothing, and neither would a log that was never settled.
    expect(told.interrupted).toBeGreaterThan(kills / 2);
    expect((await readdir(join(path, 'journal'))).length).toBeLessThan(65 + killed);
    expect(await readdir(path)).toContain('level-1');
    await folder.remove();
  },
);

/** What killed writers told. */
class Told {
  readonly #acknowledged = new Map<number, string>();
  /** How many were killed in the middle of an append. */
  interrupted = 0;
  /** The last leaf that was acknowledged. */
  highest = -1;

  add(lines: readonly ('appending' | Acknowledged)[]): void {
    if (lines.at(-1) === 'appending') this.interrupted++;
    for (const [index, leaf] of lines.flatMap((one) => (one === 'appending' ? [] : one))) {
      expect(this.#acknowledged.has(index), 'a place is given once').toBe(false);
      this.#acknowledged.set(index, leaf);
      this.highest = Math.max(this.highest, index);
    }
  }

  /** Every leaf is whole, and is the one that was acknowledged there. */
  async mustBeIn(log: SignedLog, from: number): Promise<void> {
    for await (const { index, bytes } of log.leaves(from)) {
      const leaf = new TextDecoder().decode(bytes);
      expect(leaf).toBe(this.#acknowledged.get(index) ?? leaf);
      // It says who made it, and ends as it should.
      expect(leaf).toMatch(/^\d+ \d+\.\d+\.\d+ \.*$/);
      expect(leaf.length).toBeGreaterThanOrEqual(20);
    }
  }
}
