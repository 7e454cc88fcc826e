/** What a folder of key files does with a generation that somebody made up. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { KeyFolder } from '../../../lib/providers/key-files/key-folder.ts';
import { codeOfAsync } from '../../support/errors.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

it('makes none that nobody would see: the present one stays', async () => {
  const temporary = await temporaryFolder();
  onTestFinished(() => temporary.remove());
  const folder = new KeyFolder(temporary.path);
  const stem = 'a'.repeat(40);
  const last = 999_999_999;
  await writeFile(join(temporary.path, `${stem}.${last}.key`), 'present');
  for (const bytes of [Uint8Array.of(1), undefined])
    expect(await codeOfAsync(folder.add(stem, last + 1, bytes))).toBe('KEY_FILE_DAMAGED');
  expect((await folder.current(stem))?.generation).toBe(last);
});
