/**
 * Thousands of small files by one call, against bare node:crypto and node:fs writing the same bytes as durably, turn by turn.
 *
 * The rates are of the machine as it is just then, disk included; the ratios are what can be compared.
 */
import { createCipheriv, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { open, readFile, rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, bench, describe } from 'vitest';
import { encryptTree, type EncryptTreeOptions } from '../lib/encrypt-file.ts';
import { SessionKeyStore } from '../lib/session-key-store.ts';
import { median } from './ratio.ts';

const FILES = 4000;
const FILES_IN_ONE_FOLDER = 250;
const FILE_LENGTH = 1000;
/** Files at the same time: as many as encryptTree takes. */
const JOBS = 4;
const TURNS = 3;
/** Header ‖ salt and nonce prefix ‖ tag: what an encrypted file has besides its content. */
const OVERHEAD = 4096 + 40 + 16;

// In memory where that can be had: on a disk its fsync is what would be measured.
const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'keycask-bench-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const many = join(folder, 'many');
for (let n = 0; n < FILES; n++) {
  const sub = join(many, String(Math.floor(n / FILES_IN_ONE_FOLDER)));
  if (n % FILES_IN_ONE_FOLDER === 0) mkdirSync(sub, { recursive: true });
  writeFileSync(join(sub, String(n)), randomBytes(FILE_LENGTH));
}

/** Read, encrypt, write aside, sync, rename; each folder synced once. Nothing is checked, derived or wrapped. */
async function bare(target: string): Promise<void> {
  const key = randomBytes(32);
  const paths: (readonly [string, string])[] = [];
  for (const sub of readdirSync(many)) {
    mkdirSync(join(target, sub), { recursive: true });
    for (const name of readdirSync(join(many, sub)))
      paths.push([join(many, sub, name), join(target, sub, name)]);
  }
  const work = async () => {
    for (let path = paths.pop(); path; path = paths.pop()) await bareFile(key, ...path);
  };
  await Promise.all(Array.from({ length: JOBS }, work));
  for (const sub of readdirSync(target)) {
    const handle = await open(join(target, sub), 'r');
    await handle.sync();
    await handle.close();
  }
}

async function bareFile(key: Buffer, source: string, target: string): Promise<void> {
  const plaintext = await readFile(source);
  const cipher = createCipheriv('aes-256-gcm', key, randomBytes(12));
  const sealed = Buffer.alloc(plaintext.length + OVERHEAD);
  sealed.set(cipher.update(plaintext), OVERHEAD - 16);
  cipher.final();
  sealed.set(cipher.getAuthTag(), sealed.length - 16);
  const file = await open(`${target}.tmp`, 'wx');
  await file.write(sealed);
  await file.sync();
  await file.close();
  await rename(`${target}.tmp`, target);
}

async function ours(target: string, options: EncryptTreeOptions): Promise<void> {
  const results = encryptTree(store, [many], { targetFolder: target, jobs: JOBS, ...options });
  for await (const result of results)
    if (result.status !== 'done') throw new TypeError(`${result.source} was not encrypted`);
}

interface Cost {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

let turn = 0;
async function costOf(work: (target: string) => Promise<void>): Promise<Cost> {
  const target = join(folder, `turn-${turn++}`);
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  await work(target);
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (performance.now() - start) / 1000;
  rmSync(target, { recursive: true });
  return { seconds, cpuSeconds: (user + system) / 1e6 };
}

async function compare(name: string, options: EncryptTreeOptions, wanted: number): Promise<void> {
  const pairs: { bare: Cost; ours: Cost }[] = [];
  for (let i = 0; i < TURNS; i++)
    pairs.push({
      bare: await costOf(bare),
      ours: await costOf((target) => ours(target, options)),
    });
  const rate = Math.round(FILES / median(pairs.map(({ ours }) => ours.seconds)));
  const bareRate = Math.round(FILES / median(pairs.map(({ bare }) => bare.seconds)));
  const times = median(pairs.map(({ bare, ours }) => ours.seconds / bare.seconds));
  const cpu = median(pairs.map(({ bare, ours }) => ours.cpuSeconds / bare.cpuSeconds));
  console.log(
    `${name}: ${rate} files/s against ${bareRate} bare: ${times.toFixed(2)} times the time, ${cpu.toFixed(2)} times the CPU ` +
      `(wanted ${wanted} on two cores) ${rate >= wanted ? 'ok' : 'TOO SLOW'}`,
  );
}

const store = await SessionKeyStore.create({
  home: join(folder, 'home'),
  stateFolder: join(folder, 'state'),
});

describe('4,000 files of 1,000 bytes', async () => {
  await compare('one key for all', {}, 2000);
  await compare('a key for each', { keyPerFile: true }, 400);

  const once = { iterations: 1, warmupIterations: 0 };
  bench('keycask', () => costOf((target) => ours(target, {})).then(() => undefined), once);
  bench('bare node:crypto and node:fs', () => costOf(bare).then(() => undefined), once);
});
