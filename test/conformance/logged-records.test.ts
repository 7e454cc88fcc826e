/** The records of homes on each archive: what is written together is there together, for two homes and for a process that opens it later. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Archive } from '../../lib/stores/archive.ts';
import { openLmdbArchive } from '../../lib/stores/lmdb.ts';
import { openMemoryArchive } from '../../lib/stores/memory.ts';
import { openPostgresArchive } from '../../lib/stores/postgres.ts';
import { codeOfAsync } from '../support/errors.ts';
import { collected, randomId, TestHome } from '../support/logged-records.ts';
import { HAS_POSTGRES, PostgresServer } from '../support/postgres.ts';
import { testIdentity } from '../support/signing-identity.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** Opens an archive that is empty, and gives what removes it. */
const ARCHIVES: [string, () => Promise<readonly [Archive, () => Promise<void>]>][] = [
  ['memory', async () => [openMemoryArchive(), async () => undefined]],
  [
    'lmdb',
    async () => {
      const folder = await temporaryFolder();
      const path = join(folder.path, `${randomBytes(4).toString('hex')}.lmdb`);
      return [await openLmdbArchive(path), () => folder.remove()];
    },
  ],
];
if (HAS_POSTGRES)
  ARCHIVES.push([
    'postgres',
    async () => {
      const server = await PostgresServer.start();
      const storeId = randomBytes(16).toString('hex');
      const archive = await openPostgresArchive({ url: server.url, storeId });
      return [archive, () => server.stop()];
    },
  ]);

describe.each(ARCHIVES)('records on %s', (_name, make) => {
  it('are those that two homes have written, and no others', async () => {
    const [archive, remove] = await make();
    const keys = [await testIdentity(), await testIdentity()] as const;
    const homes = [new TestHome(keys[0], [keys[1]]), new TestHome(keys[1], [keys[0]])] as const;
    const ours = await homes[0].open(archive);
    await homes[0].enter(ours);
    const theirs = await homes[1].open(archive);
    await homes[1].enter(theirs);
    const ids = Array.from({ length: 700 }, () => randomId());
    expect(await homes[0].putAll(ours, ids)).not.toContain(false);
    const raced = await Promise.all([
      codeOfAsync(homes[0].put(ours, ids[1]!, 2)),
      codeOfAsync(homes[1].put(theirs, ids[1]!, 2)),
      codeOfAsync(homes[1].delete(theirs, ids[2]!, 2)),
    ]);
    expect(raced.toSorted()).toEqual(['STORE_CONFLICT', 'none', 'none']);
    const planted = randomId();
    await archive.store.put(planted, 1, Uint8Array.of(1));
    await archive.store.delete(ids[3]!, 2);
    const late = await homes[1].open(archive);
    expect(await codeOfAsync(late.get(ids[3]!))).toBe('RECORD_MISSING');
    expect(await late.get(planted)).toBeUndefined();
    expect(await late.get(ids[1]!)).toMatchObject({ version: 2 });
    const listed = (await collected(late.list())).map(({ id }) => id);
    expect(listed).toEqual(ids.filter((_, i) => i !== 2));
    const { records, covered } = await late.verifyAll();
    expect([records, covered]).toEqual([699, 0]);
    expect((await late.compact()).kept).toBeGreaterThan(0);
    expect(await late.verifyAll()).toMatchObject({ records: 699 });
    await archive.close();
    await remove();
  });
});
