/** A file of 1 GiB takes no more memory than one of a few: whole processes, largest resident set. */
import { createHash } from 'node:crypto';
import { createReadStream, truncateSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { forkTest, race } from '../support/fork.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';

const GIB = 2 ** 30;
const LIMIT_MIB = 200;

describe('a file of 1 GiB', () => {
  let folder: TemporaryFolder;
  const at = (name: string) => join(folder.path, name);

  beforeAll(async () => {
    folder = await temporaryFolder();
    writeFileSync(at('plain'), 'It begins with a word, and the rest is zeros.');
    // Longer than 1 GiB by a part of a segment; sparse, so that only our own output takes room.
    truncateSync(at('plain'), GIB + 12_345);
  });
  afterAll(() => folder.remove());

  async function digest(name: string): Promise<string> {
    const hash = createHash('sha256');
    await pipeline(createReadStream(at(name)), hash);
    return hash.digest('hex');
  }

  test.each([
    ['encryptFile', 'decryptFile'],
    ['encryptStream', 'decryptStream'],
  ])('goes through %s and %s in under 200 MiB', async (encrypt, decrypt) => {
    const resident: Record<string, number> = {};
    for (const [work, source, target] of [
      [encrypt, 'plain', 'sealed'],
      [decrypt, 'sealed', 'back'],
    ] as const) {
      const child = await forkTest('support/file-memory-child.ts', [work, at(source), at(target)]);
      [resident[work]] = (await race<number>([child])) as [number];
    }
    console.log('largest resident set, MiB:', resident);
    expect(await digest('back')).toBe(await digest('plain'));
    for (const name of ['sealed', 'back']) await rm(at(name));
    expect(Math.max(...Object.values(resident))).toBeLessThan(LIMIT_MIB);
  });
});
