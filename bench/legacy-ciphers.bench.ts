/** Decryption of files by ciphers of CryptoAPI, against `openssl enc -d` over the same bytes, in one run; the ratio is what counts. */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, bench, describe } from 'vitest';
import { ALG_ID } from '../lib/blobs/alg-id.ts';
import { toHex } from '../lib/bytes/octets.ts';
import { importCapiKey } from '../lib/legacy/capi-key.ts';
import { openCapiDecryptor } from '../lib/legacy/cipher.ts';
import { countingRandom } from '../test/support/bytes.ts';
import { median } from './ratio.ts';

const MIB = 1 << 20;
/** At least 0.8 of the speed of openssl. */
const LIMIT = 0.8;
const RUNS = 5;

interface Sample {
  readonly name: string;
  readonly algId: number;
  readonly keyLength: number;
  /** The name that openssl has. */
  readonly cipher: string;
  readonly mebibytes: number;
}

const SAMPLES: readonly Sample[] = [
  { name: 'RC4', algId: ALG_ID.CALG_RC4, keyLength: 16, cipher: 'rc4', mebibytes: 256 },
  { name: '3DES', algId: ALG_ID.CALG_3DES, keyLength: 24, cipher: 'des-ede3-cbc', mebibytes: 32 },
  { name: 'DES', algId: ALG_ID.CALG_DES, keyLength: 8, cipher: 'des-cbc', mebibytes: 64 },
  { name: 'RC2', algId: ALG_ID.CALG_RC2, keyLength: 16, cipher: 'rc2-cbc', mebibytes: 64 },
];

// In memory where there is such a place, so that the disk is not what is measured.
const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'keycask-bench-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const empty = join(folder, 'empty');
writeFileSync(empty, '');
const target = join(folder, 'target');

/** CPU seconds that `openssl enc -d` takes for a file; what it takes to start is that of an empty one. */
function opensslSeconds({ cipher }: Sample, key: Uint8Array, source: string): number {
  const program = process.env['KEYCASK_OPENSSL'] ?? 'openssl';
  const iv = cipher.endsWith('cbc') ? '-nopad -iv 0000000000000000' : '';
  const command = `${program} enc -d -${cipher} -provider legacy -provider default -K ${toHex(key)} ${iv} -in ${source} -out ${target}; times`;
  // The last line that `times` prints: user and system time of the children.
  const [user, system] = execFileSync('bash', ['-c', command], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .at(-1)!
    .split(' ');
  return secondsOf(user!) + secondsOf(system!);
}

/** Of `0m1.234s`. */
function secondsOf(text: string): number {
  const [minutes, seconds] = text.split('m');
  return Number(minutes) * 60 + Number.parseFloat(seconds!);
}

/** A whole file, read and written in pieces of 1 MiB. */
async function decryptWholeFile({ algId }: Sample, key: Uint8Array, source: string): Promise<void> {
  using capiKey = importCapiKey(algId, key);
  using decryptor = await openCapiDecryptor(capiKey, { padding: 'none' });
  const input = openSync(source, 'r');
  const output = openSync(target, 'w');
  const chunk = new Uint8Array(MIB);
  const plaintext = new Uint8Array(MIB + 32);
  for (let count = 1; count > 0;) {
    count = readSync(input, chunk);
    writeSync(output, decryptor.update(chunk.subarray(0, count), plaintext));
  }
  writeSync(output, decryptor.final());
  closeSync(input);
  closeSync(output);
}

async function ownSeconds(sample: Sample, key: Uint8Array, source: string): Promise<number> {
  const start = process.cpuUsage();
  await decryptWholeFile(sample, key, source);
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
}

describe.each(SAMPLES)('a file of $mebibytes MiB, $name', async (sample) => {
  const source = join(folder, sample.cipher);
  writeFileSync(source, new Uint8Array(sample.mebibytes * MIB).fill(0x5a));
  const key = new Uint8Array(sample.keyLength);
  countingRandom(1)(key);

  const ratios: number[] = [];
  const speeds: number[] = [];
  await decryptWholeFile(sample, key, source);
  for (let run = 0; run < RUNS; run++) {
    const theirs = opensslSeconds(sample, key, source) - opensslSeconds(sample, key, empty);
    const ours = await ownSeconds(sample, key, source);
    ratios.push(theirs / ours);
    speeds.push(sample.mebibytes / ours);
  }
  const ratio = median(ratios);
  console.log(
    `${sample.name}, ${sample.mebibytes} MiB: ${median(speeds).toFixed(0)} MiB a second of CPU, ${ratio.toFixed(2)} of openssl's speed (limit ${LIMIT}) ${ratio >= LIMIT ? 'ok' : 'TOO SLOW'}`,
  );

  const once = { iterations: 1, time: 0, warmupIterations: 0, warmupTime: 0 };
  bench('openssl enc -d', () => void opensslSeconds(sample, key, source), once);
  bench('openCapiDecryptor', () => decryptWholeFile(sample, key, source), once);
});
