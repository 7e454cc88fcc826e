import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { makeFolder } from '../../../lib/platform/make-folder.ts';
import { hasModes } from '../../support/permissions.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

async function newFolder(): Promise<string> {
  const folder = await temporaryFolder();
  onTestFinished(() => folder.remove());
  return folder.path;
}

it('makes what is missing, and tells where that began', async () => {
  const folder = await newFolder();
  expect(await makeFolder(join(folder, 'a', 'b', 'c'), 0o700)).toBe(join(folder, 'a'));
  expect(await makeFolder(join(folder, 'a', 'b', 'd'))).toBe(join(folder, 'a', 'b', 'd'));
});

it('leaves a folder that is there as it is', async () => {
  const folder = await newFolder();
  await mkdir(join(folder, 'a'));
  await writeFile(join(folder, 'a', 'kept'), '');
  expect(await makeFolder(join(folder, 'a'), 0o700)).toBeUndefined();
  expect(await readdir(join(folder, 'a'))).toEqual(['kept']);
});

it.skipIf(!hasModes)('gives permissions to what it makes and to nothing else', async () => {
  const folder = await newFolder();
  const modeOf = async (path: string) => (await stat(path)).mode & 0o777;
  await mkdir(join(folder, 'a'), { mode: 0o755 });
  await makeFolder(join(folder, 'a'), 0o700);
  await makeFolder(join(folder, 'a', 'b', 'c'), 0o700);
  expect(await modeOf(join(folder, 'a'))).toBe(0o755);
  expect(await modeOf(join(folder, 'a', 'b'))).toBe(0o700);
  expect(await modeOf(join(folder, 'a', 'b', 'c'))).toBe(0o700);
});

it('is made once by several at the same time', async () => {
  const path = join(await newFolder(), 'a', 'b', 'c');
  await Promise.all(Array.from({ length: 8 }, () => makeFolder(path)));
  expect((await stat(path)).isDirectory()).toBe(true);
});

it('says what stands in the way', async () => {
  const folder = await newFolder();
  await writeFile(join(folder, 'file'), '');
  await expect(makeFolder(join(folder, 'file'))).rejects.toMatchObject({ code: 'EEXIST' });
  await expect(makeFolder(join(folder, 'file', 'a'))).rejects.toMatchObject({ code: 'ENOTDIR' });
});

it.runIf(process.platform === 'linux')('ends under /proc, where nothing can be made', async () => {
  await expect(makeFolder('/proc/keycask/a')).rejects.toMatchObject({ code: 'ENOENT' });
});
