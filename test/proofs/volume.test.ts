/** Large files take constant memory; ten thousand small ones take one process and one passphrase. */
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { pipeline } from 'node:stream/promises';
import { describe, expect, test } from 'vitest';
import { SessionKeyStore } from '../../lib/session-key-store.ts';
import { codeIn, keycask } from '../support/command-line.ts';
import { filesBelow, hashesOf } from '../support/folder-contents.ts';
import { watchProcess, type ProcessFacts, type ProcessWatch } from '../support/process-facts.ts';
import { newStore, secretText, type TemporaryHome } from '../support/temporary-home.ts';

const MIB = 1 << 20;
const LARGE_FILE_MIB = 1024;
const MEMORY_LIMIT = 200 * MIB;
const SMALL_FILES = 10_000;
const FILES_IN_ONE_FOLDER = 250;
const PASSPHRASE = 'one passphrase for ten thousand files';

describe.skipIf(process.platform !== 'linux')('in processes that Linux can look into', () => {
  test('a file of 1 GiB is encrypted and decrypted in less than 200 MiB', async () => {
    const { where } = await newStore();
    const folder = dirname(where.home);
    await writeLarge(join(folder, 'large'));
    const encrypting = await watched(where, ['encrypt', 'large', '-o', 'large.cask']);
    const decrypting = await watched(where, ['decrypt', 'large.cask', '-o', 'restored']);
    tell('encrypt', LARGE_FILE_MIB, 'MiB', encrypting);
    tell('decrypt', LARGE_FILE_MIB, 'MiB', decrypting);
    expect(encrypting.facts.peakBytes).toBeLessThan(MEMORY_LIMIT);
    expect(decrypting.facts.peakBytes).toBeLessThan(MEMORY_LIMIT);
    expect(await sha256Of(join(folder, 'restored'))).toBe(await sha256Of(join(folder, 'large')));
  });

  test('10,000 small files are encrypted and decrypted by one process that asks for the passphrase once', async () => {
    const passphrase = () => Promise.resolve(secretText(PASSPHRASE));
    const { store, where } = await newStore({ protector: 'passphrase', passphrase });
    const folder = dirname(where.home);
    await writeMany(join(folder, 'many'));
    const before = await hashesOf(join(folder, 'many'));
    for (const how of [[], ['--key-per-file']]) {
      const out = `encrypted${how.join('')}`;
      const encrypting = await unlocked(where, ['encrypt', 'many', '-o', out, ...how]);
      tell(`encrypt ${how.join('')}`, SMALL_FILES, 'files', encrypting);
      expect((await filesBelow(join(folder, out))).length).toBe(SMALL_FILES);

      const decrypting = await unlocked(where, ['decrypt', out, '-o', `restored${how.join('')}`]);
      tell(`decrypt ${how.join('')}`, SMALL_FILES, 'files', decrypting);
      expect(await hashesOf(join(folder, `restored${how.join('')}`))).toEqual(before);
    }
    // One key for the first run; those of the second lie in the headers.
    await using fresh = await SessionKeyStore.open({ ...where, readOnly: true });
    const keys: string[] = [];
    for await (const { id } of fresh.listKeys()) keys.push(id);
    expect(keys).toHaveLength(1);
    await store.close();
  });
});

interface Watched {
  readonly facts: ProcessFacts;
  readonly seconds: number;
}

/** Runs a command that must succeed in a process that starts no other. */
async function watched(where: TemporaryHome, args: readonly string[]): Promise<Watched> {
  let watch: ProcessWatch | undefined;
  const start = performance.now();
  const end = await keycask(where, args, { onStart: (pid) => (watch = watchProcess(pid)) });
  const seconds = (performance.now() - start) / 1000;
  const facts = await watch!.finish();
  expect(codeIn(end), end.stderr).toBe('none');
  expect(facts.samples).toBeGreaterThan(2);
  expect(facts.hadChildren).toBe(false);
  return { facts, seconds };
}

/** The passphrase comes through a pipe, which can be read once: whoever asks again waits for ever. */
async function unlocked(where: TemporaryHome, args: readonly string[]): Promise<Watched> {
  const pipe = join(dirname(where.home), `passphrase-${randomBytes(4).toString('hex')}`);
  execFileSync('mkfifo', ['-m', '600', pipe]);
  const [result] = await Promise.all([
    watched(where, [...args, '--quiet', '--passphrase-file', pipe]),
    writeFile(pipe, `${PASSPHRASE}\n`),
  ]);
  return result;
}

async function writeLarge(path: string): Promise<void> {
  const block = randomBytes(16 * MIB);
  const file = await open(path, 'w');
  for (let at = 0; at < LARGE_FILE_MIB * MIB; at += block.length) {
    block.writeUInt32BE(at / MIB);
    await file.write(block);
  }
  await file.close();
}

async function writeMany(folder: string): Promise<void> {
  for (let n = 0; n < SMALL_FILES; n++) {
    const sub = join(folder, String(Math.floor(n / FILES_IN_ONE_FOLDER)));
    if (n % FILES_IN_ONE_FOLDER === 0) await mkdir(sub, { recursive: true });
    await writeFile(join(sub, `file-${n}`), `small file ${n}`.repeat(1 + (n % 100)));
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: MIB }), hash);
  return hash.digest('hex');
}

function tell(what: string, count: number, unit: string, { facts, seconds }: Watched): void {
  const memory = Math.round(facts.peakBytes / MIB);
  console.log(`${what}: ${Math.round(count / seconds)} ${unit}/s, at most ${memory} MiB of memory`);
}
