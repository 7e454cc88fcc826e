/** Store and manifest together: attacks are found, unfinished changes are finished, and neither is taken for the other. */
import {
  chmod,
  copyFile,
  mkdir,
  readdir,
  readFile,
  rename,
  truncate,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Store } from '../../../lib/contracts/store.ts';
import { KeyStoreError } from '../../../lib/errors.ts';
import type { SigningIdentity } from '../../../lib/messages/sign-message.ts';
import type { Manifest } from '../../../lib/stores/manifest/manifest.ts';
import type { ManifestedStore } from '../../../lib/stores/manifest/manifested-store.ts';
import {
  clock,
  manifestPath,
  openManifestedStore,
  randomId,
  recordBytes,
} from '../../support/manifest.ts';
import { canLoseRights, mountTmpfs, withoutRoot } from '../../support/permissions.ts';
import { testIdentity } from '../../support/signing-identity.ts';
import { temporaryFolder, type TemporaryFolder } from '../../support/temporary-folder.ts';

const ID = 'ab'.repeat(16);
const OTHER = `${'ab'.repeat(15)}ac`;

let folder: TemporaryFolder;
let home: string;
let me: SigningIdentity;
let records: ManifestedStore;

beforeEach(async () => {
  folder = await temporaryFolder();
  home = folder.path;
  me = await testIdentity();
  records = await open();
});

afterEach(() => folder.remove());

/** As another process would. */
const open = (parts: Parameters<typeof openManifestedStore>[2] = {}) =>
  openManifestedStore(home, me, parts);

const put = (id: string, version: number, store = records) =>
  store.put({ id, version, label: 'label', bytes: recordBytes(id, version) }, me, clock);

const file = (id: string, version: number) =>
  join(home, 'records', id.slice(0, 2), `${id}.${version}.cms`);

async function statuses(store?: ManifestedStore): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { id, status } of (store ?? (await open())).verify()) found[id] = status;
  return found;
}

async function codeOf(id: string, store?: ManifestedStore): Promise<string> {
  try {
    const record = await (store ?? (await open())).get(id);
    return record ? `version ${record.version}` : 'absent';
  } catch (error) {
    return KeyStoreError.is(error) ? error.code : String(error);
  }
}

describe('many new records at once', () => {
  const many = Array.from({ length: 300 }, () => randomId()).map((id) => {
    return { id, label: 'label', bytes: recordBytes(id, 1) };
  });

  it('are all there, for other processes too, and nothing is left in pending/', async () => {
    expect(await records.putAll(many, me, clock)).toEqual(many.map(() => true));
    const other = await open();
    for (const { id, bytes } of many) expect((await other.get(id))?.bytes).toEqual(bytes);
    expect(new Set(Object.values(await statuses()))).toEqual(new Set(['intact']));
    expect(await readdir(join(home, 'pending'))).toEqual([]);
  });

  it('leave alone what is there, what was removed, and what another process is faster with', async () => {
    await put(many[0]!.id, 1);
    await put(many[0]!.id, 2);
    await put(many[1]!.id, 1);
    await records.delete(many[1]!.id, 2, me, clock);
    const [ours, theirs] = await Promise.all(
      [records, await open()].map((store) => store.putAll(many, me, clock)),
    );
    const wins = many.map((_, i) => Number(ours![i]) + Number(theirs![i]));
    expect(wins).toEqual(many.map((_, i) => (i < 2 ? 0 : 1)));
    expect((await records.get(many[0]!.id))?.version).toBe(2);
    expect(await records.get(many[1]!.id)).toBeUndefined();
    expect(new Set(Object.values(await statuses()))).toEqual(new Set(['intact']));
    expect(await readdir(join(home, 'pending'))).toEqual([]);
  });

  it('are finished by whoever comes, where their writer did not get to the store', async () => {
    await writeFile(join(home, 'records'), 'no folder');
    await expect(records.putAll(many.slice(0, 3), me, clock)).rejects.toThrow(KeyStoreError);
    await unlink(join(home, 'records'));
    const other = await open();
    for (const { id, bytes } of many.slice(0, 3))
      expect((await other.get(id))?.bytes).toEqual(bytes);
    expect(await readdir(join(home, 'pending'))).toEqual([]);
  });
});

describe('a manifested store', () => {
  it('returns what was last written, to every process', async () => {
    await put(ID, 1);
    await put(ID, 2);
    await put(OTHER, 1);
    for (const store of [records, await open()]) {
      expect(await store.get(ID)).toEqual({
        id: ID,
        version: 2,
        label: 'label',
        index: 2,
        bytes: recordBytes(ID, 2),
      });
    }
    expect(await statuses()).toEqual({ [ID]: 'intact', [OTHER]: 'intact' });
    expect(await readdir(join(home, 'pending'))).toEqual([]);
  });

  it('lists what the manifest lists, in pages', async () => {
    const ids = Array.from({ length: 9 }, () => randomId()).toSorted();
    for (const id of ids) await put(id, 1);
    await records.delete(ids[4]!, 2, me, clock);
    const want = ids.toSpliced(4, 1);
    const page = async (options: { after?: string; limit?: number }) => {
      const found: string[] = [];
      for await (const { id } of records.list(options)) found.push(id);
      return found;
    };
    expect(await page({})).toEqual(want);
    expect(await page({ limit: 3 })).toEqual(want.slice(0, 3));
    expect(await page({ after: want[2]!, limit: 100 })).toEqual(want.slice(3));
  });

  it('forgets a deleted record, and goes on from its version', async () => {
    await put(ID, 1);
    await records.delete(ID, 2, me, clock);
    expect(await codeOf(ID)).toBe('absent');
    await expect(put(ID, 1)).rejects.toMatchObject({ code: 'STORE_CONFLICT' });
    await expect(records.delete(ID, 3, me, clock)).rejects.toMatchObject({
      code: 'STORE_CONFLICT',
    });
    await put(ID, 3);
    expect(await codeOf(ID)).toBe('version 3');
    expect(await statuses()).toEqual({ [ID]: 'intact' });
  });

  it('refuses a version that is not the next one, and leaves nothing behind', async () => {
    await put(ID, 1);
    for (const version of [1, 3])
      await expect(put(ID, version)).rejects.toMatchObject({ code: 'STORE_CONFLICT' });
    expect(await readdir(join(home, 'pending'))).toEqual([]);
    expect(await codeOf(ID)).toBe('version 1');
  });

  it('lets one of many writers of one version win, and the others leave nothing behind', async () => {
    const stores = await Promise.all(Array.from({ length: 6 }, () => open()));
    const results = await Promise.allSettled(
      stores.map((store, n) =>
        store.put(
          { id: ID, version: 1, label: `${n}`, bytes: recordBytes(ID, 1, `${n}`) },
          me,
          clock,
        ),
      ),
    );
    const winner = results.findIndex(({ status }) => status === 'fulfilled');
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect((await records.get(ID))?.bytes).toEqual(recordBytes(ID, 1, `${winner}`));
    expect(await readdir(join(home, 'pending'))).toEqual([]);
  });

  it('writes the same record at once from two places without losing it', async () => {
    const other = await open();
    const results = await Promise.allSettled([put(ID, 1), put(ID, 1, other)]);
    expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(await statuses()).toEqual({ [ID]: 'intact' });
  });
});

describe('an attack on a manifested store', () => {
  beforeEach(async () => {
    await put(ID, 1);
    await copyFile(file(ID, 1), join(home, 'old'));
    await put(ID, 2);
    await put(OTHER, 1);
    await put(OTHER, 2);
  });

  it('an older record put back is RECORD_ROLLED_BACK', async () => {
    await rename(join(home, 'old'), file(ID, 1));
    await unlink(file(ID, 2));
    expect(await codeOf(ID)).toBe('RECORD_ROLLED_BACK');
    expect(await statuses()).toEqual({ [ID]: 'rolled-back', [OTHER]: 'intact' });
  });

  it('an older record under the newest name is RECORD_ROLLED_BACK', async () => {
    await rename(join(home, 'old'), file(ID, 2));
    expect(await codeOf(ID)).toBe('RECORD_ROLLED_BACK');
  });

  it('an older record under a newer name is RECORD_ROLLED_BACK', async () => {
    await rename(join(home, 'old'), file(ID, 3));
    expect(await codeOf(ID)).toBe('RECORD_ROLLED_BACK');
  });

  it('a removed record is RECORD_MISSING, and still listed', async () => {
    await unlink(file(ID, 2));
    expect(await codeOf(ID)).toBe('RECORD_MISSING');
    expect(await statuses()).toEqual({ [ID]: 'missing', [OTHER]: 'intact' });
  });

  it('a record that somebody marked as deleted is RECORD_MISSING', async () => {
    await writeFile(file(ID, 3), '');
    expect(await codeOf(ID)).toBe('RECORD_MISSING');
  });

  it('two swapped records are RECORD_MISPLACED', async () => {
    await rename(file(ID, 2), join(home, 'swap'));
    await rename(file(OTHER, 2), file(ID, 2));
    await rename(join(home, 'swap'), file(OTHER, 2));
    expect(await statuses()).toEqual({ [ID]: 'misplaced', [OTHER]: 'misplaced' });
    expect(await codeOf(ID)).toBe('RECORD_MISPLACED');
  });

  it('every flipped bit is RECORD_ROLLED_BACK', async () => {
    const good = await readFile(file(ID, 2));
    for (let bit = 0; bit < good.length * 8; bit += 5) {
      const flipped = new Uint8Array(good);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      await writeFile(file(ID, 2), flipped);
      expect(await codeOf(ID, records)).toBe('RECORD_ROLLED_BACK');
    }
    await truncate(file(ID, 2), good.length - 1);
    expect(await codeOf(ID, records)).toBe('RECORD_ROLLED_BACK');
  });

  it('a planted record is reported, and never returned', async () => {
    const planted = 'cd'.repeat(16);
    await mkdir(join(home, 'records', 'cd'), { recursive: true });
    await writeFile(file(planted, 1), recordBytes(planted, 1));
    expect(await codeOf(planted)).toBe('absent');
    expect(await statuses()).toEqual({
      [ID]: 'intact',
      [OTHER]: 'intact',
      [planted]: 'planted',
    });
    // Nor removed: it is evidence.
    expect(new Uint8Array(await readFile(file(planted, 1)))).toEqual(recordBytes(planted, 1));
  });

  it('a deleted record that is put back stays deleted', async () => {
    await copyFile(file(ID, 2), join(home, 'two'));
    await records.delete(ID, 3, me, clock);
    await copyFile(join(home, 'two'), file(ID, 4));
    expect(await codeOf(ID)).toBe('absent');
    expect(await statuses()).toEqual({ [ID]: 'planted', [OTHER]: 'intact' });
  });

  it('a manifest cut back to before the last change is noticed by the record', async () => {
    const text = await readFile(manifestPath(home), 'latin1');
    await writeFile(manifestPath(home), text.slice(0, text.lastIndexOf('\n\n') + 1));
    expect(await codeOf(OTHER)).toBe('RECORD_ROLLED_BACK');
  });

  it('another record in pending/ under the right name is not believed', async () => {
    await unlink(file(ID, 2));
    await writeFile(join(home, 'pending', `${ID}.2.${'0'.repeat(16)}.cms`), 'forged');
    expect(await codeOf(ID)).toBe('RECORD_MISSING');
    await writeFile(join(home, 'pending', `${ID}.2.${'1'.repeat(16)}.cms`), recordBytes(ID, 2));
    expect(await codeOf(ID)).toBe('version 2');
  });

  it('can be told more exactly by whoever can read records', async () => {
    await writeFile(file(ID, 2), 'forged');
    const careful = await open({
      examine: (id, { bytes }) => {
        throw new KeyStoreError('BLOB_SIGNER_NOT_TRUSTED', `${id} ${bytes.length}`);
      },
    });
    expect(await codeOf(ID, careful)).toBe('BLOB_SIGNER_NOT_TRUSTED');
    expect(await codeOf(OTHER, careful)).toBe('version 2');
  });

  it('leaves a record that can be restored or given up', async () => {
    await rename(file(ID, 2), join(home, 'two'));
    expect(await codeOf(ID, records)).toBe('RECORD_MISSING');
    await rename(join(home, 'two'), file(ID, 2));
    expect(await codeOf(ID, records)).toBe('version 2');
    await unlink(file(ID, 2));
    await records.delete(ID, 3, me, clock);
    expect(await statuses()).toEqual({ [OTHER]: 'intact' });
    await put(ID, 4);
    expect(await codeOf(ID)).toBe('version 4');
  });
});

type Moment = 'before the entry' | 'before the store' | 'before tidying up';

/** Lets a writer come to a moment of its change and no further, as SIGKILL would. */
async function killed(
  moment: Moment,
  change: (doomed: ManifestedStore) => Promise<void>,
): Promise<void> {
  let parts: { store: Store; manifest: Manifest } | undefined;
  const doomed = await open({ onParts: (made) => (parts = made) });
  const { store, manifest } = parts!;
  await new Promise<void>((reached, reject) => {
    const die = () => {
      reached();
      return new Promise<never>(() => undefined);
    };
    const put = store.put.bind(store);
    if (moment === 'before the entry') manifest.append = die;
    else if (moment === 'before the store') store.put = store.delete = die;
    else store.put = (...args) => put(...args).then(die);
    change(doomed).then(() => reject(new Error('it was not killed')), reject);
  });
}

describe('a writer that was killed', () => {
  it('before the manifest has left the old state', async () => {
    await put(ID, 1);
    await killed('before the entry', (doomed) => put(ID, 2, doomed));
    expect(await codeOf(ID)).toBe('version 1');
    await killed('before the entry', (doomed) => put(OTHER, 1, doomed));
    expect(await codeOf(OTHER)).toBe('absent');
    expect(await statuses()).toEqual({ [ID]: 'intact' });
    await put(ID, 2);
    expect(await statuses()).toEqual({ [ID]: 'intact' });
  });

  it('after the manifest has left the new state, which any reader finishes', async () => {
    await put(ID, 1);
    await killed('before the store', (doomed) => put(ID, 2, doomed));
    await killed('before the store', (doomed) => put(OTHER, 1, doomed));
    expect(await readdir(join(home, 'pending'))).toHaveLength(2);
    expect(await codeOf(ID)).toBe('version 2');
    expect(await codeOf(OTHER)).toBe('version 1');
    expect(await readdir(join(home, 'pending'))).toEqual([]);
    expect(await statuses()).toEqual({ [ID]: 'intact', [OTHER]: 'intact' });
  });

  it('after the manifest is no obstacle for the next writer', async () => {
    await put(ID, 1);
    await killed('before the store', (doomed) => put(ID, 2, doomed));
    await put(ID, 3);
    expect(await codeOf(ID)).toBe('version 3');
    expect(await statuses()).toEqual({ [ID]: 'intact' });
  });

  it('several times in a row on one record has left the newest state', async () => {
    for (let version = 1; version <= 4; version++)
      await killed('before the store', (doomed) => put(ID, version, doomed));
    expect(await codeOf(ID)).toBe('version 4');
    expect(await statuses()).toEqual({ [ID]: 'intact' });
  });

  it('in the middle of a deletion has deleted', async () => {
    await put(ID, 1);
    await killed('before the store', (doomed) => doomed.delete(ID, 2, me, clock));
    expect(await codeOf(ID)).toBe('absent');
    expect(await statuses()).toEqual({});
    expect(await readdir(join(home, 'records', 'ab'))).toEqual([`${ID}.2.cms`]);
    await put(ID, 3);
    expect(await codeOf(ID)).toBe('version 3');
  });

  it('before it tidied up has left the new state, and its leftover goes when it is old', async () => {
    await killed('before tidying up', (doomed) => put(ID, 1, doomed));
    expect(await codeOf(ID)).toBe('version 1');
    const pending = join(home, 'pending');
    expect(await readdir(pending)).toHaveLength(1);
    await records.sweep();
    expect(await readdir(pending)).toHaveLength(1);
    await records.sweep(new Date(Date.now() + 2 * 3600 * 1000));
    expect(await readdir(pending)).toEqual([]);
    expect(await codeOf(ID)).toBe('version 1');
  });

  it('may be only asleep: what it has not entered yet stays for a day', async () => {
    await killed('before the entry', (doomed) => put(ID, 1, doomed));
    await records.sweep(new Date(Date.now() + 2 * 3600 * 1000));
    expect(await readdir(join(home, 'pending'))).toHaveLength(1);
    await records.sweep(new Date(Date.now() + 25 * 3600 * 1000));
    expect(await readdir(join(home, 'pending'))).toEqual([]);
  });

  it('has left a change that sweeping finishes, not drops', async () => {
    await killed('before the store', (doomed) => put(ID, 1, doomed));
    const [name] = await readdir(join(home, 'pending'));
    const yesterday = new Date(Date.now() - 30 * 3600 * 1000);
    await utimes(join(home, 'pending', name!), yesterday, yesterday);
    await (await open()).sweep();
    expect(await readdir(join(home, 'pending'))).toEqual([]);
    expect(await codeOf(ID)).toBe('version 1');
  });

  it('is finished by many readers at once, and none of them fails', async () => {
    const ids = Array.from({ length: 5 }, () => randomId());
    for (const id of ids) await killed('before the store', (doomed) => put(id, 1, doomed));
    const readers = await Promise.all(Array.from({ length: 6 }, () => open()));
    const found = await Promise.all(
      readers.flatMap((reader) => ids.map((id) => codeOf(id, reader))),
    );
    expect(new Set(found)).toEqual(new Set(['version 1']));
    expect(new Set(Object.values(await statuses()))).toEqual(new Set(['intact']));
  });

  it('is read where nothing can be finished, as unfinished', async ({ skip }) => {
    if (!canLoseRights) return skip('no rights to lose');
    await put(OTHER, 1);
    await killed('before the store', (doomed) => put(ID, 1, doomed));
    for (const path of ['', 'records', 'records/ab', 'pending'])
      await chmod(join(home, path), 0o555);
    await chmod(manifestPath(home), 0o444);
    await chmod(file(OTHER, 1), 0o444);
    const [name] = await readdir(join(home, 'pending'));
    await chmod(join(home, 'pending', name!), 0o444);
    await withoutRoot(async () => {
      expect(await codeOf(ID)).toBe('version 1');
      expect(await statuses()).toEqual({ [ID]: 'unfinished', [OTHER]: 'intact' });
      await expect(put(ID, 2, await open())).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    });
    for (const path of ['', 'records', 'records/ab', 'pending'])
      await chmod(join(home, path), 0o700);
    expect(await statuses()).toEqual({ [ID]: 'intact', [OTHER]: 'intact' });
  });
});

describe('a manifested store without room', () => {
  it('says STORAGE_FULL, loses nothing, and goes on', async ({ skip }) => {
    const disk = mountTmpfs(join(home, 'small'), 'size=128k');
    if (!disk) return skip('this user may not mount a tmpfs');
    try {
      const small = await openManifestedStore(disk.path, me);
      const bytes = new Uint8Array(9000).fill(1);
      const written: string[] = [];
      const failures: unknown[] = [];
      for (let n = 0; n < 60; n++) {
        const id = randomId();
        await small.put({ id, version: 1, label: '', bytes }, me, clock).then(
          () => written.push(id),
          (error: unknown) => failures.push(error),
        );
      }
      expect(failures.length).toBeGreaterThan(0);
      for (const failure of failures) expect(failure).toMatchObject({ code: 'STORAGE_FULL' });
      const again = await openManifestedStore(disk.path, me);
      for (const id of written) expect(await codeOf(id, again)).toBe('version 1');
      const found = Object.values(await statuses(again));
      expect(found.every((status) => ['intact', 'unfinished'].includes(status))).toBe(true);
    } finally {
      disk.unmount();
    }
  });

  it('that cannot be written at all has changed nothing', async ({ skip }) => {
    if (!canLoseRights) return skip('no rights to lose');
    await put(ID, 1);
    await chmod(home, 0o755);
    await withoutRoot(async () => {
      await expect(put(ID, 2)).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    });
    expect(await codeOf(ID)).toBe('version 1');
  });
});
