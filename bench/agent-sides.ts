/** Both sides of the agent's bench: 64 clients that unwrap through an agent, and the bare verification and unwrapping on all cores. */
import { fork, type ChildProcess } from 'node:child_process';
import {
  constants,
  createHash,
  generateKeyPairSync,
  privateDecrypt,
  verify,
  type KeyObject,
} from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { ALG_ID } from '../lib/blobs/alg-id.ts';
import { decodeAuthEnvelopedData } from '../lib/cms/auth-enveloped-data.ts';
import { decodeSignedData, type Signer } from '../lib/cms/signed-data.ts';
import type { PersistedKey } from '../lib/contracts/provider.ts';
import type { VerifiedKeyRecord } from '../lib/contracts/verified-record.ts';
import { keyIdentifier } from '../lib/keys/key-identifier.ts';
import { SecretBytes } from '../lib/keys/secret-bytes.ts';
import { signMessage } from '../lib/keys/signature.ts';
import { openIsolatedProvider, type IsolatedProvider } from '../lib/providers/isolated/index.ts';
import { sealKeyRecord } from '../lib/records/seal.ts';
import { verifyKeyRecord } from '../lib/records/verify.ts';
import { bundle } from '../test/support/bundle.ts';
import { spentOnAllCores } from './all-cores.ts';

/** `KEYCASK_BENCH=quick` takes a fifth. */
export const UNWRAPS = process.env['KEYCASK_BENCH'] === 'quick' ? 2000 : 10_000;
export const CLIENTS = 64;
const RECORDS = 64;

const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'keycask-bench-'));
const children: ChildProcess[] = [];
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

const signing = generateKeyPairSync('rsa', { modulusLength: 2048 });
const exchange = generateKeyPairSync('rsa', { modulusLength: 2048 });
const signer = signerOf(signing.publicKey);
const records = await makeRecords();

/** What a bare program would hold of a record: the parts that the two operations take. */
const bareParts = records.map((record) => {
  const { message } = decodeSignedData(record.parts.bytes, ['contentInfo'], () => signer);
  const [recipient] = decodeAuthEnvelopedData(message.content).recipients;
  if (recipient?.type !== 'rsa-oaep') throw new TypeError('an RSA recipient was expected');
  const { content, signedAttributes, signature } = message;
  return { content, signedAttributes, signature, encryptedKey: recipient.encryptedKey };
});

/** What one thread of the bare side runs: its share, and nothing else. */
const THREAD = `
const { parentPort, workerData } = require('node:worker_threads');
const { createHash, constants, privateDecrypt, verify } = require('node:crypto');
const { publicKey, privateKey, parts, count } = workerData;
const decryption = { key: privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };
parentPort.once('message', () => {
  for (let n = 0; n < count; n++) {
    const { content, signedAttributes, signature, encryptedKey } = parts[n % parts.length];
    createHash('sha256').update(content).digest();
    if (!verify('sha256', signedAttributes, publicKey, signature)) throw new Error('no');
    privateDecrypt(decryption, encryptedKey);
  }
  parentPort.postMessage('done');
});
parentPort.postMessage('ready');
`;

/** Seconds of all cores for {@link UNWRAPS} verifications and unwraps. */
export async function bareOnAllCores(): Promise<number> {
  const { privateKey } = exchange;
  const data = { publicKey: signing.publicKey, privateKey, parts: bareParts };
  return (await spentOnAllCores(THREAD, UNWRAPS, data)).seconds;
}

/** Milliseconds of one verification and unwrap, here and now. */
export function bareOnce(n: number): number {
  const { content, signedAttributes, signature, encryptedKey } = bareParts[n % bareParts.length]!;
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  const start = performance.now();
  createHash('sha256').update(content).digest();
  if (!verify('sha256', signedAttributes, signing.publicKey, signature))
    throw new TypeError('the signature does not fit');
  privateDecrypt({ key: exchange.privateKey, padding, oaepHash: 'sha256' }, encryptedKey);
  return performance.now() - start;
}

/** An agent in a process of its own, and its clients in this one. */
export interface Clients {
  /** Seconds for {@link UNWRAPS} unwraps, each client one after the other. */
  unwrapAll(): Promise<number>;
  /** Milliseconds of one unwrap by one client. */
  unwrapOnce(n: number): Promise<number>;
  /** Seconds of CPU that the agent has used so far; undefined where /proc does not tell. */
  agentCpu(): number | undefined;
  close(): Promise<void>;
}

export async function startClients(): Promise<Clients> {
  const agent = await startAgent();
  const socket = join(folder, 'agent.sock');
  const providers: IsolatedProvider[] = [];
  const keys: PersistedKey[] = [];
  for (let n = 0; n < CLIENTS; n++) {
    const provider = await openIsolatedProvider({ socket });
    if (n === 0) await bringIn(provider);
    providers.push(provider);
    keys.push(await provider.openKey('bench', 'AT_KEYEXCHANGE'));
  }
  const unwrap = async (key: PersistedKey, n: number): Promise<void> => {
    using secret = await key.unwrap(records[n % RECORDS]!, 0);
    if (secret.length !== 32) throw new TypeError('an AES-256 key was expected');
  };
  return {
    async unwrapAll() {
      const start = performance.now();
      let next = 0;
      await Promise.all(
        keys.map(async (key) => {
          for (let n = next++; n < UNWRAPS; n = next++) await unwrap(key, n);
        }),
      );
      return (performance.now() - start) / 1000;
    },
    async unwrapOnce(n) {
      const start = performance.now();
      await unwrap(keys[0]!, n);
      return performance.now() - start;
    },
    agentCpu: () => cpuOf(agent.pid),
    async close() {
      for (const provider of providers) await provider.close();
      agent.kill();
    },
  };
}

/** utime and stime of proc_pid_stat(5), in hundredths of a second. */
function cpuOf(pid: number | undefined): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function bringIn(provider: IsolatedProvider): Promise<void> {
  using pkcs8 = SecretBytes.take(exchange.privateKey.export({ type: 'pkcs8', format: 'der' }));
  await (await provider.importKey(pkcs8, 'bench', 'AT_KEYEXCHANGE')).finalize();
}

async function startAgent(): Promise<ChildProcess> {
  // Inside node_modules, so that the bundle finds the packages that it imports.
  const path = fileURLToPath(
    new URL('../node_modules/.cache/keycask-bench-agent.mjs', import.meta.url),
  );
  await bundle(
    fileURLToPath(new URL('../test/conformance/children/agent.ts', import.meta.url)),
    path,
  );
  const { keyId, publicKey, certificate } = signer;
  const pins = [keyId, publicKey, certificate].map((bytes) => Buffer.from(bytes).toString('hex'));
  const agent = fork(path, [folder, ...pins], { execArgv: [] });
  children.push(agent);
  await once(agent, 'message');
  agent.send('go');
  return agent;
}

function signerOf(publicKey: KeyObject): Signer {
  const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
  // Of the length that a container's certificate has.
  const certificate = new Uint8Array(900);
  certificate.set([0x30, 0x82, 0x03, 0x80]);
  return { keyId: keyIdentifier(spki), publicKey: spki, certificate };
}

async function makeRecords(): Promise<VerifiedKeyRecord[]> {
  const spki = new Uint8Array(exchange.publicKey.export({ type: 'spki', format: 'der' }));
  const recipient = { type: 'public-key', publicKey: spki, keyId: keyIdentifier(spki) } as const;
  const made: VerifiedKeyRecord[] = [];
  for (let n = 0; n < RECORDS; n++) {
    using key = SecretBytes.random(32);
    const metadata = {
      recordId: new Uint8Array(16).fill(n),
      recordVersion: 1,
      label: `record ${n}`,
      purpose: 'data',
      algorithm: ALG_ID.CALG_AES_256,
      effectiveBits: 256,
      created: new Date('2026-01-01T00:00:00Z'),
      storeId: new Uint8Array(16),
      provenance: 'generated',
      attributes: [],
    } as const;
    const bytes = await sealKeyRecord(key, metadata, {
      recipients: [recipient],
      signer: {
        ...signer,
        scheme: 'rsa-pkcs1-sha256',
        sign: ({ scheme, bytes: message }) => signMessage(signing.privateKey, scheme, message),
      },
      signingTime: metadata.created,
    });
    const pin = { ...signer, trust: 'pinned' } as const;
    made.push(verifyKeyRecord(bytes, { findSigner: () => pin }));
  }
  return made;
}
