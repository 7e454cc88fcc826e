/** File encryption against the bare cipher over the same bytes, in one run; the ratio is what counts. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, bench, describe } from 'vitest';
import {
  decryptBytes,
  encryptBytes,
  encryptFile,
  decryptFile,
  encryptTree,
} from '../lib/encrypt-file.ts';
import { FixedFileKeys } from '../test/support/fixed-file-keys.ts';

const MIB = 1 << 20;
const SEGMENT = MIB - 16;
const keys = new FixedFileKeys();
// In memory where there is such a place, so that the disk is not what is measured.
const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'keycask-bench-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const key = randomBytes(32);
const nonce = randomBytes(12);

/** What no encryption in segments of 1 MiB can do without: the cipher, and an array for the result. */
function bareSeal(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length);
  for (let at = 0; at < bytes.length; at += SEGMENT) {
    const cipher = createCipheriv('aes-256-gcm', key, nonce);
    out.set(cipher.update(bytes.subarray(at, at + SEGMENT)), at);
    cipher.final();
    cipher.getAuthTag();
  }
  return out;
}

function bareOpen(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length);
  for (let at = 0; at < bytes.length; at += SEGMENT) {
    const decipher = createDecipheriv('aes-256-gcm', key, nonce);
    out.set(decipher.update(bytes.subarray(at, at + SEGMENT)), at);
  }
  return out;
}

describe('64 MiB in memory', async () => {
  const plaintext = randomBytes(64 * MIB);
  const sealed = await encryptBytes(keys, plaintext);
  bench('bare createCipheriv', () => void bareSeal(plaintext));
  bench('encryptBytes', async () => void (await encryptBytes(keys, plaintext)));
  bench('bare createDecipheriv', () => void bareOpen(plaintext));
  bench('decryptBytes', async () => void (await decryptBytes(keys, sealed)));
});

describe('a file of 256 MiB', async () => {
  const plain = join(folder, 'plain');
  const sealed = join(folder, 'sealed');
  writeFileSync(plain, randomBytes(256 * MIB));
  await encryptFile(keys, plain, sealed);
  const overwrite = { overwrite: true };
  bench('read and bare createCipheriv', () => void bareSeal(readFileSync(plain)), {
    iterations: 3,
  });
  bench(
    'encryptFile',
    async () => void (await encryptFile(keys, plain, join(folder, 'out'), overwrite)),
    { iterations: 3 },
  );
  bench(
    'decryptFile',
    async () => void (await decryptFile(keys, sealed, join(folder, 'out'), overwrite)),
    { iterations: 3 },
  );
});

describe('1,000 files of 4 KiB', () => {
  const many = join(folder, 'many');
  mkdirSync(many);
  const files = Array.from({ length: 1000 }, (_, i) => join(many, String(i)));
  for (const path of files) writeFileSync(path, randomBytes(4096));
  const targetFolder = join(folder, 'many-sealed');
  bench('bare createCipheriv', () => {
    for (const path of files) bareSeal(readFileSync(path));
  });
  bench(
    'encryptTree',
    async () => {
      const results = encryptTree(keys, [many], { targetFolder, overwrite: true });
      for await (const result of results)
        if (result.status !== 'done') throw new Error(result.source);
    },
    { iterations: 3 },
  );
});
