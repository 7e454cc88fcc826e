/** The directory store is a store, also between processes. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDirectoryStore } from '../../lib/stores/directory.ts';
import { testStore } from '../../lib/testing/index.ts';
import { forkTest, race } from '../support/fork.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

testStore(
  'directory',
  async () => {
    const folder = await temporaryFolder();
    const path = join(folder.path, 'records');
    return {
      store: await openDirectoryStore(path),
      openAgain: () => openDirectoryStore(path),
      dispose: () => folder.remove(),
    };
  },
  { describe, it },
);

describe('directory between processes', () => {
  it('gives each of 500 ids to exactly one of three processes', async () => {
    const folder = await temporaryFolder();
    const children = await Promise.all(
      ['1', '2', '3'].map((mine) =>
        forkTest('conformance/children/put-all.ts', [folder.path, '500', mine]),
      ),
    );
    const won = await race<number[]>(children);
    const all = won.flat().toSorted((a, b) => a - b);
    expect(all).toEqual(Array.from({ length: 500 }, (_, n) => n));
    for (const [index, numbers] of won.entries()) {
      for (const n of numbers) {
        const id = n.toString(16).padStart(32, '0');
        const file = await readFile(join(folder.path, id.slice(0, 2), `${id}.1.cms`));
        expect([...file]).toEqual([index + 1]);
      }
    }
    await folder.remove();
  });
});
