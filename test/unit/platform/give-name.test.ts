/** Giving a finished file its name, also where the file system has no links. */
import { readFileSync, writeFileSync } from 'node:fs';
import type * as FsPromises from 'node:fs/promises';
import { link } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { giveName } from '../../../lib/platform/give-name.ts';
import { temporaryFolder, type TemporaryFolder } from '../../support/temporary-folder.ts';

vi.mock('node:fs/promises', async (importOriginal) => {
  const original = await importOriginal<typeof FsPromises>();
  return { ...original, link: vi.fn<typeof original.link>(original.link) };
});

const made: TemporaryFolder[] = [];
afterEach(() => Promise.all(made.splice(0).map((folder) => folder.remove())));

async function folderWithFile(): Promise<string> {
  const folder = await temporaryFolder();
  made.push(folder);
  writeFileSync(join(folder.path, 'temporary'), 'new');
  return folder.path;
}

describe.each([
  ['with links', undefined],
  ['without links', 'EPERM'],
  ['that knows no links', 'EOPNOTSUPP'],
])('on a file system %s', (_name, code) => {
  const refuse = (): void => {
    if (code === undefined) return;
    const error = Object.assign(new Error(code), { code, syscall: 'link' });
    vi.mocked(link).mockRejectedValueOnce(error);
  };

  it('a file gets a name that nothing has', async () => {
    const folder = await folderWithFile();
    refuse();
    expect(await giveName(join(folder, 'temporary'), join(folder, 'name'))).toBe(true);
    expect(readFileSync(join(folder, 'name'), 'utf8')).toBe('new');
  });

  it('what has the name already stays', async () => {
    const folder = await folderWithFile();
    writeFileSync(join(folder, 'name'), 'old');
    refuse();
    expect(await giveName(join(folder, 'temporary'), join(folder, 'name'))).toBe(false);
    expect(readFileSync(join(folder, 'name'), 'utf8')).toBe('old');
  });
});

describe('another failure', () => {
  it('is thrown on', async () => {
    const folder = await folderWithFile();
    await expect(giveName(join(folder, 'none'), join(folder, 'name'))).rejects.toMatchObject({
      code: 'ENOENT',
    });
  });
});
