/** What an append takes along: only with a size, never with another call's leaves, and not to a storage without records. */
import { describe, expect, it } from 'vitest';
import {
  MemoryLogStorage,
  openFileLogStorage,
  type LogAppend,
  type LogCompanions,
} from '../../../lib/signed-log/index.ts';
import { codeOfAsync } from '../../support/errors.ts';
import { AUTHOR, openLog, someLeaves } from '../../support/signed-log.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const ALONG: LogCompanions = {
  records: [{ id: '0'.repeat(32), version: 1, bytes: Uint8Array.of(1) }],
  mapNodes: [{ hash: new Uint8Array(32), bytes: Uint8Array.of(2) }],
};

/** A double: takes companions, and remembers what it was told. */
class TakingStorage extends MemoryLogStorage {
  readonly appends: LogAppend[] = [];

  override async append({ along, ...append }: LogAppend): Promise<void> {
    await super.append(append);
    this.appends.push({ ...append, ...(along && { along }) });
  }
}

describe('what goes along with an append', () => {
  it('is refused by storages that keep no records, and nothing is appended', async () => {
    const folder = await temporaryFolder();
    for (const storage of [new MemoryLogStorage(), await openFileLogStorage(folder.path)]) {
      const log = await openLog(storage);
      const append = log.append(someLeaves(1), AUTHOR, { size: 0, along: ALONG });
      expect(await codeOfAsync(append)).toBe('NOT_SUPPORTED');
      expect(await storage.head()).toBeUndefined();
      await log.close();
    }
    await folder.remove();
  });

  it('needs the size of the log: who does not know it cannot know what follows from it', async () => {
    const log = await openLog(new TakingStorage());
    const append = log.append(someLeaves(1), AUTHOR, { along: ALONG });
    expect(await codeOfAsync(append)).toBe('PARAMETER_INVALID');
  });

  it('goes with its own leaves only, whatever waits beside them', async () => {
    const storage = new TakingStorage();
    const log = await openLog(storage);
    await Promise.all([
      log.append(someLeaves(1), AUTHOR, { size: 0, along: ALONG }),
      log.append(someLeaves(2), AUTHOR),
      log.append(someLeaves(3), AUTHOR),
    ]);
    expect(storage.appends.map(({ leaves, along }) => [leaves.length, along])).toEqual([
      [1, ALONG],
      [5, undefined],
    ]);
  });
});
