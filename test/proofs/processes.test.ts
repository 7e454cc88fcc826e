/** Many processes in one home lose nothing, and leave a manifest that verifies from its first entry to its last. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { beforeAll, expect, test } from 'vitest';
import { SessionKeyStore } from '../../lib/session-key-store.ts';
import { Manifest } from '../../lib/stores/manifest/manifest.ts';
import { Trust } from '../../lib/trust/trust.ts';
import { bundleChild, Child } from '../support/child-process.ts';
import { newStore, type TemporaryHome } from '../support/temporary-home.ts';
import { SHARED_LABEL, type Change } from './children/busy.ts';
import { keysOf } from './children/keys-of.ts';

const PROCESSES = 20;
const DURATION_MS = process.env['SLOW'] === '1' ? 120_000 : 30_000;
const SHARED_KEYS = 3;

let bundle: string;
beforeAll(async () => {
  const child = await bundleChild('proofs/children/busy.ts');
  bundle = child.path;
  return child.remove;
});

test('20 processes create, re-wrap and remove keys in one home, and none is lost', async () => {
  const { store, where } = await newStore();
  for (let made = 0; made < SHARED_KEYS; made++) (await store.createKey(SHARED_LABEL)).dispose();

  const changes = await keepBusy(where);
  await using fresh = await SessionKeyStore.open(where);
  const found = new Map((await keysOf(fresh)).map((key) => [key.id, key]));

  const broken = [...found.values()].filter(({ state }) => state !== 'ok');
  expect(broken).toEqual([]);
  const removed = new Set(idsOf(changes, 'removed'));
  const created = idsOf(changes, 'created');
  const expected = created.filter((id) => !removed.has(id));
  const own = [...found.values()].filter(({ label }) => label !== SHARED_LABEL);
  expect(own.map(({ id }) => id).toSorted()).toEqual(expected.toSorted());
  // Every re-wrap that was acknowledged is one version: none was written over another.
  for (const { id, version } of found.values())
    expect(version).toBe(1 + idsOf(changes, 'rewrapped').filter((other) => other === id).length);

  const { entries } = await verifyManifest(where);
  const acknowledged = changes.filter(({ what }) => what !== 'conflict').length;
  expect(entries).toBeGreaterThanOrEqual(acknowledged + SHARED_KEYS);
  console.log(
    `${PROCESSES} processes in ${DURATION_MS / 1000} s: ${created.length} keys made, ${idsOf(changes, 'rewrapped').length} re-wrapped, ` +
      `${removed.size} removed, ${idsOf(changes, 'conflict').length} conflicts; ${entries} manifest entries verified`,
  );
});

async function keepBusy({ home, stateFolder }: TemporaryHome): Promise<Change[]> {
  const children = Array.from({ length: PROCESSES }, () =>
    Child.start(bundle, [home, stateFolder, String(DURATION_MS)]),
  );
  const all = await Promise.all(
    children.map(async (child) => {
      const changes = await child.rest<Change>();
      const { code, signal, stderr } = await child.ended;
      expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' });
      expect(idsOf(changes, 'created').length).toBeGreaterThan(0);
      return changes;
    }),
  );
  return all.flat();
}

function idsOf(changes: readonly Change[], what: Change['what']): string[] {
  return changes.filter((change) => change.what === what).map(({ id }) => id);
}

/** Every signature of the manifest, by a reader that knows only trust.cms. */
async function verifyManifest({ home }: TemporaryHome): Promise<{ entries: number }> {
  const trust = Trust.read(await readFile(join(home, 'trust.cms')));
  const manifest = await Manifest.open({
    path: join(home, 'manifest.log'),
    storeId: trust.list.storeId,
    findTrust: () => Promise.resolve({ current: trust.current }),
  });
  return manifest.verifyAll();
}
