/** A migration that is killed at any moment and run again brings every key over, once. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { ALG_ID } from '../../lib/blobs/alg-id.ts';
import { sessionKeySecret } from '../../lib/keys/session-key.ts';
import { SecretBytes } from '../../lib/keys/secret-bytes.ts';
import { wrapSimpleBlob } from '../../lib/legacy/simple-blob.ts';
import { SessionKeyStore } from '../../lib/session-key-store.ts';
import { bundleChild, Child } from '../support/child-process.ts';
import { filesBelow } from '../support/folder-contents.ts';
import { temporaryHome, type TemporaryHome } from '../support/temporary-home.ts';
import type { Ended, Found } from './children/migrating.ts';

const HOMES = process.env['SLOW'] === '1' ? 10 : 1;
const KILLS_IN_ONE_HOME = 20;
/** If the kills missed the work, nothing would be shown. */
const ENOUGH_KILLS = KILLS_IN_ONE_HOME / 2;
const KEYS = 2000;
/** Longer than a chunk of keys takes, so that kills fall into every step of it. */
const LONGEST_LIFE_MS = 250;

let bundle: string;
beforeAll(async () => {
  const child = await bundleChild('proofs/children/migrating.ts');
  bundle = child.path;
  return child.remove;
});

describe('killed at a random moment', { timeout: HOMES * 900_000 }, () => {
  test('and run again, a migration stores every key once, and nothing that is not in order', async () => {
    let interrupted = 0;
    // A fast machine is done before as many were killed: then there is another home.
    for (let home = 0; home < HOMES || interrupted < HOMES * ENOUGH_KILLS; home++) {
      expect(home, 'kills that miss the work').toBeLessThan(10 * HOMES);
      interrupted += await killManyTimes(await newHome());
    }
  });
});

/**
 * Each run finds what those before it left, goes on from there, and is killed in its turn. The last one ends by itself.
 *
 * @returns How many were killed in the middle of it.
 */
async function killManyTimes(where: TemporaryHome): Promise<number> {
  const folder = join(dirname(where.home), 'old');
  const secrets = await writeBlobs(folder);
  const start = (): Child => Child.start(bundle, [where.home, where.stateFolder, folder]);
  let interrupted = 0;
  let before = 0;
  for (let kills = 0; kills < KILLS_IN_ONE_HOME; kills++) {
    const child = start();
    const { keys, faults } = await child.next<Found>();
    expect(faults).toEqual([]);
    expect(keys, 'keys that were there before are lost').toBeGreaterThanOrEqual(before);
    before = keys;
    await setTimeout(Math.random() * LONGEST_LIFE_MS);
    child.kill();
    if ((await child.rest<Ended>()).length === 0) interrupted++;
    await child.ended;
  }

  const last = start();
  expect((await last.next<Found>()).faults).toEqual([]);
  const { stored, present, failures } = await last.next<Ended>();
  expect({ all: stored + present, failures }).toEqual({ all: KEYS, failures: 0 });
  expect((await last.ended).code).toBe(0);
  await checkKeys(where, secrets);
  expect(
    (await filesBelow(join(where.home, 'records'))).length,
    'records of which the manifest does not know',
  ).toBe(KEYS);
  return interrupted;
}

async function newHome(): Promise<TemporaryHome> {
  const where = await temporaryHome();
  await (await SessionKeyStore.create(where)).close();
  return where;
}

/** An RSA key in the clear, and session keys wrapped for it: by label, in hex. */
async function writeBlobs(folder: string): Promise<Map<string, string>> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  await mkdir(folder);
  await writeFile(
    join(folder, 'exchange.pem'),
    privateKey.export({ format: 'pem', type: 'pkcs8' }),
  );
  const secrets = new Map<string, string>();
  for (let n = 0; n < KEYS; n++) {
    using key = SecretBytes.copy(randomBytes(32));
    const blob = wrapSimpleBlob(publicKey, { algId: ALG_ID.CALG_AES_256, key });
    await writeFile(join(folder, `${n}.key`), blob);
    secrets.set(`${n}`, Buffer.from(key.bytes).toString('hex'));
  }
  return secrets;
}

/** Every label has its own key, and there is no other. */
async function checkKeys(
  where: TemporaryHome,
  secrets: ReadonlyMap<string, string>,
): Promise<void> {
  await using store = await SessionKeyStore.open(where);
  const found = new Map<string, string>();
  let count = 0;
  for await (const { id, label, state } of store.verify()) {
    expect(state).toBe('ok');
    using key = await store.openKey(id);
    found.set(label, Buffer.from(sessionKeySecret(key).bytes).toString('hex'));
    count++;
  }
  expect(count).toBe(secrets.size);
  expect(found).toEqual(secrets);
}
