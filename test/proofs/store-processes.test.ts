/** One home, many processes: nothing is lost, and one that is killed leaves the old state or the new one. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { RecordFinding } from '../../lib/stores/manifest/manifested-record.ts';
import { forkTest, go, race } from '../support/fork.ts';
import {
  identityOf,
  openManifestedStore,
  privateKeyPem,
  randomId,
  recordBytes,
} from '../support/manifest.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

type Change = [id: string, version: number];

const PROCESSES = 8;
const RUN_MS = 2000;
const KILLS = 30;
const SHARED = [randomId(), randomId()];
const FOREVER_MS = 60_000;

function start(home: string, pem: string, milliseconds: number): Promise<ChildProcess> {
  return forkTest('proofs/children/change-records.ts', [home, String(milliseconds), ...SHARED], {
    env: { ...process.env, SIGNING_KEY: pem },
  });
}

/** Opens the home afresh and checks it: every finding that is not `intact`, and every change that is not there. */
async function problemsOf(
  home: string,
  pem: string,
  changes: readonly Change[],
): Promise<unknown[]> {
  const records = await openManifestedStore(home, identityOf(pem));
  const problems: (RecordFinding | Change)[] = [];
  for await (const finding of records.verify())
    if (finding.status !== 'intact') problems.push(finding);
  for (const [id, version] of changes) {
    const current = records.manifest.current(id);
    if (!current || current.version < version) problems.push([id, version]);
    if (!current || current.deleted) continue;
    const record = await records.get(id);
    expect(record?.bytes).toEqual(recordBytes(id, record!.version));
  }
  return problems;
}

it('loses nothing of what eight processes write for two seconds', async () => {
  const folder = await temporaryFolder();
  const pem = privateKeyPem();
  const children = await Promise.all(
    Array.from({ length: PROCESSES }, () => start(folder.path, pem, RUN_MS)),
  );
  const results = await race<{ changed: Change[]; sharedWins: number }>(children);
  const changes = results.flatMap(({ changed }) => changed);
  expect(changes.length).toBeGreaterThan(PROCESSES);
  expect(await problemsOf(folder.path, pem, changes)).toEqual([]);

  const { manifest } = await openManifestedStore(folder.path, identityOf(pem));
  expect(await manifest.verifyAll()).toEqual({ entries: changes.length, covered: 0 });
  const sharedVersions = SHARED.map((id) => manifest.current(id)?.version ?? 0);
  const sharedWins = results.reduce((sum, result) => sum + result.sharedWins, 0);
  expect(sharedVersions.reduce((a, b) => a + b)).toBe(sharedWins);
  await folder.remove();
});

it('is sound after each of thirty writers was killed', async () => {
  const folder = await temporaryFolder();
  const pem = privateKeyPem();
  const changes: Change[] = [];
  const kill = async () => {
    const child = await start(folder.path, pem, FOREVER_MS);
    child.on('message', (change) => changes.push(change as Change));
    go(child);
    await setTimeout(5 + Math.random() * 60);
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  };
  // Two at a time: one is killed while another is writing.
  // On a busy machine a writer may die before its first change: then more of them are killed.
  for (let kills = 0; kills < KILLS || changes.length <= KILLS; kills += 2) {
    expect(kills).toBeLessThan(10 * KILLS);
    await Promise.all([kill(), kill()]);
    expect(await problemsOf(folder.path, pem, changes)).toEqual([]);
  }
  const { manifest } = await openManifestedStore(folder.path, identityOf(pem));
  expect((await manifest.verifyAll()).entries).toBeGreaterThanOrEqual(changes.length);
  await folder.remove();
});
