/** Files that somebody has open: waited for where the system refuses to replace or remove them. */
import { open, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { unlinkIfThere, writeDurably } from '../../../lib/platform/durable-file.ts';
import { retryWhileInUse } from '../../../lib/platform/retry-while-in-use.ts';
import { codeOfAsync } from '../../support/errors.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const OLD = Uint8Array.of(1);
const NEW = Uint8Array.of(2);

/** A file that is open until `close`, or the end of the test. */
async function fileInUse(): Promise<{ folder: string; path: string; close: () => Promise<void> }> {
  const temporary = await temporaryFolder();
  const folder = temporary.path;
  const path = join(folder, 'file');
  await writeFile(path, OLD);
  const handle = await open(path, 'r');
  const close = () => handle.close();
  onTestFinished(async () => {
    await close();
    await temporary.remove();
  });
  return { folder, path, close };
}

it('a file is replaced as soon as it is open no more', async () => {
  const { folder, path, close } = await fileInUse();
  const written = writeDurably(path, NEW, { place: 'replace' });
  await setTimeout(50);
  await close();
  await written;
  expect(Uint8Array.from(await readFile(path))).toEqual(NEW);
  expect(await readdir(folder)).toEqual(['file']);
});

it.runIf(process.platform === 'win32')(
  'a file that stays open is not waited for without end, and nothing is left of the attempt',
  async () => {
    const { folder, path } = await fileInUse();
    const started = performance.now();
    expect(await codeOfAsync(writeDurably(path, NEW, { place: 'replace' }))).toBe(
      'PERMISSION_DENIED',
    );
    expect(performance.now() - started).toBeGreaterThan(400);
    expect(Uint8Array.from(await readFile(path))).toEqual(OLD);
    expect(await readdir(folder)).toEqual(['file']);
  },
);

it('a file that is open is removed', async () => {
  const { folder, path, close } = await fileInUse();
  expect(await unlinkIfThere(path)).toBe(true);
  await close();
  expect(await readdir(folder)).toEqual([]);
});

it('what does not come of use is told at once, and once', async () => {
  const { folder } = await fileInUse();
  let tries = 0;
  const missing = retryWhileInUse(async () => {
    tries++;
    return stat(join(folder, 'nothing'));
  });
  await expect(missing).rejects.toMatchObject({ code: 'ENOENT' });
  expect(tries).toBe(1);
});
