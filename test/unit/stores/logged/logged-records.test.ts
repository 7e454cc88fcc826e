/** The records of a home on an archive: what was written is read back, and what the archive has besides is not believed. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Archive } from '../../../../lib/stores/archive.ts';
import type { LoggedRecords } from '../../../../lib/stores/logged/logged-records.ts';
import { openMemoryArchive } from '../../../../lib/stores/memory.ts';
import { codeOfAsync } from '../../../support/errors.ts';
import {
  clock,
  collected,
  randomId,
  recordBytes,
  TestHome,
} from '../../../support/logged-records.ts';

let archive: Archive;
let home: TestHome;
let records: LoggedRecords;
const id = randomId();

beforeEach(async () => {
  archive = openMemoryArchive();
  home = await TestHome.make();
  records = await home.open(archive);
  await home.enter(records);
});

describe('records under a log', () => {
  it('are read back by this process and by others, version after version', async () => {
    await home.put(records, id, 1, 'reports');
    await home.put(records, id, 2, 'reports');
    const others = await home.open(archive);
    for (const reader of [records, others]) {
      expect(await reader.get(id)).toEqual({
        id,
        version: 2,
        label: 'reports',
        index: 3,
        bytes: recordBytes(id, 2),
      });
      expect(await reader.find(id)).toMatchObject({ version: 2, created: 2, index: 3 });
      expect(await reader.findByLabel('reports')).toMatchObject({ id });
      expect(await reader.findByLabel('report')).toBeUndefined();
      expect(await reader.get(randomId())).toBeUndefined();
      expect(reader.head.index).toBe(3);
      expect(reader.trust).toMatchObject({ version: 1, index: 1 });
    }
    expect(await records.verifyAll()).toEqual({ leaves: 3, covered: 0, records: 1 });
  });

  it('are deleted, and go on from there', async () => {
    await home.put(records, id);
    await home.delete(records, id, 2);
    expect(await records.get(id)).toBeUndefined();
    expect(await records.find(id)).toBeUndefined();
    expect(await records.lastVersion(id)).toBe(2);
    expect(await archive.store.get(id)).toBeUndefined();
    await home.put(records, id, 3);
    expect(await (await home.open(archive)).get(id)).toMatchObject({ version: 3 });
    expect(await collected(records.verify())).toEqual([{ id, version: 3, status: 'intact' }]);
  });

  it('are refused unless they are the next version, and then nothing has changed', async () => {
    await home.put(records, id);
    const { head } = records;
    const refused = [
      home.put(records, id, 1),
      home.put(records, id, 3),
      home.put(records, randomId(), 2),
      home.put(records, id, 2, 'another label'),
      home.delete(records, id, 1),
      home.delete(records, randomId(), 1),
      records.enterTrust(3, new Uint8Array(32), home.identity, clock),
    ];
    for (const call of refused) expect(await codeOfAsync(call)).toBe('STORE_CONFLICT');
    expect(records.head).toEqual(head);
    const stranger = await TestHome.make();
    expect(await codeOfAsync(stranger.put(records, randomId()))).toBe('STORE_CONFLICT');
  });

  it('are refused where they are out of bounds, and do not spoil those beside them', async () => {
    const put = (bytes: Uint8Array, label = 'x', name = randomId()) =>
      records.put({ id: name, version: 1, label, bytes }, home.identity, clock);
    const calls = [
      put(Uint8Array.of(1)),
      put(new Uint8Array(0)),
      put(Uint8Array.of(1), 'x'.repeat(256)),
      put(Uint8Array.of(1), 'a\u0000b'),
      put(Uint8Array.of(1), 'x', 'no id'),
      put(new Uint8Array(2 << 20)),
      put(Uint8Array.of(2)),
    ].map((call) => codeOfAsync(call));
    expect(await Promise.all(calls)).toEqual([
      'none',
      'PARAMETER_INVALID',
      'PARAMETER_INVALID',
      'PARAMETER_INVALID',
      'PARAMETER_INVALID',
      'BLOB_TOO_LARGE',
      'none',
    ]);
  });

  it('share a leaf where many are written at once, and an append where many ask at once', async () => {
    const ids = Array.from({ length: 700 }, () => randomId());
    expect(await home.putAll(records, ids)).toEqual(ids.map(() => true));
    expect(records.head.index).toBe(1 + 3);
    await Promise.all(Array.from({ length: 40 }, () => home.put(records, randomId())));
    expect(records.head.index).toBe(1 + 3 + 1);
    const again = [ids[0]!, randomId(), ids[5]!];
    expect(await home.putAll(records, again)).toEqual([false, true, false]);
    const mixed = [
      home.put(records, id, 1),
      home.put(records, id, 2),
      home.delete(records, id, 3),
      home.put(records, id, 5),
      home.put(records, id, 4),
    ].map((call) => codeOfAsync(call));
    expect(await Promise.all(mixed)).toEqual(['none', 'none', 'none', 'STORE_CONFLICT', 'none']);
    expect(await records.get(id)).toMatchObject({ version: 4 });
    expect(await records.verifyAll()).toMatchObject({ records: 742 });
  });

  it('are listed in the order in which they were made, a page at a time', async () => {
    const ids = Array.from({ length: 600 }, () => randomId());
    await home.putAll(records, ids.slice(0, 550), 'many');
    for (const one of ids.slice(550)) await home.put(records, one, 1, 'few');
    await home.put(records, ids[3]!, 2, 'many');
    await home.delete(records, ids[4]!, 2);
    const left = ids.filter((one) => one !== ids[4]);
    const listed = await collected(records.list());
    expect(listed.map((record) => record.id)).toEqual(left);
    const paged: string[] = [];
    for (let after: string | undefined; ;) {
      const page = await collected(
        records.list({ limit: 100, ...(after !== undefined && { after }) }),
      );
      if (page.length === 0) break;
      paged.push(...page.map((record) => record.id));
      after = page.at(-1)!.id;
    }
    expect(paged).toEqual(left);
    expect((await collected(records.list({ after: ids[4]!, limit: 1 })))[0]?.id).toBe(ids[5]);
    const few = await collected(records.list({ label: 'few' }));
    expect(few.map((record) => record.id)).toEqual(ids.slice(550));
    expect(await codeOfAsync(collected(records.list({ after: randomId() })))).toBe(
      'PARAMETER_INVALID',
    );
  });

  it('are found by their label, the newest first, whatever of them was deleted', async () => {
    const ids = Array.from({ length: 5 }, () => randomId());
    for (const one of ids) await home.put(records, one, 1, 'daily');
    await home.put(records, randomId(), 1, 'other');
    const labels = async () => (await collected(records.labelled('daily'))).map((one) => one.id);
    expect(await labels()).toEqual(ids.toReversed());
    await home.delete(records, ids[4]!, 2);
    await home.delete(records, ids[2]!, 2);
    expect(await labels()).toEqual([ids[3], ids[1], ids[0]]);
    expect(await records.findByLabel('daily')).toMatchObject({ id: ids[3] });
    for (const one of [3, 1, 0]) await home.delete(records, ids[one]!, 2);
    expect(await records.findByLabel('daily')).toBeUndefined();
    await home.put(records, ids[1]!, 3, 'daily');
    expect(await records.findByLabel('daily')).toMatchObject({ id: ids[1], created: 3 });
  });

  it('are closed with their archive, and refuse everything after', async () => {
    const own = await home.open(archive, { archive });
    await own.close();
    await own[Symbol.asyncDispose]();
    for (const call of [own.refresh(), own.get(id), home.put(own, id)])
      expect(await codeOfAsync(call)).toBe('HANDLE_INVALID');
  });
});

describe('what the archive has besides', () => {
  it('is missing, rolled back or planted, and never returned', async () => {
    const other = randomId();
    const planted = randomId();
    await home.put(records, id);
    await home.put(records, id, 2);
    await home.put(records, other);
    const stale = await home.open(archive);
    await archive.store.delete(id, 3);
    await archive.store.put(other, 2, recordBytes(other, 1));
    await archive.store.put(planted, 1, recordBytes(planted, 1));
    for (const reader of [records, stale, await home.open(archive)]) {
      expect(await codeOfAsync(reader.get(id))).toBe('RECORD_MISSING');
      expect(await codeOfAsync(reader.get(other))).toBe('RECORD_ROLLED_BACK');
      expect(await reader.get(planted)).toBeUndefined();
      expect(await collected(reader.planted())).toEqual([
        { id: planted, version: 1, bytes: recordBytes(planted, 1) },
      ]);
    }
    const statuses = (await collected(records.verify())).map(({ status }) => status);
    expect(statuses).toEqual(['missing', 'rolled-back', 'planted']);
    // What is lost can be given up.
    await home.delete(records, id, 3);
    await home.put(records, id, 4);
    expect(await records.get(id)).toMatchObject({ version: 4 });
  });

  it('is another version of the right number, or the record of another id or store', async () => {
    const { KeyStoreError } = await import('../../../../lib/errors.ts');
    const other = randomId();
    await home.put(records, other);
    await archive.store.put(id, 1, recordBytes(other, 1));
    // The log's own append overwrites what was planted there.
    await home.put(records, id);
    expect(await records.get(id)).toMatchObject({ version: 1, bytes: recordBytes(id, 1) });
    await archive.store.put(id, 2, recordBytes(other, 1));
    await home.put(records, other, 2);
    const examine = (asked: string, { bytes }: { bytes: Uint8Array }) => {
      if (!new TextDecoder().decode(bytes).includes(asked))
        throw new KeyStoreError('RECORD_MISPLACED');
    };
    const strict = await home.open(archive, { examine });
    expect(await codeOfAsync(strict.get(id))).toBe('RECORD_MISPLACED');
    expect(await codeOfAsync(records.get(id))).toBe('RECORD_ROLLED_BACK');
    expect(await collected(strict.verify())).toContainEqual({
      id,
      version: 1,
      status: 'misplaced',
    });
  });
});
