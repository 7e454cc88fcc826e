/** Both sides of the migration's bench: a folder of SIMPLEBLOBs migrated, and the bare asymmetric operations on all cores. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { ALG_ID } from '../lib/blobs/alg-id.ts';
import { SecretBytes } from '../lib/keys/secret-bytes.ts';
import { wrapSimpleBlob } from '../lib/legacy/simple-blob.ts';
import { inventory } from '../lib/migration/inventory.ts';
import { planMigration } from '../lib/migration/plan.ts';
import { runMigration } from '../lib/migration/run.ts';
import { SessionKeyStore } from '../lib/session-key-store.ts';
import { spentOnAllCores, stopwatch, type Spent } from './all-cores.ts';

/** `KEYCASK_BENCH=quick` takes a fifth of the files. */
export const FILES = process.env['KEYCASK_BENCH'] === 'quick' ? 4000 : 20_000;
const FILES_IN_ONE_FOLDER = 500;

// In memory where that can be had: on a disk its fsync is what would be measured.
const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'keycask-bench-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

const exchange = generateKeyPairSync('rsa', { modulusLength: 2048 });
const old = join(folder, 'old');
mkdirSync(old);
writeFileSync(
  join(old, 'exchange.pem'),
  exchange.privateKey.export({ format: 'pem', type: 'pkcs8' }),
);
for (let n = 0; n < FILES; n++) {
  const sub = join(old, String(Math.floor(n / FILES_IN_ONE_FOLDER)));
  if (n % FILES_IN_ONE_FOLDER === 0) mkdirSync(sub);
  using key = SecretBytes.copy(randomBytes(32));
  const blob = wrapSimpleBlob(exchange.publicKey, { algId: ALG_ID.CALG_AES_256, key });
  writeFileSync(join(sub, `${n}.key`), blob);
}

export type HomeKind = 'rsa-3072' | 'p-256';
export type Operation = 'unwrap' | 'wrap and sign';

/** What one thread of the bare side runs: its share of the operations and nothing else. */
const THREAD = `
const { parentPort, workerData } = require('node:worker_threads');
const crypto = require('node:crypto');
const { privateKey, publicKey, kind, operations, count } = workerData;
const home = kind === 'p-256'
  ? crypto.generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  : crypto.generateKeyPairSync('rsa', { modulusLength: 3072 });
const block = crypto.publicEncrypt({ key: publicKey, padding: crypto.constants.RSA_PKCS1_PADDING }, Buffer.alloc(32, 1));
const message = Buffer.alloc(200, 2);
const own = crypto.createECDH('prime256v1');
const point = own.generateKeys();
const padding = crypto.constants.RSA_PKCS1_PSS_PADDING;
const signer = kind === 'p-256' ? home.privateKey : { key: home.privateKey, padding, saltLength: 32 };
const all = operations.includes('wrap and sign');
parentPort.once('message', () => {
  for (let n = 0; n < count; n++) {
    crypto.privateDecrypt({ key: privateKey, padding: crypto.constants.RSA_NO_PADDING }, block);
    if (!all) continue;
    if (kind === 'p-256') {
      const ephemeral = crypto.createECDH('prime256v1');
      ephemeral.generateKeys();
      ephemeral.computeSecret(point);
    } else crypto.publicEncrypt({ key: home.publicKey, oaepHash: 'sha256' }, message.subarray(0, 32));
    crypto.sign('sha256', message, signer);
  }
  parentPort.postMessage('done');
});
parentPort.postMessage('ready');
`;

/** Without what it takes until threads and keys are there. */
export function bare(kind: HomeKind, operations: readonly Operation[]): Promise<Spent> {
  return spentOnAllCores(THREAD, FILES, { ...exchange, kind, operations });
}

let turn = 0;
/** From the old folder to the last signed record, without what it takes to make a home. */
export async function ours(algorithm: HomeKind): Promise<Spent> {
  const home = join(folder, `home-${turn++}`);
  await using store = await SessionKeyStore.create({
    home,
    stateFolder: join(folder, 'state'),
    algorithm,
  });
  const spent = stopwatch();
  using plan = await planMigration(await inventory([old]));
  const { counts } = await runMigration(plan, { store });
  const result = spent();
  if (counts.keysStored !== FILES) throw new TypeError(`${counts.keysStored} keys were stored`);
  rmSync(home, { recursive: true });
  return result;
}
