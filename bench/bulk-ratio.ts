/**
 * Bulk re-wrapping beside the bare cryptography on all cores: records in PostgreSQL, four processes, one of which is killed every five seconds.
 *
 *   node --import tsx bench/bulk-ratio.ts [records]      default 2,000; the target is for 20,000
 *
 * Bare is, for each record, what cannot be left out: unwrap, wrap and sign with RSA-3072, in threads that do nothing else.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { SessionKeyStore } from '../lib/session-key-store.ts';
import { PostgresServer } from '../test/support/postgres.ts';
import { spentOnAllCores } from './all-cores.ts';

const records = Number(process.argv[2] ?? 2000);
const BARE = 600;
const PROCESSES = 4;
const KILL_EVERY_MS = 5000;
const BARE_SOURCE = `
const { parentPort, workerData } = require('node:worker_threads');
const { createPrivateKey, createPublicKey, privateDecrypt, publicEncrypt, sign, constants } = require('node:crypto');
const key = createPrivateKey(workerData.pem), publicKey = createPublicKey(key);
const oaep = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };
const wrapped = publicEncrypt({ key: publicKey, ...oaep }, Buffer.alloc(32, 7));
parentPort.postMessage('ready');
parentPort.once('message', () => {
  for (let n = 0; n < workerData.count; n++) {
    const secret = privateDecrypt({ key, ...oaep }, wrapped);
    publicEncrypt({ key: publicKey, ...oaep }, secret);
    sign('sha256', wrapped, key);
  }
  parentPort.postMessage('done');
});`;

const folder = mkdtempSync(join(tmpdir(), 'keycask-bulk-'));
const server = await PostgresServer.start({ fsync: 'on', synchronous_commit: 'on' });
try {
  const where = { home: join(folder, 'home'), stateFolder: join(folder, 'state') };
  await fill(where);
  const pem = generateKeyPairSync('rsa', { modulusLength: 3072 }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  });
  const bareRate = BARE / (await spentOnAllCores(BARE_SOURCE, BARE, { pem })).seconds;
  const { seconds, kills } = await rewrap(where);
  const again = BARE / (await spentOnAllCores(BARE_SOURCE, BARE, { pem })).seconds;
  const bare = (bareRate + again) / 2;
  const versions = await countVersions(where);
  const rate = records / seconds;
  console.log(`bare: ${bare.toFixed(0)}/s; four processes, ${kills} kills: ${rate.toFixed(0)}/s`);
  console.log(`ratio ${(rate / bare).toFixed(2)}; versions ${JSON.stringify(versions)}`);
} finally {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}

interface Where {
  readonly home: string;
  readonly stateFolder: string;
}

async function fill(where: Where): Promise<void> {
  await using store = await SessionKeyStore.create({
    ...where,
    algorithm: 'rsa-3072',
    store: { kind: 'postgres', url: server.url },
  });
  for (let n = 0; n < records; n += 256)
    await Promise.all(
      Array.from({ length: Math.min(256, records - n) }, async (_, i) =>
        (await store.createKey(`key ${n + i}`)).dispose(),
      ),
    );
}

function start({ home, stateFolder }: Where, how: string): ChildProcess {
  const child = join(import.meta.dirname, 'bulk-child.ts');
  const args = ['--import', 'tsx', child, home, stateFolder, server.url, how];
  return spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

async function rewrap(where: Where): Promise<{ seconds: number; kills: number }> {
  const begin = performance.now();
  let kills = 0;
  const running = new Set(Array.from({ length: PROCESSES }, () => start(where, 'begin')));
  const [first, ...others] = running;
  const killer = setInterval(() => {
    const victim = others.shift();
    if (victim?.exitCode !== null) return;
    victim.kill('SIGKILL');
    kills++;
    others.push(start(where, 'join'));
  }, KILL_EVERY_MS);
  await once(first!, 'exit');
  const seconds = (performance.now() - begin) / 1000;
  clearInterval(killer);
  for (const child of others)
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return { seconds, kills };
}

/** How many records are at which version. */
async function countVersions(where: Where): Promise<Record<number, number>> {
  await using store = await SessionKeyStore.open({ ...where, storeUrl: server.url });
  const counts: Record<number, number> = {};
  for await (const { version, state } of store.listKeys())
    if (state === 'ok') counts[version] = (counts[version] ?? 0) + 1;
  return counts;
}
