/**
 * Bulk re-wrapping beside the bare cryptography on all cores: a home on PostgreSQL, four processes, one of which is killed every five seconds.
 *
 *   node --import tsx bench/bulk-ratio.ts [records] [rsa-3072 | p-256] [processes]      default 2,000 rsa-3072 4; the target is for 20,000
 *
 * Bare is, for each record, what cannot be left out: unwrap, wrap and sign, in threads that do nothing else. Ours begins when the first
 * processes have opened the home, and ends with the last record; the start of each that replaces a killed one is in it.
 *
 * Of rates only their ratio says something, and of that little where the machine has other work: then look at CPU for a record. Ours is that
 * of all processes, killed ones included, without the server's, which is beside it.
 */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { SessionKeyStore } from '../lib/session-key-store.ts';
import { bundleChild, Child } from '../test/support/child-process.ts';
import { PostgresServer } from '../test/support/postgres.ts';
import { spentOnAllCores, type Spent } from './all-cores.ts';

type Algorithm = 'rsa-3072' | 'p-256';

const records = Number(process.argv[2] ?? 2000);
const algorithm = (process.argv[3] ?? 'rsa-3072') as Algorithm;
const processes = Number(process.argv[4] ?? 4);
/** Of Linux, in a second. */
const CLOCK_TICKS = 100;
const BARE = { 'rsa-3072': 600, 'p-256': 8000 }[algorithm];
const KILL_EVERY_MS = 5000;

/** Keys are of their own; what is wrapped is 32 bytes. P-256 wraps with an ephemeral key, a KDF of one hash, and AES key wrap. */
const BARE_SOURCE = `
const { parentPort, workerData } = require('node:worker_threads');
const { createCipheriv, createDecipheriv, createHash, createPrivateKey, createPublicKey, diffieHellman, generateKeyPairSync, privateDecrypt,
  publicEncrypt, sign, constants } = require('node:crypto');
const key = createPrivateKey(workerData.pem), publicKey = createPublicKey(key);
const oaep = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };
const secret = Buffer.alloc(32, 7), iv = Buffer.alloc(8, 0xa6);
const kek = (z) => createHash('sha256').update(z).digest();
const rsa = {
  wrap: (secret) => publicEncrypt({ key: publicKey, ...oaep }, secret),
  unwrap: (wrapped) => privateDecrypt({ key, ...oaep }, wrapped),
};
const ec = {
  wrap(secret) {
    const ephemeral = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const z = diffieHellman({ privateKey: ephemeral.privateKey, publicKey });
    const cipher = createCipheriv('id-aes256-wrap', kek(z), iv);
    return { from: ephemeral.publicKey, wrapped: Buffer.concat([cipher.update(secret), cipher.final()]) };
  },
  unwrap({ from, wrapped }) {
    const decipher = createDecipheriv('id-aes256-wrap', kek(diffieHellman({ privateKey: key, publicKey: from })), iv);
    return Buffer.concat([decipher.update(wrapped), decipher.final()]);
  },
};
const { wrap, unwrap } = key.asymmetricKeyType === 'ec' ? ec : rsa;
const wrapped = wrap(secret), message = Buffer.alloc(384, 7);
parentPort.postMessage('ready');
parentPort.once('message', () => {
  for (let n = 0; n < workerData.count; n++) {
    wrap(unwrap(wrapped));
    sign('sha256', message, key);
  }
  parentPort.postMessage('done');
});`;

interface Where {
  readonly home: string;
  readonly stateFolder: string;
}

/** Of the four processes and those that replaced them. */
interface Rewrapped extends Spent {
  readonly kills: number;
  /** Until they were ready; of the first four it is in no figure. */
  readonly startCpu: readonly number[];
}

const folder = mkdtempSync(join(tmpdir(), 'keycask-bulk-'));
const server = await PostgresServer.start({ fsync: 'on', synchronous_commit: 'on' });
const child = await bundleChild('../bench/bulk-child.ts');
try {
  const where = { home: join(folder, 'home'), stateFolder: join(folder, 'state') };
  await fill(where);
  const before = await bareOnce();
  const serverBefore = serverCpu();
  const ours = await rewrap(where);
  const serverSpent = serverCpu() - serverBefore;
  const after = await bareOnce();
  const bareRate = (BARE / before.seconds + BARE / after.seconds) / 2;
  const bareCpu = (before.cpuSeconds + after.cpuSeconds) / 2 / BARE;
  const rate = records / ours.seconds;
  const ms = (seconds: number): string => `${(seconds * 1000).toFixed(2)} ms`;
  console.log(`${algorithm}, ${records} records, ${processes} processes, ${ours.kills} kills`);
  console.log(
    `rate: bare ${bareRate.toFixed(0)}/s, ours ${rate.toFixed(0)}/s: ratio ${(rate / bareRate).toFixed(2)}`,
  );
  const each = ours.cpuSeconds / records;
  console.log(
    `CPU a record: bare ${ms(bareCpu)}, ours ${ms(each)}: ratio ${(bareCpu / each).toFixed(2)}; server ${ms(serverSpent / records)}`,
  );
  console.log(`start of a process: ${ms(Math.min(...ours.startCpu))} CPU`);
  console.log(`versions ${JSON.stringify(await countVersions(where))}`);
} finally {
  child.remove();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}

function bareOnce(): Promise<Spent> {
  const { privateKey } =
    algorithm === 'p-256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 3072 });
  return spentOnAllCores(BARE_SOURCE, BARE, {
    pem: privateKey.export({ type: 'pkcs8', format: 'pem' }),
  });
}

async function fill(where: Where): Promise<void> {
  await using store = await SessionKeyStore.create({
    ...where,
    algorithm,
    store: { kind: 'postgres', url: server.url },
  });
  for (let n = 0; n < records; n += 256)
    await Promise.all(
      Array.from({ length: Math.min(256, records - n) }, async (_, i) =>
        (await store.createKey(`key ${n + i}`)).dispose(),
      ),
    );
}

function start({ home, stateFolder }: Where, how: string): Child {
  return Child.start(child.path, [home, stateFolder, server.url, how]);
}

async function rewrap(where: Where): Promise<Rewrapped> {
  const running = Array.from({ length: processes }, () => start(where, 'begin'));
  const told = await Promise.all(running.map((each) => each.next<{ start: number }>()));
  const startCpu = told.map((each) => each.start);
  const cpuBefore = childrenCpu();
  const begin = performance.now();
  let kills = 0;
  for (const each of running) each.say('go');
  const first = running.shift()!;
  const killer = setInterval(() => {
    const victim = running.shift();
    if (!victim) return;
    victim.kill();
    kills++;
    const next = start(where, 'join');
    next.say('go');
    running.push(next);
  }, KILL_EVERY_MS);
  await first.next();
  const seconds = (performance.now() - begin) / 1000;
  clearInterval(killer);
  await Promise.all([first, ...running].map(({ ended }) => ended));
  // The first ones are in none of the figures until they are ready.
  const starts = startCpu.reduce((sum, each) => sum + each, 0);
  return { seconds, cpuSeconds: childrenCpu() - cpuBefore - starts, kills, startCpu };
}

/** Seconds of all children that have ended, killed ones too. The server is a child that has not. */
function childrenCpu(): number {
  return cpuFields(process.pid).ended;
}

/** Seconds of the server's processes. */
function serverCpu(): number {
  const main = Number(
    readFileSync(join(server.folder, 'data', 'postmaster.pid'), 'utf8').split('\n')[0],
  );
  const children = readFileSync(`/proc/${main}/task/${main}/children`, 'utf8').trim().split(' ');
  const { own, ended } = cpuFields(main);
  return children.reduce((sum, pid) => sum + cpuFields(Number(pid)).own, own + ended);
}

function cpuFields(pid: number): { readonly own: number; readonly ended: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map((field) => Number(field) / CLOCK_TICKS);
  return { own: fields[11]! + fields[12]!, ended: fields[13]! + fields[14]! };
}

/** How many records are at which version. */
async function countVersions(where: Where): Promise<Record<number, number>> {
  await using store = await SessionKeyStore.open({ ...where, storeUrl: server.url });
  const counts: Record<number, number> = {};
  for await (const { version, state } of store.listKeys())
    if (state === 'ok') counts[version] = (counts[version] ?? 0) + 1;
  return counts;
}
